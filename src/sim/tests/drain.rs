//! Nodes that are drained: who goes first, and who is held.

use super::*;
use crate::kube::{IntOrPercent, LabelSelector, Pdb};

/// Two pods of 0.5 and 0.4 cores work from 1 s on for 100 and 200 s. At 50 s their node is deleted; pods that are evicted
/// stop two seconds later.
fn deleted_at_50(grace: Option<i64>, change: &dyn Fn(&mut Workload, &mut Settings)) -> Ledger {
    let node = vec![node_type(&settings(), Vec::new())];
    let pods = [(0, 100, 500), (0, 200, 400)];
    let (ledger, _) = simulate_changed(node, &pods, change, |now, triggers, _, actions| {
        if triggers.contains(&Trigger::Start) {
            actions.push(Action::Adopt { kind: 0, zone: 0 });
        }
        if now < s(50) {
            return NextWake::At(s(50));
        }
        if now == s(50) {
            let (at_least, grace) = (Span::from_secs(5), grace.map(Span::from_secs));
            actions.push(Action::Delete { lease: 0, reason: EndReason::Consolidated, at_least, grace });
        }
        NextWake::OnTrigger
    });
    ledger
}

/// When the two pods and the node end.
fn ends(ledger: &Ledger) -> [Time; 3] {
    [ledger.runs[0].ended, ledger.runs[1].ended, ledger.leases[0].terminated]
}

#[test]
fn critical_pods_go_when_the_others_are_gone() {
    // The first pod is critical: it is evicted at 52 s, when the second is gone.
    let change = |workload: &mut Workload, _: &mut Settings| workload.classes[0].priority = 2_000_000_000;
    assert_eq!(ends(&deleted_at_50(None, &change)), [s(54), s(52), s(55)]);
    // Nobody is critical.
    assert_eq!(ends(&deleted_at_50(None, &|_, _| {})), [s(52), s(52), s(55)]);
}

#[test]
fn a_budget_holds_a_pod_until_it_allows_it_or_the_grace_period_is_over() {
    let budget = |least| {
        move |_: &mut Workload, settings: &mut Settings| {
            settings.pdbs = vec![Pdb {
                name: "all".to_owned(),
                namespace: "default".to_owned(),
                selector: Some(LabelSelector::default()),
                min_available: Some(IntOrPercent::Int(least)),
                max_unavailable: None,
                disruptions_allowed: None,
                always_allows_unhealthy: false,
            }];
        }
    };
    for (least, grace, expected) in [
        (0, None, [s(52), s(52), s(55)]),
        // One may go. What comes in its place finds no node, and so the other works to its end.
        (1, None, [s(52), s(201), s(201)]),
        (2, None, [s(101), s(201), s(201)]),
        // 100 s after 50 s all must be gone; both get their two seconds before.
        (1, Some(100), [s(52), s(150), s(150)]),
    ] {
        let ledger = deleted_at_50(grace, &budget(least));
        assert_eq!(ends(&ledger), expected, "minAvailable {least}, grace {grace:?}");
    }
}
