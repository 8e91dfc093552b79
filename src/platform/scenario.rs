//! A scenario file: what is compared and under which assumptions, as a user writes and reads it.
//!
//! `read` takes YAML of one or several documents, of which exactly one is the `Scenario`; `to_yaml` writes
//! the resolved one back, complete, so that a run can be repeated from what it printed; `apply` puts flags
//! over it. Whether an instance type or a region exists is not known here: `given` keeps the places for
//! whoever knows.

mod auto_mode;
mod autoscaler_deployment;
mod candidates;
mod cluster_autoscaler;
mod cluster_config;
mod constraints;
mod discounts;
mod documents;
mod fargate;
mod home;
mod instance_type;
mod karpenter;
mod limits;
mod mixed;
mod node_class;
mod node_groups;
mod node_pool;
mod objects;
mod overrides;
mod own_platforms;
mod pod_templates;
pub(super) mod print;
mod requirements;
mod savings_plan;
mod settings;
mod spot;
mod system;
mod upgrades;
mod vary;

#[cfg(test)]
pub(super) mod tests;

use std::path::Path;

use super::fields::{Given, Reader};
use super::{Kind, Part, Platform, Settings};
use crate::error::Result;
use crate::kube::{LabelSelector, PodAffinity};
use crate::workload::{PodRules, ToldApart};

pub(super) use cluster_config::API_VERSION as CLUSTER_CONFIG;
pub use limits::Limits;
pub use overrides::Overrides;
pub use vary::Variation;

/// The `apiVersion` of scenario documents.
pub const API_VERSION: &str = "cost-sim/v1";

/// What a run compares, resolved: nothing is left to be assumed later.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub settings: Settings,
    /// In the order of the report; never empty, names unique.
    pub platforms: Vec<Platform>,
    pub limits: Limits,
    /// What the files set, and where.
    pub given: Given,
    /// Fields of manifests that exist in reality and have no effect here, each once.
    pub not_simulated: Vec<String>,
}

/// What runs without a scenario file.
impl Default for Scenario {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            platforms: Platform::defaults(),
            limits: Limits::default(),
            given: Given::default(),
            not_simulated: Vec::new(),
        }
    }
}

impl Scenario {
    /// Whether the file chose the platforms; otherwise the built-in ones are compared, to which the caller
    /// adds `recorded` when the trace has the delays for it.
    pub fn chose_platforms(&self) -> bool {
        self.given.contains("platforms")
    }

    /// By what the pods of the trace have to be told apart: what anything in the scenario selects them by.
    pub fn told_apart(&self) -> ToldApart {
        let mut told_apart = ToldApart::default();
        let mut selects = |selector: &LabelSelector| {
            told_apart.labels.extend(selector.match_labels.keys().cloned());
            told_apart.labels.extend(selector.match_expressions.iter().map(|one| one.key.clone()));
        };
        let settings = &self.settings;
        settings.pdbs.iter().filter_map(|pdb| pdb.selector.as_ref()).for_each(&mut selects);
        let mut has_topology = false;
        for template in &settings.pod_templates {
            let spec = &template.spec;
            has_topology |= spec.has_topology();
            let terms = |affinity: &PodAffinity| {
                let preferred = affinity.preferred.iter().map(|(_, term)| term);
                affinity.required.iter().chain(preferred).cloned().collect::<Vec<_>>()
            };
            for term in [terms(&spec.affinity), terms(&spec.anti_affinity)].concat() {
                term.selector.iter().for_each(&mut selects);
            }
            spec.spread.iter().filter_map(|one| one.selector.as_ref()).for_each(&mut selects);
        }
        told_apart.namespaces = has_topology || !settings.pdbs.is_empty();
        for part in self.platforms.iter().flat_map(Platform::parts) {
            let Kind::Fargate(fargate) = &part.kind else { continue };
            for selector in fargate.profiles.iter().flat_map(|profile| &profile.selectors) {
                told_apart.namespaces = true;
                let asked = [super::profiles::PROFILE_LABEL.to_owned()];
                told_apart.labels.extend(selector.labels.iter().map(|(key, _)| key.clone()).chain(asked));
            }
        }
        told_apart
    }

    /// What stands in for what a trace does not say of its pods; `told_apart` is [`Self::told_apart`].
    pub fn pod_rules<'s>(&'s self, told_apart: &'s ToldApart) -> PodRules<'s> {
        PodRules { defaults: &self.settings.defaults, templates: &self.settings.pod_templates, told_apart }
    }

    /// Whether the user named platforms, in the file or with `--platform`.
    pub fn names_platforms(&self) -> bool {
        self.given.is_chosen("platforms") || self.platforms != Platform::defaults()
    }

    /// The field path of a part of a platform, which is the platform itself unless that is mixed.
    pub fn path_of(platform: &Platform, part: &Part) -> String {
        let whole = format!("platforms[{}]", platform.name);
        match platform.kind {
            Kind::Mixed(_) => format!("{whole}.parts[{}]", part.name),
            _ => whole,
        }
    }

    /// The field path of a node group's instance type, for [`Given::complaint`]. A platform's only group has no name.
    pub fn instance_type_path(platform: &str, group: &str) -> String {
        let group = if group.is_empty() { String::new() } else { format!(".groups[{group}]") };
        format!("{platform}{group}.instanceTypes[0]")
    }

    /// The field path of where a platform's controllers run.
    pub fn home_path(platform: &str) -> String {
        format!("{platform}.controllersHome")
    }
}

/// Reads a scenario file. `path` is for messages only.
pub fn read(path: &Path, text: &str) -> Result<Scenario> {
    read_all(&[(path, text)])
}

/// Reads a scenario that several files make together: the scenario file first, if there is one, then manifests.
pub fn read_all(files: &[(&Path, &str)]) -> Result<Scenario> {
    let (names, texts): (Vec<String>, Vec<&str>) =
        files.iter().map(|(path, text)| (path.display().to_string(), *text)).unzip();
    let mut reader = Reader::new(names);
    let scenario = documents::scenario(&mut reader, &texts)?;
    let (problems, given) = reader.problems();
    problems.into_result(Scenario { given, ..scenario })
}

/// Every field that a scenario can set, as the documentation names it.
#[cfg(test)]
pub(super) fn every_field() -> std::collections::BTreeSet<String> {
    let mut reader = Reader::new(vec![String::new()]);
    let text = "{apiVersion: cost-sim/v1, kind: Scenario, \
                daemonSets: [{name: a}], sidecars: [{name: a}], spot: {events: [{at: 0}]}, platforms: [\
                {name: a, kind: recorded}, {name: b, kind: fargate, profiles: [{name: a, selectors: [{namespace: a}]}]}, \
                {name: c, kind: node-group, scaling: {desiredSize: 1}, taints: [{key: a, effect: NoSchedule}]}, \
                {name: d, kind: node-group, groups: [{name: a}]}, {name: e, kind: karpenter, nodePools: [a], drift: [{at: 0}]}, \
                {name: f, kind: node-group, nodeGroups: [g]}, {name: h, kind: auto-mode, nodePools: [system, k]}, \
                {name: i, kind: mixed, parts: [{name: j, kind: fargate}]}], \
                system: [{name: a, instanceType: m6i.large, nodes: 1}], \
                podTemplates: [{match: {workflow: a}, template: {spec: {containers: []}}}]}\n\
                ---\n\
                {apiVersion: eksctl.io/v1alpha5, kind: ClusterConfig, metadata: {name: a}, managedNodeGroups: [\
                {name: g, minSize: 0, maxSize: 1, taints: [{key: a, effect: NoSchedule}]}]}\n\
                ---\n\
                {apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: a}, spec: {\
                disruption: {budgets: [{nodes: 1, schedule: '@daily', duration: 1h}]}, template: {spec: {nodeClassRef: {name: a}, \
                requirements: [{key: a, operator: Exists}], taints: [{key: a, effect: NoSchedule}]}}}}\n\
                ---\n\
                {apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {name: a}, spec: {\
                amiSelectorTerms: [{alias: al2023@latest}], blockDeviceMappings: [{ebs: {volumeSize: 20Gi}}]}}\n\
                ---\n\
                {apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: k}, spec: {template: {spec: {\
                nodeClassRef: {kind: NodeClass, name: k}}}}}\n\
                ---\n\
                {apiVersion: eks.amazonaws.com/v1, kind: NodeClass, metadata: {name: k}, spec: {\
                ephemeralStorage: {size: 80Gi}}}\n";
    documents::scenario(&mut reader, &[text]).expect("the text is well-formed");
    let asked = std::mem::take(&mut reader.asked);
    let (problems, _) = reader.problems();
    assert!(problems.is_empty(), "{problems}");
    asked
}
