//! Platforms whose nodes come and go, and Spot markets in which much happens in little time.

use cost_sim::catalog::labels;
use cost_sim::platform::{
    AutoMode, Budget, CapacityType, ClusterAutoscaler, ConsolidationPolicy, ControllerSpeed, Expander,
    Fargate, FargateProfile, GroupSize, Home, Karpenter, KarpenterVersion, Kind, LostPods, Mixed, NodeGroup,
    NodeGroups, NodePool, NodeRequirement, Platform, PoolLimits, ProfileSelector, RequirementOperator,
    Settings, Spot, SpotEvent,
};
use cost_sim::units::{Cpu, Resources, Span};
use proptest::prelude::*;

use super::generate::settings;

pub fn one_of(key: &str, values: &[&str]) -> NodeRequirement {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    NodeRequirement { key: key.to_owned(), operator: RequirementOperator::In, values, min_values: None }
}

fn seconds(values: &'static [i64]) -> impl Strategy<Value = Span> {
    prop::sample::select(values).prop_map(Span::from_secs)
}

fn home() -> impl Strategy<Value = Home> {
    let requests = Resources { cpu: Cpu::from_cores(1), ..Resources::ZERO };
    prop_oneof![
        Just(Home::Elsewhere),
        Just(Home::Fargate { pods: 2, requests }),
        Just(Home::Nodes { instance_type: "m5.large".into(), nodes: 1 }),
    ]
}

fn capacity_type() -> impl Strategy<Value = CapacityType> {
    prop_oneof![Just(CapacityType::OnDemand), Just(CapacityType::Spot)]
}

prop_compose! {
    fn node_group()(
        kind in prop::sample::select(&["m5.large", "c5.xlarge", "m6i.2xlarge", "m6g.large"][..]),
        capacity_type in capacity_type(),
        (min, more, desired) in (0u32..2, 1u32..6, 0u32..3),
        max_pods in prop::option::weighted(0.2, 5i64..12),
    ) -> NodeGroup {
        let max = min + more;
        NodeGroup {
            instance_type: Some(kind.into()),
            capacity_type,
            size: GroupSize::Auto { min, max, desired: (min + desired).min(max) },
            max_pods,
            ..NodeGroup::default()
        }
    }
}

prop_compose! {
    /// One to three node groups with Cluster Autoscaler, on-demand or Spot.
    fn node_groups()(
        mut groups in prop::collection::vec(node_group(), 1..4),
        home in home(),
        (random, frequent) in any::<(bool, bool)>(),
        unneeded in seconds(&[1, 60, 600]),
        after_add in seconds(&[0, 30, 600]),
        threshold in prop::sample::select(&[0u32, 500_000, 1_000_000][..]),
        drains in 1u32..3,
    ) -> Kind {
        for (number, group) in groups.iter_mut().enumerate() {
            group.name = format!("group{number}");
        }
        let autoscaler = ClusterAutoscaler {
            expanders: vec![if random { Expander::Random } else { Expander::LeastWaste }],
            frequent_loops_enabled: frequent,
            scale_down_unneeded_time: unneeded,
            scale_down_delay_after_add: after_add,
            scale_down_utilization_threshold_ppm: threshold,
            max_drain_parallelism: drains,
            ..ClusterAutoscaler::default()
        };
        Kind::NodeGroups(NodeGroups { groups, autoscaler, home, ..NodeGroups::default() })
    }
}

prop_compose! {
    fn node_pool()(
        types in prop::sample::select(vec![
            &["m5.large"][..],
            &["m5.large", "c5.xlarge", "m6g.large"],
            &["m5.large", "m5.xlarge", "m5.2xlarge", "r5.large", "r5.4xlarge", "c5.large"],
        ]),
        capacity in prop::sample::select(vec![&["on-demand"][..], &["spot"], &["spot", "on-demand"]]),
        moves_pods in any::<bool>(),
        consolidate_after in prop::option::weighted(0.9, seconds(&[0, 30, 300])),
        expire_after in prop::option::weighted(0.3, seconds(&[120, 900])),
        budget in prop_oneof![Just(Budget::percent(10)), Just(Budget::percent(100)), Just(Budget::nodes(1))],
        (cores, nodes) in (prop::option::weighted(0.3, 2i64..40), prop::option::weighted(0.2, 1u32..5)),
        weight in 0u32..3,
    ) -> NodePool {
        NodePool {
            weight,
            requirements: vec![one_of(labels::INSTANCE_TYPE, types), one_of(labels::CAPACITY_TYPE, capacity)],
            limits: PoolLimits { cpu: cores.map(Cpu::from_cores), nodes, ..PoolLimits::default() },
            consolidation_policy: if moves_pods {
                ConsolidationPolicy::WhenEmptyOrUnderutilized
            } else {
                ConsolidationPolicy::WhenEmpty
            },
            consolidate_after,
            budgets: vec![budget],
            expire_after,
            ..NodePool::default()
        }
    }
}

prop_compose! {
    fn karpenter()(
        mut node_pools in prop::collection::vec(node_pool(), 1..3),
        home in home(),
        (old, hears, spot_to_spot, measured) in any::<(bool, bool, bool, bool)>(),
    ) -> Kind {
        for (number, pool) in node_pools.iter_mut().enumerate() {
            pool.name = format!("pool{number}");
        }
        Kind::Karpenter(Karpenter {
            node_pools,
            home,
            version: if old { KarpenterVersion::V1_13 } else { KarpenterVersion::V1_14 },
            interruption_handling: hears,
            spot_to_spot_consolidation: spot_to_spot,
            controller_speed: if measured { ControllerSpeed::Measured } else { ControllerSpeed::Unlimited },
            ..Karpenter::default()
        })
    }
}

/// Node groups with Cluster Autoscaler and two Karpenters.
pub fn platforms() -> impl Strategy<Value = Vec<Platform>> {
    (node_groups(), karpenter(), karpenter()).prop_map(|(groups, one, other)| {
        let named = |(name, kind): (&str, Kind)| Platform { name: name.to_owned(), kind };
        [("groups", groups), ("karpenter", one), ("other", other)].map(named).to_vec()
    })
}

/// One cluster with node groups, Karpenter, and Fargate for some namespaces.
pub fn mixed() -> impl Strategy<Value = Platform> {
    (node_groups(), karpenter(), any::<bool>()).prop_map(|(mut groups, karpenter, fixed)| {
        if let Kind::NodeGroups(groups) = &mut groups
            && fixed
        {
            groups.groups[0].size = GroupSize::Fixed(1);
        }
        let selectors = vec![ProfileSelector { namespace: "serverless*".into(), labels: Vec::new() }];
        let profiles = vec![FargateProfile { name: "some".into(), selectors }];
        let fargate = Kind::Fargate(Fargate { profiles, ..Fargate::default() });
        let parts = [("base", groups), ("burst", karpenter), ("serverless", fargate)]
            .map(|(name, kind)| Platform { name: name.to_owned(), kind });
        Platform { name: "mixed".to_owned(), kind: Kind::Mixed(Mixed { parts: parts.to_vec() }) }
    })
}

/// EKS Auto Mode with pools of few types.
pub fn auto_mode() -> impl Strategy<Value = Platform> {
    prop::collection::vec(node_pool(), 1..3).prop_map(|mut node_pools| {
        for (number, pool) in node_pools.iter_mut().enumerate() {
            *pool = NodePool { name: format!("pool{number}"), auto_mode: true, ..pool.clone() };
        }
        Platform { name: "auto-mode".to_owned(), kind: Kind::AutoMode(AutoMode { node_pools }) }
    })
}

prop_compose! {
    fn spot_event()(
        at in prop_oneof![1 => Just(0i64), 6 => 0i64..7_200],
        kind in prop::option::weighted(0.3, Just("m5.large".to_owned())),
        zone in prop::option::weighted(0.3, prop::sample::select(&["a", "b"][..])),
        reclaims_ppm in prop::sample::select(&[0u32, 500_000, 1_000_000][..]),
        shortage in prop_oneof![Just(0i64), 1i64..1_800],
    ) -> SpotEvent {
        SpotEvent {
            at: Span::from_secs(at),
            instance_type: kind,
            zone: zone.map(str::to_owned),
            reclaims_ppm,
            shortage: Span::from_secs(shortage),
        }
    }
}

prop_compose! {
    /// Settings under which Spot instances are taken back and refused within hours.
    pub fn eventful()(
        settings in settings(),
        events in prop::collection::vec(spot_event(), 0..6),
        // By the Spot Advisor an instance lives for months. Some markets here take one every few hours.
        hazard in prop::sample::select(&[0u32, 1_000, 1_000_000][..]),
        (retry_limit, interval, graceful) in (0u32..4, 0i64..60, 0i64..30),
    ) -> Settings {
        let mut s = settings;
        s.spot = Spot { hazard_permille: hazard, events, ..Spot::default() };
        s.orchestrator.lost_pods = LostPods {
            retry_limit,
            retry_interval: Span::from_secs(interval),
            graceful_stop: Span::from_secs(graceful),
        };
        s
    }
}
