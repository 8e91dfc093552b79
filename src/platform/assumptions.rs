//! Everything that a run takes for granted, in one table: name, value, default and source.
//!
//! Why one table: a report lists it, the documentation is generated from it, and a test holds it against the
//! fields that a scenario can set. So nothing is assumed in silence, and everything assumed can be changed.

mod platforms;

use super::values::*;
use super::*;

/// One thing that is taken for granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// The dotted path of the field in a scenario; of a platform with its kind: `platforms[fargate].billUntil`.
    pub name: &'static str,
    /// What this run assumes; with the platforms' names where they differ.
    pub value: String,
    pub default: String,
    /// Where the default comes from; "no source" where it is a choice.
    pub source: &'static str,
}

/// What a run of these settings and platforms assumes, in the order of a scenario. Fields of kinds that do
/// not run are left out.
pub fn assumptions(settings: &Settings, platforms: &[Platform]) -> Vec<Assumption> {
    let defaults = Settings::default();
    let mut all: Vec<Assumption> = SETTINGS
        .iter()
        .map(|(name, value, source)| Assumption {
            name,
            value: value(settings),
            default: value(&defaults),
            source,
        })
        .collect();
    all.extend(platforms::rows(platforms));
    all
}

/// A name, how to show its value, and the source of its default.
type Row<T> = (&'static str, fn(&T) -> String, &'static str);

const SETTINGS: &[Row<Settings>] = &[
    ("region", |s| s.region.name.clone(), "no source; the first line of output says when it was assumed"),
    ("zones", |s| s.zones.join(", "), "no source; three zones are the usual layout"),
    ("defaults.cpuRequest", |s| cpu_text(s.defaults.cpu_request), "no source; a small job container"),
    (
        "defaults.memoryRequest",
        |s| memory_text(s.defaults.memory_request),
        "no source; a small job container",
    ),
    (
        "defaults.imageSizeMiB",
        |s| s.defaults.image_size.mib_ceil().to_string(),
        "no source; a mid-sized job image, compressed",
    ),
    (
        "defaults.arch",
        |s| s.defaults.arch.word().to_owned(),
        "no source; most images are built for amd64 only",
    ),
    (
        "startup.launchToPending",
        |s| step(s.startup.launch_to_pending),
        "estimate for an Auto Scaling group; a direct CreateFleet call is createFleet",
    ),
    (
        "startup.createFleet",
        |s| step(s.startup.create_fleet),
        "timelines published with awslabs/node-latency-for-k8s: 1 to 2 s from CreateFleet to pending",
    ),
    (
        "startup.pendingToKernel",
        |s| step(s.startup.pending_to_kernel),
        "published timelines of node start-up: 10 to 16 s, GPU types longer",
    ),
    (
        "startup.kernelToRegistered",
        |s| step(s.startup.kernel_to_registered),
        "AL2023 measurements in awslabs/amazon-eks-ami; Bottlerocket or a tuned image takes 8s (p95 15s)",
    ),
    (
        "startup.registeredToReady",
        |s| step(s.startup.registered_to_ready),
        "published timelines of node start-up: 4 to 11 s until the network plugin is up",
    ),
    (
        "startup.containerCreate",
        |s| step(s.startup.container_create),
        "kubelet sync and container start; the Kubernetes start-up objective is 5 s at the 99th percentile",
    ),
    (
        "startup.fargateRegister",
        |s| step(s.startup.fargate_register),
        "users' measurements since 2019: 30 to 45 s until the node registers, up to 2 min until running",
    ),
    (
        "images.layerRate",
        |s| format!("{}/s", memory_text(s.images.layer_rate)),
        "measured by containerd users: one connection a layer, about 25 MB/s from ECR",
    ),
    ("images.parallelLayers", |s| s.images.parallel_layers.to_string(), "containerd's default"),
    (
        "images.layers",
        |s| s.images.layers.to_string(),
        "no source; equal layers, as many as are pulled at once",
    ),
    (
        "images.unpackedRatio",
        |s| tenths_text(s.images.unpacked_tenths),
        "estimate; one published image has 3 GB compressed and 9 GB unpacked",
    ),
    (
        "images.unpackRate",
        |s| format!("{}/s", memory_text(s.images.unpack_rate)),
        "a gp3 volume's 125 MB/s bound unpacking at 100 to 125 MB/s",
    ),
    (
        "images.networkRate",
        |s| format!("{}/s", memory_text(s.images.network_rate)),
        "estimate: 1 Gbit/s, for Fargate pods and for types without a published bandwidth",
    ),
    ("images.serializeImagePulls", |s| s.images.serialize_pulls.to_string(), "kubelet's default"),
    (
        "orchestrator.useRecordedDelays",
        |s| s.orchestrator.use_recorded_delays.to_string(),
        "replay rule: dispatch and detection belong to the orchestrator, whatever the platform",
    ),
    ("orchestrator.dispatchDelay", |s| step(s.orchestrator.dispatch_delay), "no source; none is added"),
    (
        "orchestrator.detectionLag",
        |s| step(s.orchestrator.detection_lag),
        "Digdag polls pods every 10 s: half a poll and its loop",
    ),
    (
        "orchestrator.deletionDelay",
        |s| duration_text(s.orchestrator.deletion_delay),
        "no source; the orchestrator deletes a pod as soon as it sees the end",
    ),
    (
        "orchestrator.lostPods.retryLimit",
        |s| s.orchestrator.lost_pods.retry_limit.to_string(),
        "no source; enough for tasks that may be interrupted, and none is started for ever",
    ),
    (
        "orchestrator.lostPods.retryInterval",
        |s| duration_text(s.orchestrator.lost_pods.retry_interval),
        "Digdag's default for _retry: no wait",
    ),
    (
        "orchestrator.lostPods.gracefulStop",
        |s| duration_text(s.orchestrator.lost_pods.graceful_stop),
        "no source; a job that ends soon after SIGTERM",
    ),
    (
        "orchestrator.leftoverPods.share",
        |s| ppm_text(s.orchestrator.leftover_pods.share_ppm),
        "no source; the EKS user guide warns that pods of finished Jobs stay and are billed",
    ),
    (
        "orchestrator.leftoverPods.kept",
        |s| duration_text(s.orchestrator.leftover_pods.kept),
        "no source; without effect while the share is 0",
    ),
    (
        "daemonSets",
        |s| agents(&s.daemon_sets),
        "manifests of amazon-vpc-cni-k8s (25m and 25m), kube-proxy, and aws-ebs-csi-driver (3 × 10m, 40Mi)",
    ),
    (
        "sidecars",
        |s| agents(&s.sidecars),
        "no source; agents that must run inside Fargate pods are to be named",
    ),
    (
        "kubeScheduler.scoringStrategy",
        |s| s.scheduler.scoring.word().to_owned(),
        "kube-scheduler's default; the one EKS runs cannot be configured",
    ),
    (
        "kubeScheduler.balancedAllocation",
        |s| s.scheduler.balanced_allocation.word().to_owned(),
        "kube-scheduler 1.36",
    ),
    (
        "kubeScheduler.popFromBackoffQ",
        |s| s.scheduler.pop_from_backoff_q.to_string(),
        "the gate SchedulerPopFromBackoffQ is beta and on by default since Kubernetes 1.33 (KEP-5142)",
    ),
    (
        "kubeScheduler.preemption",
        |s| s.scheduler.preemption.to_string(),
        "PreemptLowerPriority is the default of preemptionPolicy; pods of one priority leave each other alone",
    ),
    (
        "cluster.support",
        |s| s.cluster.support.word().to_owned(),
        "no source; a Kubernetes version in its first 14 months on EKS",
    ),
    (
        "cluster.natGateways",
        |s| s.cluster.nat_gateways.to_string(),
        "no source; taken to be the same for every platform and left out",
    ),
    (
        "cluster.pullThroughNat",
        |s| s.cluster.pull_through_nat.to_string(),
        "no source; pulls through VPC endpoints pay no NAT processing",
    ),
    (
        "spot.allocationStrategy",
        |s| s.spot.allocation.word().to_owned(),
        "what Karpenter and managed node groups ask EC2 for",
    ),
    (
        "spot.depthWeight",
        |s| ppm_text(s.spot.depth_weight_ppm),
        "no source; AWS does not publish how it weighs price against capacity",
    ),
    (
        "spot.interruptionRate",
        |s| ppm_text(s.spot.hazard_permille * 1_000),
        "AWS Spot Advisor: the middle of the type's bucket is the share interrupted in a month, 25 % for the open one",
    ),
    (
        "spot.poolLoss",
        |s| ppm_text(s.spot.pool_loss_ppm),
        "no source for the share; that a pool's interruptions come within minutes of each other is measured \
         (arXiv 2604.16457)",
    ),
    ("spot.shortage", |s| step(s.spot.shortage), "no source"),
    (
        "spot.asgRetry",
        |s| duration_text(s.spot.asg_retry),
        "not published; activity histories of Auto Scaling groups show tries about every minute",
    ),
    (
        "spot.rebalanceLead",
        |s| duration_text(s.spot.rebalance_lead),
        "no source for the lead; AWS says that a recommendation may come with the notice and not before",
    ),
    (
        "spot.events",
        |s| listed(s.spot.events.iter().map(event)),
        "no source; interruptions are drawn, none is prescribed",
    ),
    (
        "system",
        |s| {
            let one = |system: &System| format!("{}: {}", system.name, platforms::home(&system.home));
            listed(s.system.iter().map(one))
        },
        "no source; what is always on is the same on every platform and cancels in differences",
    ),
    (
        "savingsPlan",
        |s| s.savings_plan.as_ref().map_or("none".into(), savings_plan),
        "no source; commitment and discounts are those of a plan that was bought, and the report counts what is unused",
    ),
    (
        "discounts",
        |s| discounts(&s.discounts),
        "no source; what an account has agreed with AWS is its own business, and controllers do not know it",
    ),
    ("unschedulableAfter", |s| duration_text(s.unschedulable_after), "no source"),
    (
        "replay",
        |s| s.replay.word().to_owned(),
        "replay rule: closed when the trace has dependencies, open otherwise",
    ),
    ("seed", |s| s.seed.to_string(), "no source; one seed is one history, and any is as good"),
];

fn step(step: Step) -> String {
    let median = duration_text(step.median);
    if step.median == step.p95 { median } else { format!("{median} (p95 {})", duration_text(step.p95)) }
}

fn event(event: &SpotEvent) -> String {
    let name = event.instance_type.as_deref().unwrap_or("every type");
    let zone = event.zone.as_ref().map_or_else(|| "every zone".to_owned(), |zone| format!("zone {zone}"));
    let (at, shortage) = (duration_text(event.at), duration_text(event.shortage));
    format!("{at}: {} of {name} in {zone}, none for {shortage}", ppm_text(event.reclaims_ppm))
}

fn agents(agents: &[Agent]) -> String {
    listed(agents.iter().map(|a| {
        let memory = a.requests.memory;
        let memory = if memory == Memory::ZERO { String::new() } else { format!(" {}", memory_text(memory)) };
        format!("{} {}{memory}", a.name, cpu_text(a.requests.cpu))
    }))
}

fn savings_plan(plan: &SavingsPlan) -> String {
    let rate = match plan.committed {
        Committed::PerHour(rate) => format!("{rate} USD/h"),
        Committed::Best => "the best commitment".to_owned(),
    };
    match &plan.scope {
        PlanScope::Compute { fargate_ppm, ec2_ppm, families } => {
            let own = families.iter().map(|(family, ppm)| format!(", {family} {}", ppm_text(*ppm)));
            let (fargate, ec2) = (ppm_text(*fargate_ppm), ppm_text(*ec2_ppm));
            format!("compute, {rate}: fargate {fargate}, ec2 {ec2}{}", own.collect::<String>())
        }
        PlanScope::Ec2 { family, discount_ppm } => {
            format!("ec2, {rate}: {family} {}", ppm_text(*discount_ppm))
        }
    }
}

fn discounts(discounts: &Discounts) -> String {
    let services = [
        ("ec2", discounts.ec2_ppm),
        ("spot", discounts.spot_ppm),
        ("fargate", discounts.fargate_ppm),
        ("ebs", discounts.ebs_ppm),
        ("eks", discounts.eks_ppm),
        ("network", discounts.network_ppm),
    ];
    let services = services.into_iter().filter(|(_, ppm)| *ppm > 0);
    let families = discounts.families.iter().map(|(family, ppm)| (family.as_str(), *ppm));
    listed(services.chain(families).map(|(name, ppm)| format!("{name} {}", ppm_text(ppm))))
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::super::scenario::every_field;
    use super::*;

    /// Fields that name things or bound results and assume nothing.
    const NO_ASSUMPTION: &[&str] = &[
        "apiVersion",
        "kind",
        "platforms",
        "platforms[].name",
        "platforms[].kind",
        "platforms[mixed].parts",
        "NodeClass.apiVersion",
        "NodeClass.kind",
        "NodeClass.metadata.name",
        "platforms[node-group].nodeGroups",
        "platforms[node-group].groups",
        "platforms[node-group].groups[].name",
        "NodePool.apiVersion",
        "NodePool.kind",
        "NodePool.metadata.name",
        "NodePool.spec.template.spec.nodeClassRef.kind",
        "NodePool.spec.template.spec.nodeClassRef.name",
        "EC2NodeClass.apiVersion",
        "EC2NodeClass.kind",
        "EC2NodeClass.metadata.name",
        // It says the family too.
        "EC2NodeClass.spec.amiSelectorTerms",
        "EC2NodeClass.spec.amiSelectorTerms[].alias",
        "podTemplates",
        "podTemplates[].match.workflow",
        "podTemplates[].match.task",
        "podTemplates[].match.image",
        "podTemplates[].match.namespace",
        "podTemplates[].match.labels",
        "podTemplates[].from",
        "podTemplates[].template",
        // Its fields are those of node groups under other names.
        "ClusterConfig",
        "limits",
    ];

    fn default_ones() -> Vec<Assumption> {
        let kinds = ["fargate", "node-group", "karpenter", "auto-mode"];
        let platforms: Vec<Platform> = kinds.iter().filter_map(|kind| Platform::built_in(kind)).collect();
        assumptions(&Settings::default(), &platforms)
    }

    #[test]
    fn every_field_of_a_scenario_is_an_assumption() {
        let all = default_ones();
        let covers = |name: &str, field: &str| {
            field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        for field in every_field() {
            let known = all.iter().any(|a| covers(a.name, &field));
            let exempt = NO_ASSUMPTION.contains(&field.as_str())
                || covers("limits", &field)
                || covers("ClusterConfig", &field);
            assert!(known != exempt, "{field} is missing among the assumptions");
        }
        for a in all {
            assert!(every_field().iter().any(|f| covers(a.name, f)), "{} is not a field", a.name);
        }
    }

    #[test]
    fn values_name_the_platforms_where_they_differ() {
        let mut platforms = Platform::defaults();
        let other = Fargate { launch_rate: 1, ..Fargate::default() };
        platforms.push(Platform { name: "slow".into(), kind: Kind::Fargate(other) });
        let all = assumptions(&Settings::default(), &platforms);
        let value = |name: &str| all.iter().find(|a| a.name == name).map(|a| a.value.as_str());
        assert_eq!(value("platforms[fargate].launchRate"), Some("fargate: 20/s; slow: 1/s"));
        assert_eq!(value("platforms[fargate].launchBurst"), Some("20"));
        let recorded = [Platform::built_in("recorded").unwrap()];
        let some = assumptions(&Settings::default(), &recorded);
        assert!(some.iter().all(|a| !a.name.starts_with("platforms")));
    }

    fn document(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "the test reads and writes documentation")]
    fn with_table(write: bool) -> (String, String) {
        const BEGIN: &str = "<!-- assumptions: generated -->\n";
        const END: &str = "<!-- end -->\n";
        let path = document("model.md");
        let text = std::fs::read_to_string(&path).expect("docs/model.md is part of the repository");
        let (before, rest) = text.split_once(BEGIN).expect("the table has a beginning");
        let (_, after) = rest.split_once(END).expect("the table has an end");
        let mut table = String::from("| assumption | default | source |\n|---|---|---|\n");
        for a in default_ones() {
            table.push_str(&["| `", a.name, "` | ", &a.default, " | ", a.source, " |\n"].concat());
        }
        let current = [before, BEGIN, "\n", &table, "\n", END, after].concat();
        if write {
            std::fs::write(&path, &current).expect("docs/model.md can be written");
        }
        (text, current)
    }

    #[test]
    fn the_table_of_the_model_is_current() {
        #[expect(clippy::disallowed_methods, reason = "asked for by hand")]
        let write = std::env::var("UPDATE_DOCS").is_ok();
        let (text, current) = with_table(write);
        assert!(write || text == current, "run this test with UPDATE_DOCS=1 to write docs/model.md anew");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test reads documentation")]
    fn the_documentation_of_scenarios_names_every_field_and_default() {
        let text = std::fs::read_to_string(document("scenario.md")).expect("docs/scenario.md is there");
        let row = |name: &str| text.lines().find(|l| l.starts_with(&format!("| `{name}` |")));
        for field in every_field() {
            assert!(row(&field).is_some(), "docs/scenario.md has no row for {field}");
        }
        for a in default_ones() {
            let row = row(a.name).unwrap_or_default();
            let default = a.default.trim_end_matches("/s");
            assert!(row.contains(&format!("| {default} |")), "{}: the default is {default}: {row}", a.name);
        }
    }
}
