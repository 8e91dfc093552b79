//! One platform's change: how large, because of what, and whether it is allowed.

use std::collections::BTreeMap;

use super::noise::{self, JUDGED};
use super::result::{Cause, CheckReport, Noise, PlatformCheck};
use super::states::{States, Today};
use super::{Baseline, Verdict, judge};
use crate::compare::{Change, money_change, number_changes, purposes};
use crate::platform::Limits;
use crate::replay::PlatformRun;
use crate::report::{self, PlatformReport, Replications, plural};
use crate::units::Usd;

/// With fewer histories an interval is so wide that nearly everything is in it: they excuse nothing.
pub(super) const FEWEST_HISTORIES: u32 = 5;

/// Numbers that are compared besides cost, by their paths.
const METRICS: [&str; 6] = [
    "latency.makespan_s.mean",
    "latency.makespan_s.p99",
    "latency.start_delay_s.p50",
    "latency.start_delay_s.p99",
    "pods.unschedulable",
    "disruption.tasks_restarted",
];

/// Limits on increases and the numbers that they are about.
const INCREASES: [(&str, &str); 4] = [
    ("maxCostIncrease", JUDGED[0]),
    ("maxMakespanIncrease", JUDGED[1]),
    ("maxP99MakespanIncrease", JUDGED[2]),
    ("maxP99StartDelayIncrease", JUDGED[3]),
];

pub(super) fn platform(
    baseline: &Baseline,
    today: &Today,
    states: &States,
    saved: &PlatformReport,
) -> PlatformCheck {
    let Some(run) = states.today(&saved.name) else { return gone(saved) };
    let now = &run.report;
    let repeated = states.repeated(&saved.name);
    let noise = noise(saved, repeated, run, today.replications);
    let mut verdicts = if now.replications.is_some() {
        let reproduced = repeated.filter(|repeated| total(&repeated.report) == total(saved));
        let several = reproduced.and_then(|run| run.report.replications.as_ref());
        let before = with_means(saved, several.or(saved.replications.as_ref()));
        judge(&today.limits, Some(&before), &of_histories(run))
    } else {
        judge(&today.limits, Some(saved), now)
    };
    for verdict in verdicts.iter_mut().filter(|verdict| verdict.exceeded) {
        let path = INCREASES.iter().find(|(limit, _)| *limit == verdict.limit).map(|(_, path)| *path);
        let path = path.filter(|_| today.replications >= FEWEST_HISTORIES);
        if path.and_then(|path| noise.get(path)).is_some_and(|noise| noise.within_noise) {
            verdict.exceeded = false;
            verdict.actual.push_str(", within noise");
        }
    }
    let complete = now.complete && run.incomplete_histories == 0;
    if saved.complete && !complete {
        let actual = match &now.incomplete_reasons[..] {
            [] => format!("not so in {} of {} histories", run.incomplete_histories, today.replications),
            reasons => reasons.join("; "),
        };
        verdicts.push(Verdict {
            limit: "complete".to_owned(),
            allowed: "every pod ends as recorded".to_owned(),
            actual,
            exceeded: true,
            judged: true,
        });
    }
    let amounts = total(saved).zip(total(now));
    PlatformCheck {
        name: saved.name.clone(),
        status: "compared".to_owned(),
        passed: verdicts.iter().all(|verdict| !verdict.exceeded),
        cost: amounts.map(|(before, after)| money_change(before, after)),
        causes: causes(baseline, states, saved, run),
        metrics: metrics(saved, now),
        verdicts,
        noise,
        purposes: purposes(saved, now),
        usd_now: now.cost.as_ref().map(|cost| cost.total_usd.clone()),
        incomplete_reasons: now.incomplete_reasons.clone(),
        cost_unknown: now.cost_unknown.clone().filter(|_| saved.cost.is_some()),
        was_complete: saved.complete,
        complete,
    }
}

/// The report with what limits are about taken from all histories: means, and the worst of what is counted, since "at
/// most none" means in no history.
fn of_histories(run: &PlatformRun) -> PlatformReport {
    let mut report = with_means(&run.report, run.report.replications.as_ref());
    let worst = |path: &str| {
        let values = run.histories.iter().filter_map(|numbers| numbers.get(path));
        values.copied().fold(0.0, f64::max) as u64
    };
    report.pods.unschedulable = worst("pods.unschedulable").max(report.pods.unschedulable);
    report.disruption.tasks_restarted =
        worst("disruption.tasks_restarted").max(report.disruption.tasks_restarted);
    report
}

/// A platform that the baseline does not have: absolute limits hold for it too.
pub(super) fn new_platform(run: &PlatformRun, limits: &Limits) -> PlatformCheck {
    let now = &run.report;
    let verdicts = judge(limits, None, &of_histories(run));
    PlatformCheck {
        status: "new".to_owned(),
        usd_now: now.cost.as_ref().map(|cost| cost.total_usd.clone()),
        passed: verdicts.iter().all(|verdict| !verdict.exceeded),
        verdicts,
        complete: now.complete,
        incomplete_reasons: now.incomplete_reasons.clone(),
        ..gone(now)
    }
}

fn gone(saved: &PlatformReport) -> PlatformCheck {
    PlatformCheck {
        name: saved.name.clone(),
        status: "gone".to_owned(),
        passed: true,
        cost: None,
        causes: Vec::new(),
        metrics: BTreeMap::new(),
        verdicts: Vec::new(),
        noise: BTreeMap::new(),
        purposes: Vec::new(),
        usd_now: None,
        incomplete_reasons: Vec::new(),
        cost_unknown: None,
        was_complete: saved.complete,
        complete: false,
    }
}

fn total(platform: &PlatformReport) -> Option<Usd> {
    Usd::parse(&platform.cost.as_ref()?.total_usd)
}

/// How sure the changes are, where there are several histories.
fn noise(
    saved: &PlatformReport,
    repeated: Option<&PlatformRun>,
    now: &PlatformRun,
    replications: u32,
) -> BTreeMap<String, Noise> {
    if replications < 2 {
        return BTreeMap::new();
    }
    match repeated {
        // A state that is also today's is the same run: then every difference is exactly zero.
        Some(repeated) if total(&repeated.report) == total(saved) => {
            noise::paired(&repeated.histories, &now.histories)
        }
        _ => noise::unpaired(saved, &now.report),
    }
}

/// The report with means in place of the first history's numbers, as far as limits are about them.
fn with_means(platform: &PlatformReport, replications: Option<&Replications>) -> PlatformReport {
    let mut platform = platform.clone();
    let mean = |path: &str| replications?.metrics.get(path).map(|spread| spread.mean);
    if let Some(cost) = &mut platform.cost {
        let usd = |path: &str| mean(path).map(|mean| format!("{mean:.6}"));
        cost.total_usd = usd("cost.total_usd").unwrap_or_else(|| cost.total_usd.clone());
        cost.usd_per_month = usd("cost.usd_per_month").unwrap_or_else(|| cost.usd_per_month.clone());
    }
    let latency = &mut platform.latency;
    latency.makespan_s.mean = mean(JUDGED[1]).or(latency.makespan_s.mean);
    latency.makespan_s.p99 = mean(JUDGED[2]).or(latency.makespan_s.p99);
    latency.start_delay_s.p99 = mean(JUDGED[3]).or(latency.start_delay_s.p99);
    platform
}

fn metrics(saved: &PlatformReport, now: &PlatformReport) -> BTreeMap<String, Change> {
    let mut changes = number_changes(saved, now);
    changes.retain(|path, _| METRICS.contains(&path.as_str()));
    changes
}

/// The bills of the states, one after another, and what lies between them.
fn causes(baseline: &Baseline, states: &States, saved: &PlatformReport, now: &PlatformRun) -> Vec<Cause> {
    let name = saved.name.as_str();
    let of = |run: &PlatformRun| run.bill.as_ref().ok().map(|bill| bill.total);
    let repeated = states.repeated(name);
    let (Some(with_trace), Some(with_prices)) = (states.with_trace(name), states.with_prices(name)) else {
        return Vec::new();
    };
    let (Some(t0), Some(t2), Some(t4), Some(t6)) = (total(saved), of(with_trace), of(with_prices), of(now))
    else {
        return Vec::new();
    };
    let t1 = repeated.and_then(of);
    // The same nodes and pods at today's prices: the old ledger, billed anew.
    let t3 = states.with_prices.as_ref().map_or(Some(t2), |state| {
        let platform = state.platform(name)?;
        let bill = state.study.setup().bill(platform, &with_trace.ledger).ok()?;
        Some(bill.total)
    });
    let is_new_run = !std::ptr::eq(with_prices, now);
    let t5 = if is_new_run {
        let today = &states.today;
        today.platform(name).and_then(|platform| {
            let bill = today.study.setup().bill(platform, &with_prices.ledger).ok()?;
            Some(bill.total)
        })
    } else {
        Some(t4)
    };
    let others = |before: &PlatformReport, after: &PlatformReport| {
        let (before, after) = (report::numbers(before), report::numbers(after));
        let effect = |path: &&str| {
            let change = ((after.get(*path)? - before.get(*path)?) * 1e6).round() / 1e6;
            (change != 0.0).then(|| ((*path).to_owned(), change))
        };
        METRICS.iter().filter_map(effect).collect::<BTreeMap<_, _>>()
    };
    let whole = |cause: &str, usd: Usd, others| Cause {
        cause: cause.to_owned(),
        same_decisions_usd: None,
        other_decisions_usd: None,
        usd: usd.to_string(),
        others,
    };
    let split = |cause: &str, from: Usd, between: Option<Usd>, to: Usd, others| Cause {
        cause: cause.to_owned(),
        same_decisions_usd: between.map(|between| (between - from).to_string()),
        other_decisions_usd: between.map(|between| (to - between).to_string()),
        usd: (to - from).to_string(),
        others,
    };
    let mut causes = if let (Some(repeated), Some(t1)) = (repeated, t1) {
        vec![
            whole("version", t1 - t0, others(saved, &repeated.report)),
            whole("workload", t2 - t1, others(&repeated.report, &with_trace.report)),
        ]
    } else {
        let same_version = baseline.report.tool.version == env!("CARGO_PKG_VERSION");
        let name = if same_version { "workload" } else { "workload and version" };
        vec![whole(name, t2 - t0, others(saved, &with_trace.report))]
    };
    causes.push(split("prices", t2, t3, t4, others(&with_trace.report, &with_prices.report)));
    causes.push(split("settings", t4, t5, t6, others(&with_prices.report, &now.report)));
    causes
}

pub(super) fn is_unchanged(platform: &PlatformCheck) -> bool {
    let same = |change: &Change| change.before == change.after;
    platform.status == "compared"
        && platform.cost.as_ref().is_none_or(same)
        && platform.cost_unknown.is_none()
        && platform.metrics.values().all(same)
        && platform.complete == platform.was_complete
}

pub(super) fn notes(
    baseline: &Baseline,
    today: &Today,
    states: &States,
    platforms: &[PlatformCheck],
) -> Vec<String> {
    let mut notes = Vec::new();
    let version = env!("CARGO_PKG_VERSION");
    let drifted = platforms
        .iter()
        .flat_map(|p| &p.causes)
        .any(|c| c.cause == "version" && c.usd != Usd::ZERO.to_string());
    if drifted && baseline.report.tool.version == version {
        notes.push(
            "The baseline says this version made it, but this version computes another result from the baseline's own \
             inputs: it was edited, or made by a build in between."
                .to_owned(),
        );
    }
    if states.repeated.is_none() && baseline.report.tool.version != version {
        notes.push(
            "Trace and program version are both others than the baseline's; give --baseline-trace to tell their effects \
             apart."
                .to_owned(),
        );
    }
    let (then, now) = (&baseline.report.inputs.window, states.today.study.window());
    if *then != now {
        notes.push(format!(
            "Today's trace covers {} to {}, the baseline's {} to {}: its window, or its side file, is another.",
            now.start, now.end, then.start, then.end
        ));
    }
    for platform in platforms {
        match platform.status.as_str() {
            "new" => notes.push(format!("{} is not in the baseline.", platform.name)),
            "gone" => notes.push(format!("{} is in the baseline and not simulated today.", platform.name)),
            _ => {}
        }
        notes.extend(
            platform
                .cost_unknown
                .iter()
                .map(|why| format!("{}: the cost is not known: {why}.", platform.name)),
        );
        let unjudged = platform.verdicts.iter().filter(|verdict| !verdict.judged);
        notes
            .extend(unjudged.map(|v| format!("{}: {} is not judged: {}.", platform.name, v.limit, v.actual)));
    }
    let differs = platforms.iter().any(|platform| !platform.passed || !is_unchanged(platform));
    if today.replications > 1 && differs {
        notes.push(format!(
            "Tables show the first of {} histories; limits are judged by means over all of them, counts by the worst.",
            today.replications
        ));
    }
    if (2..FEWEST_HISTORIES).contains(&today.replications) && differs {
        notes.push(format!(
            "With fewer than {FEWEST_HISTORIES} histories nothing is excused as luck: ask for more with --replications."
        ));
    }
    if today.replications > 1 && platforms.iter().all(|platform| platform.noise.is_empty()) {
        notes.push(
            "How much of the changes is luck is not known: the baseline cannot be repeated and has one history only."
                .to_owned(),
        );
    }
    notes
}

/// The result in a sentence.
pub(super) fn finding(report: &CheckReport) -> String {
    let compared = report.platforms.iter().filter(|platform| platform.status == "compared").count() as u64;
    let exceeded: Vec<String> = report
        .platforms
        .iter()
        .flat_map(|platform| platform.verdicts.iter().filter(|v| v.exceeded).map(move |v| (platform, v)))
        .map(|(platform, v)| match v.limit.as_str() {
            "complete" => format!("{} is no longer complete ({})", platform.name, v.actual),
            _ => format!("{}: {} is {}, allowed {}", platform.name, v.limit, v.actual, v.allowed),
        })
        .collect();
    if !exceeded.is_empty() {
        return format!("{} exceeded. {}.", plural(exceeded.len() as u64, "limit"), exceeded.join("; "));
    }
    if report.unchanged {
        let verb = if compared == 1 { "costs and takes" } else { "cost and take" };
        return format!("No change: {} {verb} what the baseline says.", plural(compared, "platform"));
    }
    if let Some(platform) = report.platforms.iter().find(|platform| platform.cost_unknown.is_some()) {
        return format!("The cost of {} is no longer known; see the notes.", platform.name);
    }
    let limited = report.platforms.iter().any(|platform| !platform.verdicts.is_empty());
    let allowed = if limited { "No limit is exceeded" } else { "There are no limits" };
    let compared = || report.platforms.iter().filter(|platform| platform.status == "compared");
    match compared().filter_map(cost_change).max_by_key(|(size, _)| *size) {
        Some((_, text)) => format!("{allowed}. The largest change: {text}."),
        None if report.replications >= FEWEST_HISTORIES && !compared().all(is_unchanged) => {
            format!("{allowed}. All changes of cost are within noise.")
        }
        None if compared().all(is_unchanged) => {
            format!("{allowed}. What is in the baseline and in today's scenario costs and takes the same.")
        }
        None => format!("{allowed}. Costs are what the baseline says; latencies changed."),
    }
}

/// How large a change of cost is that is no luck, and its words; by the mean where there are several histories.
fn cost_change(platform: &PlatformCheck) -> Option<(i128, String)> {
    let cost = platform.cost.as_ref()?;
    let before = Usd::parse(&cost.before)?;
    let change = match platform.noise.get(JUDGED[0]) {
        Some(noise) if noise.within_noise => return None,
        Some(noise) => Usd::parse(&format!("{:.6}", noise.mean))?,
        None => Usd::parse(&cost.change)?,
    };
    if change == Usd::ZERO || before == Usd::ZERO {
        return None;
    }
    let percent = change.to_f64().abs() / before.to_f64() * 100.0;
    let more = if change < Usd::ZERO { "less" } else { "more" };
    let mean = if platform.noise.is_empty() { "" } else { " on average" };
    Some((change.femto().abs(), format!("{} costs {percent:.2} % {more}{mean}", platform.name)))
}
