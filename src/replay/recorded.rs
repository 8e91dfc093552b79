//! The platform `recorded`: the trace's own delays instead of simulated ones.
//!
//! It must give back every recorded finish time, and is the row "what really happened". It can be billed only
//! where it ran on Fargate, since then each pod's own times decide its price.

use std::collections::BTreeMap;

use super::Setup;
use super::fleet::{fargate_size, fargate_template};
use crate::ledger::{EndReason, Lease, LeaseId, Ledger, Outcome, PodRun, StepSpan, TemplateId};
use crate::sim::PullRates;
use crate::trace::SourcePlatform;
use crate::units::{Memory, Span, Time};
use crate::workload::{Ending, StepId, StepKind, StepTimes, Steps, Window, recorded_timeline};

pub(super) fn ledger(setup: &Setup) -> Ledger {
    let workload = setup.workload;
    let steps = &workload.steps;
    let times = recorded_timeline(workload);
    let mut ledger = Ledger {
        outcomes: (0..steps.len()).map(|step| outcome(steps, step)).collect(),
        spans: times.iter().map(|t| StepSpan::from(*t)).collect(),
        window: workload.window,
        ..Ledger::default()
    };
    let mut templates: BTreeMap<u32, Option<TemplateId>> = BTreeMap::new();
    for step in steps.pods().filter(|step| !steps.never_ran[*step as usize]) {
        let mut run = run_of(setup, step, &times[step as usize]);
        if setup.source == Some(SourcePlatform::Fargate) {
            // What ran with its sidecars has them in its requests already.
            let class = steps.class[step as usize];
            let template = *templates.entry(class).or_insert_with(|| fargate_kind(setup, &mut ledger, class));
            if let Some(template) = template {
                let image = workload.classes[class as usize].image;
                add_lease(&mut ledger, &mut run, template, workload.images[image as usize].size);
            }
        }
        ledger.runs.push(run);
    }
    let last = ledger.runs.iter().map(|run| run.ended).max();
    ledger.window =
        Window { start: workload.window.start, end: workload.window.end.max(last.unwrap_or(Time::MIN)) };
    ledger
}

fn outcome(steps: &Steps, step: usize) -> Outcome {
    match (steps.kind[step], steps.ending[step]) {
        (StepKind::NotReplayed, _) => Outcome::Skipped,
        _ if steps.never_ran[step] => Outcome::NotRun,
        (_, Ending::Succeeded) => Outcome::Succeeded,
        (_, Ending::Failed) => Outcome::Failed,
        (_, Ending::Canceled) => Outcome::Canceled,
    }
}

/// The recorded life of one pod. What the trace does not have is taken as having taken no time.
fn run_of(setup: &Setup, step: StepId, times: &StepTimes) -> PodRun {
    let row = setup.workload.steps.row[step as usize] as usize;
    let trace = setup.trace;
    let scheduled = trace.scheduled_time.get(row).filter(|t| *t >= times.created && *t <= times.started);
    // Fargate bills from the start of the pull. Where the trace does not know it, it is taken to have been as long
    // as the model says, within what was recorded of the start.
    let pull = trace.image_pull.get(row).unwrap_or_else(|| modelled_pull(setup, step));
    let pull_started = (times.started - pull).max(scheduled.unwrap_or(times.created));
    let deleted = trace.deleted_time.get(row).filter(|t| *t >= times.ended).unwrap_or(times.observed);
    PodRun {
        scheduled: scheduled.unwrap_or(pull_started),
        pull_started,
        started: times.started,
        ended: times.ended,
        observed: times.observed,
        deleted,
        ..PodRun::new(step, 1, times.created)
    }
}

fn modelled_pull(setup: &Setup, step: StepId) -> Span {
    let workload = setup.workload;
    let class = &workload.classes[workload.steps.class[step as usize] as usize];
    let images = &setup.settings.images;
    PullRates::new(images, images.network_rate).alone(workload.images[class.image as usize].size)
}

fn fargate_kind(setup: &Setup, ledger: &mut Ledger, class: u32) -> Option<TemplateId> {
    let size = fargate_size(&setup.workload.classes[class as usize], &[]).ok()?;
    let template = fargate_template(size);
    let known = ledger.templates.iter().position(|t| *t == template);
    let index = known.unwrap_or_else(|| {
        ledger.templates.push(template);
        ledger.templates.len() - 1
    });
    Some(index as TemplateId)
}

fn add_lease(ledger: &mut Ledger, run: &mut PodRun, template: TemplateId, pulled: Memory) {
    run.lease = ledger.leases.len() as LeaseId;
    run.node_share_us = (run.deleted - run.pull_started).ms() as u64 * 1_000;
    ledger.leases.push(Lease {
        template,
        zone: 0,
        end_reason: EndReason::PodDeleted,
        requested: run.created,
        running: run.pull_started,
        ready: run.pull_started,
        terminated: run.deleted,
        shared_us: run.node_share_us,
        pulled,
    });
}
