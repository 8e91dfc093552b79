//! The `requirements` of a NodePool, with the rules of Karpenter's CustomResourceDefinition.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::constraints;
use crate::catalog::labels;

const EXAMPLE: &str = "write {key: karpenter.k8s.aws/instance-category, operator: In, values: [c, m, r]}";

/// `auto_mode`: of a NodePool of EKS Auto Mode, which has other names for the labels of instances.
pub(super) fn read(
    reader: &mut Reader,
    section: &mut Section,
    auto_mode: bool,
    requirements: &mut Vec<NodeRequirement>,
) {
    let (path, generic) = (section.path("requirements"), section.generic("requirements[]"));
    for (index, node) in section.list(reader, "requirements").unwrap_or_default().iter().enumerate() {
        let path = format!("{path}[{index}]");
        requirements.extend(requirement(reader, path, generic.clone(), auto_mode, node));
    }
}

fn requirement(
    reader: &mut Reader,
    path: String,
    generic: String,
    auto_mode: bool,
    node: &Node,
) -> Option<NodeRequirement> {
    let mut section = Section::new(reader, path.clone(), generic, node);
    let key = section.optional(reader, "key", |text| key(text, auto_mode));
    let operator = section.optional(reader, "operator", |t| choice(t, RequirementOperator::WORDS));
    let min_values = section.optional(reader, "minValues", |t| whole(t, 1, 50).map(|n| n as u32));
    let values = values(reader, &mut section, key.as_deref());
    section.finish(reader);
    for missing in ["key", "operator"] {
        if matches!(node.value, Value::Map(_)) && node.get(missing).is_none() {
            reader.problem(node.place, "", Refusal::new(format!("{path} has no {missing}")).hint(EXAMPLE));
        }
    }
    let requirement = NodeRequirement { key: key?, operator: operator?, values: values?, min_values };
    if let Err(refusal) = consistent(&requirement) {
        let message = format!("{path} {}", refusal.message);
        let at = node.get("operator").unwrap_or(node);
        reader.problem(at.place, at.scalar().unwrap_or_default(), Refusal { message, ..refusal });
        return None;
    }
    Some(requirement)
}

/// `None` if one of them is refused.
fn values(reader: &mut Reader, section: &mut Section, key: Option<&str>) -> Option<Vec<String>> {
    let path = section.path("values");
    let Some(items) = section.list(reader, "values") else {
        return reader.given.place(&path).is_none().then(Vec::new);
    };
    let read: Vec<String> = items
        .iter()
        .enumerate()
        .filter_map(|(index, node)| {
            reader.mark(format!("{path}[{index}]"), node);
            reader.scalar(&format!("{path}[{index}]"), node, |t| value(key, t))
        })
        .collect();
    (read.len() == items.len()).then_some(read)
}

/// What the operator asks of the values.
fn consistent(requirement: &NodeRequirement) -> Parsed<()> {
    use RequirementOperator::*;
    let NodeRequirement { operator, values, min_values, .. } = requirement;
    let word = operator.word();
    match operator {
        In | NotIn if values.is_empty() => {
            Err(Refusal::new(format!("has no values, which {word} needs")).hint(EXAMPLE))
        }
        Exists | DoesNotExist if !values.is_empty() => {
            Err(Refusal::new(format!("has values, which {word} does not take")).hint("remove them"))
        }
        Gt | Lt | Gte | Lte if !matches!(values.as_slice(), [one] if whole(one, 0, i64::MAX.unsigned_abs() - 1).is_ok()) => {
            Err(Refusal::new(format!("must have one whole number among its values, which {word} needs"))
                .hint("write for example values: [\"2\"]"))
        }
        In if min_values.is_some_and(|least| values.len() < least as usize) => {
            Err(Refusal::new("has fewer values than its minValues"))
        }
        _ => Ok(()),
    }
}

/// Labels in Karpenter's own domains are those that it knows.
fn key(text: &str, auto_mode: bool) -> Parsed<String> {
    constraints::key(text)?;
    if auto_mode && text.starts_with(labels::KARPENTER_AWS) {
        return Err(Refusal::new("is no label of EKS Auto Mode")
            .hint(format!("write {}", labels::of_auto_mode(text))));
    }
    let restricted = [labels::NODEPOOL, labels::HOSTNAME];
    if restricted.contains(&text) {
        return Err(Refusal::new("is a label that a NodePool may not restrict"));
    }
    let of_instances = if auto_mode { "eks.amazonaws.com/instance-" } else { labels::KARPENTER_AWS };
    let own = ["karpenter.sh/", of_instances].iter().any(|domain| text.starts_with(domain));
    if own && !labels::is_well_known(text) {
        let refusal = Refusal::new("is no label of Karpenter that this version knows");
        return Err(match suggest(text, &labels::WELL_KNOWN) {
            Some(known) => refusal.hint(format!("did you mean {known}?")),
            None => refusal,
        });
    }
    Ok(text.to_owned())
}

/// Values of labels that have few are checked, so that a slip does not leave a pool without instance types.
fn value(key: Option<&str>, text: &str) -> Parsed<String> {
    const CAPACITY_TYPES: [&str; 2] = ["on-demand", "spot"];
    match key {
        Some(labels::CAPACITY_TYPE) if text == "reserved" => {
            Err(Refusal::new("is not simulated by this version")
                .hint("remove it: capacity reservations are not"))
        }
        Some(labels::CAPACITY_TYPE) => choice(text, &CAPACITY_TYPES.map(|word| (word, word))),
        Some(labels::ARCH) => choice(text, &["amd64", "arm64"].map(|word| (word, word))),
        Some(labels::OS) => choice(text, &["linux"].map(|word| (word, word))),
        _ => return constraints::value(text),
    }
    .map(str::to_owned)
}
