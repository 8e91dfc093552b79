//! `examples/incident`: the questions that its README answers, on one of its nights, and what must hold of the answers.

#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use cost_sim::catalog::Snapshot;
use cost_sim::generate::incident;
use cost_sim::ledger::{EndReason, PodRun};
use cost_sim::platform::{self, Variation};
use cost_sim::replay::{PlatformRun, Study};
use cost_sim::trace::{self, ReadOptions};

use crate::support::replay;

fn one_night(vary: &[&str]) -> (Study, Vec<PlatformRun>) {
    let mut csv = Vec::new();
    incident::write(&incident::Params { days: 1, seed: 42 }, &mut csv).expect("writing to memory");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.csv");
    std::fs::write(&path, csv).unwrap();
    let read = trace::read(&[path], &ReadOptions::default(), &mut |_| {}).unwrap();
    let scenario = include_str!("../../examples/incident/scenario.yaml");
    let scenario = platform::read(std::path::Path::new("scenario.yaml"), scenario).unwrap();
    let variations: Vec<Variation> = vary.iter().map(|text| Variation::parse(text).unwrap()).collect();
    let study = Study::new(scenario.vary(&variations).unwrap(), Snapshot::embedded(), read, false).unwrap();
    let runs = replay(&study).0;
    (study, runs)
}

/// Pods that consolidation killed on each platform: short ones, and those of two hours and more.
fn killed(study: &Study, runs: &[PlatformRun]) -> Vec<(usize, usize)> {
    let of = |run: &PlatformRun| {
        let killed = run.ledger.runs.iter().filter(|pod| pod.taken == Some(EndReason::Consolidated));
        let is_long = |pod: &PodRun| study.workload.steps.work[pod.step as usize].ms() >= 7_200_000;
        let (long, short): (Vec<&PodRun>, Vec<&PodRun>) = killed.partition(|pod| is_long(pod));
        (short.len(), long.len())
    };
    runs.iter().map(of).collect()
}

#[test]
fn long_jobs_are_lost_to_consolidation_unless_it_waits_for_empty_nodes_or_they_are_protected() {
    let (study, runs) =
        one_night(&["consolidationPolicy=WhenEmpty,WhenEmptyOrUnderutilized", "doNotDisrupt=none,30m"]);
    let killed = killed(&study, &runs);
    assert_eq!(killed[..2], [(0, 0), (0, 0)], "empty nodes have no pods to kill");
    let (unprotected, protected) = (killed[2], killed[3]);
    assert!(unprotected.1 > 0, "{unprotected:?}");
    assert_eq!(protected.1, 0, "{protected:?}");
    // Who is killed begins anew: what is lost is done twice, and paid twice.
    let lost = |run: &PlatformRun| run.report.disruption.lost_work_hours;
    assert!(lost(&runs[2]) > lost(&runs[3]) && lost(&runs[3]) > lost(&runs[0]));
    assert!(lost(&runs[0]) < 0.1, "{}", lost(&runs[0]));
    // Protection only matters to a policy that would disturb: the two WhenEmpty runs are one.
    assert_eq!(runs[0].ledger.leases, runs[1].ledger.leases);
    // Unprotected, a job may be killed more often than it is started again.
    assert!([0, 1, 3].iter().all(|run| runs[*run].report.complete));
}

#[test]
fn a_longer_wait_before_consolidation_kills_fewer_pods() {
    let (study, runs) = one_night(&["consolidateAfter=0s,10m,Never"]);
    let killed: Vec<usize> = killed(&study, &runs).into_iter().map(|(short, long)| short + long).collect();
    assert!(killed[0] > killed[1] && killed[1] > killed[2] && killed[2] == 0, "{killed:?}");
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(
        names,
        ["jobs [consolidateAfter=0s]", "jobs [consolidateAfter=10m]", "jobs [consolidateAfter=Never]"]
    );
}

#[test]
fn less_is_moved_the_lower_the_threshold_of_use_and_nothing_at_zero() {
    let (study, runs) = one_night(&["scaleInUtilizationThreshold=1,0.5,0.1,0"]);
    let all: Vec<usize> = killed(&study, &runs).into_iter().map(|(short, long)| short + long).collect();
    assert!(all.is_sorted_by(|more, less| more >= less) && all[0] > all[3] && all[3] == 0, "{all:?}");
    // At one it is stock Karpenter, to the last node.
    let (_, stock) = one_night(&[]);
    assert_eq!(runs[0].ledger.leases, stock[0].ledger.leases);
}

#[test]
fn protected_jobs_are_never_killed_voluntarily() {
    let (study, runs) = one_night(&["doNotDisrupt=none,30m,all"]);
    let killed = killed(&study, &runs);
    assert!(killed[0].0 > 0 && killed[0].1 > 0, "{killed:?}");
    assert!(killed[1].0 > 0 && killed[1].1 == 0, "{killed:?}");
    assert_eq!(killed[2], (0, 0));
}
