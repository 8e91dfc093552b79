//! What a reader must know before believing a result: one line each.

use std::collections::BTreeSet;

use super::Study;
use super::fleet::unknown_pool_values;
use super::study::region_of;
use crate::bill::UsedPrice;
use crate::platform::{Kind, Part, Platform, RegionSource};
use crate::trace::SourcePlatform;
use crate::units::Span;

/// Prices this many years older than the newest one are named.
const OLD_YEARS: i32 = 2;
/// A pod that stays this long after its end was forgotten.
const LEFTOVER: Span = Span::from_secs(15 * 60);
/// Below this, a monthly figure is a long way from what was seen.
const SHORT_WINDOW_HOURS: i64 = 24;

/// What decides a result comes first, since a terminal shows only the first few; then what was noted in reading.
pub(super) fn all(study: &Study, used: &[&UsedPrice], inferred: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(defaults(study));
    warnings.extend(region(study));
    warnings.extend(source(study));
    warnings.extend(rivals(study));
    warnings.extend(window(study));
    warnings.extend(prices(used, inferred));
    warnings.extend(leftovers(study));
    warnings.extend(unknown_values(study));
    warnings.extend(not_simulated(study));
    warnings.extend(study.warnings.iter().cloned());
    warnings
}

/// Each NodePool once, whoever uses it.
fn unknown_values(study: &Study) -> Vec<String> {
    let setup = study.setup();
    let parts = study.scenario.platforms.iter().flat_map(Platform::parts);
    let mut pools: Vec<_> = parts.flat_map(|part| part.kind.node_pools()).collect();
    let mut seen = BTreeSet::new();
    pools.retain(|pool| seen.insert(pool.name.as_str()));
    pools.into_iter().filter_map(|pool| unknown_pool_values(&setup, pool)).collect()
}

/// Platforms on which several controllers answer the same pending pod.
fn rivals(study: &Study) -> impl Iterator<Item = String> {
    let makes_nodes = |part: &&Part| match &part.kind {
        Kind::NodeGroups(groups) => groups.is_autoscaled(),
        Kind::Karpenter(_) | Kind::AutoMode(_) => true,
        Kind::Recorded | Kind::Fargate(_) | Kind::Mixed(_) => false,
    };
    study.scenario.platforms.iter().filter_map(move |platform| {
        let rivals: Vec<&str> =
            platform.parts().iter().filter(makes_nodes).map(|part| part.name.as_str()).collect();
        (rivals.len() > 1).then(|| {
            format!(
                "{}: {} may each make a node for the same pending pod: tell their pods apart by labels and taints",
                platform.name,
                rivals.join(" and ")
            )
        })
    })
}

/// What manifests say without effect, all in one line.
fn not_simulated(study: &Study) -> Option<String> {
    let fields = &study.scenario.not_simulated;
    (!fields.is_empty())
        .then(|| format!("the manifests also say, without effect here: {}", fields.join(", ")))
}

pub(super) fn defaults(study: &Study) -> Option<String> {
    let defaults = &study.scenario.settings.defaults;
    let assumed = study.assumed;
    let cpu = format!("{} CPU", defaults.cpu_request);
    let memory = format!("{} of memory", defaults.memory_request);
    let given = &study.scenario.given;
    let chosen = |pods: usize, path: &str| pods == 0 || given.is_chosen(path);
    let all_chosen = chosen(assumed.cpu_requests, "defaults.cpuRequest")
        && chosen(assumed.memory_requests, "defaults.memoryRequest");
    let verb = if all_chosen { "stand in, as chosen" } else { "are assumed" };
    let (what, value) = match (assumed.cpu_requests, assumed.memory_requests) {
        (0, 0) => return None,
        (_, 0) => ("CPU requests", cpu),
        (0, _) => ("memory requests", memory),
        _ => ("requests", format!("{cpu} and {memory}")),
    };
    let pods = pods(assumed.cpu_requests.max(assumed.memory_requests));
    Some(format!("{what} of {pods} are not in the trace: {value} {verb}, and decide the result"))
}

fn region(study: &Study) -> Option<String> {
    let region = &study.scenario.settings.region;
    let traced = region_of(&study.trace).filter(|traced| *traced != region.name)?;
    (region.source == RegionSource::Given)
        .then(|| format!("the trace ran in {traced}; what it would cost in {} is shown", region.name))
}

fn prices(used: &[&UsedPrice], inferred: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    if !inferred.is_empty() {
        warnings.push(format!("prices inferred, not observed: {}", inferred.join(", ")));
    }
    let year = |price: &UsedPrice| price.as_of.to_string().get(..4).and_then(|year| year.parse::<i32>().ok());
    let newest = used.iter().filter_map(|price| year(price)).max();
    let old: Vec<&str> = used
        .iter()
        .filter(|price| year(price).zip(newest).is_some_and(|(year, newest)| year + OLD_YEARS < newest))
        .map(|price| price.name.as_str())
        .collect();
    if !old.is_empty() {
        warnings
            .push(format!("prices more than {OLD_YEARS} years older than the newest: {}", old.join(", ")));
    }
    warnings
}

fn window(study: &Study) -> Option<String> {
    let length = study.workload.window.end - study.workload.window.start;
    (length.ms() < SHORT_WINDOW_HOURS * 3_600_000)
        .then(|| format!("the trace covers {length}: a monthly cost repeats that for a whole month"))
}

/// Pods that stayed long after their end, as nobody deleted them: simulated platforms delete them in time.
pub(super) fn leftovers(study: &Study) -> Option<String> {
    if study.scenario.settings.orchestrator.leftover_pods.share_ppm > 0 {
        return None;
    }
    let trace = &study.trace;
    let stayed = |row: usize| Some(trace.deleted_time.get(row)? - trace.end_time.get(row)?);
    let longest = (0..trace.rows()).filter_map(stayed).max()?;
    let left = (0..trace.rows()).filter_map(stayed).filter(|stay| *stay >= LEFTOVER).count();
    (left > 0).then(|| {
        let stayed = if left == 1 { "stayed" } else { "stayed for up to" };
        format!(
            "{} {stayed} {longest} after the end; what that costs is only in `recorded`: set orchestrator.leftoverPods \
             to simulate it",
            pods(left)
        )
    })
}

fn source(study: &Study) -> Option<String> {
    let text = match study.source {
        None => "the trace does not say where it ran: no platform is marked as today's",
        Some(SourcePlatform::Ec2) if study.described_groups.is_empty() => {
            "the trace ran on EC2, but on which nodes is not said: describe the node group in a scenario to compare \
             with it"
        }
        Some(_) => return None,
    };
    Some(text.to_owned())
}

/// `1 pod`, `2,345 pods`.
pub(super) fn pods(count: usize) -> String {
    crate::report::plural(count as u64, "pod")
}
