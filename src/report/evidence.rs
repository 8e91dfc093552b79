//! On what the work of pods rests: what was measured, what was subtracted by a model, and what a result owes to it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Report;
use super::risk::Rows;
use super::text::{NONE, Places, clean, count, hours, money, ratio, usd};
use crate::bill::Bill;
use crate::import::is_weak;
use crate::ledger::Ledger;
use crate::trace::{Kind, State, Trace, WorkMethod};
use crate::units::{Span, Usd};
use crate::workload::Workload;

/// How the work of a trace's pods was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceReport {
    /// By `work_seconds_method`, best first.
    pub methods: Vec<MethodReport>,
    /// Share of the pods whose method stands after `metric_bounds`: an estimate, no measurement.
    pub weak_share: f64,
    /// What the files have that was not made a row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<DroppedReport>,
    /// Start-up times that stand in for those that nobody measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start_up: Vec<StartUpReport>,
    /// Pods of which less than a second was left, and which work for a second therefore.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub at_floor: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MethodReport {
    /// As in the column `work_seconds_method`.
    pub method: String,
    pub pods: u64,
    pub work_hours: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DroppedReport {
    pub format: String,
    pub reason: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartUpReport {
    /// Empty: all images that have no entry of their own.
    pub image: String,
    pub seconds: f64,
    pub how: String,
    /// Rows that it was found from.
    pub from_rows: u64,
    /// Rows for which it was used.
    pub rows: u64,
}

/// What of a platform's cost rests on estimates of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformEvidence {
    /// Allocated to pods whose work is an estimate.
    pub weak_usd: String,
    /// Of what is allocated to all pods.
    pub weak_share: f64,
}

/// The costs with half and with one and a half of the start-up that was subtracted from estimated work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sensitivity {
    /// Those that can be billed.
    pub platforms: Vec<PlatformSensitivity>,
    pub cheapest: Cheapest,
    /// Whether another platform is the cheapest in one of the two.
    pub finding_changes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformSensitivity {
    pub name: String,
    /// The least of the three totals: as a rule with one and a half of the start-up, which leaves less work.
    pub low_usd: String,
    pub base_usd: String,
    /// The most of the three.
    pub high_usd: String,
}

/// The cheapest platform that ran the whole trace, by how much of the start-up is subtracted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cheapest {
    pub half: Option<String>,
    pub base: Option<String>,
    pub one_and_half: Option<String>,
}

/// How the work of `trace`'s pods was found.
pub fn evidence(trace: &Trace) -> EvidenceReport {
    let mut methods: BTreeMap<WorkMethod, (u64, Span)> = BTreeMap::new();
    let (mut pods, mut weak) = (0u64, 0u64);
    for row in 0..trace.rows() {
        let is_pod = trace.kind.get(row).unwrap_or_default() == Kind::Pod;
        if !is_pod || matches!(trace.state.get(row), Some(State::Pending | State::Skipped)) {
            continue;
        }
        let (count, work) = methods.entry(trace.work_method.get(row).unwrap_or_default()).or_default();
        *count += 1;
        *work += trace.work.get(row).unwrap_or_default();
        pods += 1;
        weak += u64::from(is_weak(trace, row));
    }
    let of_import = &trace.evidence;
    EvidenceReport {
        methods: methods
            .into_iter()
            .map(|(method, (pods, work))| MethodReport {
                method: method.name().to_owned(),
                pods,
                work_hours: work.secs_f64() / 3_600.0,
            })
            .collect(),
        weak_share: if pods == 0 { 0.0 } else { weak as f64 / pods as f64 },
        dropped: of_import
            .dropped
            .iter()
            .map(|dropped| DroppedReport {
                format: dropped.format.clone(),
                reason: dropped.reason.clone(),
                count: dropped.count,
            })
            .collect(),
        start_up: of_import
            .start_up
            .iter()
            .map(|entry| StartUpReport {
                image: entry.image.clone(),
                seconds: entry.value.secs_f64(),
                how: entry.how.about().to_owned(),
                from_rows: entry.from,
                rows: entry.used,
            })
            .collect(),
        at_floor: of_import.at_floor,
    }
}

impl EvidenceReport {
    /// Whether all work was measured and nothing was left out: nothing to say.
    pub fn is_plain(&self) -> bool {
        self.dropped.is_empty()
            && self.start_up.is_empty()
            && self.methods.iter().all(|entry| entry.method == WorkMethod::Measured.name())
    }
}

/// What of `bill` is allocated to pods whose work is an estimate; `None` where there are none.
pub fn platform_evidence(
    trace: &Trace,
    workload: &Workload,
    ledger: &Ledger,
    bill: &Bill,
) -> Option<PlatformEvidence> {
    let row = |step: u32| workload.steps.row[step as usize] as usize;
    let is_weak = |step: u32| is_weak(trace, row(step));
    if !workload.steps.pods().any(is_weak) {
        return None;
    }
    let of_runs = || ledger.runs.iter().zip(&bill.runs);
    let weak: Usd = of_runs().filter(|(run, _)| is_weak(run.step)).map(|(_, usd)| *usd).sum();
    let all: Usd = of_runs().map(|(_, usd)| *usd).sum();
    let weak_share = if all == Usd::ZERO { 0.0 } else { weak.to_f64() / all.to_f64() };
    Some(PlatformEvidence { weak_usd: weak.to_string(), weak_share })
}

/// That some of the work is an estimate, in a sentence; `None` where all of it was measured.
pub(super) fn estimated(report: &Report) -> Option<String> {
    let weak = report.inputs.evidence.as_ref()?.weak_share;
    (weak > 0.0).then(|| format!("work of {} of the pods is estimated", ratio(Some(weak))))
}

/// What the estimates mean for the result, in a sentence, with the range of each platform's cost.
pub(super) fn sentence(report: &Report) -> Option<String> {
    let ranges = report.sensitivity.as_ref()?.platforms.iter().map(|platform| {
        format!("{} {} to {}", platform.name, money(&platform.low_usd), money(&platform.high_usd))
    });
    let ranges: Vec<String> = ranges.collect();
    Some(clean(&format!("{}: {}", meaning(report)?, ranges.join(", "))).into_owned())
}

/// The same without the ranges, for where a table has them.
pub(super) fn meaning(report: &Report) -> Option<String> {
    let sensitivity = report.sensitivity.as_ref()?;
    let estimated = estimated(report).unwrap_or_else(|| "work of pods is estimated".to_owned());
    let name = |name: &Option<String>| name.as_deref().unwrap_or("none").to_owned();
    let cheapest = &sensitivity.cheapest;
    let stays = format!("the cheapest stays {}", name(&cheapest.base));
    let subtracted = report.inputs.evidence.as_ref().is_none_or(|evidence| {
        evidence.methods.iter().any(|entry| entry.method == WorkMethod::ModelSubtracted.name())
    });
    let text = match (subtracted, sensitivity.finding_changes) {
        (true, false) => format!("{estimated}; if the start-up taken off is wrong by half, {stays}"),
        (true, true) => format!(
            "{estimated}; if the start-up taken off is wrong by half, the cheapest is {} with half of it, {} as shown \
             and {} with one and a half of it",
            name(&cheapest.half),
            name(&cheapest.base),
            name(&cheapest.one_and_half)
        ),
        (false, false) => {
            format!(
                "{estimated}, and no start-up was taken off; with half of a platform's start-up off, {stays}"
            )
        }
        (false, true) => format!(
            "{estimated}, and no start-up was taken off; the cheapest is {} as shown and {} with half of a platform's \
             start-up off",
            name(&cheapest.base),
            name(&cheapest.one_and_half)
        ),
    };
    Some(clean(&text).into_owned())
}

/// A row per platform: low, as shown, high, and what rests on estimates.
pub(super) fn rows(report: &Report) -> Option<Rows> {
    let sensitivity = report.sensitivity.as_ref()?;
    let amounts = sensitivity.platforms.iter().flat_map(|p| [usd(&p.low_usd), usd(&p.high_usd)]);
    let places = Places::of(amounts);
    let row = |platform: &PlatformSensitivity| {
        let of_report = report.platforms.iter().find(|p| p.name == platform.name);
        let weak = of_report.and_then(|p| p.evidence.as_ref());
        let weak = weak
            .map_or(NONE.to_owned(), |e| format!("{} ({})", money(&e.weak_usd), ratio(Some(e.weak_share))));
        let [low, base, high] = [&platform.low_usd, &platform.base_usd, &platform.high_usd]
            .map(|amount| places.show(usd(amount)));
        vec![platform.name.clone(), low, base, high, weak]
    };
    let rows = sensitivity.platforms.iter().map(row).collect();
    Some(Rows { heads: &["platform", "lowest", "as shown", "highest", "pods whose work is estimated"], rows })
}

/// How work was found: method, pods, hours of work.
pub(super) fn method_rows(evidence: &EvidenceReport) -> Rows {
    let row = |m: &MethodReport| vec![m.method.clone(), count(m.pods), hours(m.work_hours)];
    Rows { heads: &["work_seconds_method", "pods", "work"], rows: evidence.methods.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn estimated(method: WorkMethod, one_and_half: &str) -> Report {
        let mut report = sample::report();
        let name = Some("fargate".to_owned());
        let changed = Some(one_and_half.to_owned());
        report.inputs.evidence = Some(EvidenceReport {
            methods: vec![MethodReport { method: method.name().to_owned(), pods: 4, work_hours: 1.0 }],
            weak_share: 0.73,
            ..EvidenceReport::default()
        });
        report.sensitivity = Some(Sensitivity {
            platforms: vec![PlatformSensitivity {
                name: "fargate".to_owned(),
                low_usd: "10".to_owned(),
                base_usd: "11".to_owned(),
                high_usd: "12".to_owned(),
            }],
            finding_changes: changed != name,
            cheapest: Cheapest { half: name.clone(), base: name, one_and_half: changed },
        });
        report
    }

    #[test]
    fn what_was_not_taken_off_is_not_called_wrong() {
        let cases = [
            (
                WorkMethod::ModelSubtracted,
                "fargate",
                "work of 73 % of the pods is estimated; if the start-up taken off is wrong by half, the cheapest stays \
                 fargate: fargate $10.00 to $12.00",
            ),
            (
                WorkMethod::RawSpan,
                "fargate",
                "work of 73 % of the pods is estimated, and no start-up was taken off; with half of a platform's \
                 start-up off, the cheapest stays fargate: fargate $10.00 to $12.00",
            ),
            (
                WorkMethod::RawSpan,
                "jobs",
                "work of 73 % of the pods is estimated, and no start-up was taken off; the cheapest is fargate as shown \
                 and jobs with half of a platform's start-up off: fargate $10.00 to $12.00",
            ),
        ];
        for (method, one_and_half, expected) in cases {
            assert_eq!(sentence(&estimated(method, one_and_half)).as_deref(), Some(expected));
        }
    }
}
