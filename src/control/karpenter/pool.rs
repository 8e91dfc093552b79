//! NodePools as Karpenter prepares them: what a new node of each could be.

use crate::catalog::{CapacityType, Requirement, Requirements, TypeId, labels};
use crate::ledger::TemplateId;
use crate::platform::{NodePool, NodeRequirement, RequirementOperator};
use crate::units::Resources;

/// A NodePool, the NodeClaim template that follows from it, and its instance types.
#[derive(Clone, Debug)]
pub struct Pool {
    pub spec: NodePool,
    /// Its requirements and labels: what every NodeClaim of it begins with.
    pub template: Requirements,
    /// Those that the template admits, by name.
    pub types: Vec<PoolType>,
}

/// An instance type as a node of one pool.
#[derive(Clone, Debug)]
pub struct PoolType {
    pub instance: TypeId,
    /// The labels that its nodes have or may have.
    pub requirements: Requirements,
    /// What counts against the pool's limits.
    pub capacity: Resources,
    /// What pods and DaemonSets can request.
    pub allocatable: Resources,
    /// What the DaemonSets that run on it request. All of today's run everywhere: with selective ones, types with
    /// the same set form an overhead group (`getDaemonOverheadGroups`), and this is the group's sum.
    pub daemons: Resources,
    /// Bare metal, or with an accelerator: only launched where nothing else will do.
    pub exotic: bool,
    /// The kind of node that it is as each capacity type, by `CapacityType as usize`.
    pub kinds: [Option<TemplateId>; 3],
}

impl PoolType {
    /// What is left for the pods that brought the node about.
    pub fn free(&self) -> Resources {
        self.allocatable - self.daemons
    }

    pub fn kind(&self, capacity_type: CapacityType) -> Option<TemplateId> {
        self.kinds[capacity_type as usize]
    }
}

/// The order in which pools are tried: by weight, then by name, both descending
/// (`pkg/utils/nodepool: OrderByWeight`).
pub fn by_preference(a: &NodePool, b: &NodePool) -> std::cmp::Ordering {
    (b.weight, &b.name).cmp(&(a.weight, &a.name))
}

/// What a NodePool asks of its nodes (`NewNodeClaimTemplate`).
///
/// A label of the user's own that may have several values gets the first of them here; Karpenter chooses by the pods
/// of each node.
pub fn template(pool: &NodePool) -> Requirements {
    let mut template = Requirements::default();
    for NodeRequirement { key, operator, values, min_values } in &pool.requirements {
        let own = !labels::is_well_known(labels::normalized(key));
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let bound = || values.first().and_then(|value| value.parse().ok()).unwrap_or(i64::MAX);
        let requirement = match operator {
            RequirementOperator::In if own => Requirement::one_of(values.iter().min().copied()),
            RequirementOperator::In => Requirement::one_of(values),
            RequirementOperator::NotIn => Requirement::none_of(values),
            RequirementOperator::Exists => Requirement::exists(),
            RequirementOperator::DoesNotExist => Requirement::does_not_exist(),
            RequirementOperator::Gt => Requirement::greater_than(bound()),
            RequirementOperator::Lt => Requirement::less_than(bound()),
            RequirementOperator::Gte => Requirement::at_least(bound()),
            RequirementOperator::Lte => Requirement::at_most(bound()),
        };
        let requirement = match min_values {
            Some(min_values) => requirement.with_min_values(*min_values),
            None => requirement,
        };
        template.add(key, requirement);
    }
    for (key, value) in &pool.labels {
        template.add(key, Requirement::one_of([value.as_str()]));
    }
    if pool.auto_mode {
        template.add(labels::COMPUTE_TYPE, Requirement::one_of(["auto"]));
    }
    template.add(labels::NODEPOOL, Requirement::one_of([pool.name.as_str()]));
    template
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_tried_by_weight_and_then_by_name_both_descending() {
        let pool = |name: &str, weight| NodePool { name: name.to_owned(), weight, ..NodePool::default() };
        let mut pools = [pool("a", 0), pool("z", 0), pool("m", 50), pool("b", 100)];
        pools.sort_by(by_preference);
        assert_eq!(pools.map(|pool| pool.name), ["b", "m", "z", "a"]);
    }

    #[test]
    fn a_template_requires_what_the_pool_says_and_its_labels() {
        let spec = NodePool { labels: vec![("team".to_owned(), "data".to_owned())], ..NodePool::default() };
        let template = template(&spec);
        for (key, expected) in [
            (labels::CATEGORY, "In [c m r]"),
            (labels::GENERATION, "Exists >=3"),
            (labels::NODEPOOL, "In [karpenter]"),
            ("team", "In [data]"),
        ] {
            assert_eq!(template.get(key).unwrap().to_string(), expected, "{key}");
        }
    }
}
