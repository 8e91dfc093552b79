//! What a class of pods is in Kubernetes' words: the columns of the trace, turned into a pod's spec.

use crate::catalog::labels;
use crate::kube::{DoNotDisrupt, OwnerRef, PodSpec, TaintEffect, Toleration};
use crate::trace::{OwnerKind, PodArch, Words, split_list};
use crate::units::{Cpu, Memory};

use super::PodClass;

/// The spec of the pods of a class.
pub fn pod_spec(class: &PodClass, words: &Words) -> PodSpec {
    let mut spec = PodSpec {
        requests: class.requests.into(),
        scored_requests: scored(class.requests.cpu, class.requests.memory),
        tolerations: split_list(words.get(class.tolerations)).map(|text| toleration(&text)).collect(),
        priority: class.priority,
        owner: match class.owner {
            OwnerKind::None => None,
            OwnerKind::Job => {
                Some(OwnerRef { kind: "Job".to_owned(), name: String::new(), uid: String::new() })
            }
        },
        do_not_disrupt: if class.do_not_disrupt { DoNotDisrupt::Always } else { DoNotDisrupt::No },
        avoids_spot: !class.interruptible,
        ..PodSpec::default()
    };
    for item in split_list(words.get(class.node_selector)) {
        let (key, value) = item.split_once('=').unwrap_or((&item, ""));
        spec.node_selector.insert(labels::normalized(key).to_owned(), value.to_owned());
    }
    let arch = match class.arch {
        PodArch::Any => None,
        PodArch::Amd64 => Some("amd64"),
        PodArch::Arm64 => Some("arm64"),
    };
    if let Some(arch) = arch {
        spec.node_selector.insert(labels::ARCH.to_owned(), arch.to_owned());
    }
    spec
}

/// Requests of the only container as kube-scheduler's scores count them.
fn scored(cpu: Cpu, memory: Memory) -> (i64, i64) {
    let milli = if cpu == Cpu::ZERO { 100 } else { cpu.milli() };
    let bytes = if memory == Memory::ZERO { 200 << 20 } else { memory.bytes() };
    (milli, bytes)
}

/// A toleration as traces write it: `key`, `key=value`, either with `:Effect`, or `*` for everything.
fn toleration(text: &str) -> Toleration {
    let (rest, effect) = match text.rsplit_once(':') {
        Some((rest, "NoSchedule")) => (rest, Some(TaintEffect::NoSchedule)),
        Some((rest, "PreferNoSchedule")) => (rest, Some(TaintEffect::PreferNoSchedule)),
        Some((rest, "NoExecute")) => (rest, Some(TaintEffect::NoExecute)),
        _ => (text, None),
    };
    if rest == "*" {
        return Toleration { effect, ..Toleration::default() };
    }
    let (key, value) = match rest.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (rest, None),
    };
    Toleration { key: Some(key.to_owned()), value, effect }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations_as_traces_write_them() {
        let known = |key: &str, value: Option<&str>, effect| Toleration {
            key: Some(key.to_owned()),
            value: value.map(str::to_owned),
            effect,
        };
        for (text, expected) in [
            ("*", Toleration::default()),
            ("*:NoExecute", Toleration { effect: Some(TaintEffect::NoExecute), ..Toleration::default() }),
            ("team", known("team", None, None)),
            ("team=data", known("team", Some("data"), None)),
            ("team=data:NoSchedule", known("team", Some("data"), Some(TaintEffect::NoSchedule))),
        ] {
            assert_eq!(toleration(text), expected, "{text}");
        }
    }
}
