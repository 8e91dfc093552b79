//! The levels of one task between two traces, and the wide arithmetic that keeps them exact.

use crate::units::Usd;

/// How many causes there are.
pub(super) const CAUSES: usize = 7;

/// What pods of one task did and cost. Exact sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub pods: u64,
    pub work_ms: u128,
    pub leftover_ms: u128,
    /// Requests times hours: millicores and MiB times milliseconds.
    pub milli_ms: u128,
    pub mib_ms: u128,
    pub usd: Usd,
    /// At the prices of the trace before.
    pub usd_at_old_prices: Usd,
}

impl Cell {
    pub fn add(&mut self, other: &Self) {
        self.pods += other.pods;
        self.work_ms += other.work_ms;
        self.leftover_ms += other.leftover_ms;
        self.milli_ms += other.milli_ms;
        self.mib_ms += other.mib_ms;
        self.usd += other.usd;
        self.usd_at_old_prices += other.usd_at_old_prices;
    }

    pub fn billed_ms(&self) -> u128 {
        self.work_ms + self.leftover_ms
    }

    /// A vCPU weighs as much as 9 GiB (AWS, "Understanding split cost allocation data").
    fn requested(&self) -> u128 {
        9 * 1_024 * self.milli_ms + 1_000 * self.mib_ms
    }
}

/// The part of each cause, in the order of the table in the module's head; they sum to `b.usd - a.usd`. `runs` are those
/// of the workflow.
pub(super) fn parts(runs: (u64, u64), a: &Cell, b: &Cell, shared_nodes: bool) -> [Usd; CAUSES] {
    let levels = levels(runs, a, b, shared_nodes);
    let mut before = a.usd;
    levels.map(|level| {
        let part = level - before;
        before = level;
        part
    })
}

/// What it costs once each cause has its later value. Where there is nothing to scale, all that is left belongs to the
/// cause at hand.
fn levels(runs: (u64, u64), a: &Cell, b: &Cell, shared_nodes: bool) -> [Usd; CAUSES] {
    let mut levels = [b.usd; CAUSES];
    let (pods, pods_after) = (u128::from(a.pods), u128::from(b.pods));
    let (hours, hours_after) = (a.billed_ms(), b.billed_ms());
    if runs.0 == 0 || runs.1 == 0 {
        return levels;
    }
    levels[0] = scaled(a.usd, u128::from(runs.1), u128::from(runs.0));
    if pods == 0 || pods_after == 0 {
        return levels;
    }
    levels[1] = scaled(a.usd, pods_after, pods);
    if hours == 0 {
        return levels;
    }
    levels[2] = scaled(a.usd, b.work_ms * pods + a.leftover_ms * pods_after, hours * pods);
    levels[3] = scaled(a.usd, hours_after, hours);
    levels[4] = match (shared_nodes, a.requested()) {
        (true, requested @ 1..) => scaled(a.usd, b.requested(), requested),
        _ => b.usd_at_old_prices,
    };
    levels[5] = b.usd_at_old_prices;
    levels
}

/// `usd` × `numerator` / `denominator`, rounded once, half to even, whatever the size of the product. Above 10²¹ USD,
/// which no bill is, it stays there.
pub(super) fn scaled(usd: Usd, numerator: u128, denominator: u128) -> Usd {
    const MOST: u128 = 10u128.pow(36);
    let (quotient, remainder) = divide(multiply(usd.femto().unsigned_abs(), numerator), denominator);
    // Not `2 * remainder`, which may not fit.
    let rest = denominator - remainder;
    let up = remainder > rest || (remainder == rest && quotient % 2 == 1);
    let femto = quotient.saturating_add(u128::from(up)).min(MOST) as i128;
    Usd::from_femto(if usd < Usd::ZERO { -femto } else { femto })
}

/// The product as (high, low) halves of 256 bits.
fn multiply(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let low = a0 * b0;
    let (middle, carry) = (a1 * b0).overflowing_add(a0 * b1);
    let (low, carry_low) = low.overflowing_add(middle << 64);
    let high = a1 * b1 + (middle >> 64) + (u128::from(carry) << 64) + u128::from(carry_low);
    (high, low)
}

/// Quotient, at most `u128::MAX`, and remainder: long division bit by bit.
fn divide((high, low): (u128, u128), by: u128) -> (u128, u128) {
    if high >= by {
        return (u128::MAX, 0);
    }
    let (mut remainder, mut quotient) = (high, 0u128);
    for bit in (0..128).rev() {
        let overflow = remainder >> 127 == 1;
        remainder = remainder << 1 | (low >> bit & 1);
        quotient <<= 1;
        if overflow || remainder >= by {
            remainder = remainder.wrapping_sub(by);
            quotient |= 1;
        }
    }
    (quotient, remainder)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scaling_rounds_half_to_even_and_does_not_overflow() {
        // (femto-dollars, numerator, denominator, expected)
        let cases = [
            (1, 1, 2, 0),
            (3, 1, 2, 2),
            (-3, 1, 2, -2),
            (5, 1, 2, 2),
            (7, 2, 3, 5), // 4.67
            (0, 5, 7, 0),
            (10i128.pow(30), 10u128.pow(20), 10u128.pow(22), 10i128.pow(28)),
            (10i128.pow(30), u128::MAX, u128::MAX, 10i128.pow(30)),
            (i128::MAX, 2, 1, 10i128.pow(36)),
            (i128::MAX, u128::MAX, 1, 10i128.pow(36)),
        ];
        for (usd, numerator, denominator, expected) in cases {
            let result = scaled(Usd::from_femto(usd), numerator, denominator);
            assert_eq!(result.femto(), expected, "{usd} × {numerator} / {denominator}");
        }
    }

    proptest! {
        #[test]
        fn scaling_agrees_with_money_where_that_fits(
            usd in -1_000_000_000_000i128..1_000_000_000_000,
            numerator in 0u128..1_000_000_000_000,
            denominator in 1u128..1_000_000_000_000,
        ) {
            let usd = Usd::from_femto(usd);
            prop_assert_eq!(scaled(usd, numerator, denominator), usd.scaled(numerator as i128, denominator as i128));
        }
    }
}
