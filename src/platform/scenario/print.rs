//! A scenario as YAML: complete, resolved, and readable by `read`.

pub(in crate::platform) mod node_pools;
pub(in crate::platform) mod objects;
pub(in crate::platform) mod platforms;
pub(in crate::platform) mod yaml;

use super::super::values::*;
use super::super::*;
use super::{API_VERSION, Scenario, discounts, limits, savings_plan as plans};
use yaml::{map, whole_number};

pub(super) use yaml::{Yaml, field, text};

impl Scenario {
    /// The whole scenario as a file that can be edited and passed back. Reading it gives the same settings,
    /// platforms and limits; only the region, even if it was assumed or taken from the trace, is then given.
    pub fn to_yaml(&self) -> String {
        let pools = node_pools::Documents::of(&self.platforms);
        let platforms = self.platforms.iter().map(|platform| platforms::platform(platform, &pools)).collect();
        let objects = objects::documents(&self.settings);
        let documents = pools.print().into_iter().chain(objects);
        let documents = documents.map(|document| format!("---\n{}", render(&document)));
        head(self, platforms) + &documents.collect::<String>()
    }
}

/// The document of a scenario of this platform alone, whose node groups are those of ClusterConfig documents.
pub(in crate::platform) fn referring(scenario: &Scenario, platform: &Platform) -> String {
    let objects = objects::documents(&scenario.settings);
    let objects = objects.iter().map(|document| format!("---\n{}", render(document)));
    head(scenario, vec![platforms::referring(platform)]) + &objects.collect::<String>()
}

/// The Scenario itself, without the documents that it refers to.
fn head(scenario: &Scenario, platforms: Vec<Yaml>) -> String {
    let s = &scenario.settings;
    let origin = match s.region.source {
        RegionSource::Given => "",
        RegionSource::Trace => "# The region was taken from the trace.\n",
        RegionSource::Assumed => "# The region was assumed: nothing named one.\n",
    };
    let mut fields = vec![("apiVersion".to_owned(), text(API_VERSION)), field("kind", text("Scenario"))];
    fields.extend(settings(s));
    fields.extend(objects::pod_templates(&s.pod_templates));
    fields.push(field("platforms", Yaml::List(platforms)));
    fields.extend(limits::print(&scenario.limits));
    format!("{origin}{}", render(&Yaml::Map(fields)))
}

pub(in crate::platform) fn render(tree: &Yaml) -> String {
    serde_saphyr::to_string(tree).unwrap_or_else(|error| format!("# {error}\n"))
}

fn settings(s: &Settings) -> Vec<(String, Yaml)> {
    let mut fields = vec![
        field("region", text(&s.region.name)),
        field("zones", Yaml::InlineList(s.zones.clone())),
        map(
            "defaults",
            [
                ("cpuRequest", text(cpu_text(s.defaults.cpu_request))),
                ("memoryRequest", text(memory_text(s.defaults.memory_request))),
                ("imageSizeMiB", whole_number(s.defaults.image_size.mib_ceil())),
                ("arch", text(s.defaults.arch.word())),
            ],
        ),
        map(
            "startup",
            [
                ("launchToPending", step(s.startup.launch_to_pending)),
                ("createFleet", step(s.startup.create_fleet)),
                ("pendingToKernel", step(s.startup.pending_to_kernel)),
                ("kernelToRegistered", step(s.startup.kernel_to_registered)),
                ("registeredToReady", step(s.startup.registered_to_ready)),
                ("containerCreate", step(s.startup.container_create)),
                ("fargateRegister", step(s.startup.fargate_register)),
            ],
        ),
        map(
            "images",
            [
                ("layerRate", text(memory_text(s.images.layer_rate))),
                ("parallelLayers", whole_number(s.images.parallel_layers)),
                ("layers", whole_number(s.images.layers)),
                ("unpackedRatio", Yaml::Tenths(s.images.unpacked_tenths)),
                ("unpackRate", text(memory_text(s.images.unpack_rate))),
                ("networkRate", text(memory_text(s.images.network_rate))),
                ("serializeImagePulls", Yaml::Bool(s.images.serialize_pulls)),
            ],
        ),
        orchestrator(&s.orchestrator),
        field("daemonSets", agents(&s.daemon_sets)),
        field("sidecars", agents(&s.sidecars)),
        map(
            "kubeScheduler",
            [
                ("scoringStrategy", text(s.scheduler.scoring.word())),
                ("balancedAllocation", text(s.scheduler.balanced_allocation.word())),
                ("popFromBackoffQ", Yaml::Bool(s.scheduler.pop_from_backoff_q)),
                ("preemption", Yaml::Bool(s.scheduler.preemption)),
            ],
        ),
        map(
            "cluster",
            [
                ("support", text(s.cluster.support.word())),
                ("natGateways", Yaml::Whole(s.cluster.nat_gateways.into())),
                ("pullThroughNat", Yaml::Bool(s.cluster.pull_through_nat)),
            ],
        ),
    ];
    fields.push(spot(&s.spot));
    if !s.system.is_empty() {
        fields.push(field("system", Yaml::List(s.system.iter().map(system).collect())));
    }
    fields.extend(s.savings_plan.as_ref().map(savings_plan));
    fields.extend(discounts::print(&s.discounts));
    fields.extend([
        field("unschedulableAfter", text(duration_text(s.unschedulable_after))),
        field("replay", text(s.replay.word())),
        field("seed", Yaml::Whole(s.seed)),
    ]);
    fields
}

fn savings_plan(plan: &SavingsPlan) -> (String, Yaml) {
    let percent = |name, ppm: u32| field(name, text(ppm_text(ppm)));
    let committed = match plan.committed {
        Committed::PerHour(rate) => rate.to_string(),
        Committed::Best => plans::BEST.to_owned(),
    };
    let commitment = field("commitmentPerHour", text(committed));
    let fields = match &plan.scope {
        PlanScope::Compute { fargate_ppm, ec2_ppm, families } => {
            let mut discounts = vec![percent("fargate", *fargate_ppm), percent("ec2", *ec2_ppm)];
            if !families.is_empty() {
                let own = families.iter().map(|(family, ppm)| percent(family, *ppm)).collect();
                discounts.push(field("families", Yaml::Inline(own)));
            }
            vec![field("type", text("compute")), commitment, field("discounts", Yaml::Map(discounts))]
        }
        PlanScope::Ec2 { family, discount_ppm } => vec![
            field("type", text("ec2")),
            field("family", text(family)),
            commitment,
            field("discounts", Yaml::Inline(vec![percent("ec2", *discount_ppm)])),
        ],
    };
    field("savingsPlan", Yaml::Map(fields))
}

fn orchestrator(o: &Orchestrator) -> (String, Yaml) {
    let lost = Yaml::Inline(vec![
        field("retryLimit", Yaml::Whole(o.lost_pods.retry_limit.into())),
        field("retryInterval", text(duration_text(o.lost_pods.retry_interval))),
        field("gracefulStop", text(duration_text(o.lost_pods.graceful_stop))),
    ]);
    let leftover = Yaml::Inline(vec![
        field("share", text(ppm_text(o.leftover_pods.share_ppm))),
        field("kept", text(duration_text(o.leftover_pods.kept))),
    ]);
    map(
        "orchestrator",
        [
            ("useRecordedDelays", Yaml::Bool(o.use_recorded_delays)),
            ("dispatchDelay", step(o.dispatch_delay)),
            ("detectionLag", step(o.detection_lag)),
            ("deletionDelay", text(duration_text(o.deletion_delay))),
            ("lostPods", lost),
            ("leftoverPods", leftover),
        ],
    )
}

fn spot(spot: &Spot) -> (String, Yaml) {
    let event = |e: &SpotEvent| {
        let mut fields = vec![field("at", text(duration_text(e.at)))];
        fields.extend(e.instance_type.as_ref().map(|name| field("instanceType", text(name))));
        fields.extend(e.zone.as_ref().map(|zone| field("zone", text(zone))));
        fields.push(field("reclaims", text(ppm_text(e.reclaims_ppm))));
        fields.push(field("shortage", text(duration_text(e.shortage))));
        Yaml::Inline(fields)
    };
    map(
        "spot",
        [
            ("allocationStrategy", text(spot.allocation.word())),
            ("depthWeight", text(ppm_text(spot.depth_weight_ppm))),
            ("interruptionRate", text(ppm_text(spot.hazard_permille * 1_000))),
            ("poolLoss", text(ppm_text(spot.pool_loss_ppm))),
            ("shortage", step(spot.shortage)),
            ("asgRetry", text(duration_text(spot.asg_retry))),
            ("rebalanceLead", text(duration_text(spot.rebalance_lead))),
            ("events", Yaml::List(spot.events.iter().map(event).collect())),
        ],
    )
}

fn system(system: &System) -> Yaml {
    let name = field("name", Yaml::Str(system.name.clone()));
    Yaml::Inline(std::iter::once(name).chain(platforms::machines(&system.home)).collect())
}

fn agents(agents: &[Agent]) -> Yaml {
    let agent = |a: &Agent| {
        Yaml::Inline(vec![
            field("name", text(&a.name)),
            field("cpu", text(cpu_text(a.requests.cpu))),
            field("memory", text(memory_text(a.requests.memory))),
        ])
    };
    Yaml::List(agents.iter().map(agent).collect())
}

/// A constant as one duration, a distribution as its two.
fn step(step: Step) -> Yaml {
    if step.median == step.p95 {
        return text(duration_text(step.median));
    }
    Yaml::Inline(vec![
        field("median", text(duration_text(step.median))),
        field("p95", text(duration_text(step.p95))),
    ])
}
