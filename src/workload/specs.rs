//! What a class of pods is in Kubernetes' words: the columns of the trace, turned into a pod's spec.

use std::sync::Arc;

use super::{ClassId, PodClass, Workload};
use crate::catalog::labels;
use crate::kube::{CPU, DoNotDisrupt, EPHEMERAL_STORAGE, MEMORY, OwnerRef, PodSpec, TaintEffect, Toleration};
use crate::trace::{OwnerKind, PodArch, Words, split_list};
use crate::units::{Cpu, Memory, Resources};

impl Workload {
    /// The spec of the pods of a class: what the trace says of them, and their template where it says nothing.
    pub fn pod_spec(&self, class: ClassId, words: &Words) -> PodSpec {
        self.spec_of(&self.classes[class as usize], words)
    }

    /// The same, of a class that need not be one of the workload's.
    pub fn spec_of(&self, class: &PodClass, words: &Words) -> PodSpec {
        let template = (class.template as usize).checked_sub(1).and_then(|index| self.templates.get(index));
        let mut spec = of(class, template.map_or_else(PodSpec::default, |spec| PodSpec::clone(spec)), words);
        if let Some(labels) = self.labels.get(class.labels as usize) {
            spec.labels.extend(labels.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        let image = self.images.get(class.image as usize).map(|image| words.get(image.name));
        if let Some(image) = image.filter(|name| !name.is_empty()) {
            spec.images = vec![image.to_owned()];
            spec.containers = 1;
        }
        spec
    }

    /// The specs of all classes, in their order.
    pub fn pod_specs(&self, words: &Words) -> Vec<Arc<PodSpec>> {
        (0..self.classes.len() as ClassId).map(|class| Arc::new(self.pod_spec(class, words))).collect()
    }
}

/// `base` is the template, or a pod of which nothing is known.
fn of(class: &PodClass, base: PodSpec, words: &Words) -> PodSpec {
    let mut spec = base;
    let asked = Resources::from(spec.requests);
    if (class.requests.cpu, class.requests.memory) != (asked.cpu, asked.memory) {
        spec.scored_requests = scored(class.requests.cpu, class.requests.memory);
    }
    let requests = class.requests.into();
    let requests: crate::kube::ResourceList = requests;
    for resource in [CPU, MEMORY, EPHEMERAL_STORAGE] {
        spec.requests[resource] = requests[resource];
    }
    spec.tolerations.extend(split_list(words.get(class.tolerations)).map(|text| toleration(&text)));
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
        // What a pod selects itself says more than what is assumed of its image.
        spec.node_selector.entry(labels::ARCH.to_owned()).or_insert_with(|| arch.to_owned());
    }
    let namespace = words.get(class.namespace);
    if !namespace.is_empty() {
        namespace.clone_into(&mut spec.namespace);
    }
    spec.priority = class.priority;
    if class.owner == OwnerKind::Job {
        spec.owner = Some(OwnerRef { kind: "Job".to_owned(), name: String::new(), uid: String::new() });
    }
    if class.do_not_disrupt {
        spec.do_not_disrupt = DoNotDisrupt::Always;
    }
    spec.avoids_spot = !class.interruptible;
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
