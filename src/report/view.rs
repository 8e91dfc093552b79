//! What several outputs show in the same way: the report seen from the side of its readers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::text::{clean, count, money, plural, ratio, usd};
use super::{
    AllocationReport, Distribution, Inputs, PlatformReport, Report, SavingsPlanReport, WorkflowReport,
};
use crate::trace::WorkMethod;
use crate::units::Usd;

const REASONS_SHOWN: usize = 3;

/// `6,024 pods in 502 workflow runs`; only the pods where they belong to no run.
pub(super) fn pods_and_runs(inputs: &Inputs) -> String {
    let pods = plural(inputs.pods, "pod");
    match inputs.workflow_runs {
        0 => pods,
        runs => format!("{pods} in {}", plural(runs, "workflow run")),
    }
}

impl PlatformReport {
    /// What it can be compared by: nothing, where it did not run the whole trace.
    pub(crate) fn comparable(&self) -> Option<Usd> {
        self.total().filter(|_| self.complete)
    }

    /// What it cost; `None` where that is not known.
    pub(crate) fn total(&self) -> Option<Usd> {
        self.cost.as_ref().and_then(|cost| usd(&cost.total_usd))
    }
}

impl AllocationReport {
    /// Every part: its key, how it is called, and the amount. A Savings Plan's only where there is one.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        let plan = self.savings_plan_usd.as_deref();
        let always = [
            ("pods", "pods", &*self.pods_usd),
            ("daemonsets", "DaemonSets", &*self.daemonsets_usd),
            ("startup", "node start-up", &*self.startup_usd),
            ("idle", "idle", &*self.idle_usd),
            ("shared", "control plane, NAT and controllers", &*self.shared_usd),
        ];
        always.into_iter().chain(plan.map(|usd| ("savings-plan", "Savings Plan", usd)))
    }
}

/// How much of a Savings Plan's commitment was used, in a sentence.
pub(super) fn plan_use(plan: &SavingsPlanReport) -> String {
    let per_hour = plan.commitment_per_hour_usd.as_deref();
    if per_hour.and_then(usd) == Some(Usd::ZERO) {
        return "Savings Plan: no commitment would have paid.".to_owned();
    }
    // A commitment has three decimals, not the two of an amount.
    let of = per_hour.map(|usd| format!(" of ${usd} an hour")).unwrap_or_default();
    format!(
        "Savings Plan{of}: {} of the commitment is used, {} of {} is lost; {} of the usage it can cover is covered.",
        ratio(plan.utilisation),
        money(&plan.unused_usd),
        money(&plan.commitment_usd),
        ratio(plan.coverage),
    )
}

/// That a platform pays noticeably for the machines of its controllers, in a sentence: what makes moving not worth it
/// for a small workload.
pub(super) fn controllers(platform: &PlatformReport) -> Option<String> {
    const NOTICEABLE: f64 = 0.1;
    let cost = platform.cost.as_ref()?;
    let of_controllers = cost.items.iter().filter(|item| item.item.starts_with("controllers'"));
    let paid: Usd = of_controllers.filter_map(|item| usd(&item.usd)).sum();
    let share = paid.to_f64() / platform.total()?.to_f64();
    (share >= NOTICEABLE).then(|| {
        let paid = money(&paid.to_string());
        format!(
            "{} pays {paid} ({}) for the machines of its controllers",
            clean(&platform.name),
            ratio(Some(share))
        )
    })
}

/// Why a platform took running pods away, most frequent reasons first.
pub(super) fn kill_reasons(platform: &PlatformReport) -> Option<String> {
    let mut reasons: Vec<(&str, u64)> =
        platform.disruption.evictions.iter().map(|(reason, n)| (reason.as_str(), *n)).collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let reasons: Vec<String> =
        reasons.iter().map(|(why, n)| format!("{} by {}", count(*n), clean(why))).collect();
    (!reasons.is_empty()).then(|| format!("killed on {}: {}", clean(&platform.name), reasons.join(", ")))
}

/// The kind of the platform that shows what happened.
const RECORDED: &str = "recorded";

/// The report without the start delays of `recorded` where nobody observed one: they would show a model beside the
/// simulations as if it were a measurement.
pub(super) fn without_modelled_starts(report: &Report) -> Cow<'_, Report> {
    let observed = [WorkMethod::Measured, WorkMethod::PodStatus].map(WorkMethod::name);
    let all_modelled = report.inputs.evidence.as_ref().is_some_and(|evidence| {
        let methods = &evidence.methods;
        !methods.is_empty() && !methods.iter().any(|entry| observed.contains(&entry.method.as_str()))
    });
    if !all_modelled || report.platforms.iter().all(|platform| platform.kind != RECORDED) {
        return Cow::Borrowed(report);
    }
    let mut report = report.clone();
    for platform in report.platforms.iter_mut().filter(|platform| platform.kind == RECORDED) {
        platform.latency.start_delay_s = Distribution::default();
    }
    Cow::Owned(report)
}

/// Why `recorded` has no start delays, in a sentence.
pub(super) fn no_start_delays(platform: &PlatformReport) -> Option<String> {
    let has_none = platform.kind == RECORDED && platform.latency.start_delay_s.count == 0;
    has_none.then(|| {
        format!("{} has no start delays: nobody observed when containers started", clean(&platform.name))
    })
}

/// Why a platform is not comparable, in a sentence.
pub(super) fn incomplete(platform: &PlatformReport) -> String {
    let reasons = &platform.incomplete_reasons;
    let mut shown: Vec<&str> = reasons.iter().take(REASONS_SHOWN).map(String::as_str).collect();
    let more = format!("{} more", count(reasons.len().saturating_sub(REASONS_SHOWN) as u64));
    if reasons.len() > REASONS_SHOWN {
        shown.push(&more);
    }
    if shown.is_empty() {
        shown.push("not every pod ended as recorded");
    }
    clean(&format!("{} is incomplete, its cost cannot be compared: {}", platform.name, shown.join("; ")))
        .into_owned()
}

/// The same workflow on every platform, dearest first.
pub(super) struct WorkflowRow<'a> {
    pub name: &'a str,
    pub runs: u64,
    pub pods: u64,
    /// By platform.
    pub on: Vec<Option<&'a WorkflowReport>>,
}

/// Workflows by their cost on the first platform that has one for any of them, then by name.
pub(super) fn workflow_rows(report: &Report) -> Vec<WorkflowRow<'_>> {
    let mut by_name: BTreeMap<&str, WorkflowRow> = BTreeMap::new();
    for (index, platform) in report.platforms.iter().enumerate() {
        for workflow in &platform.workflows {
            let row = by_name.entry(&workflow.workflow).or_insert_with(|| WorkflowRow {
                name: &workflow.workflow,
                runs: workflow.runs,
                pods: workflow.pods,
                on: vec![None; report.platforms.len()],
            });
            row.on[index] = Some(workflow);
        }
    }
    let mut rows: Vec<_> = by_name.into_values().collect();
    let cost = |row: &WorkflowRow| row.on.iter().flatten().find_map(|w| usd(w.usd.as_deref()?));
    rows.sort_by_key(|row| std::cmp::Reverse(cost(row)));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{EvidenceReport, MethodReport, sample};

    #[test]
    fn modelled_starts_of_the_record_are_not_shown() {
        let with = |method: WorkMethod| {
            let mut report = sample::report();
            report.platforms[0].kind = RECORDED.to_owned();
            let entry = MethodReport { method: method.name().to_owned(), pods: 1, work_hours: 1.0 };
            report.inputs.evidence =
                Some(EvidenceReport { methods: vec![entry], ..EvidenceReport::default() });
            report
        };
        let observed = with(WorkMethod::PodStatus);
        assert_eq!(*without_modelled_starts(&observed), observed);
        let modelled = with(WorkMethod::ModelSubtracted);
        let shown = without_modelled_starts(&modelled);
        assert_eq!(shown.platforms[0].latency.start_delay_s, Distribution::default());
        assert!(no_start_delays(&shown.platforms[0]).is_some());
        // What is simulated is a prediction anyway.
        assert_eq!(shown.platforms[1], modelled.platforms[1]);
    }
}
