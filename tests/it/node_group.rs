//! The built-in `node-group`: Cluster Autoscaler on real instance types, from trace to report.

use cost_sim::ledger::{EndReason, Machine, Outcome};
use cost_sim::platform::{Platform, Settings};
use cost_sim::units::Span;

use crate::support::*;

fn built_in(name: &str) -> Platform {
    Platform::built_in(name).expect("it is built in")
}

#[test]
fn the_built_in_group_grows_from_zero_and_back() {
    for (name, spot) in [("node-group", false), ("node-group-spot", true)] {
        let mut settings = Settings::default();
        settings.spot.hazard_permille = 0;
        let rows = [Row::pod("a", 0, 60_000), Row::pod("b", 3_000, 60_000)];
        let (_, run, report) = replay_one(&rows, settings, built_in(name));
        assert_eq!(run.ledger.outcomes, [Outcome::Succeeded; 2]);
        // One node for both beside the controller's home. It goes by itself, long after its pods have ended.
        let nodes: Vec<_> = run
            .ledger
            .leases
            .iter()
            .filter(|lease| {
                matches!(run.ledger.templates[lease.template as usize].machine, Machine::Ec2 { .. })
            })
            .collect();
        let [node] = nodes[..] else { panic!("{nodes:?}") };
        assert_eq!((ms(node.requested), node.end_reason), (3_000, EndReason::ScaledDown));
        let last = run.ledger.runs.iter().map(|run| run.ended).max().unwrap();
        assert!(node.terminated - last >= Span::from_secs(600), "{node:?}");
        let cost = report.platforms[0].cost.as_ref().unwrap();
        let kinds: Vec<&str> = cost.items.iter().map(|item| item.item.as_str()).collect();
        assert_eq!(kinds.iter().any(|kind| kind.to_lowercase().contains("spot")), spot, "{kinds:?}");
    }
}

#[test]
fn pods_that_no_group_without_nodes_seems_to_fit_are_explained() {
    let storage = Row { ephemeral: Some(1_024), ..Row::pod("a", 0, 60_000) };
    let pinned = Row { node_selector: "topology.kubernetes.io/zone=us-east-1b", ..Row::pod("a", 0, 60_000) };
    for (row, expected) in [(storage, "ephemeral storage"), (pinned, "to be in us-east-1a")] {
        let (_, run, report) =
            replay_one(std::slice::from_ref(&row), Settings::default(), built_in("node-group"));
        assert_eq!(run.ledger.outcomes, [Outcome::Unschedulable]);
        let reasons = report.platforms[0].incomplete_reasons.join("\n");
        assert!(reasons.contains(expected), "{reasons}");
        // Beside a pod that brings the first node, such a pod is helped: the node has storage. (Its zone is its own.)
        if row.ephemeral.is_some() {
            let rows = [row, Row::pod("b", 0, 600_000)];
            let (_, run, _) = replay_one(&rows, Settings::default(), built_in("node-group"));
            assert_eq!(run.ledger.outcomes, [Outcome::Succeeded; 2]);
        }
    }
}
