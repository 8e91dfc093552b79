mod manifests;
pub(in crate::platform) mod strategies;

use std::path::Path;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use strategies::{limits, platforms, settings};

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
    let complaint = s.given.complaint(&Scenario::instance_type_path("platforms[jobs]", ""), "no such type");
    assert_eq!(complaint.to_string(), "error: s.yaml:5:52: no such type\n  5 | m6i.huge\n    | ^^^^^^^^\n");
    assert_eq!(s.given.place("region"), Some(Place { file: 0, line: 3, column: 9 }));
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
fn bounds_that_differ_are_for_cluster_autoscaler() {
    let size = |scaling: &str| {
        let s = scenario(&format!("platforms:\n- {{name: a, kind: node-group, scaling: {scaling}}}\n"));
        let Kind::NodeGroups(groups) = &s.platforms[0].kind else { panic!("a is a node group") };
        assert_eq!(groups.is_autoscaled(), matches!(groups.groups[0].size, GroupSize::Auto { .. }));
        groups.groups[0].size
    };
    assert_eq!(size("holdPeak"), GroupSize::HoldPeak);
    for fixed in ["{desiredSize: 3}", "{minSize: 3, maxSize: 3}", "{minSize: 3, maxSize: 3, desiredSize: 3}"]
    {
        assert_eq!(size(fixed), GroupSize::Fixed(3), "{fixed}");
    }
    for (text, desired) in [("{minSize: 1, maxSize: 9}", 1), ("{minSize: 1, maxSize: 9, desiredSize: 9}", 9)]
    {
        assert_eq!(size(text), GroupSize::Auto { min: 1, max: 9, desired }, "{text}");
    }
    for other in [
        "{maxSize: 3}",
        "{minSize: 3}",
        "{}",
        "{desiredSize: 0}",
        "{minSize: 0, maxSize: 0}",
        "{minSize: 4, maxSize: 3}",
        "{minSize: 1, maxSize: 3, desiredSize: 4}",
        "{minSize: 1, maxSize: 3, desiredSize: 0}",
        "3",
    ] {
        refused(&format!("platforms:\n- {{name: a, kind: node-group, scaling: {other}}}\n"));
    }
}

/// A NodePool document and a platform that uses it.
fn node_pool(spec: &str) -> String {
    format!(
        "platforms: [{{name: k, kind: karpenter, nodePools: [jobs]}}]\n---\napiVersion: karpenter.sh/v1\n\
         kind: NodePool\nmetadata: {{name: jobs}}\nspec: {spec}\n"
    )
}

#[test]
fn what_a_node_pool_leaves_out_has_the_defaults_of_its_api() {
    let s = scenario(&node_pool("{}"));
    let Kind::Karpenter(karpenter) = &s.platforms[0].kind else { panic!("k is Karpenter") };
    let expected = NodePool {
        sizing: NodeSizing::default(),
        auto_mode: false,
        name: "jobs".into(),
        weight: 0,
        requirements: Vec::new(),
        labels: Vec::new(),
        taints: Vec::new(),
        limits: PoolLimits::default(),
        consolidation_policy: ConsolidationPolicy::WhenEmptyOrUnderutilized,
        consolidate_after: Some(Span::ZERO),
        budgets: vec![Budget::percent(10)],
        expire_after: Some(Span::from_secs(720 * 3_600)),
        termination_grace_period: None,
        root_volume: Memory::from_gib(20),
        max_pods: None,
    };
    assert_eq!(karpenter, &Karpenter { node_pools: vec![expected], ..Karpenter::default() });
}

#[test]
fn a_group_of_a_cluster_config_is_that_of_a_scenario_under_other_names() {
    let eksctl = scenario(
        "platforms: [{name: jobs, kind: node-group, nodeGroups: [jobs]}]\n---\napiVersion: eksctl.io/v1alpha5\n\
         kind: ClusterConfig\nmetadata: {name: batch, region: eu-west-9}\navailabilityZones: [eu-west-9b]\n\
         managedNodeGroups:\n- {name: jobs, instanceType: m6i.huge, spot: true, minSize: 0, maxSize: 5, volumeSize: 30}\n",
    );
    let own = scenario(
        "region: eu-west-9\nzones: [b]\nplatforms: [{name: jobs, kind: node-group, instanceTypes: [m6i.huge], \
         capacityType: SPOT, scaling: {minSize: 0, maxSize: 5}, rootVolume: 30Gi}]\n",
    );
    assert_eq!((&eksctl.settings, &eksctl.platforms), (&own.settings, &own.platforms));
    // Whoever knows regions and types complains at the place in the ClusterConfig.
    let place = |path: &str| eksctl.given.place(path).map(|place| (place.line, place.column));
    assert_eq!(place("region"), Some((7, 33)));
    assert_eq!(place(&Scenario::instance_type_path("platforms[jobs]", "")), Some((10, 30)));
}

#[test]
fn what_a_managed_node_group_leaves_out_has_the_defaults_of_eksctl() {
    let group = |fields: &str| {
        let s = scenario(&format!(
            "platforms: [{{name: a, kind: node-group, nodeGroups: [g]}}]\n---\napiVersion: eksctl.io/v1alpha5\n\
             kind: ClusterConfig\nmetadata: {{name: c}}\nmanagedNodeGroups: [{{name: g{fields}}}]\n"
        ));
        let Kind::NodeGroups(groups) = &s.platforms[0].kind else { panic!("a is a node group") };
        groups.groups[0].clone()
    };
    let expected = NodeGroup {
        name: "g".into(),
        instance_type: Some("m5.large".into()),
        further_types: Vec::new(),
        capacity_type: CapacityType::OnDemand,
        size: GroupSize::Fixed(2),
        root_volume: Memory::from_gib(80),
        max_pods: None,
        labels: Vec::new(),
        taints: Vec::new(),
    };
    assert_eq!(group(""), expected);
    let auto = |min, max, desired| GroupSize::Auto { min, max, desired };
    for (fields, size) in [
        (", desiredCapacity: 3", GroupSize::Fixed(3)),
        (", minSize: 3", GroupSize::Fixed(3)),
        // At least one node must be possible.
        (", minSize: 0", auto(0, 1, 0)),
        (", maxSize: 5", auto(2, 5, 2)),
        (", minSize: 1, desiredCapacity: 4", auto(1, 4, 4)),
        (", desiredCapacity: 1, maxSize: 4", auto(1, 4, 1)),
    ] {
        assert_eq!(group(fields).size, size, "{fields}");
    }
}

#[test]
fn built_in_node_pools_differ_in_what_their_names_say() {
    let pool = |name: &str| {
        let Some(Kind::Karpenter(karpenter)) = Platform::built_in(name).map(|p| p.kind) else {
            panic!("{name} is Karpenter")
        };
        karpenter.node_pools[0].clone()
    };
    let values = |name: &str, label: &str| {
        let pool = pool(name);
        let all: Vec<_> = pool.requirements.into_iter().filter(|r| r.key.ends_with(label)).collect();
        assert_eq!(all.len(), 1, "{name} {label}");
        all[0].values.join(" ")
    };
    for (name, capacity, arch, policy) in [
        ("karpenter", "on-demand", "amd64", ConsolidationPolicy::WhenEmpty),
        ("karpenter-spot", "on-demand spot", "amd64", ConsolidationPolicy::WhenEmpty),
        ("karpenter-graviton", "on-demand", "arm64", ConsolidationPolicy::WhenEmpty),
        ("karpenter-consolidate", "on-demand", "amd64", ConsolidationPolicy::WhenEmptyOrUnderutilized),
    ] {
        assert_eq!(values(name, "/capacity-type"), capacity, "{name}");
        assert_eq!(values(name, "kubernetes.io/arch"), arch, "{name}");
        assert_eq!((pool(name).consolidation_policy, pool(name).name.as_str()), (policy, name));
    }
}

#[test]
fn every_built_in_platform_is_known_and_prints() {
    let all: Vec<Platform> = BUILT_INS.iter().filter_map(|name| Platform::built_in(name)).collect();
    assert_eq!(all.len(), BUILT_INS.len());
    let scenario = Scenario { platforms: all, ..Scenario::default() };
    let read = parse(&scenario.to_yaml()).unwrap_or_else(|e| panic!("{}", e.render()));
    assert_eq!(read.platforms, scenario.platforms);
}

#[test]
fn node_pools_of_one_name_have_documents_of_their_own() {
    let mine = scenario(&node_pool("{}").replace("jobs", "karpenter"));
    let flags = Overrides { platforms: vec!["k".into(), "karpenter".into()], ..Overrides::default() };
    let both = mine.apply(&flags).unwrap();
    let text = both.to_yaml();
    assert!(
        text.contains("nodePools: [karpenter-2]") && text.contains("cost-sim/document: karpenter-2"),
        "{text}"
    );
    assert_eq!(parse(&text).unwrap().platforms, both.platforms);
}

#[test]
fn flags_win_over_the_file() {
    let flags = Overrides {
        region: Some("ap-northeast-1".into()),
        cpu_request: Some(Cpu::from_milli(250)),
        memory_request: Some(Memory::from_gib(2)),
        image_size: Some(Memory::from_gib(1)),
        arch: Some(PodArch::Arm64),
        seed: Some(7),
        replay: Some(Replay::Open),
        platforms: vec!["node-group".into(), "mine".into()],
        vary: Vec::new(),
    };
    let mine =
        scenario("region: us-west-2\nplatforms: [fargate, {name: mine, kind: fargate, launchBurst: 5}]\n");
    let s = mine.clone().apply(&flags).unwrap();
    assert_eq!(s.settings.region.name, "ap-northeast-1");
    assert_eq!(s.settings.defaults.image_size, Memory::from_mib(1024));
    assert_eq!(s.settings.defaults.arch, PodArch::Arm64);
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
    assert!(message(platforms(&["mixed"])).contains("has to be said"));
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_scenario_reads_back(
        settings in settings(),
        platforms in platforms(),
        limits in limits(),
    ) {
        let scenario = Scenario { settings, platforms, limits, ..Scenario::default() };
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
        let built_in: Vec<Platform> = BUILT_INS.iter().filter_map(|name| Platform::built_in(name)).collect();
        let all = Scenario { platforms: built_in, ..Scenario::default() };
        let mut text: Vec<char> = all.to_yaml().chars().collect();
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
