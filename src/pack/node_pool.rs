//! NodePools (`karpenter.sh/v1`): what Karpenter may launch, and when it may take it away.

use serde_json::Value;

use super::reading::{Object, Read, Wrong, duration, integer, owned, string, wanted, word};
use super::requirement::requirements;
use super::resources::{amount, mentioned};
use crate::catalog::{Requirement, Requirements, labels};
use crate::decide::karpenter::model::{self, Limits};
use crate::kube::decode::Decoder;
use crate::kube::{Budget, BudgetNodes, BudgetWindow, DisruptionReason, ResourceNames, Schedule, Taint};
use crate::units::Span;

/// The label by which nodes name their EC2NodeClass.
const NODE_CLASS: &str = "karpenter.k8s.aws/ec2nodeclass";

/// A NodePool; its instance types are held apart.
#[derive(Clone, Debug)]
pub struct NodePool {
    pub model: model::NodePool,
    /// Name of its EC2NodeClass; empty if it has none.
    pub node_class: String,
    /// Not being deleted, and not said to be unready: the others launch nothing.
    pub is_usable: bool,
    /// `None`: `Never`.
    pub consolidate_after: Option<Span>,
    pub policy: ConsolidationPolicy,
    pub budgets: Vec<Budget>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsolidationPolicy {
    WhenEmpty,
    #[default]
    WhenEmptyOrUnderutilized,
    Balanced,
}

/// Karpenter's own defaults of `spec.disruption`: a tenth of the nodes at a time.
const DEFAULT_BUDGET: Budget = Budget::percent(10);

pub fn read(value: &Value, names: &mut ResourceNames) -> Read<NodePool> {
    let object = Object::of(value)?;
    let metadata = object.need("metadata", Object::of)?;
    let name = metadata.need("name", owned).map_err(|wrong| wrong.within("metadata"))?;
    let mut pool = NodePool {
        model: model::NodePool { name, ..model::NodePool::default() },
        node_class: String::new(),
        is_usable: metadata.get("deletionTimestamp").is_none() && !is_unready(value),
        consolidate_after: Some(Span::ZERO),
        policy: ConsolidationPolicy::default(),
        budgets: vec![DEFAULT_BUDGET],
    };
    object.read("spec", |value| spec(value, &mut pool, names))?;
    let own = [(labels::NODEPOOL, &pool.model.name), (NODE_CLASS, &pool.node_class)];
    for (key, value) in own.into_iter().filter(|(_, value)| !value.is_empty()) {
        pool.model.template.add(key, Requirement::one_of([value.as_str()]));
    }
    Ok(pool)
}

fn is_unready(value: &Value) -> bool {
    let conditions = value.pointer("/status/conditions").and_then(Value::as_array);
    let is =
        |condition: &Value, key: &str, value: &str| condition.get(key).and_then(Value::as_str) == Some(value);
    conditions.is_some_and(|all| all.iter().any(|one| is(one, "type", "Ready") && is(one, "status", "False")))
}

fn spec(value: &Value, pool: &mut NodePool, names: &mut ResourceNames) -> Read<()> {
    let spec = Object::of(value)?.only(&["disruption", "limits", "replicas", "template", "weight"])?;
    let weight = spec.read("weight", integer)?.unwrap_or(0);
    pool.model.weight = i32::try_from(weight).unwrap_or(i32::MAX);
    pool.model.is_static = spec.get("replicas").is_some();
    pool.model.limits = spec.read("limits", |value| limits(value, names))?.unwrap_or_default();
    spec.read("template", |value| template(value, pool))?;
    spec.read("disruption", |value| disruption(value, pool))?;
    Ok(())
}

fn limits(value: &Value, names: &mut ResourceNames) -> Read<Limits> {
    let mut without_nodes = value.clone();
    let nodes = without_nodes.as_object_mut().and_then(|map| map.remove("nodes"));
    // An index of a resource that is counted in pieces.
    let nodes = nodes.map(|value| amount(usize::MAX, &value).map_err(|wrong| wrong.within("nodes")));
    Ok(Limits { resources: mentioned(&without_nodes, names)?, nodes: nodes.transpose()? })
}

fn template(value: &Value, pool: &mut NodePool) -> Read<()> {
    let template = Object::of(value)?;
    let mut all = Requirements::default();
    template.read("metadata", |value| {
        Object::of(value)?.read("labels", |value| {
            for (key, value) in Object::of(value)?.entries() {
                all.add(key, Requirement::one_of([string(value).map_err(|wrong| wrong.within(key))?]));
            }
            Ok(())
        })
    })?;
    template.read("spec", |value| {
        let spec = Object::of(value)?;
        if let Some(required) = spec.read("requirements", requirements)? {
            all.merge(&required);
        }
        pool.model.taints = taints(spec, "taints")?;
        pool.model.startup_taints = taints(spec, "startupTaints")?;
        let name = spec.read("nodeClassRef", |value| Object::of(value)?.read("name", owned))?;
        pool.node_class = name.flatten().unwrap_or_default();
        Ok(())
    })?;
    pool.model.template = all;
    Ok(())
}

/// Read as those of a node are.
fn taints(spec: Object, field: &str) -> Read<Vec<Taint>> {
    let Some(taints) = spec.get(field) else { return Ok(Vec::new()) };
    let node = serde_json::json!({"metadata": {"name": "template"}, "spec": {"taints": taints}});
    let node = super::objects::decoded(Decoder::default().node(&node));
    node.map(|node| node.taints).map_err(|wrong| {
        let path =
            wrong.path.strip_prefix("spec.taints").unwrap_or_default().trim_start_matches('.').to_owned();
        Wrong { path: format!("{field}{path}"), ..wrong }
    })
}

fn disruption(value: &Value, pool: &mut NodePool) -> Read<()> {
    let policies = [
        ("WhenEmpty", ConsolidationPolicy::WhenEmpty),
        ("WhenEmptyOrUnderutilized", ConsolidationPolicy::WhenEmptyOrUnderutilized),
        ("WhenUnderutilized", ConsolidationPolicy::WhenEmptyOrUnderutilized),
        ("Balanced", ConsolidationPolicy::Balanced),
    ];
    let disruption = Object::of(value)?;
    let policy = disruption.read("consolidationPolicy", |value| word(value, &policies))?;
    pool.policy = policy.unwrap_or_default();
    let after = disruption.read("consolidateAfter", |value| match value.as_str() {
        Some("Never") => Ok(None),
        _ => duration(value).map(Some),
    })?;
    pool.consolidate_after = after.unwrap_or(pool.consolidate_after);
    if disruption.get("budgets").is_some() {
        pool.budgets = disruption.list("budgets", budget)?;
    }
    Ok(())
}

fn budget(value: &Value) -> Read<Budget> {
    let object = Object::of(value)?.only(&["duration", "nodes", "reasons", "schedule"])?;
    let nodes = object.read("nodes", |value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let wrong = || wanted("a number of nodes or a percentage", value);
        Ok(match text.strip_suffix('%') {
            Some(percent) => BudgetNodes::Percent(percent.parse().map_err(|_| wrong())?),
            None => BudgetNodes::Count(text.parse().map_err(|_| wrong())?),
        })
    })?;
    let all = DisruptionReason::ALL.map(|reason| (reason.word(), reason));
    let reasons = object.list("reasons", |value| word(value, &all))?;
    let schedule = object.read("schedule", |value| {
        Schedule::parse(string(value)?).map_err(|message| Wrong::new(message).text(value))
    })?;
    let duration = object.read("duration", duration)?;
    let window = match (schedule, duration) {
        (None, None) => None,
        (Some(schedule), Some(duration)) => Some(BudgetWindow { schedule, duration }),
        _ => return Err(Wrong::new("`schedule` and `duration` belong together").text(value)),
    };
    Ok(Budget { nodes: nodes.unwrap_or(DEFAULT_BUDGET.nodes), reasons, window })
}
