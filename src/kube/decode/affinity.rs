//! Affinity to nodes and pods, and spread over domains.

use super::super::{
    NodeInclusionPolicy, NodeTerm, PodAffinity, PodSpec, PodTerm, SpreadConstraint, WhenUnsatisfiable,
};
use super::object::Object;
use super::{Decoder, selector};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

pub(super) fn affinity(decoder: &mut Decoder, spec: &Object, pod: &mut PodSpec) {
    let Some(object) = spec.object(decoder, "affinity") else { return };
    if let Some(nodes) = object.object(decoder, "nodeAffinity") {
        if let Some(required) = nodes.object(decoder, REQUIRED) {
            pod.required_node_terms = node_terms(decoder, &required);
            required.finish(decoder, &[], &[]);
        }
        pod.preferred_node_terms = preferred(decoder, &nodes, "preference", selector::node_term);
        nodes.finish(decoder, &[], &[]);
    }
    pod.affinity = pods(decoder, &object, "podAffinity");
    pod.anti_affinity = pods(decoder, &object, "podAntiAffinity");
    object.finish(decoder, &[], &[]);
}

fn node_terms(decoder: &mut Decoder, required: &Object) -> Vec<NodeTerm> {
    let terms = required.objects(decoder, "nodeSelectorTerms");
    terms.iter().map(|term| selector::node_term(decoder, term)).collect()
}

/// Weighted terms, of which each stands under `name`.
fn preferred<T>(
    decoder: &mut Decoder,
    owner: &Object,
    name: &'static str,
    read: impl Fn(&mut Decoder, &Object) -> T,
) -> Vec<(i32, T)> {
    let mut terms = Vec::new();
    for object in owner.objects(decoder, PREFERRED) {
        let weight = object.parsed(decoder, "weight", |text| {
            let weight = text.parse::<i32>().ok().filter(|weight| (1..=100).contains(weight));
            weight.ok_or(("must be a whole number from 1 to 100", ""))
        });
        if object.get("weight").is_none() {
            decoder.problem(&object.path, &serde_json::Value::Null, "has no weight", "");
        }
        let term = object.object(decoder, name).map(|term| read(decoder, &term));
        object.finish(decoder, &[], &[]);
        terms.extend(weight.zip(term));
    }
    terms
}

fn pods(decoder: &mut Decoder, owner: &Object, name: &'static str) -> PodAffinity {
    let Some(object) = owner.object(decoder, name) else { return PodAffinity::default() };
    let required = object.objects(decoder, REQUIRED);
    let affinity = PodAffinity {
        required: required.iter().map(|term| pod_term(decoder, term)).collect(),
        preferred: preferred(decoder, &object, "podAffinityTerm", pod_term),
    };
    object.finish(decoder, &[], &[]);
    affinity
}

fn pod_term(decoder: &mut Decoder, object: &Object) -> PodTerm {
    let term = PodTerm {
        topology_key: topology_key(decoder, object),
        selector: selector::labels(decoder, object, "labelSelector"),
        namespaces: object.texts(decoder, "namespaces"),
        namespace_selector: selector::labels(decoder, object, "namespaceSelector"),
        match_label_keys: object.texts(decoder, "matchLabelKeys"),
        mismatch_label_keys: object.texts(decoder, "mismatchLabelKeys"),
    };
    object.finish(decoder, &[], &[]);
    term
}

pub(super) fn spread(decoder: &mut Decoder, spec: &Object) -> Vec<SpreadConstraint> {
    let constraints = spec.objects(decoder, "topologySpreadConstraints");
    constraints.iter().map(|object| constraint(decoder, object)).collect()
}

fn constraint(decoder: &mut Decoder, object: &Object) -> SpreadConstraint {
    let policies = [("Honor", NodeInclusionPolicy::Honor), ("Ignore", NodeInclusionPolicy::Ignore)];
    let unsatisfiable = [
        ("DoNotSchedule", WhenUnsatisfiable::DoNotSchedule),
        ("ScheduleAnyway", WhenUnsatisfiable::ScheduleAnyway),
    ];
    let at_least_one = |text: &str| {
        let number = text.parse::<i32>().ok().filter(|number| *number >= 1);
        number.ok_or(("must be a whole number of at least 1", ""))
    };
    let constraint = SpreadConstraint {
        max_skew: object.parsed(decoder, "maxSkew", at_least_one).unwrap_or(1),
        topology_key: topology_key(decoder, object),
        when_unsatisfiable: object
            .one_of(decoder, "whenUnsatisfiable", &unsatisfiable)
            .unwrap_or(WhenUnsatisfiable::DoNotSchedule),
        selector: selector::labels(decoder, object, "labelSelector"),
        min_domains: object.parsed(decoder, "minDomains", at_least_one).map(i32::cast_unsigned),
        node_affinity_policy: object
            .one_of(decoder, "nodeAffinityPolicy", &policies)
            .unwrap_or(NodeInclusionPolicy::Honor),
        node_taints_policy: object
            .one_of(decoder, "nodeTaintsPolicy", &policies)
            .unwrap_or(NodeInclusionPolicy::Ignore),
        match_label_keys: object.texts(decoder, "matchLabelKeys"),
    };
    object.finish(decoder, &[], &[]);
    constraint
}

fn topology_key(decoder: &mut Decoder, object: &Object) -> String {
    let key = object.text(decoder, "topologyKey");
    if key.is_empty() {
        let hint = "write for example topologyKey: topology.kubernetes.io/zone";
        decoder.problem(&object.path, &serde_json::Value::Null, "has no topologyKey", hint);
    }
    key
}
