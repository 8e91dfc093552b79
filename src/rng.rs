//! Random draws that do not depend on the order in which they are asked for.
//!
//! A draw is a function of (seed, purpose, key, counter): there is no stream to advance. The same pod gets the
//! same luck on every platform, so differences between platforms are differences of policy, and adding a draw
//! in one place moves no result elsewhere. Floats go through `libm`, which is the same on every machine.

use crate::units::Span;

/// What a draw decides. The numbers are part of the results: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Dispatch = 1,
    Detection = 2,
    FargateRegister = 3,
    ContainerCreate = 4,
    SchedulerTie = 5,
    LeftoverPod = 6,
    LaunchToPending = 7,
    PendingToKernel = 8,
    KernelToRegistered = 9,
    RegisteredToReady = 10,
    /// A node's name, which decides ties.
    NodeName = 11,
    /// Which of several zones or pools that are equally cheap EC2 takes.
    OfferTie = 12,
    /// When the next event of a Spot pool comes.
    PoolEvent = 13,
    /// How long a Spot pool has no capacity after an event.
    PoolShortage = 14,
    /// Whether an event of a pool takes a given node, and how long after its beginning.
    PoolHit = 15,
    PoolHitDelay = 16,
    CreateFleet = 17,
    /// Where among the nodes kube-scheduler begins to look for victims.
    Preemption = 18,
    /// Which of several equally good node groups Cluster Autoscaler expands.
    Expander = 24,
    /// Everything in a generated trace.
    Synthetic = 100,
    /// How far from its original a copy of a workflow run starts in a grown trace.
    Growth = 101,
}

/// All draws of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    seed: u64,
}

impl Draws {
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed of a further history: another one for each number. History 0 is the seed's own.
    pub const fn replication(seed: u64, number: u32) -> u64 {
        if number == 0 { seed } else { mix(seed ^ mix(0x5265_706c << 32 | number as u64)) }
    }

    /// 64 uniform bits.
    pub fn bits(self, purpose: Purpose, key: u64, counter: u32) -> u64 {
        let stream = mix(self.seed ^ mix((purpose as u64) << 32 | u64::from(counter)));
        mix(stream ^ mix(key))
    }

    /// Uniform in 0..n. The bias is below n / 2⁶⁴.
    pub fn below(self, purpose: Purpose, key: u64, counter: u32, n: u64) -> u64 {
        ((u128::from(self.bits(purpose, key, counter)) * u128::from(n)) >> 64) as u64
    }

    /// Uniform in the open interval (0, 1): a quantile that every distribution accepts.
    pub fn quantile(self, purpose: Purpose, key: u64, counter: u32) -> f64 {
        ((self.bits(purpose, key, counter) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

/// A stable 64-bit key of some bytes and a number: FNV-1a, then mixed. Never changes between versions.
pub fn key_of(parts: &[&str], number: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    mix(hash ^ mix(number))
}

/// The finalizer of SplitMix64: a bijection in which every input bit moves every output bit.
const fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A duration given by its median and 95th percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Duration {
    Constant(Span),
    /// Logarithm of the median in milliseconds, and standard deviation of the logarithm.
    LogNormal {
        mu: f64,
        sigma: f64,
    },
}

/// No draw is longer than a year: the far tail of a very wide distribution must not overflow time.
const LONGEST_MS: f64 = 366.0 * 86_400_000.0;

/// The 95 % quantile of the standard normal distribution.
const Z95: f64 = 1.644_853_626_951_472_2;

impl Duration {
    /// Log-normal through both points; constant when they are equal or the median is zero.
    pub fn from_median_p95(median: Span, p95: Span) -> Self {
        if median == p95 || median == Span::ZERO {
            return Self::Constant(median);
        }
        let mu = libm::log(median.ms() as f64);
        Self::LogNormal { mu, sigma: (libm::log(p95.ms() as f64) - mu) / Z95 }
    }

    /// The value at `quantile`, in whole milliseconds, rounded half to even.
    pub fn at(self, quantile: impl FnOnce() -> f64) -> Span {
        match self {
            Self::Constant(span) => span,
            Self::LogNormal { mu, sigma } => {
                let ms = libm::exp(mu + sigma * standard_normal(quantile()));
                Span::from_ms(libm::rint(ms.min(LONGEST_MS)) as i64)
            }
        }
    }
}

/// The quantile function of the standard normal distribution, to about 16 digits.
///
/// M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37
/// (1988), function PPND16.
fn standard_normal(p: f64) -> f64 {
    const CENTRAL: ([f64; 8], [f64; 8]) = (
        [
            3.387_132_872_796_366_6,
            133.141_667_891_784_38,
            1_971.590_950_306_551_3,
            13_731.693_765_509_46,
            45_921.953_931_549_87,
            67_265.770_927_008_7,
            33_430.575_583_588_13,
            2_509.080_928_730_122_7,
        ],
        [
            1.0,
            42.313_330_701_600_91,
            687.187_007_492_057_9,
            5_394.196_021_424_751,
            21_213.794_301_586_597,
            39_307.895_800_092_71,
            28_729.085_735_721_943,
            5_226.495_278_852_545,
        ],
    );
    const NEAR_TAIL: ([f64; 8], [f64; 8]) = (
        [
            1.423_437_110_749_683_5,
            4.630_337_846_156_546,
            5.769_497_221_460_691,
            3.647_848_324_763_204_5,
            1.270_458_252_452_368_4,
            0.241_780_725_177_450_6,
            0.022_723_844_989_269_184,
            7.745_450_142_783_414e-4,
        ],
        [
            1.0,
            2.053_191_626_637_759,
            1.676_384_830_183_803_8,
            0.689_767_334_985_1,
            0.148_103_976_427_480_08,
            0.015_198_666_563_616_457,
            5.475_938_084_995_345e-4,
            1.050_750_071_644_416_9e-9,
        ],
    );
    const FAR_TAIL: ([f64; 8], [f64; 8]) = (
        [
            6.657_904_643_501_103,
            5.463_784_911_164_114,
            1.784_826_539_917_291_3,
            0.296_560_571_828_504_87,
            0.026_532_189_526_576_124,
            0.001_242_660_947_388_078_4,
            2.711_555_568_743_487_6e-5,
            2.010_334_399_292_288_1e-7,
        ],
        [
            1.0,
            0.599_832_206_555_888,
            0.136_929_880_922_735_8,
            0.014_875_361_290_850_615,
            7.868_691_311_456_133e-4,
            1.846_318_317_510_054_8e-5,
            1.421_511_758_316_446e-7,
            2.044_263_103_389_939_8e-15,
        ],
    );
    fn ratio((top, bottom): &([f64; 8], [f64; 8]), r: f64) -> f64 {
        let horner = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, k| sum * r + k);
        horner(top) / horner(bottom)
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRAL, 0.180_625 - q * q);
    }
    let r = libm::sqrt(-libm::log(p.min(1.0 - p)));
    let value = if r <= 5.0 { ratio(&NEAR_TAIL, r - 1.6) } else { ratio(&FAR_TAIL, r - 5.0) };
    if q < 0.0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_quantile_agrees_with_published_values() {
        // Tables of the standard normal distribution; the last two are far tails.
        let cases = [
            (0.5, 0.0),
            (0.75, 0.674_489_750_196_081_7),
            (0.95, Z95),
            (0.975, 1.959_963_984_540_054),
            (0.001, -3.090_232_306_167_813_5),
            (1e-10, -6.361_340_902_404_056),
            (1e-20, -9.262_340_089_798_408),
        ];
        for (p, z) in cases {
            assert!((standard_normal(p) - z).abs() < 1e-12, "{p}: {}", standard_normal(p));
        }
    }

    #[test]
    fn a_duration_passes_through_its_median_and_p95() {
        let duration = Duration::from_median_p95(Span::from_secs(45), Span::from_secs(90));
        assert_eq!(duration.at(|| 0.5), Span::from_secs(45));
        assert_eq!(duration.at(|| 0.95), Span::from_secs(90));
        let constant = Duration::from_median_p95(Span::from_secs(2), Span::from_secs(2));
        assert_eq!(constant.at(|| unreachable!("a constant needs no draw")), Span::from_secs(2));
    }

    #[test]
    fn draws_depend_on_every_part_of_their_key_and_on_nothing_else() {
        let draws = Draws::new(1);
        let base = draws.bits(Purpose::Dispatch, 7, 0);
        assert_eq!(base, Draws::new(1).bits(Purpose::Dispatch, 7, 0));
        assert_ne!(base, Draws::new(2).bits(Purpose::Dispatch, 7, 0));
        assert_ne!(base, draws.bits(Purpose::Detection, 7, 0));
        assert_ne!(base, draws.bits(Purpose::Dispatch, 8, 0));
        assert_ne!(base, draws.bits(Purpose::Dispatch, 7, 1));
        assert_ne!(key_of(&["ab", "c"], 1), key_of(&["a", "bc"], 1));
    }

    #[test]
    fn quantiles_are_uniform() {
        // 100,000 draws: each tenth holds 10,000 ± 5 standard deviations (±475).
        let mut tenths = [0i64; 10];
        for key in 0..100_000 {
            tenths[(Draws::new(42).quantile(Purpose::ContainerCreate, key, 0) * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|n| (n - 10_000).abs() < 475), "{tenths:?}");
    }
}
