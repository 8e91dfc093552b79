//! Taints and tolerations.

use super::super::{Taint, TaintEffect, Toleration};
use super::Decoder;
use super::object::Object;

const EFFECTS: [(&str, Option<TaintEffect>); 4] = [
    ("", None),
    ("NoSchedule", Some(TaintEffect::NoSchedule)),
    ("PreferNoSchedule", Some(TaintEffect::PreferNoSchedule)),
    ("NoExecute", Some(TaintEffect::NoExecute)),
];

pub(super) fn taints(decoder: &mut Decoder, owner: &Object, name: &'static str) -> Vec<Taint> {
    let mut taints = Vec::new();
    for object in owner.objects(decoder, name) {
        let key = object.text(decoder, "key");
        let value = object.text(decoder, "value");
        let effect = object.one_of(decoder, "effect", &EFFECTS[1..]);
        object.finish(decoder, &["timeAdded"], &[]);
        let null = serde_json::Value::Null;
        if key.is_empty() {
            decoder.problem(&object.path, &null, "has no key", "");
        }
        match effect.flatten() {
            Some(effect) => taints.push(Taint { key, value, effect }),
            None if object.get("effect").is_none() => {
                decoder.problem(&object.path, &null, "has no effect", "write for example effect: NoSchedule");
            }
            None => {}
        }
    }
    taints
}

/// For how long a taint is tolerated does not matter: no controller here adds one to a running node that evicts.
pub(super) fn tolerations(decoder: &mut Decoder, owner: &Object) -> Vec<Toleration> {
    let mut tolerations = Vec::new();
    for object in owner.objects(decoder, "tolerations") {
        let key = object.text(decoder, "key");
        let value = object.text(decoder, "value");
        let operators = [("Equal", true), ("Exists", false)];
        let is_equal = object.one_of(decoder, "operator", &operators).unwrap_or(true);
        let effect = object.one_of(decoder, "effect", &EFFECTS).flatten();
        object.finish(decoder, &["tolerationSeconds"], &[]);
        if key.is_empty() && is_equal {
            let hint = "write operator: Exists to tolerate every taint";
            decoder.problem(&object.path, &serde_json::Value::Null, "has no key", hint);
        }
        let key = (!key.is_empty()).then_some(key);
        tolerations.push(Toleration { key, value: is_equal.then_some(value), effect });
    }
    tolerations
}
