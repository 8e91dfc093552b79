//! Loops of Cluster Autoscaler, and scores of kube-scheduler.

use serde_json::{Value, json};

use super::assert_decisions;

fn decided(scale_up: &[(&str, i64)], unneeded: &[&str], scale_down: &[&str]) -> Value {
    let scale_up: Vec<Value> =
        scale_up.iter().map(|(group, delta)| json!({"group": group, "delta": delta})).collect();
    json!({"scaleUp": scale_up, "unneeded": unneeded, "scaleDown": scale_down})
}

#[test]
fn loops_of_cluster_autoscaler() {
    assert_decisions(
        "cluster-autoscaler.ndjson",
        &[
            // Five pods of 2 CPU, two to a node of 4.
            ("scale-from-zero", decided(&[("g", 3)], &[], &[])),
            // The template has no reserve: 4 CPU are taken to fit on a machine of 4, though they will not on the node.
            ("scale-from-zero-takes-all-of-the-machine", decided(&[("g", 1)], &[], &[])),
            // Three would be needed, the group has one at most.
            ("group-is-full", decided(&[("g", 1)], &[], &[])),
            // One pod of 2 CPU and 8 GiB. Of a's capacity (4, 16) a half each is wasted: 1.0; of b's (3, 12) a third each:
            // 0.67. By what can be allocated a (2, 8) would waste nothing.
            ("least-waste-counts-capacity", decided(&[("b", 1)], &[], &[])),
            // Two pods for a and one for b; the expander takes most pods, and the other group has to wait.
            ("one-group-a-loop", decided(&[("a", 1)], &[], &[])),
            ("room-on-a-node", decided(&[], &[], &[])),
            // n2 is empty, unneeded for 11 minutes of 10; a node was added 5 minutes ago, ...
            ("in-cooldown", decided(&[], &["n2"], &[])),
            // ... or 11.
            ("out-of-cooldown", decided(&[], &["n2"], &["n2"])),
            // 9 minutes.
            ("not-long-enough", decided(&[], &["n2"], &[])),
            ("at-its-minimum", decided(&[], &[], &[])),
        ],
    );
}

#[test]
fn scores_of_kube_scheduler() {
    // BalancedAllocation gives 50 + (50 + after − before) / 2, and CPU and memory are in balance before and after: 75. Nothing
    // else compares nodes here, but for taints: 100 unless there is one that is not tolerated.
    let node = |name: &str, fit: i64, taints: i64| {
        let scores = json!({
            "TaintToleration": taints, "NodeAffinity": 0, "NodeResourcesFit": fit, "PodTopologySpread": 0,
            "InterPodAffinity": 0, "NodeResourcesBalancedAllocation": 75, "ImageLocality": 0,
        });
        json!({"name": name, "filter": null, "scores": scores, "total": 3 * taints + fit + 75})
    };
    let refused =
        |name: &str, plugin: &str| json!({"name": name, "filter": plugin, "scores": {}, "total": null});
    assert_decisions(
        "score.ndjson",
        &[
            // 1 of 4 CPU and 4 of 16 GiB: 75 % left on n1. n2 has 2 CPU and 8 GiB of others: 25 %. n3 has no CPU left.
            (
                "least-allocated",
                json!({"nodes": [node("n1", 75, 100), node("n2", 25, 100), refused("n3", "NodeResourcesFit")]}),
            ),
            ("most-allocated", json!({"nodes": [node("n1", 25, 100), node("n2", 75, 100)]})),
            (
                "taints",
                json!({"nodes": [
                    node("n1", 75, 100), node("n2", 75, 0), refused("n3", "TaintToleration"),
                    refused("n4", "NodeUnschedulable"),
                ]}),
            ),
        ],
    );
}
