//! Growth of traces that nobody thought of.

use cost_sim::platform::Defaults;
use cost_sim::trace::{Growth, ReadOptions, Trace, canonical_order, grow, read, sha256};
use cost_sim::workload;
use proptest::prelude::*;

use crate::support::generate::*;
use crate::support::*;

fn trace(rows: &[Row]) -> Trace {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.csv");
    #[expect(clippy::disallowed_methods, reason = "tests prepare files")]
    std::fs::write(&path, csv(rows)).unwrap();
    read(&[path], &ReadOptions::default(), &mut |_| {}).unwrap_or_else(|e| panic!("{}", e.render())).0
}

fn hash(trace: &Trace) -> String {
    sha256(trace, &canonical_order(trace))
}

fn times(factor: &str) -> Growth {
    Growth::of(Growth::parse_factor(factor).unwrap())
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn every_trace_grows_into_one_that_makes_sense(
        rows in traces(Features::ALL, any::<bool>()), order in any::<u64>(), seed in any::<u64>(),
    ) {
        let original = trace(&rows);
        prop_assert_eq!(hash(&grow(&original, &times("1"), seed).unwrap()), hash(&original));
        let other_order = trace(&shuffled(&rows, order));
        for factor in ["0.4", "1.7", "2", "3"] {
            let grown = grow(&original, &times(factor), seed).unwrap();
            prop_assert_eq!(hash(&grown), hash(&grow(&other_order, &times(factor), seed).unwrap()));
            let built = workload::build(&grown, &canonical_order(&grown), &Defaults::default(), grown.files[0].window());
            prop_assert!(built.is_ok(), "×{}: {:?}", factor, built.err());
            if let Ok(whole) = factor.parse::<usize>() {
                prop_assert_eq!(grown.rows(), whole * rows.len());
            }
        }
    }
}
