//! What must hold of pods that the platform takes away and starts again, of nodes that go, and of the Spot market.

use std::collections::BTreeMap;

use cost_sim::catalog::{CapacityType, ZoneId, billed_seconds};
use cost_sim::ledger::{EndReason, Lease, Ledger, Machine, Outcome, PodRun};
use cost_sim::replay::Setup;
use cost_sim::report::PlatformReport;
use cost_sim::rng::Draws;
use cost_sim::sim::{Market, NOTICE, Pool};
use cost_sim::units::{Span, Time, Usd};
use cost_sim::workload::StepKind;

/// A node that is asked to go stays for five seconds at least: the delay of Karpenter's and Cluster Autoscaler's taint.
const LEAST_DRAIN: Span = Span::from_secs(5);
/// Instances that an event of a Spot pool takes get their notices within this time.
const NOTICED_WITHIN: Span = Span::from_secs(180);

/// Pods of a step are numbered from 1, follow each other, end once, and together do the work of the trace.
pub fn attempts(setup: &Setup, ledger: &Ledger, platform: &PlatformReport) {
    let steps = &setup.workload.steps;
    let lost_pods = setup.settings.orchestrator.lost_pods;
    let mut by_step: Vec<Vec<&PodRun>> = vec![Vec::new(); steps.len()];
    for run in &ledger.runs {
        by_step[run.step as usize].push(run);
    }
    let mut lost_work = Span::ZERO;
    let mut evictions: BTreeMap<&str, u64> = BTreeMap::new();
    let mut restarted = 0;
    for (step, runs) in by_step.iter().enumerate().filter(|(step, _)| steps.kind[*step] == StepKind::Pod) {
        let outcome = ledger.outcomes[step];
        let limit = steps.retry_limit.get(step).unwrap_or(lost_pods.retry_limit);
        let interval = steps.retry_interval.get(step).unwrap_or(lost_pods.retry_interval);
        assert_eq!(runs.is_empty(), outcome == Outcome::NotRun, "step {step}: a pod unless it never ran");
        assert!(runs.len() as u64 <= 1 + u64::from(limit), "step {step}: {} pods", runs.len());
        let mut saved = Span::ZERO;
        for (index, run) in runs.iter().enumerate() {
            assert_eq!(run.attempt as usize, index + 1, "step {step}");
            let next = runs.get(index + 1);
            restarted += u64::from(index > 0);
            let Some(reason) = run.taken else {
                assert!(next.is_none(), "step {step}: only lost pods are started again");
                let ran = matches!(outcome, Outcome::Succeeded | Outcome::Failed | Outcome::Canceled);
                assert_eq!(run.ended != Time::MAX, ran, "a pod that ended has the outcome of one that ran");
                if ran && platform.kind != "recorded" {
                    assert_eq!(
                        run.ended - run.started,
                        steps.work[step] - saved,
                        "step {step}: the work is kept"
                    );
                }
                continue;
            };
            assert!(run.was_bound() && run.ended != Time::MAX, "{run:?}");
            *evictions.entry(reason.word()).or_default() += 1;
            if run.has_started() {
                let done = run.ended - run.started;
                assert!(done < steps.work[step] - saved, "step {step} had ended: {run:?}");
                let every = steps.checkpoint_interval.get(step);
                let kept =
                    every.map_or(Span::ZERO, |every| Span::from_ms(done.ms() / every.ms() * every.ms()));
                saved += kept;
                lost_work += done - kept;
            }
            if let Some(next) = next {
                assert_eq!(next.created, run.observed + interval, "step {step}");
            } else {
                assert_eq!(outcome, Outcome::Lost, "step {step}: taken away and not started again");
                assert_eq!(run.attempt, limit + 1, "step {step}: it had attempts left");
            }
        }
        if outcome == Outcome::Lost {
            assert!(runs.last().is_some_and(|run| run.taken.is_some()), "step {step}");
        }
    }
    assert_eq!(ledger.counters.lost_work_ms, lost_work.ms() as u64);
    let reported = &platform.disruption;
    assert_eq!(reported.tasks_killed, evictions.values().sum::<u64>());
    let evictions: BTreeMap<String, u64> =
        evictions.into_iter().map(|(word, n)| (word.to_owned(), n)).collect();
    assert_eq!(reported.evictions, evictions);
    assert_eq!((reported.tasks_restarted, platform.pods.restarted), (restarted, restarted));
}

/// No pod comes to a node that goes, pods that must not be disrupted end by themselves or with the instance, and the
/// node ends with its last pod.
pub fn draining(setup: &Setup, ledger: &Ledger) {
    let workload = setup.workload;
    let graceful = setup.settings.orchestrator.lost_pods.graceful_stop;
    // When each lease began to go, as far as its evicted pods show.
    let mut begins: BTreeMap<u32, Time> = BTreeMap::new();
    let mut last_ends: BTreeMap<u32, Time> = BTreeMap::new();
    for run in ledger.runs.iter().filter(|run| run.was_bound()) {
        let last = last_ends.entry(run.lease).or_insert(run.ended);
        *last = run.ended.max(*last);
        let Some(reason) = run.taken else { continue };
        let class = &workload.classes[workload.steps.class[run.step as usize] as usize];
        if reason == EndReason::Preempted {
            continue; // The node stays, and nothing protects a pod of lower priority.
        }
        assert!(!class.do_not_disrupt || reason == EndReason::Interrupted, "{run:?} is protected");
        // One whose node is taken back has no time to stop.
        let asked = if reason == EndReason::Interrupted { run.ended } else { run.ended - graceful };
        let begin = begins.entry(run.lease).or_insert(asked);
        *begin = asked.min(*begin);
    }
    for run in ledger.runs.iter().filter(|run| run.was_bound()) {
        if let Some(begin) = begins.get(&run.lease) {
            assert!(run.scheduled <= *begin, "{run:?} came to a node that was going since {begin:?}");
        }
    }
    for (lease, begin) in &begins {
        let record = &ledger.leases[*lease as usize];
        let latest = last_ends[lease].max(*begin + LEAST_DRAIN);
        assert!(record.terminated <= latest, "{record:?} outlives its pods, which went until {latest:?}");
        assert_ne!(record.end_reason, EndReason::WindowEnd, "{record:?} was going");
    }
}

/// Spot instances end by events of their pool alone, which are a matter of seed, type and zone and not of the platform;
/// and none comes from a pool without capacity.
pub fn market(setup: &Setup, ledger: &Ledger) {
    let draws = Draws::new(setup.settings.seed);
    let start = setup.workload.window.start;
    let mut market = Market::new(setup.catalog, &setup.settings.spot, draws, start);
    let mut ended_by_ec2 = 0;
    // After the last pod, what nodes meet that only wait for the end of the window is not simulated.
    let ends = ledger.runs.iter().map(|run| run.ended).filter(|end| *end != Time::MAX);
    let last_end = ends.max().unwrap_or(start);
    for lease in &ledger.leases {
        let by_ec2 = matches!(lease.end_reason, EndReason::Interrupted | EndReason::DrainedAtNotice);
        let Some(pool) = spot_pool(setup, ledger, lease) else {
            assert!(!by_ec2, "only Spot instances are taken back: {lease:?}");
            continue;
        };
        // What is there from the beginning was not asked for.
        assert!(lease.requested == start || market.has_capacity(pool, lease.requested), "{lease:?}");
        let mut events = Vec::new();
        let mut now = lease.requested;
        while let Some(event) = market.next_event(pool, now).filter(|event| event.at < lease.terminated) {
            now = event.at;
            events.extend(market.events_at(pool, now));
        }
        if by_ec2 {
            ended_by_ec2 += 1;
            let takes = |at: Time| match lease.end_reason {
                EndReason::Interrupted => {
                    (at + NOTICE..at + NOTICED_WITHIN + NOTICE).contains(&lease.terminated)
                }
                _ => lease.terminated <= at + NOTICED_WITHIN + NOTICE,
            };
            assert!(events.iter().any(|event| takes(event.at)), "{lease:?} met no event: {events:?}");
        }
        for event in events.iter().filter(|event| event.taken_ppm == 1_000_000) {
            let latest = event.at + NOTICED_WITHIN + NOTICE;
            let is_simulated = lease.end_reason != EndReason::WindowEnd || latest <= last_end;
            assert!(!is_simulated || lease.terminated <= latest, "{lease:?} was spared by {event:?}");
        }
    }
    // A node that was going anyway may be noticed too.
    assert!(ledger.counters.interruptions >= ended_by_ec2);
}

fn spot_pool(setup: &Setup, ledger: &Ledger, lease: &Lease) -> Option<Pool> {
    match &ledger.templates[lease.template as usize].machine {
        Machine::Ec2 { instance_type, capacity_type: CapacityType::Spot } => {
            Some((setup.catalog.find(instance_type)?, lease.zone))
        }
        _ => None,
    }
}

/// What Spot instances that EC2 took back within their first hour would have cost.
pub fn interruption_credits(setup: &Setup, ledger: &Ledger) -> Usd {
    let credit = |lease: &Lease| -> Option<Usd> {
        let (id, zone) = spot_pool(setup, ledger, lease)?;
        let free = lease.end_reason == EndReason::Interrupted
            && lease.ran()
            && lease.terminated - lease.running < Span::from_secs(3_600);
        let offering = setup.catalog.offering(id, ZoneId(zone), CapacityType::Spot)?;
        let seconds = billed_seconds(lease.running, lease.terminated);
        free.then(|| offering.price.charge_seconds(lease.running, seconds))
    };
    ledger.leases.iter().filter_map(credit).sum()
}
