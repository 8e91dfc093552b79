//! Reports for the tests of the writers: a small one by hand, and arbitrary ones.

use proptest::prelude::*;

use super::*;

fn distribution(p50: f64, p99: f64) -> Distribution {
    let ms = |seconds: f64| Some((seconds * 1_000.0).round() / 1_000.0);
    Distribution {
        count: 1_200,
        mean: ms(p50 * 1.1),
        p50: Some(p50),
        p90: ms(p50 * 1.3),
        p95: ms(p50 * 1.4),
        p99: Some(p99),
        p999: ms(p99 * 1.1),
        max: ms(p99 * 1.2),
    }
}

fn item(item: &str, detail: &str, quantity: f64, unit: &str, usd_per_unit: &str, usd: &str) -> CostItem {
    CostItem {
        item: item.into(),
        detail: detail.into(),
        quantity,
        unit: unit.into(),
        usd_per_unit: usd_per_unit.into(),
        usd: usd.into(),
    }
}

fn workflow(name: &str, runs: u64, usd: &str, p99: f64) -> WorkflowReport {
    WorkflowReport {
        workflow: name.into(),
        runs,
        pods: runs * 10,
        usd: Some(usd.into()),
        p50_makespan_s: Some(p99 / 2.0),
        p99_makespan_s: Some(p99),
    }
}

fn fargate() -> PlatformReport {
    PlatformReport {
        name: "fargate".into(),
        kind: "fargate".into(),
        today: true,
        complete: true,
        incomplete_reasons: vec![],
        cost: Some(Cost {
            total_usd: "412.750000000000005".into(),
            usd_per_month: "1793.497023809523831".into(),
            billed_hours: 168.0,
            items: vec![
                item("Fargate vCPU", "Fargate-vCPU-Hours:perCPU", 7_500.0, "vCPU-hours", "0.04048", "303.60"),
                item(
                    "Fargate memory",
                    "Fargate-GB-Hours",
                    20_775.028_1,
                    "GB-hours",
                    "0.004445",
                    "92.350000000000005",
                ),
                item("EKS control plane", "AmazonEKS-Hours:perCluster", 168.0, "hours", "0.10", "16.80"),
            ],
            allocation: AllocationReport {
                pods_usd: "395.950000000000005".into(),
                daemonsets_usd: "0.00".into(),
                startup_usd: "0.00".into(),
                idle_usd: "0.00".into(),
                shared_usd: "16.80".into(),
                savings_plan_usd: None,
            },
            lower_bound_usd: Some("301.25".into()),
            savings_plan: None,
        }),
        cost_unknown: None,
        latency: Latency {
            start_delay_s: distribution(46.5, 91.0),
            turnaround_s: distribution(300.0, 1_900.0),
            makespan_s: distribution(1_500.0, 7_500.0),
        },
        pods: PodCounts { total: 12_000, succeeded: 11_990, failed: 10, ..PodCounts::default() },
        capacity: Capacity {
            nodes_launched: 12_000,
            nodes_peak: 1_234,
            node_hours: 15_000.0,
            cpu_requested_ratio: Some(0.97),
            memory_requested_ratio: Some(0.84),
            by_instance_type: vec![MachineReport {
                machine: "0.5 vCPU 2 GB".into(),
                capacity_type: "fargate".into(),
                nodes: 12_000,
                node_hours: 15_000.0,
                cpu_requested_ratio: 0.97,
                memory_requested_ratio: 0.84,
                usd: "395.950000000000005".into(),
            }],
        },
        groups: Vec::new(),
        disruption: Disruption::default(),
        spot: Spot::default(),
        workflows: vec![
            workflow("daily-load", 7, "200.25", 7_500.0),
            workflow("<script>alert(1)</script>", 168, "195.70", 600.0),
            workflow("", 20, "0.000000000000005", 60.0),
        ],
        savings: None,
        evidence: None,
        replications: None,
    }
}

fn node_group() -> PlatformReport {
    PlatformReport {
        name: "node-group".into(),
        kind: "node-group".into(),
        today: false,
        complete: true,
        incomplete_reasons: vec![],
        cost: Some(Cost {
            total_usd: "259.60".into(),
            usd_per_month: "1128.023809523809524".into(),
            billed_hours: 168.0,
            items: vec![
                item("EC2 on-demand", "BoxUsage:m6i.xlarge", 1_250.0, "hours", "0.192", "240.00"),
                item("EBS root volumes", "EBS:VolumeUsage.gp3", 35.0, "GB-months", "0.08", "2.80"),
                item("EKS control plane", "AmazonEKS-Hours:perCluster", 168.0, "hours", "0.10", "16.80"),
            ],
            allocation: AllocationReport {
                pods_usd: "180.40".into(),
                daemonsets_usd: "10.15".into(),
                startup_usd: "8.05".into(),
                idle_usd: "44.20".into(),
                shared_usd: "16.80".into(),
                savings_plan_usd: None,
            },
            lower_bound_usd: Some("171.00".into()),
            savings_plan: None,
        }),
        cost_unknown: None,
        latency: Latency {
            start_delay_s: distribution(3.25, 84.0),
            turnaround_s: distribution(260.0, 1_880.0),
            makespan_s: distribution(1_320.0, 7_260.0),
        },
        pods: PodCounts { total: 12_000, succeeded: 11_990, failed: 10, ..PodCounts::default() },
        capacity: Capacity {
            nodes_launched: 400,
            nodes_peak: 42,
            node_hours: 1_250.0,
            cpu_requested_ratio: Some(0.71),
            memory_requested_ratio: Some(0.5),
            by_instance_type: vec![MachineReport {
                machine: "m6i.xlarge".into(),
                capacity_type: "on-demand".into(),
                nodes: 400,
                node_hours: 1_250.0,
                cpu_requested_ratio: 0.71,
                memory_requested_ratio: 0.5,
                usd: "242.80".into(),
            }],
        },
        groups: Vec::new(),
        disruption: Disruption {
            evictions: [("scale_down".to_owned(), 3)].into(),
            tasks_killed: 3,
            tasks_restarted: 3,
            lost_work_hours: 0.25,
        },
        spot: Spot::default(),
        workflows: vec![
            workflow("daily-load", 7, "90.20", 7_260.0),
            workflow("<script>alert(1)</script>", 168, "90.20", 480.0),
            workflow("", 20, "0.00", 15.0),
        ],
        evidence: None,
        replications: None,
        savings: Some(Savings {
            total_usd: "153.150000000000005".into(),
            causes: vec![Cause { cause: "price".into(), usd: "153.150000000000005".into() }],
        }),
    }
}

/// A third platform that could not run everything.
pub(super) fn incomplete() -> PlatformReport {
    let mut platform = node_group();
    platform.name = "a-small-fixed-group-of-nodes".into();
    platform.complete = false;
    platform.incomplete_reasons =
        vec!["200 pods are unschedulable: they ask for more than a node has".into()];
    platform.cost = None;
    platform.cost_unknown = Some("no price for m9z.large in us-east-1".into());
    platform.latency.makespan_s = Distribution::default();
    platform.savings = None;
    platform
}

/// The second platform under a Savings Plan of $0.50 an hour at 25 % off that covers $100 of its nodes.
pub(super) fn with_savings_plan() -> PlatformReport {
    let mut platform = node_group();
    let cost = platform.cost.as_mut().expect("the node group has a cost");
    cost.total_usd = "243.60".into();
    cost.usd_per_month = "1058.50".into();
    let [paid, negation] = [
        ("Savings Plan commitment", "SavingsPlanRecurringFee:ComputeSP", 168.0, "hours", "0.50", "84.00"),
        (
            "covered by the Savings Plan",
            "SavingsPlanNegation:m6i",
            -100.0,
            "USD at list price",
            "1.00",
            "-100.00",
        ),
    ]
    .map(|(name, detail, quantity, unit, rate, usd)| item(name, detail, quantity, unit, rate, usd));
    cost.items.extend([paid, negation]);
    cost.allocation.savings_plan_usd = Some("-16.00".into());
    cost.lower_bound_usd = None;
    cost.savings_plan = Some(SavingsPlanReport {
        commitment_per_hour_usd: Some("0.50".into()),
        commitment_usd: "84.00".into(),
        covered_on_demand_usd: "100.00".into(),
        unused_usd: "9.00".into(),
        coverage: Some(100.0 / 240.0),
        utilisation: Some(75.0 / 84.0),
    });
    platform
}

/// Two platforms and a week.
pub(crate) fn report() -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "cost-sim".into(), version: "0.0.0".into() },
        inputs: Inputs {
            traces: vec![TraceInput { path: "trace.csv".into(), sha256: "00".repeat(32), rows: 12_000 }],
            trace_sha256: "00".repeat(32),
            tasks_sha256: "11".repeat(32),
            pods: 12_000,
            workflow_runs: 195,
            window: WindowText { start: "2026-03-01T00:00:00Z".into(), end: "2026-03-08T00:00:00Z".into() },
            region: "us-east-1".into(),
            region_source: "given".into(),
            synthetic: false,
            replay: "closed".into(),
            seed: 1,
            prices: PriceInput {
                as_of: Some(DateRange { oldest: "2026-02-01".into(), newest: "2026-02-20".into() }),
                sha256: "11".repeat(32),
                inferred: vec!["EBS:VolumeUsage.gp3".into()],
            },
            evidence: None,
            defaulted: Defaulted { cpu_requests: 5, memory_requests: 0, image_sizes: 12_000 },
            assumptions: vec![
                Assumption {
                    name: "startup.containerStart".into(),
                    value: "2s".into(),
                    default: "1s".into(),
                    source: "a measurement".into(),
                },
                Assumption {
                    name: "orchestrator.detectionLag".into(),
                    value: "5s".into(),
                    default: "5s".into(),
                    source: "docs/model.md".into(),
                },
            ],
        },
        scenario: "apiVersion: cost-sim/v1\nkind: Scenario\n".into(),
        asked: "apiVersion: cost-sim/v1\nkind: Scenario\n".into(),
        catalog: BTreeMap::from([("fargate.csv".into(), "region,vcpu_hour_usd\n".into())]),
        prices: vec![
            PriceUsed {
                name: "BoxUsage:m6i.xlarge".into(),
                unit: "hour".into(),
                usd_per_unit: "0.192".into(),
                as_of: "2026-02-20".into(),
                inferred_by: None,
            },
            PriceUsed {
                name: "EBS:VolumeUsage.gp3".into(),
                unit: "GB-month".into(),
                usd_per_unit: "0.08".into(),
                as_of: "2026-02-01".into(),
                inferred_by: Some("the price in us-east-1".into()),
            },
        ],
        finding: "node-group would cost 37 % less than fargate (today) ($259.60 instead of $412.75)".into(),
        sensitivity: None,
        warnings: vec!["12,000 pods have no image size; 350 MiB is assumed".into()],
        platforms: vec![fargate(), node_group()],
        backtest: None,
        no_backtest: None,
        bill_comparison: None,
    }
}

/// Reports with names, numbers and gaps of any size.
pub(super) fn reports() -> impl Strategy<Value = Report> {
    let usd = || {
        (0i64.., 0u32..15).prop_map(|(n, shift)| {
            crate::units::Usd::from_femto(i128::from(n) * 10i128.pow(shift / 2)).to_string()
        })
    };
    let seconds = || proptest::option::of(prop_oneof![0.0..100.0, 0.0..1e9f64]);
    let platform = (
        ("\\PC{0,40}", any::<[bool; 3]>(), proptest::option::of(0.0..1.0)),
        (usd(), usd(), any::<u64>(), any::<u32>()),
        [seconds(), seconds(), seconds(), seconds()],
    )
        .prop_map(|((name, [today, complete, billed], cpu), (total, month, killed, peak), times)| {
            let mut platform = node_group();
            platform.name = name;
            platform.today = today;
            platform.complete = complete;
            platform.incomplete_reasons = vec!["something is missing".into(); usize::from(!complete)];
            platform.capacity.cpu_requested_ratio = cpu;
            platform.capacity.nodes_peak = u64::from(peak);
            platform.disruption.tasks_killed = killed;
            match &mut platform.cost {
                Some(cost) if billed => (cost.total_usd, cost.usd_per_month) = (total, month),
                cost => *cost = None,
            }
            let [a, b, c, d] = times;
            (platform.latency.start_delay_s.p50, platform.latency.start_delay_s.p99) = (a, b);
            (platform.latency.makespan_s.p50, platform.latency.makespan_s.p99) = (c, d);
            platform
        });
    let platforms = proptest::collection::vec(platform, 1..7);
    let warnings = proptest::collection::vec("\\PC{0,200}", 0..12);
    (platforms, warnings, any::<[bool; 2]>(), any::<u32>(), ".{0,300}").prop_map(
        |(platforms, warnings, [synthetic, assumed], pods, finding)| {
            let mut report = report();
            report.platforms = platforms;
            report.warnings = warnings;
            report.finding = finding;
            report.inputs.synthetic = synthetic;
            report.inputs.region_source = if assumed { "assumed" } else { "given" }.into();
            report.inputs.pods = u64::from(pods);
            report
        },
    )
}
