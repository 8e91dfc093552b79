//! How similar groups share new nodes (`cluster-autoscaler/processors/nodegroupset`).

use super::settings::Settings;
use super::template::{HOSTNAME_LABEL, Template};
use crate::decide::gosort;
use crate::kube::{Labels, MEMORY, PODS, ResourceList};

/// Labels in which nodes of similar groups may differ (`compare_nodegroups.go`, `aws_nodegroups.go`).
const IGNORED: [&str; 16] = [
    HOSTNAME_LABEL,
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "beta.kubernetes.io/fluentd-ds-ready",
    "kops.k8s.io/instancegroup",
    "cluster-autoscaler.kubernetes.io/template-node",
    "alpha.eksctl.io/instance-id",
    "alpha.eksctl.io/nodegroup-name",
    "eks.amazonaws.com/nodegroup",
    "k8s.amazonaws.com/eniConfig",
    "lifecycle",
    "topology.ebs.csi.aws.com/zone",
    "topology.gke.io/zone",
    "topology.k8s.aws/zone-id",
];

/// Whether two groups are alike but for their zones and names.
pub fn are_similar(settings: &Settings, a: &Template, b: &Template) -> bool {
    if !settings.balancing_labels.is_empty() {
        let equal = |key: &String| {
            let (a, b) = (a.node.labels.get(key), b.node.labels.get(key));
            a.is_some() && a == b
        };
        return settings.balancing_labels.iter().all(equal);
    }
    let capacities = a.node.capacity.iter().zip(b.node.capacity.iter());
    let mut same_capacity = capacities.map(|((index, a), (_, b))| match index {
        MEMORY => within(a, b, settings.memory_difference_ratio),
        _ => a == b,
    });
    same_capacity.all(|same| same)
        && all_within(&a.node.allocatable, &b.node.allocatable, settings.allocatable_difference_ratio)
        && all_within(&free(a), &free(b), settings.free_difference_ratio)
        && same_labels(settings, &a.node.labels, &b.node.labels)
}

/// What is left beside the DaemonSets; pod slots are not counted down.
fn free(template: &Template) -> ResourceList {
    let mut free = template.node.allocatable - template.requested;
    free[PODS] = template.node.allocatable[PODS];
    free
}

fn all_within(a: &ResourceList, b: &ResourceList, ratio: f64) -> bool {
    a.iter().zip(b.iter()).all(|((_, a), (_, b))| within(a, b, ratio))
}

#[expect(clippy::float_arithmetic, reason = "the real one compares float64")]
fn within(a: i64, b: i64, ratio: f64) -> bool {
    let (larger, smaller) = (a.max(b) as f64, a.min(b) as f64);
    larger - smaller <= larger * ratio
}

fn same_labels(settings: &Settings, a: &Labels, b: &Labels) -> bool {
    let counts = |key: &str| {
        !IGNORED.contains(&key) && !settings.balancing_ignore_labels.iter().any(|ignored| ignored == key)
    };
    let counted = |labels: &Labels| -> Vec<(String, String)> {
        labels.iter().filter(|(key, _)| counts(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    counted(a) == counted(b)
}

/// A group that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Its number among all groups.
    pub group: usize,
    pub size: u32,
    pub max: u32,
}

/// Adds `nodes` nodes one by one to the smallest group below its maximum; gives by how much each group grows, those
/// that do (`balancing_processor.go`). What has no room is not added.
pub fn share(groups: &[Size], nodes: u32) -> Vec<(usize, u32)> {
    let mut open: Vec<(Size, u32)> =
        groups.iter().filter(|group| group.size < group.max).map(|group| (*group, group.size)).collect();
    let room: u32 = open.iter().map(|(group, size)| group.max - size).sum();
    let mut left = nodes.min(room);
    gosort::sort_by(&mut open, |a, b| a.0.size < b.0.size);
    // Groups before `start` are full; those from there to `current` have one node more than `current` and the following.
    let (mut start, mut current) = (0, 0);
    while left > 0 {
        let (group, size) = &mut open[current];
        if *size < group.max {
            *size += 1;
            left -= 1;
        } else {
            open.swap(start, current);
            start += 1;
        }
        // As the real one does, this looks at what now stands at `current`.
        current = match open.get(current + 1) {
            Some(next) if open[current].1 > next.1 => current + 1,
            _ => start,
        };
    }
    let grown = open.iter().filter(|(group, size)| *size > group.size);
    grown.map(|(group, size)| (group.group, size - group.size)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::cluster_autoscaler::fixtures::{node, resources};
    use std::sync::Arc;

    #[test]
    fn nodes_go_to_the_smallest_group_with_room() {
        // (sizes with maxima), nodes; by how much each grows.
        type Case = (&'static [(u32, u32)], u32, &'static [(usize, u32)]);
        let cases: [Case; 7] = [
            (&[(0, 9)], 4, &[(0, 4)]),
            (&[(1, 9), (1, 9)], 3, &[(0, 2), (1, 1)]),
            // The second and third catch up first.
            (&[(5, 9), (1, 9), (2, 9)], 5, &[(1, 3), (2, 2)]),
            // 1 and 2 become 3 and 3, then all three grow in turn: 4, 4, 4, 5.
            (&[(3, 9), (1, 9), (2, 9)], 7, &[(1, 4), (2, 2), (0, 1)]),
            (&[(0, 1), (0, 9)], 4, &[(0, 1), (1, 3)]),
            (&[(2, 2), (3, 9)], 2, &[(1, 2)]),
            // There is room for three.
            (&[(1, 2), (1, 3)], 9, &[(0, 1), (1, 2)]),
        ];
        for (sizes, nodes, expected) in cases {
            let groups: Vec<Size> =
                sizes.iter().enumerate().map(|(group, &(size, max))| Size { group, size, max }).collect();
            assert_eq!(share(&groups, nodes), expected, "{sizes:?} {nodes}");
        }
    }

    #[test]
    fn similar_groups_differ_in_zone_and_name_only() {
        let template = |memory: i64, daemons: i64, labels: &[(&str, &str)]| {
            let mut node = node("n", resources(4_000, memory));
            node.labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let requested = resources(daemons, 0);
            Template { node: Arc::new(node), daemons: Vec::new(), requested }
        };
        let zone = "topology.kubernetes.io/zone";
        let here =
            template(16_000, 100, &[(zone, "a"), ("eks.amazonaws.com/nodegroup", "x"), ("team", "data")]);
        for (what, other, expected) in [
            ("zone", template(16_000, 100, &[(zone, "b"), ("team", "data")]), true),
            ("label", template(16_000, 100, &[(zone, "a"), ("team", "web")]), false),
            ("no label", template(16_000, 100, &[(zone, "a")]), false),
            // 240 of 16,000 MiB is 1.5 %.
            ("memory", template(15_760, 100, &[("team", "data")]), true),
            ("less memory", template(15_759, 100, &[("team", "data")]), false),
            // Free: 3,900m and 3,705m differ by exactly 5 %.
            ("DaemonSets", template(16_000, 295, &[("team", "data")]), true),
            ("larger DaemonSets", template(16_000, 296, &[("team", "data")]), false),
        ] {
            assert_eq!(are_similar(&Settings::default(), &here, &other), expected, "{what}");
        }
        let ignoring = Settings { balancing_ignore_labels: vec!["team".to_owned()], ..Settings::default() };
        assert!(are_similar(&ignoring, &here, &template(16_000, 100, &[])));
        let labelled = Settings { balancing_labels: vec!["team".to_owned()], ..Settings::default() };
        assert!(are_similar(&labelled, &here, &template(1, 100, &[("team", "data")])));
        assert!(!are_similar(&labelled, &here, &template(16_000, 100, &[])));
    }
}
