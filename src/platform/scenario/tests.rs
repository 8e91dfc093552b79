use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::platform::*;

fn parse(text: &str) -> Result<Scenario> {
    super::read(Path::new("s.yaml"), text)
}

/// A scenario of these fields below the two first lines.
fn scenario(fields: &str) -> Scenario {
    parse(&format!("apiVersion: cost-sim/v1\nkind: Scenario\n{fields}"))
        .unwrap_or_else(|e| panic!("{}", e.render()))
}

fn refused(fields: &str) -> String {
    match parse(&format!("apiVersion: cost-sim/v1\nkind: Scenario\n{fields}")) {
        Ok(_) => panic!("accepted: {fields}"),
        Err(e) => e.render(),
    }
}

#[test]
fn an_empty_scenario_is_the_default_one() {
    assert_eq!(Scenario { given: Given::default(), ..scenario("") }, Scenario::default());
    let none = scenario("platforms: []\n");
    assert_eq!(none.platforms, Platform::defaults());
    assert!(!none.chose_platforms());
    assert!(scenario("platforms: [fargate]\n").chose_platforms());
}

#[test]
fn what_was_given_keeps_its_place() {
    let s = scenario(
        "region: eu-west-9\nplatforms:\n  - {name: jobs, kind: node-group, instanceTypes: [m6i.huge]}\n",
    );
    assert_eq!(s.settings.region, Region { name: "eu-west-9".into(), source: RegionSource::Given });
    assert!(s.given.contains("region") && !s.given.contains("seed"));
    let complaint = s.given.complaint(&Scenario::instance_type_path("jobs"), "no such type");
    assert_eq!(complaint.to_string(), "error: s.yaml:5:52: no such type\n  5 | m6i.huge\n    | ^^^^^^^^\n");
    assert_eq!(s.given.place("region"), Some(Place { line: 3, column: 9 }));
    assert_eq!(s.given.complaint("seed", "odd").to_string(), "error: s.yaml: odd\n");
}

#[test]
fn values_keep_the_text_that_yaml_would_interpret() {
    let s = scenario(
        "defaults: {cpuRequest: 0.10, memoryRequest: 1.5Gi}\nplatforms:\n  - name: \"007\"\n    kind: recorded\n",
    );
    assert_eq!(s.settings.defaults.cpu_request, Cpu::from_milli(100));
    assert_eq!(s.settings.defaults.memory_request, Memory::from_mib(1536));
    assert_eq!(s.platforms[0].name, "007");
}

#[test]
fn anchors_and_merges_are_yaml_like_any_other() {
    let s = scenario(
        "startup:\n  launchToPending: &boot {median: 1s, p95: 2s}\n  pendingToKernel: *boot\nplatforms:\n\
         - &base {name: a, kind: node-group, instanceTypes: [m6i.large], scaling: {desiredSize: 2}}\n\
         - {<<: *base, name: b, instanceTypes: [m7i.large]}\n",
    );
    assert_eq!(s.settings.startup.pending_to_kernel, Step::seconds(1, 2));
    let Kind::NodeGroups(b) = &s.platforms[1].kind else { panic!("b is a node group") };
    let b = &b.groups[0];
    assert_eq!((b.instance_type.as_deref(), b.size), (Some("m7i.large"), GroupSize::Fixed(2)));
}

#[test]
fn a_group_is_of_fixed_size_or_holds_the_peak() {
    let size = |scaling: &str| {
        let s = scenario(&format!("platforms:\n- {{name: a, kind: node-group, scaling: {scaling}}}\n"));
        let Kind::NodeGroups(groups) = &s.platforms[0].kind else { panic!("a is a node group") };
        groups.groups[0].size
    };
    assert_eq!(size("holdPeak"), GroupSize::HoldPeak);
    for fixed in ["{desiredSize: 3}", "{minSize: 3, maxSize: 3}", "{minSize: 3, maxSize: 3, desiredSize: 3}"]
    {
        assert_eq!(size(fixed), GroupSize::Fixed(3), "{fixed}");
    }
    for other in ["{maxSize: 3}", "{}", "{desiredSize: 0}", "{minSize: 0, maxSize: 9, desiredSize: 0}", "3"] {
        refused(&format!("platforms:\n- {{name: a, kind: node-group, scaling: {other}}}\n"));
    }
}

#[test]
fn flags_win_over_the_file() {
    let flags = Overrides {
        region: Some("ap-northeast-1".into()),
        cpu_request: Some(Cpu::from_milli(250)),
        memory_request: Some(Memory::from_gib(2)),
        image_size: Some(Memory::from_gib(1)),
        seed: Some(7),
        replay: Some(Replay::Open),
        platforms: vec!["node-group".into(), "mine".into()],
    };
    let mine =
        scenario("region: us-west-2\nplatforms: [fargate, {name: mine, kind: fargate, launchBurst: 5}]\n");
    let s = mine.clone().apply(&flags).unwrap();
    assert_eq!(s.settings.region.name, "ap-northeast-1");
    assert_eq!(s.settings.defaults.image_size, Memory::from_mib(1024));
    assert_eq!((s.settings.seed, s.settings.replay), (7, Replay::Open));
    assert_eq!(s.platforms[0], Platform::built_in("node-group").unwrap());
    assert_eq!(s.platforms[1], mine.platforms[1]);
    assert_eq!(mine.clone().apply(&Overrides::default()).unwrap(), mine);
}

#[test]
fn flags_that_make_no_sense_are_refused_with_a_hint() {
    let mine = scenario("platforms: [{name: jobs-on-m6i, kind: fargate}]\n");
    let message = |flags: Overrides| mine.clone().apply(&flags).unwrap_err().render();
    let platforms = |names: &[&str]| Overrides {
        platforms: names.iter().map(ToString::to_string).collect(),
        ..Overrides::default()
    };
    assert_eq!(
        message(platforms(&["job-on-m6i"])),
        "error: --platform job-on-m6i: there is no built-in platform of this name\n  hint: did you mean jobs-on-m6i?\n"
    );
    assert_eq!(message(platforms(&["fargate", "fargate"])), "error: --platform fargate is there twice\n");
    assert!(message(platforms(&["karpenter"])).contains("this version yet"));
    let half = Overrides { image_size: Some(Memory::from_bytes(1_500_000)), ..Overrides::default() };
    assert_eq!(
        message(half),
        "error: the image size 1500k must be a whole number of MiB\n  hint: write for example 350Mi\n"
    );
    let zero = Overrides { cpu_request: Some(Cpu::ZERO), ..Overrides::default() };
    assert_eq!(message(zero), "error: the default CPU request 0 must be between 1m and 1000000\n");
    let zone = Overrides { region: Some("us-east-1a".into()), ..Overrides::default() };
    assert!(message(zone).contains("a zone of us-east-1"));
    let seed = Overrides { seed: Some(u64::MAX), ..Overrides::default() };
    assert!(message(seed).contains("must be between 0 and 9007199254740991"));
}

#[test]
fn all_mistakes_are_named_in_the_order_of_the_file() {
    let text = refused("seed: -1\nregion: [x]\ndefaults: {cpuRequest: 0, memory: 1Gi}\nreplay: Open\n");
    let places: Vec<&str> = text.lines().filter(|l| l.starts_with("error")).map(|l| &l[14..19]).collect();
    assert_eq!(places, ["3:7: ", "4:9: ", "5:24:", "5:27:", "6:9: "], "{text}");
}

fn step() -> impl Strategy<Value = Step> {
    let constant = (0i64..86_400_000).prop_map(|ms| Step::constant(Span::from_ms(ms)));
    let spread = (1i64..10_000, 0i64..80_000_000)
        .prop_map(|(m, more)| Step { median: Span::from_ms(m), p95: Span::from_ms(m + more) });
    prop_oneof![constant, spread]
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![0i64..1_000_000, 0i64..366 * 86_400_000].prop_map(Span::from_ms)
}

fn bytes(least: i64, most: i64) -> impl Strategy<Value = Memory> {
    prop_oneof![least..=most, (least / 1_000_000 + 1..=most / 1_000_000).prop_map(|m| m * 1_000_000)]
        .prop_map(Memory::from_bytes)
}

fn word<T: Words + std::fmt::Debug>() -> impl Strategy<Value = T> {
    (0..T::WORDS.len()).prop_map(|i| T::WORDS[i].1)
}

fn agents(pods: i64) -> impl Strategy<Value = Vec<Agent>> {
    btree_map("[a-zA-Z0-9][a-zA-Z0-9._-]{0,9}", (0i64..9_999, bytes(0, 1 << 40)), 0..4).prop_map(move |all| {
        let agent = |(name, (milli, memory)): (String, (i64, Memory))| Agent {
            name,
            requests: Resources { cpu: Cpu::from_milli(milli), memory, ephemeral: Memory::ZERO, pods },
        };
        all.into_iter().map(agent).collect()
    })
}

fn images() -> impl Strategy<Value = Images> {
    let rate = || bytes(1_000, 1_000_000_000_000);
    (rate(), 1i64..1_000, 1i64..1_000, 1i64..1_000, rate(), rate(), any::<bool>()).prop_map(
        |(
            layer_rate,
            parallel_layers,
            layers,
            unpacked_tenths,
            unpack_rate,
            network_rate,
            serialize_pulls,
        )| {
            Images {
                layer_rate,
                parallel_layers,
                layers,
                unpacked_tenths,
                unpack_rate,
                network_rate,
                serialize_pulls,
            }
        },
    )
}

fn orchestrator() -> impl Strategy<Value = Orchestrator> {
    (any::<bool>(), step(), step(), span(), 0u32..=1_000_000, span()).prop_map(
        |(use_recorded_delays, dispatch_delay, detection_lag, deletion_delay, share_ppm, kept)| {
            Orchestrator {
                use_recorded_delays,
                dispatch_delay,
                detection_lag,
                deletion_delay,
                leftover_pods: LeftoverPods { share_ppm, kept },
                ..Orchestrator::default()
            }
        },
    )
}

fn savings_plan() -> impl Strategy<Value = SavingsPlan> {
    let family = || "[a-z]{1,3}[0-9][a-z]{0,3}(-[a-z0-9]{1,4})?";
    let discount = || 1u32..1_000_000;
    let compute = (discount(), discount(), btree_map(family(), discount(), 0..3)).prop_map(
        |(fargate_ppm, ec2_ppm, families)| PlanScope::Compute {
            fargate_ppm,
            ec2_ppm,
            families: families.into_iter().collect(),
        },
    );
    let ec2 =
        (family(), discount()).prop_map(|(family, discount_ppm)| PlanScope::Ec2 { family, discount_ppm });
    let femto = prop_oneof![1i128..1_000_000, (1i128..1_000_000).prop_map(|n| n * 1_000_000_000_000_000)];
    (femto, prop_oneof![compute, ec2])
        .prop_map(|(femto, scope)| SavingsPlan { commitment_per_hour: Rate::from_femto(femto), scope })
}

fn settings() -> impl Strategy<Value = Settings> {
    let defaults =
        (1i64..1_000_000, bytes(1 << 20, 1 << 40), 0i64..1 << 20).prop_map(|(cpu, memory, mib)| Defaults {
            cpu_request: Cpu::from_milli(cpu),
            memory_request: memory,
            image_size: Memory::from_mib(mib),
            ..Defaults::default()
        });
    let startup = [step(), step(), step(), step(), step(), step()].prop_map(|[a, b, c, d, e, f]| Startup {
        launch_to_pending: a,
        pending_to_kernel: b,
        kernel_to_registered: c,
        registered_to_ready: d,
        container_create: e,
        fargate_register: f,
        ..Startup::default()
    });
    let scheduler = (word(), word()).prop_map(|(scoring, balanced_allocation)| KubeScheduler {
        pop_from_backoff_q: scoring == Scoring::LeastAllocated,
        scoring,
        balanced_allocation,
    });
    let cluster =
        (word(), 0u32..1_000, any::<bool>()).prop_map(|(support, nat_gateways, pull_through_nat)| Cluster {
            support,
            nat_gateways,
            pull_through_nat,
        });
    let rest_plan = option::of(savings_plan());
    let place = ("[a-z]{2}-[a-z]{1,9}-[1-9]", proptest::sample::subsequence(vec!["a", "b", "c", "f"], 1..4));
    let patience = span().prop_map(|span| span.max(Span::from_secs(1)));
    let rest = (patience, word(), 0u64..1 << 53, rest_plan);
    let agents = (agents(1), agents(0));
    (place, defaults, startup, images(), orchestrator(), agents, scheduler, cluster, rest).prop_map(
        |((region, zones), defaults, startup, images, orchestrator, agents, scheduler, cluster, rest)| {
            Settings {
                region: Region { name: region, source: RegionSource::Given },
                zones: zones.into_iter().map(String::from).collect(),
                defaults,
                startup,
                images,
                orchestrator,
                daemon_sets: agents.0,
                sidecars: agents.1,
                scheduler,
                cluster,
                savings_plan: rest.3,
                unschedulable_after: rest.0,
                replay: rest.1,
                seed: rest.2,
                ..Settings::default()
            }
        },
    )
}

fn node_group() -> impl Strategy<Value = NodeGroup> {
    let text = "|no|null|1e3|0x1F|[a-z0-9]|[a-z0-9][a-z._-]{0,9}[a-z0-9]";
    let size = prop_oneof![Just(GroupSize::HoldPeak), (1u32..=100_000).prop_map(GroupSize::Fixed)];
    let taints = btree_map(("[a-z]{1,9}(/[a-z]{1,9})?", word::<TaintEffect>()), text, 0..3);
    let types = option::of("[a-z][0-9][a-z]{0,2}\\.[0-9a-z]{1,9}");
    (
        types,
        size,
        bytes(1 << 30, 1 << 44),
        option::of(1i64..1_000),
        btree_map("[a-z]{1,9}", text, 0..3),
        taints,
    )
        .prop_map(|(instance_type, size, root_volume, max_pods, labels, taints)| NodeGroup {
            name: String::new(),
            instance_type,
            capacity_type: CapacityType::OnDemand,
            size,
            root_volume,
            max_pods,
            labels: labels.into_iter().collect(),
            taints: taints.into_iter().map(|((key, effect), value)| Taint { key, value, effect }).collect(),
        })
}

fn platforms() -> impl Strategy<Value = Vec<Platform>> {
    let fargate =
        (1u32..=1_000_000, 1u32..=1_000_000, word()).prop_map(|(launch_burst, launch_rate, bill_until)| {
            Kind::Fargate(Fargate { launch_burst, launch_rate, bill_until })
        });
    let kind = prop_oneof![
        Just(Kind::Recorded),
        fargate,
        node_group()
            .prop_map(|group| Kind::NodeGroups(NodeGroups { groups: vec![group], ..NodeGroups::default() }))
    ];
    let name = "null|true|[0-9]{1,4}|[a-zA-Z0-9][a-zA-Z0-9._-]{0,12}";
    btree_map(name, kind, 1..4)
        .prop_map(|all| all.into_iter().map(|(name, kind)| Platform { name, kind }).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_scenario_reads_back(
        settings in settings(),
        platforms in platforms(),
        cost in option::of(0u32..=10_000_000),
        makespan in option::of(0u32..=10_000_000),
        max_unschedulable in option::of(0u64..1_000_000),
    ) {
        let limits = Limits {
            max_cost_increase_ppm: cost,
            max_p99_makespan_increase_ppm: makespan,
            max_unschedulable,
        };
        let scenario = Scenario { settings, platforms, limits, given: Given::default() };
        let yaml = scenario.to_yaml();
        let read = parse(&yaml).map_err(|e| TestCaseError::fail(format!("{}\n{yaml}", e.render())))?;
        prop_assert_eq!(read.to_yaml(), yaml);
        prop_assert_eq!(Scenario { given: Given::default(), ..read }, scenario);
    }

    #[test]
    fn a_mutated_scenario_is_read_or_refused_but_never_a_panic(
        changes in vec((any::<proptest::sample::Index>(), "[ -~]|\\t|\\n|ä|: |- |\\{|\\[|&a|\\*a|---\\n"), 1..6),
        cut in option::of(any::<proptest::sample::Index>()),
    ) {
        let mut text: Vec<char> = Scenario::default().to_yaml().chars().collect();
        for (at, new) in &changes {
            let at = at.index(text.len());
            text.splice(at..=at, new.chars());
        }
        if let Some(cut) = cut {
            text.truncate(cut.index(text.len()));
        }
        let text: String = text.into_iter().collect();
        if let Err(e) = parse(&text) {
            prop_assert!(e.render().starts_with("error: s.yaml"));
        }
    }
}
