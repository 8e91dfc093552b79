//! Kubernetes' own objects as documents, and templates of pods as the scenario has them.

use serde_json::Value as Json;

use super::super::super::*;
use super::yaml::{Yaml, field, text};
use crate::kube::{IntOrPercent, LabelSelector, SelectorOperator};

/// PriorityClasses other than those of every cluster, and PodDisruptionBudgets.
pub(in crate::platform) fn documents(settings: &Settings) -> Vec<Yaml> {
    let built_in = PriorityClasses::default();
    let own = settings.priority_classes.iter().filter(|(name, class)| built_in.get(name) != Some(*class));
    let classes = own.map(|(name, class)| {
        let mut fields = head("scheduling.k8s.io/v1", "PriorityClass", vec![field("name", string(name))]);
        fields.push(field("value", string(class.value.to_string())));
        if class.is_global_default {
            fields.push(field("globalDefault", Yaml::Bool(true)));
        }
        if !class.preempts {
            fields.push(field("preemptionPolicy", text("Never")));
        }
        Yaml::Map(fields)
    });
    classes.chain(settings.pdbs.iter().map(pdb)).collect()
}

fn pdb(pdb: &Pdb) -> Yaml {
    let name = vec![field("name", string(&pdb.name)), field("namespace", string(&pdb.namespace))];
    let mut fields = head("policy/v1", "PodDisruptionBudget", name);
    let number = |number: IntOrPercent| match number {
        IntOrPercent::Int(number) => string(number.to_string()),
        IntOrPercent::Percent(percent) => string(format!("{percent}%")),
    };
    let mut spec = Vec::new();
    spec.extend(pdb.min_available.map(|least| field("minAvailable", number(least))));
    spec.extend(pdb.max_unavailable.map(|most| field("maxUnavailable", number(most))));
    spec.extend(pdb.selector.as_ref().map(|of| field("selector", selector(of))));
    if pdb.always_allows_unhealthy {
        spec.push(field("unhealthyPodEvictionPolicy", text("AlwaysAllow")));
    }
    fields.push(field("spec", Yaml::Map(spec)));
    if let Some(allowed) = pdb.disruptions_allowed {
        let allowed = field("disruptionsAllowed", string(allowed.to_string()));
        fields.push(field("status", Yaml::Inline(vec![allowed])));
    }
    Yaml::Map(fields)
}

fn selector(selector: &LabelSelector) -> Yaml {
    let mut fields = Vec::new();
    if !selector.match_labels.is_empty() {
        let labels = selector.match_labels.iter().map(|(key, value)| (key.clone(), string(value)));
        fields.push(field("matchLabels", Yaml::Inline(labels.collect())));
    }
    if !selector.match_expressions.is_empty() {
        let expressions = selector.match_expressions.iter().map(|one| {
            let operator = match one.operator {
                SelectorOperator::In => "In",
                SelectorOperator::NotIn => "NotIn",
                SelectorOperator::Exists => "Exists",
                _ => "DoesNotExist",
            };
            let mut fields = vec![field("key", string(&one.key)), field("operator", text(operator))];
            if !one.values.is_empty() {
                fields.push(field("values", Yaml::InlineList(one.values.clone())));
            }
            Yaml::Inline(fields)
        });
        fields.push(field("matchExpressions", Yaml::List(expressions.collect())));
    }
    if fields.is_empty() { Yaml::Inline(fields) } else { Yaml::Map(fields) }
}

/// `podTemplates`, if there are any.
pub(super) fn pod_templates(templates: &[PodTemplate]) -> Option<(String, Yaml)> {
    let template = |template: &PodTemplate| {
        let of = &template.applies_to;
        let patterns = [
            ("workflow", &of.workflow),
            ("task", &of.task),
            ("image", &of.image),
            ("namespace", &of.namespace),
        ];
        let mut matches: Vec<(String, Yaml)> = patterns
            .into_iter()
            .filter_map(|(name, pattern)| Some(field(name, string(pattern.as_ref()?))))
            .collect();
        if !of.labels.is_empty() {
            let labels = of.labels.iter().map(|(key, pattern)| (key.clone(), string(pattern))).collect();
            matches.push(field("labels", Yaml::Inline(labels)));
        }
        Yaml::Map(vec![field("match", Yaml::Inline(matches)), field("template", json(&template.written))])
    };
    (!templates.is_empty())
        .then(|| field("podTemplates", Yaml::List(templates.iter().map(template).collect())))
}

fn json(value: &Json) -> Yaml {
    match value {
        Json::Object(fields) if fields.is_empty() => Yaml::Inline(Vec::new()),
        Json::Object(fields) => {
            Yaml::Map(fields.iter().map(|(name, value)| field(name, json(value))).collect())
        }
        Json::Array(items) => Yaml::List(items.iter().map(json).collect()),
        Json::String(text) => string(text),
        other => string(other.to_string()),
    }
}

fn string(text: impl Into<String>) -> Yaml {
    Yaml::Str(text.into())
}

fn head(api_version: &str, kind: &str, metadata: Vec<(String, Yaml)>) -> Vec<(String, Yaml)> {
    vec![
        field("apiVersion", text(api_version)),
        field("kind", text(kind)),
        field("metadata", Yaml::Inline(metadata)),
    ]
}
