//! A scenario as YAML: complete, resolved, and readable by `read`.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_saphyr::{FlowMap, FlowSeq};

use super::super::values::*;
use super::super::*;
use super::{API_VERSION, Limits, Scenario};

impl Scenario {
    /// The whole scenario as a file that can be edited and passed back. Reading it gives the same settings,
    /// platforms and limits; only the region, even if it was assumed or taken from the trace, is then given.
    pub fn to_yaml(&self) -> String {
        let s = &self.settings;
        let origin = match s.region.source {
            RegionSource::Given => "",
            RegionSource::Trace => "# The region was taken from the trace.\n",
            RegionSource::Assumed => "# The region was assumed: nothing named one.\n",
        };
        let yaml = serde_saphyr::to_string(&self.tree()).unwrap_or_else(|error| format!("# {error}\n"));
        format!("{origin}{yaml}")
    }

    fn tree(&self) -> Yaml {
        let mut fields = vec![("apiVersion".to_owned(), text(API_VERSION)), field("kind", text("Scenario"))];
        fields.extend(settings(&self.settings));
        fields.push(field("platforms", Yaml::List(self.platforms.iter().map(platform).collect())));
        fields.extend(limits(&self.limits));
        Yaml::Map(fields)
    }
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
            ],
        ),
        map(
            "startup",
            [
                ("launchToPending", step(s.startup.launch_to_pending)),
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
    fields.extend(s.savings_plan.as_ref().map(savings_plan));
    fields.extend([
        field("unschedulableAfter", text(duration_text(s.unschedulable_after))),
        field("replay", text(s.replay.word())),
        field("seed", Yaml::Whole(s.seed)),
    ]);
    fields
}

fn savings_plan(plan: &SavingsPlan) -> (String, Yaml) {
    let percent = |name, ppm: u32| field(name, text(ppm_text(ppm)));
    let commitment = field("commitmentPerHour", text(plan.commitment_per_hour.to_string()));
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
            ("leftoverPods", leftover),
        ],
    )
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

fn platform(p: &Platform) -> Yaml {
    let mut fields = vec![field("name", text(&p.name)), field("kind", text(p.kind.word()))];
    match &p.kind {
        Kind::Recorded => {}
        Kind::Fargate(f) => fields.extend([
            field("launchBurst", Yaml::Whole(f.launch_burst.into())),
            field("launchRate", Yaml::Whole(f.launch_rate.into())),
            field("billUntil", text(f.bill_until.word())),
        ]),
        Kind::NodeGroups(g) => fields.extend(g.groups.iter().flat_map(node_group)),
        Kind::Karpenter(_) => {}
    }
    Yaml::Map(fields)
}

fn node_group(g: &NodeGroup) -> Vec<(String, Yaml)> {
    let types = g.instance_type.as_ref().map_or(text("auto"), |t| Yaml::InlineList(vec![t.clone()]));
    let scaling = match g.size {
        GroupSize::HoldPeak => text("holdPeak"),
        GroupSize::Auto { min, max, desired } => Yaml::Inline(vec![
            field("minSize", Yaml::Whole(min.into())),
            field("maxSize", Yaml::Whole(max.into())),
            field("desiredSize", Yaml::Whole(desired.into())),
        ]),
        GroupSize::Fixed(nodes) => Yaml::Inline(vec![field("desiredSize", Yaml::Whole(nodes.into()))]),
    };
    let taint = |t: &Taint| {
        Yaml::Inline(vec![
            field("key", text(&t.key)),
            field("value", text(&t.value)),
            field("effect", text(t.effect.word())),
        ])
    };
    vec![
        field("instanceTypes", types),
        field("capacityType", text(g.capacity_type.word())),
        field("scaling", scaling),
        field("rootVolume", text(memory_text(g.root_volume))),
        field("maxPods", g.max_pods.map_or(text("auto"), whole_number)),
        field("labels", Yaml::Map(g.labels.iter().map(|(k, v)| (k.clone(), text(v))).collect())),
        field("taints", Yaml::List(g.taints.iter().map(taint).collect())),
    ]
}

fn limits(l: &Limits) -> Option<(String, Yaml)> {
    let percent = |name, ppm: Option<u32>| ppm.map(|ppm| field(name, text(ppm_text(ppm))));
    let fields: Vec<(String, Yaml)> = [
        percent("maxCostIncrease", l.max_cost_increase_ppm),
        percent("maxP99MakespanIncrease", l.max_p99_makespan_increase_ppm),
        l.max_unschedulable.map(|pods| field("maxUnschedulable", Yaml::Whole(pods))),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!fields.is_empty()).then(|| field("limits", Yaml::Map(fields)))
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

/// What is written, in the order in which it is written.
enum Yaml {
    Text(String),
    Whole(u64),
    Tenths(i64),
    Bool(bool),
    Map(Vec<(String, Yaml)>),
    /// A mapping on one line.
    Inline(Vec<(String, Yaml)>),
    List(Vec<Yaml>),
    /// Words on one line.
    InlineList(Vec<String>),
}

fn text(text: impl Into<String>) -> Yaml {
    Yaml::Text(text.into())
}

fn whole_number(n: i64) -> Yaml {
    Yaml::Whole(u64::try_from(n).unwrap_or(0))
}

fn field(name: &str, value: Yaml) -> (String, Yaml) {
    (name.to_owned(), value)
}

fn map<const N: usize>(name: &str, fields: [(&str, Yaml); N]) -> (String, Yaml) {
    field(name, Yaml::Map(fields.into_iter().map(|(name, value)| field(name, value)).collect()))
}

struct Fields<'y>(&'y [(String, Yaml)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Yaml {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // A bare number needs no quotes: the reader takes the text of every value as it stands.
            Self::Text(text) => match text.parse::<u64>() {
                Ok(number) if number.to_string() == *text => serializer.serialize_u64(number),
                _ => serializer.serialize_str(text),
            },
            Self::Whole(number) => serializer.serialize_u64(*number),
            Self::Tenths(tenths) if tenths % 10 == 0 => serializer.serialize_i64(tenths / 10),
            Self::Tenths(tenths) => serializer.serialize_f64(*tenths as f64 / 10.0),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Map(fields) => Fields(fields).serialize(serializer),
            Self::Inline(fields) => FlowMap(Fields(fields)).serialize(serializer),
            Self::InlineList(words) => FlowSeq(words).serialize(serializer),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
        }
    }
}
