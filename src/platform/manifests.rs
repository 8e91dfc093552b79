//! A platform as the manifests that make it: what Karpenter and eksctl take, so that a comparison ends in a pull request.
//!
//! The documents are read back by [`read`](super::read) to the same platform: what is applied is what was simulated. What
//! only the user knows (names of the cluster, the role, the tags) stands there as an example with a comment, `fill in`,
//! once in each document. Settings of the controllers themselves belong to their Helm charts, and so are a comment here.

mod cluster_config;
mod karpenter;

#[cfg(test)]
mod tests;

use super::scenario::print;
use super::scenario::print::yaml::Yaml;
use super::values::kubernetes_duration_text;
use super::{Kind, Platform, Scenario};
use crate::units::Span;

/// The documents of `platform` in `region` and the zones of these letters, separated by `---`.
///
/// `None` where there is nothing to apply (`recorded`), for what is not written as manifests yet (EKS Auto Mode, mixed
/// platforms, profiles of Fargate), and for what no manifest can say: a node group whose type or size
/// is still open (resolve the platform first), or a root volume that is not of whole GiB.
pub fn manifests(platform: &Platform, region: &str, zones: &[String]) -> Option<String> {
    match &platform.kind {
        Kind::Recorded | Kind::AutoMode(_) | Kind::Mixed(_) => None,
        Kind::Fargate(fargate) if !fargate.profiles.is_empty() => None,
        Kind::Fargate(_) => Some(cluster_config::fargate(region, zones)),
        Kind::NodeGroups(groups) => cluster_config::node_groups(&platform.name, groups, region, zones),
        Kind::Karpenter(karpenter) => karpenter::documents(karpenter, region, zones),
    }
}

/// A scenario file of `platform` alone, with the settings and limits of `scenario`, followed by its [`manifests`].
///
/// Reading it gives the same settings, platform and limits; only the region, even if it was assumed or taken from the
/// trace, is then given. What manifests cannot say stays in the scenario.
pub fn scenario_with_manifests(scenario: &Scenario, platform: &Platform) -> String {
    let settings = &scenario.settings;
    match manifests(platform, &settings.region.name, &settings.zones) {
        Some(documents) => format!("{}---\n{documents}", print::referring(scenario, platform)),
        None => Scenario { platforms: vec![platform.clone()], ..scenario.clone() }.to_yaml(),
    }
}

/// `us-east-1a` for each letter.
fn full_names(region: &str, zones: &[String]) -> Vec<String> {
    zones.iter().map(|letter| format!("{region}{letter}")).collect()
}

/// Values of a Helm chart, as a comment.
fn helm_values(chart: &str, values: Vec<(String, Yaml)>) -> String {
    let values = print::render(&Yaml::Map(values));
    let lines: String = values.lines().flat_map(|line| ["#   ", line, "\n"]).collect();
    format!("# The simulation is of these values of the Helm chart {chart}:\n{lines}")
}

/// As Go's `time.ParseDuration` takes it, which knows no days.
fn go_duration(span: Span) -> String {
    match span.ms() % 1_000 {
        0 => kubernetes_duration_text(span),
        _ => format!("{}ms", span.ms()),
    }
}
