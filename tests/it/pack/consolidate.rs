//! Passes of Karpenter's disruption controller.

use serde_json::{Value, json};

use super::assert_decisions;

fn delete(method: &str, candidates: &[&str]) -> Value {
    json!({"method": method, "candidates": candidates, "decision": "delete", "replacement": null})
}

fn replace(method: &str, candidates: &[&str], new: Value) -> Value {
    json!({"method": method, "candidates": candidates, "decision": "replace", "replacement": new})
}

fn node(types: &[&str], capacity_type: &str, requests: Value) -> Value {
    json!({"nodePool": "default", "instanceTypes": types, "capacityTypes": [capacity_type], "requests": requests})
}

#[test]
fn passes_of_disruption() {
    let one_pod = || json!({"cpu": "1", "memory": "1Gi", "pods": "1"});
    let fifteen: Vec<String> = (1..=15).map(|n| format!("s{n:02}.xlarge")).collect();
    let fifteen: Vec<&str> = fifteen.iter().map(String::as_str).collect();
    assert_decisions(
        "consolidate.ndjson",
        &[
            // All are empty; a tenth of 9 nodes, rounded up, is 1, ...
            ("a-tenth-of-nine-nodes", delete("emptiness", &["n1"])),
            // ... of 11 it is 2.
            ("a-tenth-of-eleven-nodes", delete("emptiness", &["n01", "n02"])),
            // A t.large costs 0.10 in z1 and 0.50 in z2, where it might be launched: not less than the 0.40 of now.
            ("worst-zone-is-too-dear", Value::Null),
            // 0.10 and 0.39 are.
            (
                "worst-zone-is-cheaper",
                replace("single-node", &["n1"], node(&["t.large"], "on-demand", one_pod())),
            ),
            // On-demand at 0.40. As Spot a t.large is 0.03 and a t.2xlarge 0.15: both are cheaper, and only Spot is
            // launched, lest it become an on-demand t.2xlarge at 0.40.
            (
                "on-demand-to-spot-only",
                replace("single-node", &["n1"], node(&["t.large", "t.2xlarge"], "spot", one_pod())),
            ),
            // Prices rise from 0.01 by 0.01. The node is of the dearest type of 15: 14 are cheaper, and 15 are needed.
            ("spot-to-spot-of-fourteen-types", Value::Null),
            // 15 are.
            (
                "spot-to-spot-of-fifteen-types",
                replace("single-node", &["n1"], node(&fifteen, "spot", one_pod())),
            ),
            // Of 16 the 15 cheapest are taken.
            (
                "spot-to-spot-of-sixteen-types",
                replace("single-node", &["n1"], node(&fifteen, "spot", one_pod())),
            ),
            ("spot-to-spot-is-off", Value::Null),
            // By price over 1 + one pod: n1 0.40/2, n2 0.39/2, n3 0.38/2, n4 0.37/2. Halving looks at the first three:
            // 12 CPU, of which none fits on n4 (8 − 7 = 1 CPU), need one e.3xlarge at 0.50 < 0.40 + 0.39 + 0.38. Then at
            // all four: p4 wants a label that no new node has. So it stays with three.
            (
                "three-of-four",
                replace(
                    "multi-node",
                    &["n1", "n2", "n3"],
                    node(&["e.3xlarge"], "on-demand", json!({"cpu": "12", "pods": "3"})),
                ),
            ),
            // Both: 4 CPU, on a b.xlarge (0.40) or a c.2xlarge (0.50), both less than 0.20 + 0.40. But n2 is a b.xlarge
            // already: the new node must be cheaper than that, and none is. Alone n2 (0.40/2 comes before 0.20/2): 3 CPU
            // fit neither on n1 nor on anything cheaper. Alone n1: its pod (1 CPU) fits on n2 (4 − 3).
            ("same-type-is-no-replacement", delete("single-node", &["n1"])),
            // Two c5a.xlarge at 0.154 with 2 CPU and 6 GiB each: 4 CPU and 12 GiB fit on an m6a.xlarge at 0.1728.
            (
                "two-become-one",
                replace(
                    "multi-node",
                    &["n1", "n2"],
                    node(&["m6a.xlarge"], "on-demand", json!({"cpu": "4", "memory": "12Gi", "pods": "2"})),
                ),
            ),
            // kubernetes-sigs/karpenter#1962: the same with a third node, whose pods can be nowhere else. By price over
            // cost: n1 0.154/2, n3 0.154/3, n2 0.154/11 (a deletion cost of 2³¹ − 1 counts as 10). Halving looks at n1
            // and n3, which cannot go, and ends: that n1 and n2 could, it never sees. Alone, neither fits on another node
            // nor on anything cheaper than a c5a.xlarge.
            ("complaint-1962", Value::Null),
            // aws/karpenter-provider-aws#5903: 2 × 0.3492 is not more than 0.6984. Alone, 5 CPU fit neither on the other
            // node (8 − 5 = 3) nor on anything cheaper.
            ("complaint-5903", Value::Null),
            // 0.6983 is less.
            (
                "a-hundredth-of-a-cent-suffices",
                replace(
                    "multi-node",
                    &["n1", "n2"],
                    node(&["c6a.4xlarge"], "on-demand", json!({"cpu": "10", "memory": "4Gi", "pods": "2"})),
                ),
            ),
            // The node has a pod, and the policy is WhenEmpty.
            ("empty-only", Value::Null),
            // Empty for four minutes of five.
            ("within-consolidate-after", Value::Null),
            // n1 must not be disrupted; n2 is empty, which is not for consolidation.
            ("do-not-disrupt", Value::Null),
            // The same type at the same price comes for it. Of the same size, so the node is full: 2 CPU.
            (
                "drift-minds-no-price",
                replace("drift", &["n1"], node(&["t.large"], "on-demand", json!({"cpu": "2", "pods": "1"}))),
            ),
        ],
    );
}
