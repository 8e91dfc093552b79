//! PodDisruptionBudgets (`policy/v1`).

use super::super::{IntOrPercent, Pdb};
use super::object::Object;
use super::pod::METADATA;
use super::{Decoder, selector};

pub(super) fn pdb(decoder: &mut Decoder, object: &Object) -> Pdb {
    let mut pdb = Pdb {
        name: String::new(),
        namespace: "default".to_owned(),
        selector: None,
        min_available: None,
        max_unavailable: None,
        disruptions_allowed: None,
        always_allows_unhealthy: false,
    };
    if let Some(metadata) = object.object(decoder, "metadata") {
        pdb.name = metadata.text(decoder, "name");
        let namespace = metadata.text(decoder, "namespace");
        if !namespace.is_empty() {
            pdb.namespace = namespace;
        }
        metadata.finish(decoder, METADATA, &[]);
    }
    if let Some(spec) = object.object(decoder, "spec") {
        pdb.selector = selector::labels(decoder, &spec, "selector");
        pdb.min_available = spec.parsed(decoder, "minAvailable", int_or_percent);
        pdb.max_unavailable = spec.parsed(decoder, "maxUnavailable", int_or_percent);
        let policies = [("IfHealthyBudget", false), ("AlwaysAllow", true)];
        pdb.always_allows_unhealthy =
            spec.one_of(decoder, "unhealthyPodEvictionPolicy", &policies).unwrap_or(false);
        if pdb.min_available.is_some() && pdb.max_unavailable.is_some() {
            let message = "is beside minAvailable: Kubernetes takes one of the two";
            decoder.problem(&spec.path.field("maxUnavailable"), &serde_json::Value::Null, message, "");
        }
        spec.finish(decoder, &[], &[]);
    }
    if let Some(status) = object.object(decoder, "status") {
        pdb.disruptions_allowed = status.whole(decoder, "disruptionsAllowed");
    }
    object.finish(decoder, &["apiVersion", "kind"], &[]);
    pdb
}

fn int_or_percent(text: &str) -> Result<IntOrPercent, (&'static str, &'static str)> {
    let wrong = ("is neither a whole number nor a percentage", "write for example 1 or 50%");
    let parse = |digits: &str| digits.parse::<u32>().map(i64::from).map_err(|_| wrong);
    match text.strip_suffix('%') {
        Some(digits) => parse(digits).map(IntOrPercent::Percent),
        None => parse(text).map(IntOrPercent::Int),
    }
}
