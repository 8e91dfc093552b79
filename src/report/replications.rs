//! What several histories of one platform have in common: mean, spread and confidence of every number.
//!
//! The same numbers as in the main block, by their paths in `report.json`. The main block stays history 0, exact.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{PlatformReport, Replications, Spread};

/// The parts of a platform's report that differ from history to history and are numbers.
const PARTS: [&str; 6] = ["cost", "latency", "pods", "capacity", "disruption", "spot"];
/// Details of the bill and lists: their entries need not be the same ones in every history.
const LEFT_OUT: [&str; 5] = ["items", "by_instance_type", "allocation", "savings_plan", "evictions"];

/// Every number of a report by its path, such as `latency.makespan_s.p99`.
pub fn numbers(report: &PlatformReport) -> BTreeMap<String, f64> {
    let value = serde_json::to_value(report).unwrap_or(Value::Null);
    let mut numbers = BTreeMap::new();
    for part in PARTS {
        if let Some(value) = value.get(part) {
            collect(part, value, &mut numbers);
        }
    }
    numbers
}

fn collect(path: &str, value: &Value, numbers: &mut BTreeMap<String, f64>) {
    match value {
        Value::Number(number) => numbers.extend(number.as_f64().map(|n| (path.to_owned(), n))),
        // Money is a decimal string.
        Value::String(text) => numbers.extend(text.parse::<f64>().ok().map(|n| (path.to_owned(), n))),
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str())) {
                collect(&format!("{path}.{name}"), value, numbers);
            }
        }
        _ => {}
    }
}

/// Sums up histories; a number that is missing in one of them is left out.
pub fn replications(histories: &[BTreeMap<String, f64>]) -> Option<Replications> {
    let first = histories.first().filter(|_| histories.len() > 1)?;
    let metrics = first
        .keys()
        .filter_map(|path| {
            let values: Option<Vec<f64>> =
                histories.iter().map(|numbers| numbers.get(path).copied()).collect();
            Some((path.clone(), spread(values?)))
        })
        .collect();
    Some(Replications { n: histories.len() as u64, metrics })
}

/// At least two values.
pub fn spread(mut values: Vec<f64>) -> Spread {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let sd = variance.sqrt();
    let half = student_t_975(values.len() - 1) * sd / n.sqrt();
    values.sort_by(f64::total_cmp);
    // Nearest rank, as everywhere.
    let at = |percent: usize| values[(values.len() * percent).div_ceil(100).max(1) - 1];
    Spread { mean, sd, ci95: [mean - half, mean + half], p5: at(5), p50: at(50), p95: at(95) }
}

/// The 97.5 % quantile of Student's t distribution, by the expansion of Cornish and Fisher (Abramowitz & Stegun
/// 26.7.5), which is good to three digits from four degrees of freedom on; below, exact values.
pub(crate) fn student_t_975(degrees: usize) -> f64 {
    const EXACT: [f64; 4] = [f64::INFINITY, 12.706_204_7, 4.302_652_7, 3.182_446_3];
    if let Some(exact) = EXACT.get(degrees) {
        return *exact;
    }
    let z: f64 = 1.959_963_985;
    let n = degrees as f64;
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
        (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1_482.0 * z.powi(5) - 1_920.0 * z.powi(3) - 945.0 * z)
            / 92_160.0,
    ];
    z + terms[0] / n + terms[1] / n.powi(2) + terms[2] / n.powi(3) + terms[3] / n.powi(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn quantiles_of_student_agree_with_the_tables() {
        for (degrees, expected) in [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (5, 2.571),
            (9, 2.262),
            (29, 2.045),
            (99, 1.984),
        ] {
            let got = student_t_975(degrees);
            assert!((got - expected).abs() < 1.5e-3, "{degrees}: {got} instead of {expected}");
        }
    }

    #[test]
    fn a_spread_is_that_of_the_histories() {
        let history = |value: f64| BTreeMap::from([("cost.total_usd".to_owned(), value)]);
        let all = replications(&[2.0, 4.0, 4.0, 6.0].map(history)).unwrap();
        let cost = &all.metrics["cost.total_usd"];
        // Mean 4; squares 4 + 0 + 0 + 4 = 8, over 3: sd 1.633; half-width 3.182 × 1.633 ÷ 2 = 2.598.
        assert_eq!((all.n, cost.mean, cost.p5, cost.p50, cost.p95), (4, 4.0, 2.0, 4.0, 6.0));
        assert!((cost.sd - 1.633).abs() < 1e-3);
        assert!((cost.ci95[0] - 1.402).abs() < 1e-3 && (cost.ci95[1] - 6.598).abs() < 1e-3, "{cost:?}");
        assert_eq!(replications(&[history(1.0)]), None, "one history has no spread");
    }

    #[test]
    fn numbers_have_the_paths_of_the_report() {
        let numbers = numbers(&sample::report().platforms[0]);
        for path in ["cost.total_usd", "latency.makespan_s.p99", "pods.succeeded", "spot.interruptions"] {
            assert!(numbers.contains_key(path), "{path} is not among {:?}", numbers.keys());
        }
        assert!(!numbers.keys().any(|path| path.contains("items")));
    }
}
