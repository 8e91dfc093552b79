//! `pods.parquet` and `nodes.parquet`: every pod and every node of every platform, for the user's own questions.
//!
//! Rows are written in batches, so that a million pods need the memory of one batch. The Parquet writer finds
//! columns with few values by itself and stores them as dictionaries.

use std::fmt::Write as _;
use std::io::{self, Write};

use polars::prelude::*;

use crate::bill::Bill;
use crate::ledger::{EndReason, Lease, Ledger, Machine, NodeTemplate, Outcome, PodRun};
use crate::trace::Trace;
use crate::units::{Time, Usd};
use crate::workload::Workload;

/// Rows of a batch, which becomes a row group.
const BATCH: usize = 1 << 17;

/// What happened on one platform, and what it cost where that is known.
#[derive(Clone, Copy)]
pub struct PlatformRecords<'a> {
    pub name: &'a str,
    pub ledger: &'a Ledger,
    pub bill: Option<&'a Bill>,
}

/// Every pod that was created, by platform and then in order of creation.
pub fn write_pods(
    out: impl Write,
    platforms: &[PlatformRecords],
    trace: &Trace,
    workload: &Workload,
    zones: &[String],
) -> io::Result<()> {
    write(out, platforms, |p| p.ledger.runs.len(), |p, from, to| pods(p, from, to, trace, workload, zones))
}

/// Every node, by platform and then in order of its request.
pub fn write_nodes(out: impl Write, platforms: &[PlatformRecords], zones: &[String]) -> io::Result<()> {
    write(out, platforms, |p| p.ledger.leases.len(), |p, from, to| nodes(p, from, to, zones))
}

fn write(
    out: impl Write,
    platforms: &[PlatformRecords],
    rows: impl Fn(&PlatformRecords) -> usize,
    batch: impl Fn(&PlatformRecords, usize, usize) -> PolarsResult<DataFrame>,
) -> io::Result<()> {
    let no_ledger = Ledger::default();
    let no_platform = PlatformRecords { name: "", ledger: &no_ledger, bill: None };
    let schema = batch(&no_platform, 0, 0).map_err(io_error)?.schema().clone();
    // Snappy is what every reader knows, and costs a tenth of the time. The work of a batch is too small to share.
    let writer = ParquetWriter::new(out).with_compression(ParquetCompression::Snappy).set_parallel(false);
    let mut writer = writer.batched(&schema).map_err(io_error)?;
    for platform in platforms {
        let rows = rows(platform);
        for from in (0..rows).step_by(BATCH) {
            let frame = batch(platform, from, rows.min(from + BATCH)).map_err(io_error)?;
            writer.write_batch(&frame).map_err(io_error)?;
        }
    }
    writer.finish().map(drop).map_err(io_error)
}

fn io_error(error: PolarsError) -> io::Error {
    match error {
        PolarsError::IO { error, .. } => io::Error::new(error.kind(), error.to_string()),
        other => io::Error::other(other.to_string()),
    }
}

fn pods(
    platform: &PlatformRecords,
    from: usize,
    to: usize,
    trace: &Trace,
    workload: &Workload,
    zones: &[String],
) -> PolarsResult<DataFrame> {
    let ledger = platform.ledger;
    let runs = &ledger.runs[from..to];
    let machines = machines(ledger);
    let row = |run: &PodRun| workload.steps.row[run.step as usize] as usize;
    let lease = |run: &PodRun| run.was_bound().then(|| &ledger.leases[run.lease as usize]);
    let machine = |run: &PodRun| lease(run).map(|lease| &machines[lease.template as usize]);
    let run_id = |run: &PodRun| trace.words.get(trace.word(&trace.run_id, row(run)));
    let attempt = runs.iter().map(|run| trace.attempt.get(row(run)).unwrap_or(1));
    let node = runs.iter().map(|run| machine(run).map(|machine| (machine, run.lease)));
    let usd = (from..to).map(|run| amount(platform.bill.map(|bill| bill.runs[run])));
    let time = |name: &str, of: fn(&PodRun) -> Time| times(name, runs.iter().map(of));
    let columns = vec![
        text("platform", runs.iter().map(|_| Some(platform.name))),
        text("run_id", runs.iter().map(|run| Some(run_id(run)).filter(|id| !id.is_empty()))),
        text("task_id", runs.iter().map(|run| Some(trace.task_id.get(row(run))))),
        UInt32Chunked::from_iter_values("attempt".into(), attempt).into_column(),
        text("outcome", runs.iter().map(|run| Some(outcome(ledger.outcomes[run.step as usize])))),
        node_names(node),
        text("instance_type", runs.iter().map(|run| machine(run).map(|m| &*m.name))),
        text("capacity_type", runs.iter().map(|run| machine(run).map(|m| m.capacity_type))),
        text("zone", runs.iter().map(|run| zone(zones, lease(run)?))),
        time("created_ms", |run| run.created),
        time("scheduled_ms", |run| run.scheduled),
        time("pull_started_ms", |run| run.pull_started),
        time("started_ms", |run| run.started),
        time("ended_ms", |run| run.ended),
        time("observed_ms", |run| run.observed),
        time("deleted_ms", |run| run.deleted),
        Float64Chunked::from_iter_options("usd".into(), usd).into_column(),
    ];
    DataFrame::new(runs.len(), columns)
}

fn nodes(platform: &PlatformRecords, from: usize, to: usize, zones: &[String]) -> PolarsResult<DataFrame> {
    let ledger = platform.ledger;
    let leases = &ledger.leases[from..to];
    let machines = machines(ledger);
    let machine = |lease: &Lease| &machines[lease.template as usize];
    let template = |lease: &Lease| -> &NodeTemplate { &ledger.templates[lease.template as usize] };
    let node = (from..to).zip(leases).map(|(id, lease)| Some((machine(lease), id as u32)));
    let usd = (from..to).map(|lease| amount(platform.bill.map(|bill| bill.leases[lease])));
    let time = |name: &str, of: fn(&Lease) -> Time| times(name, leases.iter().map(of));
    let columns = vec![
        text("platform", leases.iter().map(|_| Some(platform.name))),
        node_names(node),
        text("pool", leases.iter().map(|lease| Some(&*template(lease).pool))),
        text("instance_type", leases.iter().map(|lease| Some(&*machine(lease).name))),
        text("capacity_type", leases.iter().map(|lease| Some(machine(lease).capacity_type))),
        text("zone", leases.iter().map(|lease| zone(zones, lease))),
        time("requested_ms", |lease| lease.requested),
        time("running_ms", |lease| lease.running),
        time("ready_ms", |lease| lease.ready),
        time("terminated_ms", |lease| lease.terminated),
        text("end_reason", leases.iter().map(|lease| Some(end_reason(lease.end_reason)))),
        Float64Chunked::from_iter_options("usd".into(), usd).into_column(),
    ];
    DataFrame::new(leases.len(), columns)
}

fn text<T: AsRef<str>>(name: &str, values: impl ExactSizeIterator<Item = Option<T>>) -> Column {
    let mut builder = StringChunkedBuilder::new(name.into(), values.len());
    values.for_each(|value| builder.append_option(value));
    builder.finish().into_column()
}

/// Milliseconds since the epoch; null where the time was never reached.
fn times(name: &str, values: impl Iterator<Item = Time>) -> Column {
    let values = values.map(|time| (time != Time::MAX).then(|| time.ms()));
    Int64Chunked::from_iter_options(name.into(), values).into_column()
}

/// The float next to the amount: `report.json` has the exact one.
fn amount(usd: Option<Usd>) -> Option<f64> {
    usd.map(Usd::to_f64)
}

/// How a template's machine is called in rows.
struct MachineText {
    name: String,
    capacity_type: &'static str,
    is_fargate: bool,
}

fn machines(ledger: &Ledger) -> Vec<MachineText> {
    let of = |template: &NodeTemplate| match &template.machine {
        Machine::Ec2 { instance_type, capacity_type } => MachineText {
            name: instance_type.clone(),
            capacity_type: capacity_type.label(),
            is_fargate: false,
        },
        Machine::Fargate { cpu, memory, .. } => {
            let (vcpu, gb) = (cpu.milli() as f64 / 1_000.0, memory.mib_ceil() as f64 / 1_024.0);
            MachineText { name: format!("{vcpu} vCPU {gb} GB"), capacity_type: "fargate", is_fargate: true }
        }
    };
    ledger.templates.iter().map(of).collect()
}

/// Named by the number of the lease, the same in both files.
fn node_names<'a>(nodes: impl ExactSizeIterator<Item = Option<(&'a MachineText, u32)>>) -> Column {
    let mut builder = StringChunkedBuilder::new("node".into(), nodes.len());
    let mut name = String::new();
    for node in nodes {
        let Some((machine, lease)) = node else {
            builder.append_null();
            continue;
        };
        name.clear();
        let written =
            if machine.is_fargate { write!(name, "fargate-{lease}") } else { write!(name, "n{lease}") };
        written.expect("writing to a string does not fail");
        builder.append_value(&name);
    }
    builder.finish().into_column()
}

fn zone<'a>(zones: &'a [String], lease: &Lease) -> Option<&'a str> {
    zones.get(lease.zone as usize).map(String::as_str)
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Open => "open",
        Outcome::Succeeded => "succeeded",
        Outcome::Failed | Outcome::Lost => "failed",
        Outcome::Unschedulable => "unschedulable",
        Outcome::Canceled => "canceled",
        Outcome::NotRun => "not_run",
        Outcome::Skipped => "skipped",
    }
}

const fn end_reason(reason: EndReason) -> &'static str {
    reason.word()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::catalog::CapacityType;
    use crate::ledger::LeaseId;
    use crate::units::{Cpu, Memory, Resources};

    fn template(machine: Machine) -> NodeTemplate {
        NodeTemplate {
            pool: "jobs".into(),
            machine,
            allocatable: Resources::default(),
            daemons: Resources::default(),
            root_volume: Memory::ZERO,
            auto_mode: false,
            role: crate::ledger::Role::Jobs,
        }
    }

    /// Two pods on a node each, and one that was never bound.
    fn ledger() -> Ledger {
        let fargate = Machine::Fargate {
            cpu: Cpu::from_milli(500),
            memory: Memory::from_gib(2),
            ephemeral: Memory::ZERO,
        };
        let ec2 = Machine::Ec2 { instance_type: "m6i.large".into(), capacity_type: CapacityType::Spot };
        let lease = |template, zone| Lease {
            template,
            zone,
            end_reason: EndReason::WindowEnd,
            requested: Time::from_ms(1_000),
            running: Time::from_ms(2_000),
            ready: Time::MAX,
            terminated: Time::from_ms(9_000),
            shared_us: 0,
            pulled: Memory::ZERO,
        };
        let run = |step, lease| PodRun { lease, ..PodRun::new(step, 1, Time::from_ms(500)) };
        Ledger {
            templates: vec![template(fargate), template(ec2)],
            leases: vec![lease(0, 0), lease(1, 1)],
            runs: vec![run(0, 0), run(1, 1), run(2, LeaseId::MAX)],
            outcomes: vec![Outcome::Succeeded, Outcome::Failed, Outcome::Unschedulable],
            ..Ledger::default()
        }
    }

    fn trace() -> (Trace, Workload) {
        let mut trace = Trace::default();
        let mut workload = Workload::default();
        for (row, task) in ["a", "b", "c"].into_iter().enumerate() {
            trace.task_id.push(task);
            workload.steps.row.push(row as u32);
        }
        let run = trace.words.intern("r1");
        trace.run_id.set(0, run);
        trace.attempt.set(1, 2);
        (trace, workload)
    }

    fn read(bytes: Vec<u8>) -> DataFrame {
        ParquetReader::new(Cursor::new(bytes)).finish().unwrap()
    }

    fn names(frame: &DataFrame) -> String {
        frame.columns().iter().map(|column| column.name().as_str()).collect::<Vec<_>>().join(" ")
    }

    fn rows(frame: &DataFrame) -> Vec<String> {
        let row = |i| {
            frame.columns().iter().map(move |column| column.get(i).unwrap().to_string()).collect::<Vec<_>>()
        };
        (0..frame.height()).map(|i| row(i).join(" ")).collect()
    }

    #[test]
    fn pods_and_nodes_are_read_back() {
        let ledger = ledger();
        let usd = |n| Usd::from_femto(n);
        let bill = Bill {
            leases: vec![usd(1_500_000_000_000_000), usd(3)],
            runs: vec![usd(1_500_000_000_000_000), usd(1), usd(0)],
            ..Bill::default()
        };
        let billed = PlatformRecords { name: "one", ledger: &ledger, bill: Some(&bill) };
        let unbilled = PlatformRecords { name: "two", bill: None, ..billed };
        let zones = ["us-east-1a".to_owned(), "us-east-1b".to_owned()];
        let (trace, workload) = trace();
        let mut bytes = Vec::new();
        write_pods(&mut bytes, &[billed, unbilled], &trace, &workload, &zones).unwrap();
        let pods = read(bytes);
        insta::assert_snapshot!(names(&pods), @r"
        platform run_id task_id attempt outcome node instance_type capacity_type zone created_ms scheduled_ms pull_started_ms started_ms ended_ms observed_ms deleted_ms usd
        ");
        insta::assert_snapshot!(rows(&pods).join("\n"), @r#"
        "one" "r1" "a" 1 "succeeded" "fargate-0" "0.5 vCPU 2 GB" "fargate" "us-east-1a" 500 null null null null null null 1.5
        "one" null "b" 2 "failed" "n1" "m6i.large" "spot" "us-east-1b" 500 null null null null null null 1.0000e-15
        "one" null "c" 1 "unschedulable" null null null null 500 null null null null null null 0.0
        "two" "r1" "a" 1 "succeeded" "fargate-0" "0.5 vCPU 2 GB" "fargate" "us-east-1a" 500 null null null null null null null
        "two" null "b" 2 "failed" "n1" "m6i.large" "spot" "us-east-1b" 500 null null null null null null null
        "two" null "c" 1 "unschedulable" null null null null 500 null null null null null null null
        "#);
        let mut bytes = Vec::new();
        write_nodes(&mut bytes, &[billed, unbilled], &zones).unwrap();
        let nodes = read(bytes);
        insta::assert_snapshot!(names(&nodes), @r"
        platform node pool instance_type capacity_type zone requested_ms running_ms ready_ms terminated_ms end_reason usd
        ");
        insta::assert_snapshot!(rows(&nodes).join("\n"), @r#"
        "one" "fargate-0" "jobs" "0.5 vCPU 2 GB" "fargate" "us-east-1a" 1000 2000 null 9000 "window_end" 1.5
        "one" "n1" "jobs" "m6i.large" "spot" "us-east-1b" 1000 2000 null 9000 "window_end" 3.0000e-15
        "two" "fargate-0" "jobs" "0.5 vCPU 2 GB" "fargate" "us-east-1a" 1000 2000 null 9000 "window_end" null
        "two" "n1" "jobs" "m6i.large" "spot" "us-east-1b" 1000 2000 null 9000 "window_end" null
        "#);
    }

    #[test]
    fn without_pods_there_are_still_columns() {
        let mut bytes = Vec::new();
        write_pods(&mut bytes, &[], &Trace::default(), &Workload::default(), &[]).unwrap();
        assert_eq!((read(bytes.clone()).height(), read(bytes).width()), (0, 17));
    }

    #[test]
    fn batches_join_without_a_seam() {
        let (trace, workload) = trace();
        let created = |n: usize| PodRun::new(0, 1, Time::from_ms(n as i64));
        let ledger = Ledger {
            runs: (0..BATCH + 10).map(created).collect(),
            outcomes: vec![Outcome::Canceled],
            ..Ledger::default()
        };
        let mut bytes = Vec::new();
        let records = [PlatformRecords { name: "one", ledger: &ledger, bill: None }];
        write_pods(&mut bytes, &records, &trace, &workload, &[]).unwrap();
        let pods = read(bytes);
        let times: Vec<_> = pods.column("created_ms").unwrap().i64().unwrap().into_no_null_iter().collect();
        assert_eq!(times, (0..BATCH as i64 + 10).collect::<Vec<_>>());
    }
}
