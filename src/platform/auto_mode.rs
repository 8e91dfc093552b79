//! EKS Auto Mode: Karpenter as AWS runs it.
//!
//! It decides as Karpenter does, with settings that nobody can change and a fee for every instance (which the catalog
//! knows). Sources: EKS user guide, "EKS Auto Mode": built-in NodePools, supported instances, defaults of NodePools and
//! NodeClasses.
//!
//! What is assumed, because AWS does not say: that its Karpenter's batching is that of the open one; that agents which AWS
//! manages take nothing of a node beside what kubelet reserves; that a node pays for its data volume only (`ephemeralStorage`
//! of the NodeClass), as how large the volume of its operating system is cannot be found out. New images, about one a
//! week, make nodes drift: nodes are not replaced for that here.

use super::*;
use crate::catalog::InstanceType;
use crate::catalog::labels;

/// EKS Auto Mode and its NodePools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoMode {
    /// All of them with [`NodePool::auto_mode`].
    pub node_pools: Vec<NodePool>,
}

/// DaemonSets that are processes of the host under EKS Auto Mode, by their names elsewhere.
pub const MANAGED_AGENTS: [&str; 6] = [
    "aws-node",
    "ebs-csi-node",
    "eks-node-monitoring-agent",
    "eks-pod-identity-agent",
    "kube-proxy",
    "nvidia-device-plugin-daemonset",
];

/// No node is kept for longer, whatever its NodePool says.
const LONGEST_LIFE: Span = Span::from_secs(21 * 86_400);

/// Both built-in NodePools, as a new cluster has them.
impl Default for AutoMode {
    fn default() -> Self {
        Self {
            node_pools: Self::BUILT_IN_POOLS.iter().filter_map(|name| Self::built_in_pool(name)).collect(),
        }
    }
}

impl AutoMode {
    pub const BUILT_IN_POOLS: [&str; 2] = ["general-purpose", "system"];

    /// One of [`Self::BUILT_IN_POOLS`].
    pub fn built_in_pool(name: &str) -> Option<NodePool> {
        use RequirementOperator::{Gt, In};
        let (archs, taints): (&[&str], _) = match name {
            "general-purpose" => (&["amd64"], Vec::new()),
            "system" => {
                let key = "CriticalAddonsOnly".to_owned();
                (
                    &["amd64", "arm64"],
                    vec![Taint { key, value: String::new(), effect: TaintEffect::NoSchedule }],
                )
            }
            _ => return None,
        };
        let requirement = |key: &str, operator, values: &[&str]| NodeRequirement {
            key: key.to_owned(),
            operator,
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            min_values: None,
        };
        Some(NodePool {
            name: name.to_owned(),
            requirements: vec![
                requirement(labels::CAPACITY_TYPE, In, &["on-demand"]),
                requirement(&labels::of_auto_mode(labels::CATEGORY), In, &["c", "m", "r"]),
                requirement(&labels::of_auto_mode(labels::GENERATION), Gt, &["4"]),
                requirement(labels::ARCH, In, archs),
                requirement(labels::OS, In, &["linux"]),
            ],
            taints,
            consolidate_after: Some(Span::from_secs(30)),
            ..Self::pool()
        })
    }

    /// A NodePool of which nothing is said.
    pub fn pool() -> NodePool {
        NodePool {
            name: String::new(),
            requirements: Vec::new(),
            consolidation_policy: ConsolidationPolicy::WhenEmptyOrUnderutilized,
            consolidate_after: Some(Span::ZERO),
            expire_after: Some(Span::from_secs(336 * 3_600)),
            termination_grace_period: Some(Span::from_secs(24 * 3_600)),
            root_volume: Memory::from_gib(80),
            auto_mode: true,
            ..NodePool::default()
        }
    }

    /// The Karpenter that AWS runs: its settings are the defaults, and it needs no home.
    pub fn karpenter(&self) -> Karpenter {
        let mut node_pools = self.node_pools.clone();
        for pool in &mut node_pools {
            pool.expire_after = Some(pool.expire_after.unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE));
        }
        Karpenter { node_pools, home: Home::Elsewhere, ..Karpenter::default() }
    }
}

/// Whether EKS Auto Mode launches instances of this type: of a supported family, with more than one CPU, and not `nano`,
/// `micro` or `small`.
pub fn is_supported(instance: &InstanceType) -> bool {
    SUPPORTED_FAMILIES.contains(&instance.family())
        && instance.vcpu > 1
        && !matches!(instance.size(), "nano" | "micro" | "small")
}

/// EKS user guide, "EKS Auto Mode supported instance reference".
const SUPPORTED_FAMILIES: &[&str] = &[
    "c8id", "c8i", "c8i-flex", "c8gd", "c8gn", "c8g", "c8a", "c8gb", "c7a", "c7g", "c7gn", "c7gd", "c7i",
    "c7i-flex", "c6a", "c6g", "c6i", "c6gn", "c6id", "c6in", "c6gd", "c5", "c5a", "c5d", "c5ad", "c5n", "c4",
    "m8id", "m8i", "m8i-flex", "m8a", "m8azn", "m8gn", "m8gb", "m8gd", "m8g", "m7i", "m7a", "m7g", "m7gd",
    "m7i-flex", "m6a", "m6i", "m6in", "m6g", "m6idn", "m6id", "m6gd", "m5", "m5a", "m5ad", "m5n", "m5dn",
    "m5d", "m5zn", "m4", "r8id", "r8i", "r8i-flex", "r8gn", "r8gb", "r8gd", "r8g", "r8a", "r7a", "r7iz",
    "r7gd", "r7i", "r7g", "r6a", "r6i", "r6id", "r6in", "r6idn", "r6g", "r6gd", "r5", "r5n", "r5a", "r5dn",
    "r5b", "r5ad", "r5d", "r4", "t4g", "t3", "t3a", "t2", "z1d", "x8aedz", "x8g", "x8i", "x2gd", "i8ge",
    "i7i", "i8g", "i7ie", "i4g", "i4i", "i3", "i3en", "is4gen", "d3", "d3en", "im4gn", "p6-b200", "p6-b300",
    "p5", "p5e", "p5en", "p4d", "p4de", "p3dn", "g7e", "g6", "gr6", "g6e", "g5g", "g5", "g4dn", "g4ad",
    "inf2", "inf1", "trn1", "trn1n", "trn2", "hpc8a", "x2iezn", "x2iedn", "x2idn",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Snapshot;

    #[test]
    fn nodes_live_for_three_weeks_at_most() {
        let life = |expire_after| {
            let pool = NodePool { expire_after, ..AutoMode::pool() };
            AutoMode { node_pools: vec![pool] }.karpenter().node_pools[0].expire_after
        };
        let hours = |hours: i64| Some(Span::from_secs(hours * 3_600));
        assert_eq!([life(hours(336)), life(hours(720)), life(None)], [hours(336), hours(504), hours(504)]);
    }

    #[test]
    fn only_supported_types_of_some_size_are_launched() {
        let catalog = Snapshot::embedded().region("us-east-1").unwrap();
        for (name, expected) in [
            ("m5.large", true),
            ("c7i.2xlarge", true),
            ("m7g.medium", false), // One CPU.
            ("t3.micro", false),
            ("t3.medium", true),
            ("m3.large", false), // Not among the supported families.
        ] {
            let id = catalog.find(name).unwrap();
            assert_eq!(is_supported(catalog.instance_type(id)), expected, "{name}");
        }
    }
}
