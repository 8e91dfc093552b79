//! The saving: {requests as they are, right-sized} × platforms, against the first platform as it is.

use super::result::{PlatformSaving, Replayed, Saved};
use crate::error::Result;
use crate::platform::{Kind, Platform, Scenario};
use crate::replay::{PlatformRun, Study};
use crate::report::PlatformReport;
use crate::units::Usd;

/// A trace on all platforms.
pub(super) struct Variant {
    pub resolved: Scenario,
    pub runs: Vec<PlatformRun>,
}

/// The platforms to simulate; `asked` is the scenario before the study added to it.
pub(super) fn platforms(study: &Study, asked: &Scenario) -> Result<Scenario> {
    let mut resolved = study.resolve()?;
    // Nobody can move to the past.
    if !asked.names_platforms() {
        resolved.platforms.retain(|platform| !matches!(platform.kind, Kind::Recorded));
    }
    Ok(resolved)
}

pub(super) fn replay(study: &Study, resolved: Scenario, done: &(dyn Fn() + Sync)) -> Result<Variant> {
    let runs = study.setup().run(&resolved.platforms, 1, done);
    study.refuse_inferred(&runs)?;
    Ok(Variant { resolved, runs })
}

/// The first platform of `as_is` is the baseline. Both have the same platforms in the same order.
pub(super) fn table(as_is: &Variant, sized: &Variant) -> Vec<PlatformSaving> {
    let month = |run: &PlatformRun| {
        let report = &run.report;
        let cost = report.cost.as_ref().filter(|_| report.complete)?;
        Usd::parse(&cost.usd_per_month)
    };
    let base = as_is.runs.first().zip(sized.runs.first());
    let base = base.and_then(|(before, after)| Some((month(before)?, month(after)?)));
    let pairs = as_is.runs.iter().zip(&sized.runs);
    let row = |(before, after): (&PlatformRun, &PlatformRun)| {
        let here = month(before).zip(month(after));
        PlatformSaving {
            platform: before.name.clone(),
            kind: before.report.kind.clone(),
            today: before.report.today,
            as_is: replayed(&before.report),
            right_sized: replayed(&after.report),
            saved: base.zip(here).map(|(base, here)| saved(base, here)),
        }
    };
    pairs.map(row).collect()
}

fn replayed(report: &PlatformReport) -> Replayed {
    Replayed {
        complete: report.complete,
        total_usd: report.cost.as_ref().map(|cost| cost.total_usd.clone()),
        usd_per_month: report.cost.as_ref().map(|cost| cost.usd_per_month.clone()),
        p99_makespan_s: report.latency.makespan_s.p99,
        p99_start_delay_s: report.latency.start_delay_s.p99,
    }
}

/// Of (as is, right-sized) costs of the baseline and of a platform.
pub fn saved(baseline: (Usd, Usd), here: (Usd, Usd)) -> Saved {
    let by_requests = baseline.0 - baseline.1;
    let by_platform = baseline.0 - here.0;
    let both = baseline.0 - here.1;
    Saved {
        by_requests_usd: by_requests.to_string(),
        by_platform_usd: by_platform.to_string(),
        both_usd: both.to_string(),
        interaction_usd: (both - by_requests - by_platform).to_string(),
        requests_here_usd: (here.0 - here.1).to_string(),
    }
}

/// Why platforms are not compared, and which node groups are of other types with right-sized requests: what a built-in
/// group is, the pods decide.
pub(super) fn notes(as_is: &Variant, sized: &Variant) -> Vec<String> {
    let incomplete = [(as_is, "with requests as they are"), (sized, "right-sized")].into_iter();
    let incomplete = incomplete.flat_map(|(variant, how)| {
        let reports = variant.runs.iter().map(|run| &run.report);
        reports.flat_map(move |report| {
            let reasons = report.incomplete_reasons.iter();
            reasons.map(move |reason| format!("{} {how} is not complete: {reason}", report.name))
        })
    });
    let pairs = as_is.resolved.platforms.iter().zip(&sized.resolved.platforms);
    let other_types = pairs.filter_map(|(before, after)| {
        let (old, new) = (types(before)?, types(after)?);
        (old != new)
            .then(|| format!("{} is of {old} with requests as they are, of {new} right-sized", before.name))
    });
    incomplete.chain(other_types).collect()
}

fn types(platform: &Platform) -> Option<String> {
    let Kind::NodeGroups(groups) = &platform.kind else { return None };
    let types: Option<Vec<&str>> = groups.groups.iter().map(|group| group.instance_type.as_deref()).collect();
    types.map(|types| types.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_adds_up_to_the_last_digit() {
        let usd = |text: &str| Usd::parse(text).unwrap();
        // As is 100, right-sized 60 on the baseline; 70 and 55 elsewhere: 40 by requests, 30 by the platform, 45 by both,
        // which is 25 less than 40 + 30; right-sizing there saves 15.
        let parts = saved((usd("100"), usd("60")), (usd("70"), usd("55")));
        assert_eq!(parts.by_requests_usd, "40.00");
        assert_eq!(parts.by_platform_usd, "30.00");
        assert_eq!(parts.both_usd, "45.00");
        assert_eq!(parts.interaction_usd, "-25.00");
        assert_eq!(parts.requests_here_usd, "15.00");
        let odd = (usd("0.000000000000001"), usd("99.999999999999999"));
        let parts = saved(odd, (usd("1.000000000000003"), usd("0.1")));
        let sum = usd(&parts.by_requests_usd) + usd(&parts.by_platform_usd) + usd(&parts.interaction_usd);
        assert_eq!(sum, usd(&parts.both_usd));
    }
}
