use std::path::Path;

use proptest::prelude::*;

use super::super::scenario::tests::strategies::{platforms, settings};
use super::*;
use crate::platform::tree::{self, Node};
use crate::platform::*;
use crate::units::Memory;

fn parse(text: &str) -> Scenario {
    read(Path::new("s.yaml"), text).unwrap_or_else(|e| panic!("{}\n{text}", e.render()))
}

fn zones() -> Vec<String> {
    vec!["a".into(), "d".into()]
}

fn groups(groups: Vec<NodeGroup>) -> Platform {
    let groups = NodeGroups { groups, ..NodeGroups::default() };
    Platform { name: "jobs".into(), kind: Kind::NodeGroups(groups) }
}

fn large() -> NodeGroup {
    NodeGroup { instance_type: Some("m6i.large".into()), size: GroupSize::Fixed(2), ..NodeGroup::default() }
}

/// As it is when it is simulated, and with volumes as AWS sells them.
fn resolved(mut platform: Platform) -> Platform {
    let whole = |volume: Memory| Memory::from_gib((volume.bytes() >> 30).max(1));
    match &mut platform.kind {
        Kind::NodeGroups(groups) => {
            for group in &mut groups.groups {
                group.instance_type.get_or_insert_with(|| "m6i.large".into());
                group.root_volume = whole(group.root_volume);
                if group.size == GroupSize::HoldPeak {
                    group.size = GroupSize::Fixed(3);
                }
            }
            // What there is not is not printed.
            if !groups.is_autoscaled() {
                *groups = NodeGroups { groups: groups.groups.clone(), ..NodeGroups::default() };
            }
        }
        Kind::Karpenter(karpenter) => {
            for pool in &mut karpenter.node_pools {
                pool.root_volume = whole(pool.root_volume);
            }
        }
        Kind::Recorded | Kind::Fargate(_) | Kind::AutoMode(_) | Kind::Mixed(_) => {}
    }
    platform
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_what_was_simulated(settings in settings(), platforms in platforms()) {
        let scenario = Scenario { settings, platforms, ..Scenario::default() };
        for platform in &scenario.platforms {
            for platform in [platform.clone(), resolved(platform.clone())] {
                let back = parse(&scenario_with_manifests(&scenario, &platform));
                prop_assert_eq!(&back.settings, &scenario.settings);
                prop_assert_eq!(back.platforms, vec![platform]);
            }
            let there = manifests(&resolved(platform.clone()), "us-east-1", &zones());
            let is_written = match &platform.kind {
                Kind::Recorded | Kind::AutoMode(_) | Kind::Mixed(_) => false,
                Kind::Fargate(fargate) => fargate.profiles.is_empty(),
                Kind::NodeGroups(_) | Kind::Karpenter(_) => true,
            };
            prop_assert_eq!(there.is_some(), is_written);
        }
    }
}

#[test]
fn node_groups_are_a_cluster_config() {
    let spot = NodeGroup {
        name: "spot".into(),
        capacity_type: CapacityType::Spot,
        size: GroupSize::Auto { min: 0, max: 50, desired: 0 },
        max_pods: Some(20),
        labels: vec![("workload".into(), "1".into())],
        taints: vec![Taint {
            key: "dedicated".into(),
            value: "jobs".into(),
            effect: TaintEffect::NoSchedule,
        }],
        ..large()
    };
    let text = manifests(
        &groups(vec![spot, NodeGroup { name: "on-demand".into(), ..large() }]),
        "us-east-1",
        &zones(),
    );
    insta::assert_snapshot!(text.unwrap(), @r#"
    # The simulation is of these values of the Helm chart cluster-autoscaler:
    #   extraArgs:
    #     expander: least-waste
    #     balance-similar-node-groups: false
    #     scan-interval: 10s
    #     frequent-loops-enabled: true
    #     new-pod-scale-up-delay: 0s
    #     max-nodes-per-scaleup: 1000
    #     max-nodes-total: 0
    #     expendable-pods-priority-cutoff: "-10"
    #     max-node-provision-time: 15m
    #     scale-down-enabled: true
    #     scale-down-delay-after-add: 10m
    #     scale-down-delay-after-delete: 0s
    #     scale-down-delay-after-failure: 3m
    #     scale-down-unneeded-time: 10m
    #     scale-down-utilization-threshold: 0.5
    #     ignore-daemonsets-utilization: false
    #     skip-nodes-with-system-pods: true
    #     skip-nodes-with-local-storage: true
    #     skip-nodes-with-custom-controller-pods: true
    #     unremovable-node-recheck-timeout: 5m
    #     max-scale-down-parallelism: 10
    #     max-drain-parallelism: 1
    #     node-delete-delay-after-taint: 5s
    #     initial-node-group-backoff-duration: 5m
    #     max-node-group-backoff-duration: 30m
    apiVersion: eksctl.io/v1alpha5
    kind: ClusterConfig
    metadata:
      name: my-cluster # fill in: the name of your cluster
      region: us-east-1
    availabilityZones: [us-east-1a, us-east-1d]
    managedNodeGroups:
    - name: spot
      amiFamily: AmazonLinux2023
      instanceType: m6i.large
      spot: true
      minSize: 0
      maxSize: 50
      desiredCapacity: 0
      volumeSize: 20
      volumeType: gp3
      maxPodsPerNode: 20
      labels:
        workload: "1"
      taints:
      - {key: dedicated, value: jobs, effect: NoSchedule}
      propagateASGTags: true
    - name: on-demand
      amiFamily: AmazonLinux2023
      instanceType: m6i.large
      minSize: 2
      maxSize: 2
      desiredCapacity: 2
      volumeSize: 20
      volumeType: gp3
    "#);
    let fixed = manifests(&groups(vec![large()]), "us-east-1", &zones()).unwrap();
    // The platform's only group has its name, and nothing scales it.
    assert!(fixed.contains("- name: jobs\n") && !fixed.contains("cluster-autoscaler"));
}

#[test]
fn a_fargate_platform_is_a_profile() {
    let fargate = Platform::built_in("fargate").unwrap();
    insta::assert_snapshot!(manifests(&fargate, "ap-northeast-1", &zones()).unwrap(), @r#"
    apiVersion: eksctl.io/v1alpha5
    kind: ClusterConfig
    metadata:
      name: my-cluster # fill in: the name of your cluster
      region: ap-northeast-1
    availabilityZones: [ap-northeast-1a, ap-northeast-1d]
    fargateProfiles:
    - name: jobs
      selectors:
      - namespace: jobs # fill in: the namespace of the pods
    "#);
}

#[test]
fn karpenter_is_its_node_pools_with_complete_node_classes() {
    let karpenter = Platform::built_in("karpenter-spot").unwrap();
    insta::assert_snapshot!(manifests(&karpenter, "us-east-1", &zones()).unwrap(), @r#"
    # The simulation is of these values of the Helm chart karpenter:
    #   settings:
    #     batchIdleDuration: 1s
    #     batchMaxDuration: 10s
    #     featureGates: {spotToSpotConsolidation: false}
    #     interruptionQueue: the-name-of-its-sqs-queue
    apiVersion: karpenter.sh/v1
    kind: NodePool
    metadata: {name: karpenter-spot}
    spec:
      disruption:
        consolidationPolicy: WhenEmpty
        consolidateAfter: 1m
        budgets:
        - {nodes: 10%}
      template:
        spec:
          nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: karpenter-spot}
          requirements:
          - {key: karpenter.k8s.aws/instance-category, operator: In, values: [c, m, r]}
          - {key: karpenter.k8s.aws/instance-generation, operator: Gt, values: ["2"]}
          - {key: kubernetes.io/arch, operator: In, values: [amd64]}
          - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand, spot]}
          expireAfter: 720h
    ---
    apiVersion: karpenter.k8s.aws/v1
    kind: EC2NodeClass
    metadata: {name: karpenter-spot}
    spec:
      blockDeviceMappings:
      - {deviceName: /dev/xvda, ebs: {volumeSize: 20Gi, volumeType: gp3}}
      amiSelectorTerms: [{alias: al2023@latest}]
      role: KarpenterNodeRole-my-cluster # fill in: the IAM role of Karpenter's nodes
      # fill in: the value of the tag by which Karpenter finds the subnets and security groups of your cluster
      # fill in: only subnets in these zones, as in the simulation: us-east-1a, us-east-1d
      subnetSelectorTerms: [{tags: {karpenter.sh/discovery: &cluster my-cluster}}]
      securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: *cluster}}]
    "#);
}

#[test]
fn the_usual_zones_need_no_word() {
    let karpenter = Platform::built_in("karpenter").unwrap();
    let usual = manifests(&karpenter, "us-east-1", &Settings::default().zones).unwrap();
    assert!(usual.contains("subnetSelectorTerms") && !usual.contains("zones"), "{usual}");
}

/// EKS takes no cluster in one zone.
#[test]
fn a_single_zone_is_the_nodes_and_not_the_clusters() {
    let one = ["b".to_owned()];
    let text = manifests(&groups(vec![large()]), "us-east-1", &one).unwrap();
    let there = &documents(&text)[0];
    assert!(there.get("availabilityZones").is_none(), "{text}");
    assert!(text.contains("  instanceType: m6i.large\n  availabilityZones: [us-east-1b]\n"), "{text}");
    let back = parse(&format!(
        "apiVersion: cost-sim/v1\nkind: Scenario\nplatforms: [{{name: jobs, kind: node-group, nodeGroups: [jobs]}}]\n---\n{text}"
    ));
    assert_eq!(back.settings.zones, one);
    let fargate = manifests(&Platform::built_in("fargate").unwrap(), "us-east-1", &one).unwrap();
    assert!(!fargate.contains("\navailabilityZones"), "{fargate}");
    assert!(fargate.contains("fill in: subnets, the private ones in us-east-1b only"), "{fargate}");
}

fn documents(text: &str) -> Vec<Node> {
    tree::documents(0, "m.yaml", text).unwrap()
}

/// What the CustomResourceDefinition of an EC2NodeClass asks for at least.
#[test]
fn a_node_class_has_all_that_karpenter_needs() {
    let karpenter = Platform::built_in("karpenter").unwrap();
    let documents = documents(&manifests(&karpenter, "us-east-1", &zones()).unwrap());
    let spec = documents[1].get("spec").unwrap();
    let first = |name: &str| match &spec.get(name).unwrap().value {
        tree::Value::List(items) => items[0].get("tags").unwrap_or(&items[0]),
        _ => panic!("{name} is a list"),
    };
    assert_eq!(first("amiSelectorTerms").get("alias").unwrap().scalar(), Some("al2023@latest"));
    assert!(spec.get("role").is_some());
    for terms in ["subnetSelectorTerms", "securityGroupSelectorTerms"] {
        assert_eq!(first(terms).get("karpenter.sh/discovery").unwrap().scalar(), Some("my-cluster"));
    }
}

#[test]
fn pools_whose_nodes_are_alike_share_a_node_class() {
    let pool = |name: &str, gib| NodePool {
        name: name.into(),
        root_volume: Memory::from_gib(gib),
        ..NodePool::default()
    };
    let node_pools = vec![pool("a", 20), pool("b", 50), pool("c", 20)];
    let kind = Kind::Karpenter(Karpenter { node_pools, ..Karpenter::default() });
    let text = manifests(&Platform { name: "k".into(), kind }, "us-east-1", &zones()).unwrap();
    let documents = documents(&text);
    let name = |node: &Node| node.get("name").unwrap().scalar().unwrap().to_owned();
    let kinds: Vec<(&str, String)> = documents
        .iter()
        .map(|d| (d.get("kind").unwrap().scalar().unwrap(), name(d.get("metadata").unwrap())))
        .collect();
    let expected = [
        ("NodePool", "a"),
        ("NodePool", "b"),
        ("NodePool", "c"),
        ("EC2NodeClass", "a"),
        ("EC2NodeClass", "b"),
    ];
    assert_eq!(kinds, expected.map(|(kind, name)| (kind, name.to_owned())));
    let third =
        documents[2].get("spec").and_then(|spec| spec.get("template")?.get("spec")?.get("nodeClassRef"));
    assert_eq!(name(third.unwrap()), "a");
}

#[test]
fn what_no_manifest_can_say_has_none() {
    let none = |platform: &Platform| manifests(platform, "us-east-1", &zones()).is_none();
    assert!(none(&Platform::built_in("recorded").unwrap()));
    assert!(!none(&groups(vec![large()])));
    assert!(none(&groups(vec![NodeGroup { instance_type: None, ..large() }])));
    assert!(none(&groups(vec![NodeGroup { size: GroupSize::HoldPeak, ..large() }])));
    assert!(none(&groups(vec![NodeGroup { root_volume: Memory::from_mib(1_500), ..large() }])));
    let pool = NodePool { root_volume: Memory::from_mib(1_500), ..NodePool::default() };
    let kind = Kind::Karpenter(Karpenter { node_pools: vec![pool], ..Karpenter::default() });
    assert!(none(&Platform { name: "k".into(), kind }));
}

#[test]
fn durations_of_go_have_no_days() {
    assert_eq!(go_duration(Span::from_secs(86_400)), "24h");
    assert_eq!(go_duration(Span::from_ms(1_500)), "1500ms");
    assert_eq!(go_duration(Span::ZERO), "0s");
}
