//! What design and common sense promise of every replay, recomputed from the ledger by other means than the
//! engine's.

use std::collections::BTreeMap;

use super::disruption;
use cost_sim::bill::{Bill, ItemKind};
use cost_sim::ledger::{Ledger, Machine, Outcome, Role};
use cost_sim::platform::Replay;
use cost_sim::replay::{PlatformRun, Setup};
use cost_sim::report::{PlatformReport, Report};
use cost_sim::units::{Resources, Span, Time, Usd};
use cost_sim::workload::StepKind;

/// Asserts everything that must hold whatever the workload and the platforms are.
pub fn assert_laws(setup: &Setup, runs: &[PlatformRun], report: &Report) {
    assert_eq!(runs.len(), report.platforms.len());
    for (run, platform) in runs.iter().zip(&report.platforms) {
        let name = &run.name;
        outcomes(setup, &run.ledger, platform);
        pod_times(&run.ledger, name);
        capacity(setup, &run.ledger, name);
        disruption::attempts(setup, &run.ledger, platform);
        disruption::draining(setup, &run.ledger);
        disruption::market(setup, &run.ledger);
        if name != "recorded" {
            arrivals(setup, &run.ledger);
        }
        if let Ok(bill) = &run.bill {
            money(setup, &run.ledger, bill, platform);
        }
        leases(&run.ledger, platform);
    }
}

/// Every step has one final outcome, the counts add up, and what has run is what should.
fn outcomes(setup: &Setup, ledger: &Ledger, platform: &PlatformReport) {
    let steps = &setup.workload.steps;
    assert_eq!(ledger.outcomes.len(), steps.len());
    let mut counts: BTreeMap<Outcome, u64> = BTreeMap::new();
    for step in 0..steps.len() {
        let outcome = ledger.outcomes[step];
        assert_ne!(outcome, Outcome::Open, "step {step} has no outcome");
        assert_eq!(outcome == Outcome::Skipped, steps.kind[step] == StepKind::NotReplayed, "step {step}");
        assert_ne!(ledger.spans[step].observed, Time::MAX, "step {step} was never noticed");
        if steps.kind[step] == StepKind::Pod {
            *counts.entry(outcome).or_default() += 1;
        }
    }
    let of = |outcome| counts.get(&outcome).copied().unwrap_or(0);
    let pods = &platform.pods;
    assert_eq!(pods.total, steps.pods().count() as u64);
    assert_eq!(pods.succeeded, of(Outcome::Succeeded));
    assert_eq!(pods.failed, of(Outcome::Failed) + of(Outcome::Lost));
    assert_eq!(pods.unschedulable, of(Outcome::Unschedulable));
    assert_eq!(pods.canceled, of(Outcome::Canceled));
    assert_eq!(pods.not_run, of(Outcome::NotRun));
    let sum = pods.succeeded + pods.failed + pods.unschedulable + pods.canceled + pods.not_run;
    assert_eq!(sum, pods.total);

    for run in &ledger.runs {
        assert_eq!(steps.kind[run.step as usize], StepKind::Pod);
    }
}

/// created ≤ scheduled ≤ pull started ≤ started ≤ ended ≤ observed ≤ deleted.
fn pod_times(ledger: &Ledger, name: &str) {
    for run in &ledger.runs {
        let mut times = vec![
            run.created,
            run.scheduled,
            run.pull_started,
            run.started,
            run.ended,
            run.observed,
            run.deleted,
        ];
        // A pod may be taken away before its image is there.
        times.retain(|time| run.taken.is_none() || *time != Time::MAX);
        assert!(times.is_sorted(), "{name}: {run:?}");
        if name == "recorded" {
            continue;
        }
        assert_eq!(run.was_bound(), run.scheduled != Time::MAX);
        assert_eq!(run.was_bound(), run.ended != Time::MAX, "{name}: what was bound runs to its end");
        if run.has_started() && run.taken.is_none() {
            assert_eq!(ledger.spans[run.step as usize].observed, run.observed);
        }
    }
}

/// Pods stay inside their leases, and never ask for more of a node than it has beside its DaemonSets.
fn capacity(setup: &Setup, ledger: &Ledger, name: &str) {
    // (lease, time, end before begin, request)
    let mut changes: Vec<(u32, Time, u8, Resources)> = Vec::new();
    for run in ledger.runs.iter().filter(|run| run.was_bound()) {
        let lease = &ledger.leases[run.lease as usize];
        assert!(lease.terminated >= run.ended, "{name}: a pod outlives its node");
        if matches!(ledger.templates[lease.template as usize].machine, Machine::Ec2 { .. }) {
            assert!(run.scheduled >= lease.ready, "{name}: a pod is bound to a node that is not Ready");
            let request =
                setup.workload.classes[setup.workload.steps.class[run.step as usize] as usize].requests;
            changes.push((run.lease, run.ended, 0, request));
            changes.push((run.lease, run.scheduled, 1, request));
        } else {
            assert!(run.pull_started >= lease.running, "{name}: a pull before its micro-VM is there");
        }
    }
    // A pod of no length frees what it takes at once: order it so that it never counts twice.
    changes.sort_by_key(|(lease, time, begin, _)| (*lease, *time, *begin));
    let mut used = Resources::ZERO;
    for (i, (lease, _, begin, request)) in changes.iter().enumerate() {
        if i > 0 && changes[i - 1].0 != *lease {
            assert_eq!(used, Resources::ZERO);
        }
        used = if *begin == 1 { used + *request } else { used - *request };
        let template = &ledger.templates[ledger.leases[*lease as usize].template as usize];
        assert!(
            (used + template.daemons).fits_in(&template.allocatable),
            "{name}: {used:?} on lease {lease} with {template:?}"
        );
    }
    assert_eq!(used, Resources::ZERO);
}

/// Closed loop: nothing is created before its predecessors were noticed. Open loop: as recorded.
fn arrivals(setup: &Setup, ledger: &Ledger) {
    let workload = setup.workload;
    let steps = &workload.steps;
    let closed = setup.settings.replay != Replay::Open && workload.has_dependencies;
    assert_eq!(closed, setup.closed());
    for run in &ledger.runs {
        let i = run.step as usize;
        let predecessors = if closed { workload.graph.predecessors(run.step) } else { &[] };
        let noticed = predecessors.iter().map(|p| ledger.spans[*p as usize].observed).max();
        let eligible = match noticed {
            Some(last) => last + steps.trigger_delay.get(i).unwrap_or_default(),
            None => steps.submit[i],
        };
        assert_eq!(ledger.spans[i].eligible, eligible, "step {i}");
        if run.attempt > 1 {
            continue; // Whatever became of its predecessor decides when it comes.
        }
        let dispatch = steps.dispatch.get(i).filter(|_| setup.settings.orchestrator.use_recorded_delays);
        match dispatch {
            Some(dispatch) => assert_eq!(run.created, eligible + dispatch, "step {i}"),
            None => assert!(run.created >= eligible, "step {i}"),
        }
    }
}

/// Every dollar is an item once, is allocated once, and none is negative.
fn money(setup: &Setup, ledger: &Ledger, bill: &Bill, platform: &PlatformReport) {
    let sum = |amounts: &mut dyn Iterator<Item = Usd>| amounts.fold(Usd::ZERO, |sum, usd| sum + usd);
    let items = sum(&mut bill.items.iter().map(|item| item.usd));
    assert_eq!(bill.total, items);
    for item in &bill.items {
        assert!(item.usd >= Usd::ZERO && item.quantity.amount >= 0, "{item:?}");
    }
    assert!(bill.leases.iter().chain(&bill.runs).all(|usd| *usd >= Usd::ZERO));
    let a = bill.allocation;
    for part in [a.pods, a.daemons, a.startup, a.idle, a.shared] {
        assert!(part >= Usd::ZERO, "{a:?}");
    }
    assert_eq!(a.pods + a.daemons + a.startup + a.idle + a.shared, bill.total);
    assert_eq!(sum(&mut bill.runs.iter().copied()), a.pods);
    let role = |lease: usize| ledger.templates[ledger.leases[lease].template as usize].role;
    let of_role = |wanted| {
        let leases = bill.leases.iter().enumerate().filter(|(lease, _)| role(*lease) == wanted);
        leases.map(|(_, usd)| *usd).sum::<Usd>()
    };
    assert_eq!(of_role(Role::Jobs) + a.shared, bill.total);
    let surroundings = [ItemKind::ControlPlane, ItemKind::NatGateway, ItemKind::NatTraffic];
    let around = bill.items.iter().filter(|item| surroundings.contains(&item.kind)).map(|item| item.usd);
    assert_eq!(sum(&mut { around }) + of_role(Role::Controllers) + of_role(Role::System), a.shared);
    assert!(bill.runs.len() == ledger.runs.len() && bill.leases.len() == ledger.leases.len());
    for (run, usd) in ledger.runs.iter().zip(&bill.runs) {
        assert!(run.was_bound() || *usd == Usd::ZERO, "a pod that never ran costs nothing");
    }

    let cost = platform.cost.as_ref().expect("a bill is reported");
    let usd = |text: &str| Usd::parse(text).unwrap_or_else(|| panic!("{text:?} is no amount"));
    assert_eq!(usd(&cost.total_usd), bill.total);
    assert_eq!(sum(&mut cost.items.iter().map(|item| usd(&item.usd))), bill.total);
    let workflows = sum(&mut platform.workflows.iter().map(|w| usd(w.usd.as_deref().unwrap_or("-"))));
    assert_eq!(workflows, a.pods, "workflows share what pods are allocated");
    let bound = usd(cost.lower_bound_usd.as_ref().expect("no plan"));
    let given_back = disruption::interruption_credits(setup, ledger);
    assert!(
        bound <= bill.total + given_back,
        "{}: {bound} is no lower bound of {} and credits of {given_back}",
        platform.name,
        bill.total
    );
    let machines = sum(&mut platform.capacity.by_instance_type.iter().map(|m| usd(&m.usd)));
    assert_eq!(machines + a.shared, bill.total);
}

/// Node-hours are the leases', and each Fargate pod is a node.
fn leases(ledger: &Ledger, platform: &PlatformReport) {
    let mut total = Span::ZERO;
    let mut launched = 0;
    let mut pods_of_lease = vec![0u64; ledger.leases.len()];
    for run in ledger.runs.iter().filter(|run| run.was_bound()) {
        pods_of_lease[run.lease as usize] += 1;
    }
    for (lease, pods) in ledger.leases.iter().zip(&pods_of_lease) {
        let template = &ledger.templates[lease.template as usize];
        assert!(lease.requested <= lease.terminated && lease.terminated != Time::MAX, "{lease:?}");
        if !lease.ran() {
            assert_eq!((*pods, lease.shared_us), (0, 0), "what never ran held no pod: {lease:?}");
            continue;
        }
        assert!(lease.requested <= lease.running && lease.running <= lease.terminated, "{lease:?}");
        assert!(lease.running <= lease.ready && lease.ready <= lease.terminated, "{lease:?}");
        let span = lease.terminated - lease.running;
        assert!(lease.shared_us <= span.ms() as u64 * 1_000);
        if template.role != Role::Jobs {
            assert_eq!(*pods, 0, "no job runs where the controllers or the system do");
            continue;
        }
        launched += 1;
        total += span;
        if matches!(template.machine, Machine::Fargate { .. }) {
            assert_eq!(*pods, 1, "a Fargate node runs one pod");
        }
    }
    assert_eq!(platform.capacity.nodes_launched, launched);
    let hours = total.ms() as f64 / 3_600_000.0;
    assert!((platform.capacity.node_hours - hours).abs() <= hours * 1e-12, "{hours}");
    if platform.kind == "fargate" {
        let placed = ledger.runs.iter().filter(|run| run.was_bound()).count();
        assert_eq!(launched, placed as u64, "a node per pod that was placed");
    }
    for ratio in [platform.capacity.cpu_requested_ratio, platform.capacity.memory_requested_ratio] {
        assert!(ratio.is_none_or(|r| (0.0..=1.0).contains(&r)), "{ratio:?}");
    }
    let last_end = ledger.runs.iter().map(|run| run.ended).filter(|t| *t != Time::MAX).max();
    assert!(ledger.window.start <= ledger.window.end);
    assert!(last_end.is_none_or(|end| end <= ledger.window.end), "the bill covers the last pod");
}
