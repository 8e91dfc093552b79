//! Label selectors, and terms of node affinity.

use super::super::{LabelSelector, NodeTerm, SelectorOperator, SelectorRequirement};
use super::Decoder;
use super::object::Object;

const OPERATORS: [(&str, SelectorOperator); 8] = [
    ("In", SelectorOperator::In),
    ("NotIn", SelectorOperator::NotIn),
    ("Exists", SelectorOperator::Exists),
    ("DoesNotExist", SelectorOperator::DoesNotExist),
    ("Gt", SelectorOperator::Gt),
    ("Lt", SelectorOperator::Lt),
    ("Gte", SelectorOperator::Gte),
    ("Lte", SelectorOperator::Lte),
];

/// A `LabelSelector`, which compares no numbers; `None` where there is none.
pub(super) fn labels(decoder: &mut Decoder, owner: &Object, name: &'static str) -> Option<LabelSelector> {
    let object = owner.object(decoder, name)?;
    let selector = LabelSelector {
        match_labels: object.labels(decoder, "matchLabels"),
        match_expressions: requirements(decoder, &object, "matchExpressions", &OPERATORS[..4]),
    };
    object.finish(decoder, &[], &[]);
    Some(selector)
}

pub(super) fn node_term(decoder: &mut Decoder, object: &Object) -> NodeTerm {
    let term = NodeTerm {
        match_expressions: requirements(decoder, object, "matchExpressions", &OPERATORS),
        match_fields: requirements(decoder, object, "matchFields", &OPERATORS),
    };
    object.finish(decoder, &[], &[]);
    term
}

fn requirements(
    decoder: &mut Decoder,
    owner: &Object,
    name: &'static str,
    operators: &[(&str, SelectorOperator)],
) -> Vec<SelectorRequirement> {
    let objects = owner.objects(decoder, name);
    objects.iter().filter_map(|object| requirement(decoder, object, operators)).collect()
}

fn requirement(
    decoder: &mut Decoder,
    object: &Object,
    operators: &[(&str, SelectorOperator)],
) -> Option<SelectorRequirement> {
    let key = object.text(decoder, "key");
    let is_given = object.get("operator").is_some();
    let operator = object.one_of(decoder, "operator", operators);
    let values = object.texts(decoder, "values");
    object.finish(decoder, &[], &[]);
    let null = serde_json::Value::Null;
    if key.is_empty() {
        decoder.problem(&object.path, &null, "has no key", "");
    }
    if !is_given {
        decoder.problem(&object.path, &null, "has no operator", "write for example operator: In");
    }
    let operator = operator?;
    let fits = match operator {
        SelectorOperator::In | SelectorOperator::NotIn => !values.is_empty(),
        SelectorOperator::Exists | SelectorOperator::DoesNotExist => values.is_empty(),
        _ => values.len() == 1 && values[0].parse::<i64>().is_ok(),
    };
    if !fits {
        let needs = match operator {
            SelectorOperator::In | SelectorOperator::NotIn => "needs values with this operator",
            SelectorOperator::Exists | SelectorOperator::DoesNotExist => {
                "must have no values with this operator"
            }
            _ => "needs one whole number as its only value with this operator",
        };
        decoder.problem(&object.path, &null, needs, "");
    }
    Some(SelectorRequirement { key, operator, values })
}
