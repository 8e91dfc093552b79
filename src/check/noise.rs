//! How far a change is told from luck, where several histories were simulated.
//!
//! The histories of two states draw the same luck (same seeds), so their differences history by history are far less
//! spread than the histories themselves: a paired t interval. Where the saved report cannot be repeated, only its means
//! and spreads are known: Welch's t interval.

use std::collections::BTreeMap;

use super::result::Noise;
use crate::report::{PlatformReport, Spread, spread, student_t_975};

/// Numbers of which increases are judged.
pub(super) const JUDGED: [&str; 4] =
    ["cost.total_usd", "latency.makespan_s.mean", "latency.makespan_s.p99", "latency.start_delay_s.p99"];

type Histories = [BTreeMap<String, f64>];

/// From the same luck, history by history.
pub(super) fn paired(before: &Histories, after: &Histories) -> BTreeMap<String, Noise> {
    if before.len() < 2 || before.len() != after.len() {
        return BTreeMap::new();
    }
    let noise = |path: &str| {
        let differences: Option<Vec<f64>> =
            before.iter().zip(after).map(|(b, a)| Some(a.get(path)? - b.get(path)?)).collect();
        let Spread { mean, ci95, .. } = spread(differences?);
        Some((path.to_owned(), judged(mean, ci95, true)))
    };
    JUDGED.into_iter().filter_map(noise).collect()
}

/// From two samples of which only mean and spread are known.
pub(super) fn unpaired(before: &PlatformReport, after: &PlatformReport) -> BTreeMap<String, Noise> {
    let (Some(before), Some(after)) = (&before.replications, &after.replications) else {
        return BTreeMap::new();
    };
    let noise = |path: &str| {
        let (b, a) = (before.metrics.get(path)?, after.metrics.get(path)?);
        let of = |spread: &Spread, n: u64| spread.sd * spread.sd / n as f64;
        let (vb, va) = (of(b, before.n), of(a, after.n));
        let mean = a.mean - b.mean;
        // Degrees of freedom by Welch and Satterthwaite, rounded down.
        let spread = |v: f64, n: u64| v * v / (n.max(2) - 1) as f64;
        let denominator = spread(vb, before.n) + spread(va, after.n);
        let degrees = if denominator > 0.0 { (vb + va).powi(2) / denominator } else { 1e6 };
        let half =
            if vb + va > 0.0 { student_t_975((degrees as usize).max(1)) * (vb + va).sqrt() } else { 0.0 };
        Some((path.to_owned(), judged(mean, [mean - half, mean + half], false)))
    };
    JUDGED.into_iter().filter_map(noise).collect()
}

fn judged(mean: f64, ci95: [f64; 2], paired: bool) -> Noise {
    Noise { mean, ci95, within_noise: ci95[0] <= 0.0 && ci95[1] >= 0.0, paired }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Replications, sample};

    fn histories(costs: &[f64]) -> Vec<BTreeMap<String, f64>> {
        costs.iter().map(|cost| BTreeMap::from([("cost.total_usd".to_owned(), *cost)])).collect()
    }

    /// Differences 1, 2, 3: mean 2, sd 1, half = 4.3027 × 1 / √3 = 2.484, so zero is in [-0.484, 4.484]. With
    /// 1.9, 2.0, 2.1: sd 0.1, half 0.2484: it is not.
    #[test]
    fn pairs_tell_more_than_means() {
        let before = histories(&[100.0, 200.0, 300.0]);
        let wide = paired(&before, &histories(&[101.0, 202.0, 303.0]))["cost.total_usd"];
        assert!((wide.ci95[0] + 0.484).abs() < 1e-3 && wide.within_noise, "{wide:?}");
        let narrow = paired(&before, &histories(&[101.9, 202.0, 302.1]))["cost.total_usd"];
        assert!((narrow.ci95[0] - 1.7516).abs() < 1e-3 && !narrow.within_noise, "{narrow:?}");
        let same = paired(&before, &before)["cost.total_usd"];
        assert!(same.within_noise && same.ci95.iter().all(|bound| bound.abs() < 1e-12), "{same:?}");
        assert_eq!(paired(&before[..1], &before[..1]), BTreeMap::new());
        assert_eq!(paired(&before, &before[..2]), BTreeMap::new());
    }

    /// Two samples of 10 with sd 1 whose means differ by d: v = 0.1 each, degrees 18, t = 2.101, half = 0.9396.
    #[test]
    fn means_are_compared_by_welch() {
        let platform = |mean: f64| {
            let mut platform = sample::report().platforms.remove(0);
            let metric = Spread { mean, sd: 1.0, ci95: [0.0; 2], p5: 0.0, p50: 0.0, p95: 0.0 };
            let metrics = BTreeMap::from([("cost.total_usd".to_owned(), metric)]);
            platform.replications = Some(Replications { n: 10, metrics });
            platform
        };
        for (mean, within) in [(10.93, true), (10.95, false), (9.05, false), (10.0, true)] {
            let noise = unpaired(&platform(10.0), &platform(mean))["cost.total_usd"];
            assert_eq!(noise.within_noise, within, "{noise:?}");
        }
        assert_eq!(unpaired(&sample::report().platforms[0], &platform(1.0)), BTreeMap::new());
    }
}
