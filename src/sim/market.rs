//! The Spot market: when EC2 takes instances back, and when it has none.
//!
//! A pool is an instance type in a zone. Interruptions of a pool come together: in one published study of 2,635 of
//! them over 92 % of those in one pool fell within three minutes (arXiv 2604.16457). So the model draws events of
//! pools, not of instances: an event takes a share of the pool's instances within three minutes, and for a while the
//! pool has no capacity. How often follows from the Spot Advisor's bucket, which says what share of the instances of
//! a type was taken back in a month.
//!
//! Events are a function of (seed, type, zone): every platform of a run meets the same market.

use rustc_hash::FxHashMap;

use crate::catalog::{Catalog, InterruptionBucket, TypeId};
use crate::platform;
use crate::rng::{Draws, Duration, Purpose, key_of};
use crate::units::{Span, Time};

/// Between the interruption notice and the end of the instance.
pub const NOTICE: Span = Span::from_secs(120);
/// Instances that an event takes are taken within this time.
const TAKEN_WITHIN_MS: u64 = 180_000;
const MONTH_MS: f64 = 730.0 * 3_600_000.0;

pub struct Market<'a> {
    catalog: &'a Catalog,
    config: &'a platform::Spot,
    draws: Draws,
    start: Time,
    shortage: Duration,
    pools: FxHashMap<Pool, History>,
}

/// An instance type in a zone.
pub type Pool = (TypeId, u8);

/// The events of a pool as far as they have been needed.
struct History {
    key: u64,
    /// Mean time between drawn events in milliseconds; infinite for a pool that has none.
    mean_ms: f64,
    events: Vec<PoolEvent>,
    /// Drawn events come after this time, or there are none.
    drawn_until: Option<Time>,
    drawn: u32,
}

/// EC2 takes instances of a pool back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolEvent {
    pub at: Time,
    /// Until when the pool has no capacity.
    pub short_until: Time,
    /// The share of the instances that are taken, in parts per million.
    pub taken_ppm: u32,
    /// Tells events of a pool apart.
    pub number: u32,
}

impl<'a> Market<'a> {
    pub fn new(catalog: &'a Catalog, config: &'a platform::Spot, draws: Draws, start: Time) -> Self {
        let shortage = Duration::from_median_p95(config.shortage.median, config.shortage.p95);
        Self { catalog, config, draws, start, shortage, pools: FxHashMap::default() }
    }

    /// Whether EC2 has an instance of this pool to give.
    pub fn has_capacity(&mut self, pool: Pool, now: Time) -> bool {
        let events = self.events_until(pool, now);
        !events.iter().any(|event| event.at <= now && now < event.short_until)
    }

    /// The first event of a pool after `now`.
    pub fn next_event(&mut self, pool: Pool, now: Time) -> Option<PoolEvent> {
        let events = self.events_until(pool, now);
        events.iter().filter(|event| event.at > now).min_by_key(|event| (event.at, event.number)).copied()
    }

    /// The events of a pool at `now`.
    pub fn events_at(&mut self, pool: Pool, now: Time) -> Vec<PoolEvent> {
        self.events_until(pool, now).iter().filter(|event| event.at == now).copied().collect()
    }

    /// How long after the beginning of an event the instance with this key gets its notice; `None` if it is spared.
    pub fn is_taken(&self, pool: Pool, event: &PoolEvent, instance: u64) -> Option<Span> {
        let key = key_of(&["spot"], instance ^ self.pools.get(&pool)?.key);
        let draw = self.draws.below(Purpose::PoolHit, key, event.number, 1_000_000);
        (draw < u64::from(event.taken_ppm)).then(|| {
            let delay = self.draws.below(Purpose::PoolHitDelay, key, event.number, TAKEN_WITHIN_MS);
            Span::from_ms(delay as i64)
        })
    }

    /// All events up to `now`, and at least one later one if there is any.
    fn events_until(&mut self, pool: Pool, now: Time) -> &[PoolEvent] {
        let Self { catalog, config, draws, start, shortage, pools } = self;
        let history = pools.entry(pool).or_insert_with(|| History::new(catalog, config, *start, pool));
        while let Some(last) = history.drawn_until.filter(|last| *last <= now) {
            let quantile = draws.quantile(Purpose::PoolEvent, history.key, history.drawn);
            let wait = -libm::log(quantile) * history.mean_ms;
            // Beyond a century there is nothing to simulate.
            if !wait.is_finite() || wait > 3.2e12 {
                history.drawn_until = None;
                break;
            }
            let at = last + Span::from_ms(libm::rint(wait) as i64);
            let short = shortage.at(|| draws.quantile(Purpose::PoolShortage, history.key, history.drawn));
            let number = history.events.len() as u32;
            let taken_ppm = config.pool_loss_ppm;
            history.events.push(PoolEvent { at, short_until: at + short, taken_ppm, number });
            history.drawn += 1;
            history.drawn_until = Some(at);
        }
        &history.events
    }
}

impl History {
    fn new(catalog: &Catalog, config: &platform::Spot, start: Time, pool: Pool) -> Self {
        let (id, zone) = pool;
        let name = &catalog.instance_type(id).name;
        let zone_name = catalog.zones.get(usize::from(zone)).map_or("", |zone| zone);
        let prescribed = config.events.iter().filter(|event| {
            event.instance_type.as_ref().is_none_or(|wanted| wanted == name)
                && event.zone.as_ref().is_none_or(|letter| zone_name.ends_with(letter.as_str()))
        });
        let events: Vec<PoolEvent> = prescribed
            .zip(0..)
            .map(|(event, number)| PoolEvent {
                at: start + event.at,
                short_until: start + event.at + event.shortage,
                taken_ppm: event.reclaims_ppm,
                number,
            })
            .collect();
        let mean_ms = mean_between_events(catalog, config, id);
        let drawn_until = mean_ms.is_finite().then_some(start);
        Self { key: key_of(&["pool", name, zone_name], 0), mean_ms, events, drawn_until, drawn: 0 }
    }
}

/// An instance that is taken back with rate h sees events of its pool with rate h ÷ (share that an event takes).
fn mean_between_events(catalog: &Catalog, config: &platform::Spot, id: TypeId) -> f64 {
    let bucket = catalog.spot_advice(id).map_or(InterruptionBucket::Over20, |advice| advice.bucket);
    let hazard = hazard_per_ms(bucket) * f64::from(config.hazard_permille) / 1_000.0;
    let taken = f64::from(config.pool_loss_ppm) / 1_000_000.0;
    if hazard > 0.0 && taken > 0.0 { taken / hazard } else { f64::INFINITY }
}

/// The rate at which an instance is taken back if the middle of its bucket is the share of a month: a share p in a
/// month is the rate −ln(1 − p) a month. The open bucket counts as 25 %.
pub fn hazard_per_ms(bucket: InterruptionBucket) -> f64 {
    let (low, high) = bucket.percent();
    let share = f64::from(low + high.unwrap_or(30)) / 200.0;
    -libm::log(1.0 - share) / MONTH_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Snapshot;
    use crate::platform::SpotEvent;

    fn market<'a>(catalog: &'a Catalog, config: &'a platform::Spot, seed: u64) -> Market<'a> {
        Market::new(catalog, config, Draws::new(seed), Time::from_ms(0))
    }

    const YEAR_MS: i64 = 365 * 86_400_000;

    #[test]
    fn a_bucket_becomes_a_rate() {
        // 20 to 30 % a month: 25 %. −ln(0.75) = 0.28768 a month, or 3.94e-4 an hour.
        let per_hour = hazard_per_ms(InterruptionBucket::Over20) * 3_600_000.0;
        assert!((per_hour - 3.9409e-4).abs() < 1e-8, "{per_hour}");
        // Below 5 %: 2.5 %. −ln(0.975) = 0.025318 a month.
        let per_month = hazard_per_ms(InterruptionBucket::Under5) * MONTH_MS;
        assert!((per_month - 0.025_318).abs() < 1e-6, "{per_month}");
    }

    #[test]
    fn instances_are_taken_as_often_as_the_advisor_says() {
        // A thousand instances that each run for a year, in one pool: with rate h an instance is taken h × 12 times.
        let catalog = Snapshot::embedded().region("us-east-1").unwrap();
        let pool = (catalog.find("m5.large").unwrap(), 0);
        let config = platform::Spot::default();
        let bucket = catalog.spot_advice(pool.0).unwrap().bucket;
        let expected = hazard_per_ms(bucket) * YEAR_MS as f64;
        let mut taken = 0;
        let years = 400;
        for seed in 0..years {
            let mut market = market(&catalog, &config, seed);
            let mut now = Time::from_ms(0);
            while let Some(event) = market.next_event(pool, now).filter(|event| event.at.ms() < YEAR_MS) {
                now = event.at;
                taken += u32::from(market.is_taken(pool, &event, seed).is_some());
            }
        }
        let mean = f64::from(taken) / years as f64;
        // Standard error: √(expected / years), since a taken event is one of a Poisson process.
        let error = (expected / years as f64).sqrt();
        assert!((mean - expected).abs() < 4.0 * error, "{mean} against {expected} ± {error}");
    }

    #[test]
    fn an_event_takes_its_share_within_three_minutes_and_leaves_a_shortage() {
        let catalog = Snapshot::embedded().region("us-east-1").unwrap();
        let pool = (catalog.find("m5.large").unwrap(), 1);
        let config = platform::Spot { pool_loss_ppm: 300_000, ..platform::Spot::default() };
        let mut market = market(&catalog, &config, 7);
        let event = market.next_event(pool, Time::from_ms(0)).unwrap();
        let delays: Vec<Span> = (0..10_000).filter_map(|i| market.is_taken(pool, &event, i)).collect();
        // 3,000 ± 4 × √(10,000 × 0.3 × 0.7) = 183.
        assert!((2_817..=3_183).contains(&delays.len()), "{}", delays.len());
        assert!(delays.iter().all(|delay| delay.ms() < 180_000));
        assert!(market.has_capacity(pool, event.at - Span::from_ms(1)));
        assert!(!market.has_capacity(pool, event.at));
        assert!(market.has_capacity(pool, event.short_until));
    }

    #[test]
    fn a_scenario_can_prescribe_events_and_switch_the_drawn_ones_off() {
        let catalog = Snapshot::embedded().region("us-east-1").unwrap();
        let event = SpotEvent {
            at: Span::from_secs(600),
            instance_type: Some("m5.large".into()),
            zone: Some("b".into()),
            reclaims_ppm: 1_000_000,
            shortage: Span::from_secs(60),
        };
        let config = platform::Spot { hazard_permille: 0, events: vec![event], ..platform::Spot::default() };
        let mut market = market(&catalog, &config, 1);
        let id = catalog.find("m5.large").unwrap();
        let now = Time::from_ms(0);
        assert_eq!(market.next_event((id, 0), now), None);
        assert_eq!(market.next_event((catalog.find("m5.xlarge").unwrap(), 1), now), None);
        let event = market.next_event((id, 1), now).unwrap();
        assert_eq!((event.at.ms(), event.short_until.ms()), (600_000, 660_000));
        assert!(market.is_taken((id, 1), &event, 99).is_some());
        assert_eq!(market.next_event((id, 1), event.at), None);
    }
}
