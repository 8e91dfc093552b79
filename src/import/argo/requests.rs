//! What a pod asked for: the containers of its template, with what patches and parameters make of them.
//!
//! The containers that Argo itself adds (`wait`, `init`) are not in the object, and so not in the requests.

use std::collections::BTreeMap;

use super::object::{Container, Node, PodSpecPatch, Template, Workflow};
use crate::units::{Cpu, Memory, parse_cpu, parse_memory};

/// Sums over all containers of a pod; what nothing asks for is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Requests {
    pub cpu: Option<Cpu>,
    pub memory: Option<Memory>,
    pub cpu_limit: Option<Cpu>,
    pub memory_limit: Option<Memory>,
    pub ephemeral: Option<Memory>,
    pub gpus: i64,
    pub image: String,
    /// Some quantity could not be read, or depends on what only the cluster knew.
    pub unclear: bool,
}

/// The template of a node: of the workflow itself, or stored from a WorkflowTemplate.
pub(super) fn template<'w>(workflow: &'w Workflow, node: &Node) -> Option<&'w Template> {
    let stored = &workflow.status.stored_templates;
    let find =
        |templates: &'w [Template], name: &str| templates.iter().find(|template| &*template.name == name);
    let by_end = |end: &str| stored.iter().find(|(key, _)| key.ends_with(end)).map(|(_, template)| template);
    if !node.template_ref.template.is_empty() {
        let end = format!("/{}/{}", &*node.template_ref.name, &*node.template_ref.template);
        return by_end(&end);
    }
    let name = &*node.template_name;
    if name.is_empty() {
        return None;
    }
    let scoped = format!("{}/{name}", &*node.template_scope);
    find(&workflow.spec.templates, name)
        .filter(|_| node.template_scope.is_empty() || node.template_scope.starts_with("local/"))
        .or_else(|| stored.get(&scoped))
        .or_else(|| find(&workflow.status.stored_workflow_template_spec.templates, name))
        .or_else(|| find(&workflow.spec.templates, name))
        .or_else(|| by_end(&format!("/{name}")))
}

pub(super) fn requests(workflow: &Workflow, node: &Node, template: &Template) -> Requests {
    let mut found = Requests::default();
    let mut main: Vec<Container> = template.container.iter().chain(&template.script).cloned().collect();
    for container in &mut main {
        "main".clone_into(&mut container.name.0);
    }
    main.extend(template.container_set.containers.iter().cloned());
    found.image = main.first().map(|container| fill(&container.image, workflow, node)).unwrap_or_default();
    main.extend(template.sidecars.iter().cloned());
    for patch in
        [&workflow.spec.pod_spec_patch, &template.pod_spec_patch].into_iter().filter(|p| !p.is_empty())
    {
        found.unclear |= !apply(&fill(patch, workflow, node), &mut main);
    }
    let amount = |container: &Container, limit: bool, name: &str| {
        let resources = &container.resources;
        let requested = resources.requests.get(name).filter(|_| !limit);
        // Kubernetes takes a limit for the request where there is none.
        requested.or_else(|| resources.limits.get(name)).map(|text| fill(text, workflow, node))
    };
    let mut unclear = false;
    let mut total = |limit: bool, name: &str, parse: &dyn Fn(&str) -> Option<i64>| {
        let mut read = |containers: &[Container]| -> Vec<i64> {
            let texts = containers.iter().filter_map(|container| amount(container, limit, name));
            let values: Vec<Option<i64>> = texts.map(|text| parse(&text)).collect();
            unclear |= values.contains(&None);
            values.into_iter().flatten().collect()
        };
        // Init containers run one after the other, before the rest.
        let sum = read(&main).into_iter().reduce(i64::saturating_add);
        let largest = read(&template.init_containers).into_iter().max();
        sum.max(largest).filter(|value| *value > 0)
    };
    let cpu = |text: &str| parse_cpu(text).ok().map(Cpu::milli);
    let memory = |text: &str| parse_memory(text).ok().map(Memory::bytes);
    found.cpu = total(false, "cpu", &cpu).map(Cpu::from_milli);
    found.memory = total(false, "memory", &memory).map(Memory::from_bytes);
    found.ephemeral = total(false, "ephemeral-storage", &memory).map(Memory::from_bytes);
    found.cpu_limit = total(true, "cpu", &cpu).map(Cpu::from_milli);
    found.memory_limit = total(true, "memory", &memory).map(Memory::from_bytes);
    let count = |text: &str| text.parse().ok().filter(|n| (0..1_000).contains(n));
    found.gpus = ["nvidia.com/gpu", "amd.com/gpu"].iter().filter_map(|name| total(false, name, &count)).sum();
    found.unclear |= unclear;
    found
}

/// Puts what a patch says of containers over them; false if it cannot be read.
fn apply(patch: &str, containers: &mut [Container]) -> bool {
    if patch.contains("{{") {
        return false;
    }
    // JSON is YAML, too.
    let Ok(patch) = serde_saphyr::from_str::<PodSpecPatch>(patch) else { return false };
    for patched in patch.containers {
        for container in containers.iter_mut().filter(|container| container.name == patched.name) {
            container.resources.requests.extend(patched.resources.requests.clone());
            container.resources.limits.extend(patched.resources.limits.clone());
        }
    }
    true
}

/// Replaces the parameters whose values the object has.
fn fill(text: &str, workflow: &Workflow, node: &Node) -> String {
    if !text.contains("{{") {
        return text.to_owned();
    }
    let values: BTreeMap<String, &str> = [("inputs", &node.inputs), ("workflow", &workflow.spec.arguments)]
        .into_iter()
        .flat_map(|(of, inputs)| {
            inputs.parameters.iter().map(move |p| (format!("{of}.parameters.{}", &*p.name), &*p.value))
        })
        .collect();
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, inner, after)) = rest
        .split_once("{{")
        .and_then(|(before, tail)| tail.split_once("}}").map(|(inner, after)| (before, inner, after)))
    {
        filled.push_str(before);
        match values.get(inner.trim()) {
            Some(value) => filled.push_str(value),
            None => filled.push_str(&rest[before.len()..rest.len() - after.len()]),
        }
        rest = after;
    }
    filled + rest
}
