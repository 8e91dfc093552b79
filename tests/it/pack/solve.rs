//! One round of Karpenter's provisioning.

use serde_json::{Value, json};

use super::assert_decisions;

/// A new claim without memory requests.
fn claim(types: &[&str], cpu: &str, pods: &[&str]) -> Value {
    let requests = json!({"cpu": cpu, "pods": pods.len().to_string()});
    json!({"nodePool": "default", "instanceTypes": types, "requests": requests, "pods": pods})
}

fn solved(claims: &[Value], existing: &[(&str, &[&str])], errors: &[&str]) -> Value {
    let existing: Vec<Value> =
        existing.iter().map(|(name, pods)| json!({"name": name, "pods": pods})).collect();
    let errors: Value = errors.iter().map(|pod| ((*pod).to_owned(), json!("why"))).collect();
    json!({"newNodeClaims": claims, "existingNodes": existing, "podErrors": errors})
}

#[test]
fn rounds_of_provisioning() {
    let with_memory = |memory: &str, mut claim: Value| {
        claim["requests"]["memory"] = json!(memory);
        claim
    };
    let overhead = |cpu: &str, pods: &str, mut claim: Value| {
        (claim["requests"]["cpu"], claim["requests"]["pods"]) = (json!(cpu), json!(pods));
        claim
    };
    let pool = |pool: &str, mut claim: Value| {
        claim["nodePool"] = json!(pool);
        claim
    };
    let both = ["t.large", "t.2xlarge"];
    let c6a = ["c6a.2xlarge", "m6a.2xlarge", "r6a.2xlarge"];
    assert_decisions(
        "solve.ndjson",
        &[
            // 4 CPU and 8 GiB a node; all ask for 2 CPU. By memory: a (6 GiB) opens a node, on which c (4) does not
            // fit any more. c opens another, d (4) fills it, and b (2) fits on the first. c before d: by UID, which is
            // the name here. In the order of the input b would have been with c.
            (
                "order-by-cpu-then-memory",
                solved(
                    &[
                        with_memory("8Gi", claim(&["t.xlarge"], "4", &["a", "b"])),
                        with_memory("8Gi", claim(&["t.xlarge"], "4", &["c", "d"])),
                    ],
                    &[],
                    &[],
                ),
            ),
            // Room for one by the limit of 4 CPU. Both ask for 3 CPU and are of one age: UID 1 comes first.
            ("order-by-uid", solved(&[claim(&["t.xlarge"], "3", &["second"])], &[], &["first"])),
            // The older comes first, whatever its UID.
            ("order-by-age", solved(&[claim(&["t.xlarge"], "3", &["older"])], &[], &["younger"])),
            // Three nodes of 4 CPU with p1, p2 and p3 at 3 CPU. p4 (1) fills the first. p5 (0.5) goes to the second, one
            // of those with the fewest pods. p6 (0.5) would fit there, too, but the third has fewer.
            (
                "claim-with-fewest-pods",
                solved(
                    &[
                        claim(&["t.xlarge"], "4", &["p1", "p4"]),
                        claim(&["t.xlarge"], "3500m", &["p2", "p5"]),
                        claim(&["t.xlarge"], "3500m", &["p3", "p6"]),
                    ],
                    &[],
                    &[],
                ),
            ),
            // A host port keeps the three apart. Of 10 CPU the first claim is taken to use 8, since it may become a
            // t.2xlarge; 2 are left, which only a t.large keeps to, and then none. A node of 2 CPU each would have fitted.
            (
                "limit-counts-the-largest-type",
                solved(&[claim(&both, "1500m", &["a"]), claim(&["t.large"], "1500m", &["b"])], &[], &["c"]),
            ),
            // New claims of a round do not count against the limit of nodes, ...
            (
                "limit-of-nodes-is-overshot",
                solved(&[claim(&["t.large"], "1", &["a"]), claim(&["t.large"], "1", &["b"])], &[], &[]),
            ),
            // ... existing nodes do.
            ("limit-of-nodes-counts-existing-ones", solved(&[], &[], &["a"])),
            // Two types have to stay possible.
            ("min-values-are-met", solved(&[claim(&both, "1", &["a"])], &[], &[])),
            // 4 CPU are left by one of the two only.
            ("min-values-strict", solved(&[], &[], &["a"])),
            ("min-values-best-effort", solved(&[claim(&["t.2xlarge"], "4", &["a"])], &[], &[])),
            // The node in z1 is empty, but z2 is preferred, and a new node can be there.
            ("preference-launches-a-node", solved(&[claim(&["t.large"], "1", &["a"])], &[], &[])),
            ("preference-ignored", solved(&[], &[("n1", &["a"])], &[])),
            // One in z1 (the first by name), one in z2; then only z3 keeps the skew at 1, and nothing is sold there.
            (
                "zone-spread-with-an-exhausted-zone",
                solved(&[claim(&["t.large"], "1", &["p1"]), claim(&["t.large"], "1", &["p2"])], &[], &["p3"]),
            ),
            // One zone where two are asked for: the least count is then 0, and a second pod makes a skew of 2.
            ("min-domains", solved(&[claim(&["t.large"], "1", &["p1"])], &[], &["p2"])),
            // Without `minDomains` the only zone has the least count: 1, and a second pod makes a skew of 1.
            ("one-domain", solved(&[claim(&["t.large"], "2", &["p1", "p2"])], &[], &[])),
            // The first claim may still be in z1 or z2, so that it blocks both.
            ("zone-anti-affinity-one-a-round", solved(&[claim(&["t.large"], "1", &["p1"])], &[], &["p2"])),
            // The DaemonSet asks for 1 CPU on amd64: 3.5 + 1 > 4 there, 3.5 fits on arm64.
            ("daemon-overhead-by-group", solved(&[claim(&["g.xlarge"], "3500m", &["a"])], &[], &[])),
            // A second DaemonSet asks for 0.25 CPU everywhere. Both types fit, and of 1.25 CPU with two pods and 0.25 with one
            // the lesser is requested. By price: 0.15, 0.20.
            (
                "least-daemon-overhead",
                solved(&[overhead("2250m", "2", claim(&["g.xlarge", "x.xlarge"], "2", &["a"]))], &[], &[]),
            ),
            // On amd64 alone: 2 + 1 CPU, and two pods.
            (
                "daemon-overhead-counts",
                solved(&[overhead("3", "2", claim(&["x.xlarge"], "2", &["a"]))], &[], &[]),
            ),
            // Weight 10 before weight 1, whatever they cost.
            ("heavier-pool-first", solved(&[pool("dear", claim(&["t.2xlarge"], "1", &["a"]))], &[], &[])),
            // n1 has 1 of 2 CPU free: enough for a, and b needs a new node.
            (
                "existing-node-before-a-new-one",
                solved(&[with_memory("1Gi", claim(&["t.large"], "1", &["b"]))], &[("n1", &["a"])], &[]),
            ),
            // The pod of a ReplicaSet will be made again, the DaemonSet's goes with its node.
            ("pods-of-a-deleting-node", solved(&[claim(&["t.large"], "1", &["x"])], &[], &[])),
            ("same-name-in-two-namespaces", solved(&[claim(&["t.large"], "2", &["x/a", "y/a"])], &[], &[])),
            // 2 CPU less 100m and 100m are 1.8 CPU.
            (
                "overhead-is-not-for-pods",
                solved(&[claim(&["t.large"], "1800m", &["fits"])], &[], &["does-not"]),
            ),
            // Instance types have the label `size`, but neither the NodePool nor anybody else says that nodes do.
            ("label-that-nobody-declares", solved(&[], &[], &["a"])),
            // The same as the label of a provider: of the two types one is big.
            ("label-of-the-provider", solved(&[claim(&["big.large"], "1", &["a"])], &[], &[])),
            ("label-of-the-node-pool", solved(&[claim(&["t.large"], "1", &["a"])], &[], &["b"])),
            // kubernetes-sigs/karpenter#2150: pods of 2 CPU and 13 GiB, one to a node by their spread over hosts (maxSkew
            // 1, and an empty node is always possible). The cheapest type that holds one is a c6a.2xlarge, eight times:
            // 8 × 0.32832 = 2.63 USD an hour. An r6a.2xlarge holds four of them: 2 × 0.5076 = 1.02 USD.
            (
                "complaint-2150",
                solved(
                    &(1..=8)
                        .map(|n| with_memory("13Gi", claim(&c6a, "2", &[format!("p{n}").as_str()])))
                        .collect::<Vec<_>>(),
                    &[],
                    &[],
                ),
            ),
        ],
    );
}
