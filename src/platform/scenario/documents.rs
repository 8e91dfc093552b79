//! The documents of a scenario file: which is the scenario, which belong to it, and which are known but not simulated.
//!
//! Pasted manifests are used or refused and never ignored: a NodePool that has no effect would make a comparison wrong
//! without a sign.

use super::super::fields::{Reader, Section};
use super::super::tree::{self, Node, Place, Value};
use super::super::values::{Parsed, Refusal, suggest};
use super::cluster_config::{Location, Managed};
use super::node_class::NodeClass;
use super::{
    API_VERSION, Scenario, autoscaler_deployment, candidates, cluster_config, limits, node_class, node_pool,
    objects, own_platforms, pod_templates, settings,
};
use crate::error::Result;
use crate::kube::decode::Decoder;
use crate::kube::{Pdb, PodSpec};
use crate::platform::values::all_of;
use crate::platform::{ClusterAutoscaler, FargateProfile, NodePool};

/// Kinds of documents that this version recognises only to refuse them, with what they belong to.
const NOT_YET: [(&str, &str); 1] = [("Provisioner", "Karpenter before its NodePools")];

/// Kinds that stand among people's manifests and change nothing here.
const HARMLESS: [&str; 19] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "CustomResourceDefinition",
    "HelmRelease",
    "Ingress",
    "Kustomization",
    "Lease",
    "Namespace",
    "NetworkPolicy",
    "PodMonitor",
    "PrometheusRule",
    "Role",
    "RoleBinding",
    "Secret",
    "SecurityGroupPolicy",
    "Service",
    "ServiceAccount",
    "ServiceMonitor",
];

/// Kinds that do change what happens in a cluster, and not here.
const NOT_SIMULATED: [&str; 9] = [
    "CapacityBuffer",
    "HorizontalPodAutoscaler",
    "LimitRange",
    "NodeClaim",
    "NodeOverlay",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "StorageClass",
    "VerticalPodAutoscaler",
];

/// Fields that Kubernetes keeps about every object and that change nothing here.
pub(super) const OBJECT_METADATA: [&str; 9] = [
    "annotations",
    "creationTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "uid",
];

/// The documents beside the scenario.
#[derive(Default)]
pub(super) struct Pasted {
    pools: Vec<Document<NodePool>>,
    classes: Vec<Document<NodeClass>>,
    /// NodeClasses of EKS Auto Mode.
    auto_classes: Vec<Document<NodeClass>>,
    /// Managed node groups of all ClusterConfigs.
    groups: Vec<Document<Managed>>,
    /// Where the ClusterConfigs are.
    pub location: Location,
    /// The flags of a Cluster Autoscaler that is among the documents.
    pub autoscaler: Option<ClusterAutoscaler>,
    /// Fargate profiles of all ClusterConfigs.
    pub profiles: Vec<FargateProfile>,
    pub pdbs: Vec<Pdb>,
    /// Knows the PriorityClasses.
    pub decoder: Decoder,
    /// Templates of pods by kind and name: `CronJob/etl`.
    workloads: Vec<(String, (PodSpec, serde_json::Value))>,
}

struct Document<T> {
    name: String,
    /// Of its kind.
    place: Place,
    content: T,
    is_used: bool,
}

impl Pasted {
    /// The NodePool of that name.
    pub fn pool(&mut self, name: &str) -> Parsed<NodePool> {
        let hint = "paste its document below a line ---";
        find(&mut self.pools, name, "NodePool", hint)
    }

    /// Whether the file has a NodePool of that name.
    pub fn has_pool(&self, name: &str) -> bool {
        self.pools.iter().any(|pool| pool.name == name)
    }

    /// The NodeClass of that name; `None` where the file has none at all, and of the one that every cluster has.
    pub fn auto_class(&mut self, name: &str) -> Parsed<Option<NodeClass>> {
        let is_known = self.auto_classes.iter().any(|class| class.name == name);
        if self.auto_classes.is_empty() || name == "default" && !is_known {
            return Ok(None);
        }
        find(&mut self.auto_classes, name, "NodeClass", "").map(Some)
    }

    /// The EC2NodeClass of that name; `None` where the file has none at all, since most say nothing that matters.
    pub fn class(&mut self, name: &str) -> Parsed<Option<NodeClass>> {
        if self.classes.is_empty() {
            return Ok(None);
        }
        find(&mut self.classes, name, "EC2NodeClass", "").map(Some)
    }

    /// The managed node group of that name.
    pub fn group(&mut self, name: &str) -> Parsed<Managed> {
        let hint = "paste the ClusterConfig that has it below a line ---, or describe it under groups";
        find(&mut self.groups, name, "managed node group", hint)
    }

    /// The template of the workload `kind/name`, as it is and as it is written.
    pub fn workload(&self, name: &str) -> Parsed<(PodSpec, serde_json::Value)> {
        if let Some((_, template)) = self.workloads.iter().find(|(known, _)| known == name) {
            return Ok(template.clone());
        }
        let names: Vec<&str> = self.workloads.iter().map(|(name, _)| name.as_str()).collect();
        let refusal =
            Refusal::new("is no Pod, PodTemplate, Job, CronJob, Deployment or StatefulSet of these files");
        Err(match suggest(name, &names) {
            Some(known) => refusal.hint(format!("did you mean {known}?")),
            None if names.is_empty() => {
                refusal.hint("write kind and name, as in CronJob/etl, and paste the document")
            }
            None => refusal.hint(format!("those of these files are {}", all_of(&names))),
        })
    }

    /// Names of all NodePools and managed node groups.
    pub fn names(&self) -> (Vec<String>, Vec<String>) {
        let names = |documents: &mut dyn Iterator<Item = &String>| documents.cloned().collect();
        (
            names(&mut self.pools.iter().map(|document| &document.name)),
            names(&mut self.groups.iter().map(|document| &document.name)),
        )
    }

    fn refuse_unused(&self, reader: &mut Reader) {
        for pool in self.pools.iter().filter(|pool| !pool.is_used) {
            let kind = if pool.content.auto_mode { "auto-mode" } else { "karpenter" };
            let refusal = Refusal::new(format!("no platform uses the NodePool {}", pool.name)).hint(format!(
                "name it in a platform: {{name: …, kind: {kind}, nodePools: [{}]}}",
                pool.name
            ));
            reader.problem(pool.place, "NodePool", refusal);
        }
        for (kind, classes) in [("EC2NodeClass", &self.classes), ("NodeClass", &self.auto_classes)] {
            for class in classes.iter().filter(|class| !class.is_used) {
                let refusal = Refusal::new(format!("no NodePool refers to the {kind} {}", class.name))
                    .hint("name it in the nodeClassRef of a NodePool, or remove this document");
                reader.problem(class.place, kind, refusal);
            }
        }
        for group in self.groups.iter().filter(|group| !group.is_used) {
            let refusal = Refusal::new(format!("no platform uses the managed node group {}", group.name))
                .hint(format!(
                    "name it in a platform: {{name: …, kind: node-group, nodeGroups: [{}]}}",
                    group.name
                ));
            reader.problem(group.place, &group.name, refusal);
        }
    }
}

/// The document of that name, which is then used. `none` is the hint where the file has no document of the kind.
fn find<T: Clone>(documents: &mut [Document<T>], name: &str, kind: &str, none: &str) -> Parsed<T> {
    if let Some(document) = documents.iter_mut().find(|document| document.name == name) {
        document.is_used = true;
        return Ok(document.content.clone());
    }
    let names: Vec<&str> = documents.iter().map(|document| document.name.as_str()).collect();
    let refusal = Refusal::new(format!("is no {kind} of this file"));
    Err(match suggest(name, &names) {
        Some(known) => refusal.hint(format!("did you mean {known}?")),
        None if names.is_empty() => refusal.hint(none),
        None => refusal.hint(format!("those of this file are {}", all_of(&names))),
    })
}

/// Keeps a document, unless another of its kind has the name.
fn keep<T>(reader: &mut Reader, node: &Node, kept: &mut Vec<Document<T>>, name: &str, content: T) {
    let kind = node.get("kind").unwrap_or(node);
    if let Some(first) = kept.iter().find(|document| document.name == name) {
        let kind_word = kind.scalar().unwrap_or_default();
        let refusal = Refusal::new(format!("two documents are the {kind_word} {name}"))
            .hint(format!("the first one is at line {}; keep one of them", first.place.line));
        let at = node.get("metadata").and_then(|metadata| metadata.get("name")).unwrap_or(kind);
        reader.problem(at.place, name, refusal);
        return;
    }
    kept.push(Document { name: name.to_owned(), place: kind.place, content, is_used: false });
}

/// Keeps a managed node group, unless another has the name.
fn keep_group(reader: &mut Reader, node: &Node, kept: &mut Vec<Document<Managed>>, managed: Managed) {
    let name = managed.group.name.clone();
    let place = node.get("name").unwrap_or(node).place;
    if let Some(first) = kept.iter().find(|group| group.name == name) {
        let refusal = Refusal::new(format!("two managed node groups have the name {name}"))
            .hint(format!("the first one is at line {}; give one of them another name", first.place.line));
        reader.problem(place, &name, refusal);
        return;
    }
    kept.push(Document { name, place, content: managed, is_used: false });
}

/// Reads the scenario that the files make together.
pub(super) fn scenario(reader: &mut Reader, texts: &[&str]) -> Result<Scenario> {
    let mut documents = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let name = reader.file_name(index).to_owned();
        // A byte order mark is how some editors begin a file; YAML allows it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let read = tree::documents(index as u16, &name, text)?;
        for node in read {
            unwrapped(node, &mut documents);
        }
    }
    let kinds: Vec<Kind> = documents.iter().map(|document| kind(reader, document)).collect();
    let of =
        |wanted: Kind| documents.iter().zip(&kinds).filter(move |(_, k)| **k == wanted).map(|(node, _)| node);
    let mut pasted = Pasted::default();
    // What is referred to first.
    for node in of(Kind::PriorityClass) {
        objects::decode(reader, &mut pasted.decoder, node, &title(node), Decoder::priority_class);
    }
    for node in of(Kind::Pdb) {
        let pdb = objects::decode(reader, &mut pasted.decoder, node, &title(node), Decoder::pdb);
        pasted.pdbs.extend(pdb);
    }
    for node in of(Kind::Workload) {
        workload(reader, node, &mut pasted);
    }
    for node in of(Kind::ClusterConfig) {
        for (node, managed) in cluster_config::read(reader, node, &mut pasted.location, &mut pasted.profiles)
        {
            keep_group(reader, node, &mut pasted.groups, managed);
        }
    }
    for node in of(Kind::Ec2NodeClass) {
        if let Some(class) = node_class::read(reader, node) {
            keep(reader, node, &mut pasted.classes, &class.name.clone(), class);
        }
    }
    for node in of(Kind::NodeClass) {
        if let Some(class) = node_class::read_auto_mode(reader, node) {
            keep(reader, node, &mut pasted.auto_classes, &class.name.clone(), class);
        }
    }
    for node in of(Kind::NodePool) {
        if let Some(pool) = node_pool::read(reader, node, &mut pasted) {
            let name = node_pool::document_name(node, &pool.name).to_owned();
            keep(reader, node, &mut pasted.pools, &name, pool);
        }
    }
    let mut scenarios = of(Kind::Scenario);
    let first = scenarios.next();
    for second in scenarios {
        let node = second.get("kind").unwrap_or(second);
        let line = first.map_or(1, |first| first.place.line);
        let refusal = Refusal::new("a second Scenario in one file")
            .hint(format!("the first one is at line {line}; keep one of them"));
        reader.problem(node.place, "Scenario", refusal);
    }
    // Manifests are enough: their platforms are then compared with the built-in ones.
    let none = Node { place: Place { file: 0, line: 1, column: 1 }, value: Value::Map(Vec::new()) };
    if first.is_none() && kinds.iter().all(|kind| *kind == Kind::Refused) {
        // A file of foreign documents only has been told about each of them.
        if kinds.is_empty() {
            let refusal = Refusal::new("there is no Scenario in this file")
                .hint(format!("start it with the lines apiVersion: {API_VERSION} and kind: Scenario"));
            reader.problem_anywhere(refusal);
        }
        return Ok(Scenario::default());
    }
    let scenario = content(reader, first, &none, &mut pasted);
    pasted.refuse_unused(reader);
    Ok(Scenario { not_simulated: std::mem::take(&mut reader.not_simulated), ..scenario })
}

/// A document, or those of a `List`, as `kubectl get` prints them.
fn unwrapped(node: Node, documents: &mut Vec<Node>) {
    let is_list = node.get("kind").and_then(Node::scalar).is_some_and(|kind| kind.ends_with("List"));
    let is_list = is_list && node.get("items").is_some_and(|items| matches!(items.value, Value::List(_)));
    match node.value {
        Value::Map(entries) if is_list => {
            let items = entries.into_iter().find(|entry| entry.key == "items");
            if let Some(Value::List(items)) = items.map(|items| items.value.value) {
                for item in items {
                    unwrapped(item, documents);
                }
            }
        }
        value => documents.push(Node { place: node.place, value }),
    }
}

/// `CronJob etl`, for messages.
fn title(node: &Node) -> String {
    let kind = node.get("kind").and_then(Node::scalar).unwrap_or_default();
    let name = node.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::scalar);
    name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"))
}

/// Something that makes pods: Cluster Autoscaler itself, or what `podTemplates` may name.
fn workload(reader: &mut Reader, node: &Node, pasted: &mut Pasted) {
    if let Some(autoscaler) = autoscaler_deployment::read(reader, node) {
        pasted.autoscaler = Some(autoscaler);
        return;
    }
    let title = title(node);
    if title.starts_with("DaemonSet") {
        reader
            .not_simulated("DaemonSet (daemonSets of the scenario says what runs on every node)".to_owned());
        return;
    }
    if let Some(spec) = objects::decode(reader, &mut pasted.decoder, node, &title, Decoder::workload) {
        let mut written = own_platforms::template_of(node).map(objects::template).unwrap_or_default();
        // What the workload, and not its template, says of its pods.
        if !written["metadata"].is_object() {
            written["metadata"] = serde_json::json!({});
        }
        written["metadata"]["namespace"] = spec.namespace.as_str().into();
        if let Some(owner) = &spec.owner {
            let owner = serde_json::json!({"controller": "true", "kind": owner.kind, "name": owner.name, "uid": owner.uid});
            written["metadata"]["ownerReferences"] = serde_json::json!([owner]);
        }
        pasted.workloads.push((title.replacen(' ', "/", 1), (spec, written)));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scenario,
    NodePool,
    Ec2NodeClass,
    NodeClass,
    ClusterConfig,
    Pdb,
    PriorityClass,
    /// Makes pods.
    Workload,
    /// Changes nothing here.
    Harmless,
    Refused,
}

const KINDS: [(&str, Kind); 15] = [
    ("Scenario", Kind::Scenario),
    ("NodePool", Kind::NodePool),
    ("EC2NodeClass", Kind::Ec2NodeClass),
    ("NodeClass", Kind::NodeClass),
    ("ClusterConfig", Kind::ClusterConfig),
    ("PodDisruptionBudget", Kind::Pdb),
    ("PriorityClass", Kind::PriorityClass),
    ("Pod", Kind::Workload),
    ("PodTemplate", Kind::Workload),
    ("Job", Kind::Workload),
    ("CronJob", Kind::Workload),
    ("Deployment", Kind::Workload),
    ("ReplicaSet", Kind::Workload),
    ("StatefulSet", Kind::Workload),
    ("DaemonSet", Kind::Workload),
];

fn kind(reader: &mut Reader, document: &Node) -> Kind {
    if !matches!(document.value, Value::Map(_)) {
        let message = format!("a document must be a mapping, not {}", document.shape());
        let refusal = Refusal::new(message)
            .hint(format!("a scenario starts with the lines apiVersion: {API_VERSION} and kind: Scenario"));
        reader.problem(document.place, document.scalar().unwrap_or_default(), refusal);
        return Kind::Refused;
    }
    let Some((node, kind)) = document.get("kind").and_then(|n| n.scalar().map(|text| (n, text))) else {
        let refusal = Refusal::new("this document does not say its kind")
            .hint(format!("a scenario starts with the lines apiVersion: {API_VERSION} and kind: Scenario"));
        reader.problem(document.place, "", refusal);
        return Kind::Refused;
    };
    if let Some((_, known)) = KINDS.iter().find(|(name, _)| *name == kind) {
        return *known;
    }
    if HARMLESS.contains(&kind) {
        return Kind::Harmless;
    }
    if NOT_SIMULATED.contains(&kind) {
        reader.not_simulated(kind.to_owned());
        return Kind::Harmless;
    }
    let names: Vec<&str> =
        NOT_YET.iter().map(|(name, _)| *name).chain(KINDS.iter().map(|(name, _)| *name)).collect();
    let refusal = if let Some((_, what)) = NOT_YET.iter().find(|(name, _)| *name == kind) {
        Refusal::new(format!("{kind}: {what} cannot be simulated by this version yet"))
            .hint(format!("remove this document; {}", candidates::SIMULATED))
    } else {
        let hint = suggest(kind, &names).map_or_else(
            || {
                let kinds: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
                format!("this version reads the kinds {}", all_of(&kinds))
            },
            |name| format!("did you mean {name}?"),
        );
        Refusal::new("unknown kind of document").hint(hint)
    };
    reader.problem(node.place, kind, refusal);
    Kind::Refused
}

/// Checks the `apiVersion` of a pasted document.
pub(super) fn api_version(reader: &mut Reader, root: &mut Section, node: &Node, wanted: &str) {
    let hint = format!("write apiVersion: {wanted}");
    root.optional(reader, "apiVersion", |text| {
        if text == wanted {
            return Ok(());
        }
        Err(Refusal::new("is not one that this version reads").hint(hint.as_str()))
    });
    if node.get("apiVersion").is_none() {
        reader.problem(node.place, "", Refusal::new("this document has no apiVersion").hint(hint));
    }
}

/// The name of a pasted document.
pub(super) fn metadata(reader: &mut Reader, root: &mut Section, node: &Node) -> Option<String> {
    let mut section = root.section(reader, "metadata");
    let name = section.optional(reader, "name", candidates::name);
    section.ignore(&OBJECT_METADATA);
    section.ignore(&["labels"]);
    section.finish(reader);
    if node.get("metadata").is_none_or(|metadata| metadata.get("name").is_none()) {
        let refusal =
            Refusal::new("this document has no name").hint("write for example metadata: {name: jobs}");
        reader.problem(node.place, "", refusal);
    }
    name
}

/// `node` is the Scenario; `none` stands for it where there are manifests only.
fn content(reader: &mut Reader, node: Option<&Node>, none: &Node, pasted: &mut Pasted) -> Scenario {
    let mut root = Section::new(reader, String::new(), String::new(), node.unwrap_or(none));
    let version = root.optional(reader, "apiVersion", |text| {
        if text == API_VERSION {
            return Ok(());
        }
        Err(Refusal::new("is not one that this version reads")
            .hint(format!("write apiVersion: {API_VERSION}")))
    });
    if let Some(node) = node
        && version.is_none()
        && !reader.given.contains("apiVersion")
    {
        let refusal =
            Refusal::new("the scenario has no apiVersion").hint(format!("write apiVersion: {API_VERSION}"));
        reader.problem(node.place, "", refusal);
    }
    root.entry(reader, "kind");
    let mut settings = settings::read(reader, &mut root, &pasted.location);
    settings.pod_templates = pod_templates::read(reader, &mut root, pasted);
    settings.pdbs = std::mem::take(&mut pasted.pdbs);
    settings.priority_classes = pasted.decoder.priority_classes.clone();
    let mut platforms = candidates::read(reader, &mut root, pasted);
    if !reader.given.contains("platforms") {
        platforms = own_platforms::beside(reader, platforms, pasted);
    }
    let limits = limits::read(reader, &mut root);
    root.finish(reader);
    Scenario { settings, platforms, limits, ..Scenario::default() }
}
