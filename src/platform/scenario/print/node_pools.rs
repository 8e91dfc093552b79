//! NodePools as the documents that Kubernetes takes, each with an EC2NodeClass of its name for what that says of the
//! nodes. (A real EC2NodeClass needs a role and networks too, which mean nothing here.)

use super::super::super::values::*;
use super::super::super::*;
use super::platforms::{labels, taints};
use super::yaml::{Yaml, field, map, text, whole_number};

/// The annotation by which platforms refer to a NodePool's document where its name alone does not tell which it is.
pub(in crate::platform) const DOCUMENT: &str = "cost-sim/document";

/// The NodePools of all platforms, each once, with what their documents are called in the file: by their own names, except
/// that platforms which differ in a pool (variants of one) have several of one name.
pub(super) struct Documents<'p>(Vec<(String, &'p NodePool)>);

impl<'p> Documents<'p> {
    pub fn of(platforms: &'p [Platform]) -> Self {
        let parts = platforms.iter().flat_map(Platform::parts);
        let pools: Vec<&NodePool> = parts.flat_map(|part| part.kind.node_pools()).collect();
        let mut named: Vec<(String, &NodePool)> = Vec::new();
        for pool in &pools {
            if named.iter().any(|(_, known)| known == pool) {
                continue;
            }
            let is_free = |name: &str| {
                let is_of_another = pools.iter().any(|other| other.name == name && other.name != pool.name);
                !is_of_another && named.iter().all(|(known, _)| known != name)
            };
            let numbered = (2..).map(|number| format!("{}-{number}", pool.name));
            let name = std::iter::once(pool.name.clone()).chain(numbered).find(|name| is_free(name));
            named.extend(name.map(|name| (name, *pool)));
        }
        Self(named)
    }

    /// What the document of `pool` is called.
    pub fn name_of<'a>(&'a self, pool: &'a NodePool) -> &'a str {
        self.0.iter().find(|(_, known)| *known == pool).map_or(&pool.name, |(name, _)| name)
    }

    pub fn print(&self) -> Vec<Yaml> {
        self.0
            .iter()
            .flat_map(|(name, pool)| [named_node_pool(pool, name, name), node_class(pool, name)])
            .collect()
    }
}

/// The pool, whose nodes are of the EC2NodeClass `class`.
pub(in crate::platform) fn node_pool(pool: &NodePool, class: &str) -> Yaml {
    named_node_pool(pool, &pool.name, class)
}

fn named_node_pool(pool: &NodePool, document_name: &str, class: &str) -> Yaml {
    let mut spec = Vec::new();
    if pool.weight > 0 {
        spec.push(field("weight", Yaml::Whole(pool.weight.into())));
    }
    let limits: Vec<(String, Yaml)> = [
        pool.limits.cpu.map(|cpu| field("cpu", text(cpu_text(cpu)))),
        pool.limits.memory.map(|memory| field("memory", text(memory_text(memory)))),
        pool.limits.nodes.map(|nodes| field("nodes", Yaml::Whole(nodes.into()))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !limits.is_empty() {
        spec.push(field("limits", Yaml::Inline(limits)));
    }
    spec.push(map(
        "disruption",
        [
            ("consolidationPolicy", text(pool.consolidation_policy.word())),
            ("consolidateAfter", text(never_or(pool.consolidate_after))),
            ("budgets", Yaml::List(pool.budgets.iter().map(budget).collect())),
        ],
    ));
    let mut template = Vec::new();
    if !pool.labels.is_empty() {
        template.push(map("metadata", [("labels", labels(&pool.labels))]));
    }
    let mut nodes = vec![
        field(
            "nodeClassRef",
            Yaml::Inline(vec![
                field("group", text(if pool.auto_mode { "eks.amazonaws.com" } else { "karpenter.k8s.aws" })),
                field("kind", text(if pool.auto_mode { "NodeClass" } else { "EC2NodeClass" })),
                field("name", Yaml::Str(class.to_owned())),
            ]),
        ),
        field("requirements", Yaml::List(pool.requirements.iter().map(requirement).collect())),
    ];
    if !pool.taints.is_empty() {
        nodes.push(field("taints", taints(&pool.taints)));
    }
    nodes.push(field("expireAfter", text(never_or(pool.expire_after))));
    if let Some(period) = pool.termination_grace_period {
        nodes.push(field("terminationGracePeriod", text(kubernetes_duration_text(period))));
    }
    template.push(field("spec", Yaml::Map(nodes)));
    spec.push(field("template", Yaml::Map(template)));
    let mut metadata = vec![field("name", Yaml::Str(pool.name.clone()))];
    if document_name != pool.name {
        let own = field(DOCUMENT, Yaml::Str(document_name.to_owned()));
        metadata.push(field("annotations", Yaml::Map(vec![own])));
        return document("karpenter.sh/v1", "NodePool", Yaml::Map(metadata), spec);
    }
    document("karpenter.sh/v1", "NodePool", Yaml::Inline(metadata), spec)
}

fn budget(budget: &Budget) -> Yaml {
    let mut fields = vec![field("nodes", Yaml::Str(budget_nodes_text(budget.nodes)))];
    if !budget.reasons.is_empty() {
        let words = budget.reasons.iter().map(|reason| reason.word().to_owned());
        fields.push(field("reasons", Yaml::InlineList(words.collect())));
    }
    if let Some(window) = &budget.window {
        fields.push(field("schedule", Yaml::Str(window.schedule.to_string())));
        fields.push(field("duration", text(kubernetes_duration_text(window.duration))));
    }
    Yaml::Inline(fields)
}

fn requirement(requirement: &NodeRequirement) -> Yaml {
    let mut fields =
        vec![field("key", text(&requirement.key)), field("operator", text(requirement.operator.word()))];
    if !requirement.values.is_empty() {
        fields.push(field("values", Yaml::InlineList(requirement.values.clone())));
    }
    if let Some(least) = requirement.min_values {
        fields.push(field("minValues", Yaml::Whole(least.into())));
    }
    Yaml::Inline(fields)
}

/// The class of the pool, which has this name: an EC2NodeClass, or a NodeClass of EKS Auto Mode. Its `spec` is the last
/// field of the document.
pub(in crate::platform) fn node_class(pool: &NodePool, name: &str) -> Yaml {
    let metadata = Yaml::Inline(vec![field("name", Yaml::Str(name.to_owned()))]);
    if pool.auto_mode {
        let storage = Yaml::Inline(vec![field("size", text(memory_text(pool.root_volume)))]);
        return document(
            "eks.amazonaws.com/v1",
            "NodeClass",
            metadata,
            vec![field("ephemeralStorage", storage)],
        );
    }
    let volume = Yaml::Inline(vec![
        field("deviceName", text("/dev/xvda")),
        field(
            "ebs",
            Yaml::Inline(vec![
                field("volumeSize", text(memory_text(pool.root_volume))),
                field("volumeType", text("gp3")),
            ]),
        ),
    ]);
    let mut spec = vec![field("blockDeviceMappings", Yaml::List(vec![volume]))];
    let sizing = &pool.sizing;
    let mut kubelet = Vec::new();
    kubelet.extend(pool.max_pods.map(|pods| field("maxPods", whole_number(pods))));
    kubelet.extend(sizing.pods_per_core.map(|pods| field("podsPerCore", whole_number(pods))));
    let reserved = &sizing.system_reserved;
    if *reserved != Resources::ZERO {
        let reserved = vec![
            field("cpu", Yaml::Str(cpu_text(reserved.cpu))),
            field("memory", Yaml::Str(memory_text(reserved.memory))),
            field("ephemeral-storage", Yaml::Str(memory_text(reserved.ephemeral))),
        ];
        kubelet.push(field("systemReserved", Yaml::Inline(reserved)));
    }
    if !kubelet.is_empty() {
        spec.push(field("kubelet", Yaml::Map(kubelet)));
    }
    if sizing.raid0 {
        spec.push(field("instanceStorePolicy", text("RAID0")));
    }
    if sizing.bottlerocket {
        spec.push(field("amiFamily", text("Bottlerocket")));
    }
    document("karpenter.k8s.aws/v1", "EC2NodeClass", metadata, spec)
}

fn document(api_version: &str, kind: &str, metadata: Yaml, spec: Vec<(String, Yaml)>) -> Yaml {
    Yaml::Map(vec![
        field("apiVersion", text(api_version)),
        field("kind", text(kind)),
        field("metadata", metadata),
        field("spec", Yaml::Map(spec)),
    ])
}
