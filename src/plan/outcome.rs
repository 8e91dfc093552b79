//! What a plan found, as one value that every output is written from.
//!
//! `plan.json` is this value; its schema is `docs/plan.schema.json`. Money is a decimal string with full precision.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::front::{Point, front, knee};
use super::growth::{Flip, Grown, Step};
use super::judge::{Judged, Metric};
use super::savings::{SavingsPlanned, savings_plan};
use super::volume::{Search, Volume};
use super::{Outcome, Request};
use crate::check::judge;
use crate::error::Result;
use crate::platform::{Platform, Scenario, manifests, scenario_with_manifests};
use crate::replay::{Floor, Study};
use crate::report::text::clean;
use crate::report::{Inputs, Tool};
use crate::rightsize::{self, RightSized, SizedTask};
use crate::trace::Trace;
use crate::units::Usd;

/// Raised when a reader of older plans would misunderstand.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    pub schema_version: u32,
    pub tool: Tool,
    pub inputs: Inputs,
    /// The latency that the front shows.
    pub metric: Metric,
    /// What the limits allow of it, in seconds; `null` where they say nothing of it.
    pub latency_limit_s: Option<f64>,
    pub limits: Vec<LimitText>,
    /// The platform that increases are relative to.
    pub reference: String,
    /// `null` where usage is not known, or not to be used.
    pub right_sizing: Option<RightSizing>,
    /// What was not searched, and why.
    pub notes: Vec<String>,
    /// What the result rests on and should not: assumed requests, inferred prices.
    pub warnings: Vec<String>,
    pub result: Searched,
    /// The same at other volumes.
    pub growth: Vec<Grown>,
    pub flips: Vec<Flip>,
    /// Commitments for the recommendation; `null` where the scenario has no Savings Plan to consider.
    pub savings_plan: Option<SavingsPlanned>,
    /// The recommendation as a scenario (YAML) with its manifests, to be replayed.
    pub scenario: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitText {
    /// Its name in a scenario, such as `maxP99StartDelay`.
    pub limit: String,
    pub allowed: String,
}

/// How requests were taken from usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RightSizing {
    pub cpu_percentile: u32,
    pub cpu_headroom_percent: u32,
    pub memory_headroom_percent: u32,
    pub least_points: u64,
    pub tasks: u64,
    /// Tasks of which too little is known: they keep their requests.
    pub tasks_kept: u64,
    pub requests: Vec<SizedRequest>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SizedRequest {
    pub workflow: String,
    pub task: String,
    pub pods: u64,
    /// `null` where the task keeps its own.
    pub cpu: Option<String>,
    pub memory: Option<String>,
    /// The largest that the trace has, assumed ones included.
    pub cpu_before: String,
    pub memory_before: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Searched {
    pub counts: Counts,
    /// The cheapest candidate that keeps all limits; `null` where none does.
    pub recommended: Option<String>,
    /// Where none keeps all limits: the one that comes nearest.
    pub nearest: Option<Nearest>,
    pub knee: Option<String>,
    /// Limits that make the recommendation as dear as it is.
    pub binding: Vec<Binding>,
    /// What no candidate of the whole space could cost less than, interruption credits aside.
    pub least_usd: String,
    /// Everything that was simulated: complete candidates first, then by cost.
    pub candidates: Vec<Planned>,
}

/// What became of the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub space: u64,
    pub simulated: u64,
    /// Not simulated, since their lower bound is above what the front shows: no loss.
    pub pruned: u64,
    /// Not simulated, since the budget was used up.
    pub left_out: u64,
    /// Not in the space, since some pods can never run there.
    pub impossible: u64,
    /// Not in the space, since some of their prices are inferred, and `--strict` refuses them.
    pub inferred: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nearest {
    pub name: String,
    /// The limits that it exceeds, and by how much; why it is incomplete, if it is.
    pub exceeds: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Binding {
    /// One limit; several where only all of them together keep something cheaper out.
    pub limits: Vec<String>,
    /// What would be recommended without.
    pub platform: String,
    pub usd_per_month: String,
    /// By how much it is cheaper, as a part of the recommendation's cost.
    pub saves: f64,
}

/// A candidate that was simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    pub name: String,
    pub kind: String,
    pub right_sized: bool,
    /// Built in, or of the scenario.
    pub given: bool,
    /// Whether it may be recommended; otherwise it is simulated for comparison, since it does not fit what the search was
    /// narrowed to.
    pub eligible: bool,
    pub complete: bool,
    /// Complete and within all limits.
    pub feasible: bool,
    /// Limits that it exceeds.
    pub exceeds: Vec<String>,
    pub total_usd: Option<String>,
    pub usd_per_month: Option<String>,
    /// What no scheduler could undercut on its machines, control plane and controllers included and interruption
    /// credits aside. `null` with a Savings Plan.
    pub lower_bound_usd: Option<String>,
    /// By how much it costs more than that, as a part of it.
    pub above_bound: Option<f64>,
    /// The plan's metric.
    pub latency_s: Option<f64>,
    pub p99_start_delay_s: Option<f64>,
    pub p99_makespan_s: Option<f64>,
    pub mean_makespan_s: Option<f64>,
    pub tasks_restarted: u64,
    pub on_front: bool,
}

impl Search {
    /// What is not beaten, up to where the front ends.
    pub fn front(&self, within_permille: u32) -> Vec<Point> {
        let best = self.found.cheapest_feasible().and_then(|id| self.found.judged[id].as_ref()?.cost);
        let most = best.map(|cost| cost.scaled(i128::from(within_permille), 1_000).femto());
        let points = self.found.simulated().filter_map(|(id, judged)| judged.point(id));
        let points: Vec<Point> = points.filter(|p| most.is_none_or(|most| p.cost <= most)).collect();
        front(&points)
    }

    pub fn name(&self, id: usize) -> String {
        self.space.candidates[id].platform.name.clone()
    }

    /// The candidate that exceeds the limits least: by the smallest sum of what it is above each, as a part of what is
    /// allowed.
    fn nearest(&self) -> Option<usize> {
        let rank = |judged: &Judged| (!judged.is_complete(), judged.distance, judged.cost);
        let eligible = self.found.simulated().filter(|(_, judged)| judged.eligible);
        eligible.min_by_key(|(id, judged)| (rank(judged), *id)).map(|(id, _)| id)
    }

    fn binding(&self) -> Vec<Binding> {
        let Some(winner) = self.found.cheapest_feasible() else { return Vec::new() };
        let Some(cost) = self.found.judged[winner].as_ref().and_then(|judged| judged.cost) else {
            return Vec::new();
        };
        // The cheapest of all that exceed nothing but these limits, if it is cheaper than the winner.
        let without = |limits: Option<&String>| {
            let complete = self.found.simulated().filter(|(_, judged)| judged.is_complete());
            let allowed = complete.filter(|(_, judged)| {
                judged.exceeded.iter().all(|limit| limits.is_none_or(|name| name == limit))
            });
            let point = allowed.filter_map(|(id, judged)| judged.point(id)).min()?;
            let judged = self.found.judged[point.id].as_ref()?;
            let month = judged.report.cost.as_ref()?.usd_per_month.clone();
            (point.cost < cost.femto()).then(|| Binding {
                limits: limits.map_or_else(|| judged.exceeded.clone(), |name| vec![name.clone()]),
                platform: self.name(point.id),
                usd_per_month: month,
                saves: 1.0 - judged.cost.unwrap_or_default().to_f64() / cost.to_f64(),
            })
        };
        let mut limits: Vec<&String> =
            self.found.simulated().flat_map(|(_, judged)| &judged.exceeded).collect();
        limits.sort_unstable();
        limits.dedup();
        let alone: Vec<Binding> = limits.into_iter().filter_map(|limit| without(Some(limit))).collect();
        if alone.is_empty() { without(None).into_iter().collect() } else { alone }
    }

    fn counts(&self) -> Counts {
        Counts {
            space: self.space.candidates.len() as u64,
            simulated: self.found.simulated().count() as u64,
            pruned: self.found.pruned as u64,
            left_out: self.found.left_out as u64,
            impossible: self.space.impossible as u64,
            inferred: self.space.inferred as u64,
        }
    }

    fn planned(&self, id: usize, metric: Metric, front: &[Point]) -> Option<Planned> {
        let judged = self.found.judged[id].as_ref()?;
        Some(planned(&self.space.candidates[id], judged, &self.space.floors[id], metric, front, id))
    }

    fn searched(&self, metric: Metric, within_permille: u32) -> Searched {
        let front = self.front(within_permille);
        let mut order: Vec<_> = self
            .found
            .simulated()
            .map(|(id, judged)| (!judged.is_complete(), judged.cost, judged.latency, id))
            .collect();
        order.sort_unstable();
        let winner = self.found.cheapest_feasible();
        let nearest = self.nearest().filter(|_| winner.is_none()).and_then(|id| {
            let judged = self.found.judged[id].as_ref()?;
            let mut exceeds = judged.excess.clone();
            exceeds.extend(judged.report.incomplete_reasons.iter().cloned());
            Some(Nearest { name: self.name(id), exceeds })
        });
        let eligible = self.space.candidates.iter().zip(&self.space.floors).filter(|(c, _)| c.eligible);
        let least = eligible.map(|(_, floor)| floor.before_credits()).min().unwrap_or_default();
        Searched {
            counts: self.counts(),
            recommended: winner.map(|id| self.name(id)),
            nearest,
            knee: knee(&front).map(|point| self.name(point.id)),
            binding: self.binding(),
            least_usd: least.to_string(),
            candidates: order.into_iter().filter_map(|(.., id)| self.planned(id, metric, &front)).collect(),
        }
    }
}

fn planned(
    candidate: &Candidate,
    judged: &Judged,
    floor: &Floor,
    metric: Metric,
    front: &[Point],
    id: usize,
) -> Planned {
    let report = &judged.report;
    let bound = Some(floor.before_credits()).filter(|bound| {
        *bound > Usd::ZERO && report.cost.as_ref().is_none_or(|cost| cost.savings_plan.is_none())
    });
    let above = judged.cost.zip(bound).map(|(cost, bound)| cost.to_f64() / bound.to_f64() - 1.0);
    Planned {
        name: candidate.platform.name.clone(),
        kind: report.kind.clone(),
        right_sized: candidate.right_sized,
        given: candidate.given,
        eligible: candidate.eligible,
        complete: judged.is_complete(),
        feasible: judged.is_feasible(),
        exceeds: judged.exceeded.clone(),
        total_usd: report.cost.as_ref().map(|cost| cost.total_usd.clone()),
        usd_per_month: report.cost.as_ref().map(|cost| cost.usd_per_month.clone()),
        lower_bound_usd: bound.map(|bound| bound.to_string()),
        above_bound: above.filter(|_| judged.is_complete()),
        latency_s: metric.seconds(report),
        p99_start_delay_s: report.latency.start_delay_s.p99,
        p99_makespan_s: report.latency.makespan_s.p99,
        mean_makespan_s: report.latency.makespan_s.mean,
        tasks_restarted: report.disruption.tasks_restarted,
        on_front: front.iter().any(|point| point.id == id),
    }
}

#[expect(clippy::too_many_arguments, reason = "the one place where everything comes together")]
pub(super) fn assemble(
    request: &Request,
    metric: Metric,
    base: &Volume,
    search: Search,
    grown: Vec<Step>,
    flips: Vec<Flip>,
    sized: Option<&RightSized>,
    sized_trace: Option<Arc<Trace>>,
) -> Result<Outcome> {
    let best = search.found.cheapest_feasible().or_else(|| search.nearest()).unwrap_or(search.reference);
    let candidate = &search.space.candidates[best];
    let study = base.study_of(candidate.right_sized);
    let scenario = winning(study.resolve_with(candidate.platform.clone()), request);
    let runs = study.setup().run(&scenario.platforms, 1, &|| ());
    let mut report = study.report(&scenario, &runs)?;
    if let Some(assumed) = base.as_is.assumed_requests().filter(|_| candidate.right_sized) {
        report.warnings.retain(|warning| *warning != assumed);
        report.warnings.push(format!("what right-sizing saves is relative to assumed requests: {assumed}"));
    }
    report.warnings.extend(search.replaced.clone());
    let savings_plan = runs.first().and_then(|run| savings_plan(study, &run.ledger, candidate, &grown));
    let before = search.found.judged[search.reference].as_ref().map(|judged| &judged.report);
    let limits = before.map(|before| judge(&request.limits, Some(before), before)).unwrap_or_default();
    let pods = |volume: &Volume| volume.as_is.workload.steps.pods().count() as u64;
    let base_pods = pods(base);
    let growth = grown.iter().map(|step| {
        let front = step.result.front(request.within_permille);
        let winner = step.result.found.cheapest_feasible();
        let winner = winner.and_then(|id| step.result.planned(id, metric, &front));
        let pods = pods(&step.volume);
        let month = winner.as_ref().and_then(|w| Usd::parse(w.usd_per_month.as_deref()?));
        Grown {
            volume: step.name.clone(),
            factor: pods as f64 / base_pods.max(1) as f64,
            pods,
            winner,
            usd_per_month_per_volume: month
                .map(|usd| usd.scaled(i128::from(base_pods), i128::from(pods.max(1))).to_string()),
            counts: step.result.counts(),
        }
    });
    let plan = Plan {
        schema_version: SCHEMA_VERSION,
        tool: report.tool.clone(),
        inputs: report.inputs.clone(),
        metric,
        latency_limit_s: before.and_then(|before| metric.limit(&request.limits, before)),
        limits: limits.into_iter().map(|v| LimitText { limit: v.limit, allowed: v.allowed }).collect(),
        reference: search.name(search.reference),
        right_sizing: sized.map(|sized| right_sizing(request, &base.as_is, sized)),
        warnings: report.warnings.clone(),
        notes: notes(&search),
        growth: growth.collect(),
        flips,
        savings_plan,
        scenario: String::new(),
        result: search.searched(metric, request.within_permille),
    };
    let caution = caution(&plan, candidate.right_sized);
    let plan =
        Plan { scenario: caution.clone() + &scenario_with_manifests(&scenario, &candidate.platform), ..plan };
    let right_sized = sized_trace.filter(|_| candidate.right_sized);
    let platform: Platform = candidate.platform.clone();
    let settings = &scenario.settings;
    let manifests = manifests(&platform, &settings.region.name, &settings.zones);
    let manifests = manifests.map(|manifests| caution + &manifests);
    Ok(Outcome { plan, report, platform, manifests, right_sized })
}

/// What was not searched, and why.
fn notes(search: &Search) -> Vec<String> {
    let dropped = search.space.dropped.iter().map(|(name, why)| format!("{name} was left out: {why}"));
    search.space.left_out_archs.iter().cloned().chain(dropped).collect()
}

/// The scenario of the recommendation alone, with the limits that it keeps.
fn winning(scenario: Scenario, request: &Request) -> Scenario {
    Scenario { limits: request.limits, ..scenario }
}

/// What whoever deploys the platform has to know, as comments at the head of a file.
fn caution(plan: &Plan, right_sized: bool) -> String {
    let mut text = String::new();
    if let Some(nearest) = &plan.result.nearest {
        let reasons: Vec<_> = nearest.exceeds.iter().map(|reason| clean(reason)).collect();
        text += "# This is not within the limits; nothing is. It exceeds ";
        text += &reasons.join(", ");
        text += "\n";
    }
    if right_sized {
        text += "# This needs the changed requests of rightsized.csv (see plan.md): cost-sim replay rightsized.csv -s \
                 scenario.yaml\n";
    }
    text
}

fn right_sizing(request: &Request, study: &Study, sized: &RightSized) -> RightSizing {
    let before = rightsize::largest_requests(&study.trace);
    let setup = study.setup();
    let defaults = &setup.settings.defaults;
    let before = |task: &SizedTask| {
        let (cpu, memory) =
            before.get(&(&*task.workflow, task.task.as_str().into())).copied().unwrap_or_default();
        (cpu.unwrap_or(defaults.cpu_request), memory.unwrap_or(defaults.memory_request))
    };
    let rule = &request.rule;
    RightSizing {
        cpu_percentile: rule.cpu_percentile,
        cpu_headroom_percent: rule.cpu_headroom,
        memory_headroom_percent: rule.memory_headroom,
        least_points: rule.least_pods as u64,
        tasks: sized.tasks.len() as u64,
        tasks_kept: sized.kept() as u64,
        requests: sized
            .tasks
            .iter()
            .map(|task| SizedRequest {
                workflow: task.workflow.clone(),
                task: task.task.clone(),
                pods: task.pods,
                cpu: task.cpu.map(|cpu| cpu.to_string()),
                memory: task.memory.map(|memory| memory.to_string()),
                cpu_before: before(task).0.to_string(),
                memory_before: before(task).1.to_string(),
            })
            .collect(),
    }
}
