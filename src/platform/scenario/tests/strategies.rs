//! Any scenario that can be read, for the test that printing loses nothing.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::platform::*;
use crate::units::Usd;

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
    let lost_pods =
        (0u32..=1_000, short(), short()).prop_map(|(retry_limit, retry_interval, graceful_stop)| LostPods {
            retry_limit,
            retry_interval,
            graceful_stop,
        });
    (any::<bool>(), step(), step(), span(), 0u32..=1_000_000, span(), lost_pods).prop_map(
        |(use_recorded_delays, dispatch_delay, detection_lag, deletion_delay, share_ppm, kept, lost_pods)| {
            Orchestrator {
                use_recorded_delays,
                dispatch_delay,
                detection_lag,
                deletion_delay,
                leftover_pods: LeftoverPods { share_ppm, kept },
                lost_pods,
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
    let committed = prop_oneof![
        femto.prop_map(|femto| Committed::PerHour(Rate::from_femto(femto))),
        Just(Committed::Best)
    ];
    (committed, prop_oneof![compute, ec2]).prop_map(|(committed, scope)| SavingsPlan { committed, scope })
}

fn discounts() -> impl Strategy<Value = Discounts> {
    let ppm = || prop_oneof![Just(0), 0u32..1_000_000];
    let families = btree_map("[a-z]{1,3}[0-9][a-z]{0,3}", ppm(), 0..3);
    ([ppm(), ppm(), ppm(), ppm(), ppm(), ppm()], families).prop_map(
        |([ec2_ppm, spot_ppm, fargate_ppm, ebs_ppm, eks_ppm, network_ppm], families)| Discounts {
            ec2_ppm,
            spot_ppm,
            fargate_ppm,
            ebs_ppm,
            eks_ppm,
            network_ppm,
            families: families.into_iter().collect(),
        },
    )
}

pub(in crate::platform) fn settings() -> impl Strategy<Value = Settings> {
    let defaults = (1i64..1_000_000, bytes(1 << 20, 1 << 40), 0i64..1 << 20, word()).prop_map(
        |(cpu, memory, mib, arch)| Defaults {
            cpu_request: Cpu::from_milli(cpu),
            memory_request: memory,
            image_size: Memory::from_mib(mib),
            arch,
        },
    );
    let startup =
        [step(), step(), step(), step(), step(), step(), step()].prop_map(|[a, b, c, d, e, f, g]| Startup {
            launch_to_pending: a,
            pending_to_kernel: b,
            kernel_to_registered: c,
            registered_to_ready: d,
            container_create: e,
            fargate_register: f,
            create_fleet: g,
        });
    let scheduler = (word(), word()).prop_map(|(scoring, balanced_allocation)| KubeScheduler {
        pop_from_backoff_q: scoring == Scoring::LeastAllocated,
        preemption: balanced_allocation == BalancedAllocation::Absolute,
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
    // Zone c is always there for prescribed events.
    let zones = proptest::sample::subsequence(vec!["a", "b", "f"], 0..3);
    let zones = zones.prop_map(|others| others.into_iter().chain(["c"]).collect::<Vec<_>>());
    let place = ("[a-z]{2}-[a-z]{1,9}-[1-9]", zones);
    let patience = span().prop_map(|span| span.max(Span::from_secs(1)));
    let machines = home().prop_filter("there is none", |home| *home != Home::Elsewhere);
    let system = btree_map("[a-z0-9]{1,5}", machines, 0..3)
        .prop_map(|all| all.into_iter().map(|(name, home)| System { name, home }).collect());
    let rest = (patience, word(), 0u64..1 << 53, rest_plan, spot(), discounts(), system);
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
                spot: rest.4,
                discounts: rest.5,
                system: rest.6,
                ..Settings::default()
            }
        },
    )
}

fn spot() -> impl Strategy<Value = Spot> {
    let event =
        (span(), option::of(instance_type()), option::of(Just("c".to_owned())), 0u32..=1_000_000, span());
    let event = event.prop_map(|(at, instance_type, zone, reclaims_ppm, shortage)| SpotEvent {
        at,
        instance_type,
        zone,
        reclaims_ppm,
        shortage,
    });
    let waits = (short(), span_of_a_day());
    (word(), 0u32..=10_000, 1u32..=1_000_000, step(), waits, vec(event, 0..3)).prop_map(
        |(allocation, hazard_permille, pool_loss_ppm, shortage, (asg_retry, rebalance_lead), events)| Spot {
            depth_weight_ppm: 1_000_000 - pool_loss_ppm,
            allocation,
            hazard_permille,
            pool_loss_ppm,
            shortage,
            asg_retry,
            rebalance_lead,
            events,
        },
    )
}

fn span_of_a_day() -> impl Strategy<Value = Span> {
    (0i64..=86_400_000).prop_map(Span::from_ms)
}

/// Up to a day.
fn short() -> impl Strategy<Value = Span> {
    (1_000i64..=86_400_000).prop_map(Span::from_ms)
}

fn instance_type() -> impl Strategy<Value = String> {
    "[a-z][0-9][a-z]{0,2}\\.[0-9a-z]{1,9}"
}

const VALUE: &str = "|no|null|1e3|0x1F|007|[a-z0-9]|[a-z0-9][a-z._-]{0,9}[a-z0-9]";
const KEY: &str = "[a-z]{1,9}(/[a-z]{1,9})?";

fn labels() -> impl Strategy<Value = Vec<(String, String)>> {
    btree_map("[a-z]{1,9}", VALUE, 0..3).prop_map(|labels| labels.into_iter().collect())
}

fn taints() -> impl Strategy<Value = Vec<Taint>> {
    btree_map((KEY, word::<TaintEffect>()), VALUE, 0..3).prop_map(|taints| {
        taints.into_iter().map(|((key, effect), value)| Taint { key, value, effect }).collect()
    })
}

fn home() -> impl Strategy<Value = Home> {
    let fargate = (1u32..=1_000, 0i64..=16_000, bytes(0, 100 << 30)).prop_map(|(pods, milli, memory)| {
        let requests = Resources { cpu: Cpu::from_milli(milli), memory, ..Resources::ZERO };
        Home::Fargate { pods, requests }
    });
    let nodes = (instance_type(), 1u32..=1_000)
        .prop_map(|(instance_type, nodes)| Home::Nodes { instance_type, nodes });
    prop_oneof![Just(Home::Elsewhere), fargate, nodes]
}

fn node_group() -> impl Strategy<Value = NodeGroup> {
    let auto = (0u32..=9, 1u32..=9, 0u32..=18).prop_map(|(min, more, desired)| {
        let max = min + more;
        GroupSize::Auto { min, max, desired: desired.clamp(min, max) }
    });
    let size = prop_oneof![Just(GroupSize::HoldPeak), (1u32..=100_000).prop_map(GroupSize::Fixed), auto];
    let types = btree_set(instance_type(), 0..3).prop_map(std::collections::BTreeSet::into_iter);
    let types = types.prop_map(|mut types| (types.next(), types.collect()));
    let machine = (types, word());
    (machine, size, bytes(1 << 30, 1 << 44), option::of(1i64..1_000), labels(), taints()).prop_map(
        |(((instance_type, further_types), capacity_type), size, root_volume, max_pods, labels, taints)| {
            NodeGroup {
                name: String::new(),
                instance_type,
                further_types,
                capacity_type,
                size,
                root_volume,
                max_pods,
                labels,
                taints,
            }
        },
    )
}

fn cluster_autoscaler() -> impl Strategy<Value = ClusterAutoscaler> {
    let spans = vec(short(), 11);
    let numbers = ([1u32..=100_000, 1u32..=100_000, 1u32..=100_000], 0u32..=100_000, -100i32..=100);
    let expanders = vec(word::<Expander>(), 1..4).prop_map(|drawn| {
        let mut expanders: Vec<Expander> = Vec::new();
        for expander in drawn {
            if !expanders.contains(&expander) {
                expanders.push(expander);
            }
        }
        expanders
    });
    let priorities = btree_map(-9i64..=9, vec("[a-z]{1,5}(\\.\\*)?", 0..3), 1..3);
    let flags = vec(any::<bool>(), 7);
    (expanders, priorities, spans, numbers, flags, 0u32..=1_000_000).prop_map(
        |(expanders, priorities, spans, (numbers, max_nodes_total, cutoff), flags, threshold)| {
            let is_asked = expanders.contains(&Expander::Priority);
            ClusterAutoscaler {
                priorities: if is_asked { priorities.into_iter().collect() } else { Vec::new() },
                expanders,
                balance_similar_node_groups: flags[2],
                scan_interval: spans[0],
                frequent_loops_enabled: flags[0],
                new_pod_scale_up_delay: spans[1],
                max_nodes_per_scaleup: numbers[0],
                max_nodes_total,
                expendable_pods_priority_cutoff: cutoff,
                max_node_provision_time: spans[2],
                scale_down_enabled: flags[1],
                scale_down_delay_after_add: spans[3],
                scale_down_delay_after_delete: spans[9],
                scale_down_delay_after_failure: spans[4],
                scale_down_unneeded_time: spans[5],
                scale_down_utilization_threshold_ppm: threshold,
                ignore_daemonsets_utilization: flags[3],
                skip_nodes_with_system_pods: flags[4],
                skip_nodes_with_local_storage: flags[5],
                skip_nodes_with_custom_controller_pods: flags[6],
                unremovable_node_recheck_timeout: spans[10],
                max_scale_down_parallelism: numbers[1],
                max_drain_parallelism: numbers[2],
                node_delete_delay_after_taint: spans[6],
                initial_node_group_backoff: spans[7],
                max_node_group_backoff: spans[8],
            }
        },
    )
}

fn node_groups() -> impl Strategy<Value = NodeGroups> {
    let one = node_group().prop_map(|group| vec![group]);
    let several = btree_map("[a-z0-9]{1,4}", node_group(), 1..3)
        .prop_map(|all| all.into_iter().map(|(name, group)| NodeGroup { name, ..group }).collect());
    let upgrades = vec((span(), any::<bool>(), any::<bool>(), 1u32..=100), 0..3);
    (prop_oneof![one, several], cluster_autoscaler(), home(), upgrades).prop_map(
        |(groups, autoscaler, home, upgrades)| {
            let first = groups.first().map(|group| group.name.clone()).filter(|name| !name.is_empty());
            let upgrade = |(at, is_one, force, max_unavailable)| Upgrade {
                at,
                group: first.clone().filter(|_| is_one && groups.len() > 1),
                force,
                max_unavailable,
            };
            let upgrades = upgrades.into_iter().map(upgrade).collect();
            let all = NodeGroups { groups, autoscaler, upgrades, home };
            // What there is not is not printed.
            if all.is_autoscaled() {
                all
            } else {
                NodeGroups { groups: all.groups, upgrades: all.upgrades, ..NodeGroups::default() }
            }
        },
    )
}

fn requirement() -> impl Strategy<Value = NodeRequirement> {
    use RequirementOperator::*;
    let listed = (prop_oneof![Just(In), Just(NotIn)], vec(VALUE, 1..4), any::<bool>()).prop_map(
        |(operator, values, least)| {
            let min_values = (least && operator == In).then_some(values.len() as u32);
            (operator, values, min_values)
        },
    );
    let bare = (prop_oneof![Just(Exists), Just(DoesNotExist)], option::of(1u32..=50))
        .prop_map(|(operator, min_values)| (operator, Vec::new(), min_values));
    let bound = (prop_oneof![Just(Gt), Just(Lt), Just(Gte), Just(Lte)], 0u32..100_000)
        .prop_map(|(operator, bound)| (operator, vec![bound.to_string()], None));
    (KEY, prop_oneof![listed, bare, bound]).prop_map(|(key, (operator, values, min_values))| {
        NodeRequirement { key, operator, values, min_values }
    })
}

fn node_pool() -> impl Strategy<Value = NodePool> {
    let seconds = || (0i64..=366 * 86_400).prop_map(Span::from_secs);
    let nodes = prop_oneof![(0u32..=9_999).prop_map(Budget::nodes), (0u32..=100).prop_map(Budget::percent)];
    let schedule = prop_oneof![Just("@daily"), Just("0 9 * * mon-fri"), Just("*/15 8-17,23 1 jan *")]
        .prop_map(|text| Schedule::parse(text).unwrap());
    let window = (schedule, seconds()).prop_map(|(schedule, duration)| BudgetWindow { schedule, duration });
    let budget = (nodes, vec(word(), 0..2), option::of(window))
        .prop_map(|(budget, reasons, window)| Budget { reasons, window, ..budget });
    let limits = (option::of(0i64..=1_000_000), option::of(bytes(0, 1 << 40)), option::of(0u32..=9_999));
    let limits =
        limits.prop_map(|(cpu, memory, nodes)| PoolLimits { cpu: cpu.map(Cpu::from_milli), memory, nodes });
    let disruption =
        (word(), option::of(seconds()), vec(budget, 0..3), option::of(seconds()), option::of(seconds()));
    let nodes =
        (vec(requirement(), 0..4), labels(), taints(), bytes(1 << 30, 1 << 44), option::of(1i64..1_000));
    (0u32..=100, limits, disruption, nodes).prop_map(|(weight, limits, disruption, nodes)| NodePool {
        name: String::new(),
        weight,
        requirements: nodes.0,
        labels: nodes.1,
        taints: nodes.2,
        limits,
        consolidation_policy: disruption.0,
        consolidate_after: disruption.1,
        budgets: disruption.2,
        expire_after: disruption.3,
        termination_grace_period: disruption.4,
        root_volume: nodes.3,
        max_pods: nodes.4,
        sizing: NodeSizing {
            pods_per_core: nodes.4.map(|pods| pods % 9 + 1).filter(|pods| *pods > 2),
            system_reserved: Resources { cpu: Cpu::from_milli(nodes.4.unwrap_or(0)), ..Resources::ZERO },
            raid0: nodes.4.is_some_and(|pods| pods % 2 == 0),
            bottlerocket: nodes.4.is_some_and(|pods| pods % 3 == 0),
        },
        auto_mode: false,
    })
}

fn policies() -> impl Strategy<Value = Policies> {
    (0u32..=1_000_000, [short(), short(), short()], any::<bool>(), option::of(short())).prop_map(
        |(threshold, spans, replace_at_notice, ttl)| Policies {
            scale_in_utilization_threshold_ppm: threshold,
            scale_out_delay: spans[0],
            scale_out_hold_back: spans[1],
            replace_at_notice,
            on_demand_fallback_after: spans[2],
            on_demand_fallback_ttl: ttl,
        },
    )
}

fn do_not_disrupt() -> impl Strategy<Value = DoNotDisrupt> {
    prop_oneof![
        Just(DoNotDisrupt::Recorded),
        Just(DoNotDisrupt::All),
        Just(DoNotDisrupt::None),
        short().prop_map(DoNotDisrupt::LongerThan)
    ]
}

fn karpenter() -> impl Strategy<Value = Karpenter> {
    let span = || (1i64..=3_600_000).prop_map(Span::from_ms);
    let pools = vec(node_pool(), 1..3);
    let drift =
        vec((0i64..=366 * 86_400_000).prop_map(|ms| Drift { at: Span::from_ms(ms), node_pool: None }), 0..2);
    let flags = (any::<bool>(), any::<bool>(), word(), do_not_disrupt(), policies());
    (pools, home(), span(), span(), word(), flags, drift).prop_map(
        |(node_pools, home, idle, max, version, flags, drift)| {
            let (interruption_handling, spot_to_spot, controller_speed, do_not_disrupt, policies) = flags;
            Karpenter {
                node_pools,
                home,
                batch_idle_duration: idle,
                batch_max_duration: max,
                version,
                interruption_handling,
                spot_to_spot_consolidation: spot_to_spot,
                drift,
                controller_speed,
                do_not_disrupt,
                policies,
            }
        },
    )
}

pub(in crate::platform) fn platforms() -> impl Strategy<Value = Vec<Platform>> {
    let auto_mode = vec(node_pool(), 1..3).prop_map(|mut node_pools| {
        for pool in &mut node_pools {
            (pool.auto_mode, pool.max_pods, pool.sizing) = (true, None, NodeSizing::default());
            // It has a default that no document can take away.
            pool.termination_grace_period.get_or_insert(Span::from_secs(60));
            pool.requirements
                .iter_mut()
                .for_each(|it| it.key = crate::catalog::labels::of_auto_mode(&it.key));
        }
        Kind::AutoMode(AutoMode { node_pools })
    });
    let kind = prop_oneof![
        Just(Kind::Recorded),
        fargate(),
        node_groups().prop_map(Kind::NodeGroups),
        karpenter().prop_map(Kind::Karpenter),
        auto_mode,
        mixed()
    ];
    let name = "null|true|[0-9]{1,4}|[a-zA-Z0-9][a-zA-Z0-9._-]{0,12}|[a-z] \\[[a-z]{1,3}=[a-zA-Z0-9=,:%/+ ._-]{1,9}\\]";
    btree_map(name, kind, 1..4).prop_map(|all| {
        let mut platforms: Vec<Platform> =
            all.into_iter().map(|(name, kind)| Platform { name, kind }).collect();
        // No two pools of a platform share a name, but platforms differ in pools of one name; some look like numbers.
        for platform in &mut platforms {
            let pools = platform.parts_mut().iter_mut().flat_map(|part| match &mut part.kind {
                Kind::Karpenter(karpenter) => karpenter.node_pools.iter_mut(),
                Kind::AutoMode(auto_mode) => auto_mode.node_pools.iter_mut(),
                _ => [].iter_mut(),
            });
            pools.zip(1..).for_each(|(pool, number)| pool.name = number.to_string());
        }
        platforms
    })
}

fn fargate() -> impl Strategy<Value = Kind> {
    let labels = btree_map("[a-z*?]{1,5}", "[a-z0-9*?]{1,5}", 0..3).prop_map(|all| all.into_iter().collect());
    let selector =
        ("[a-z0-9*?-]{1,8}", labels).prop_map(|(namespace, labels)| ProfileSelector { namespace, labels });
    let profiles = btree_map("[a-z0-9]{1,5}", vec(selector, 1..6), 0..4).prop_map(|all| {
        all.into_iter().map(|(name, selectors)| FargateProfile { name, selectors }).collect()
    });
    (profiles, 1u32..=1_000_000, 1u32..=1_000_000, word()).prop_map(
        |(profiles, launch_burst, launch_rate, bill_until)| {
            Kind::Fargate(Fargate { profiles, launch_burst, launch_rate, bill_until })
        },
    )
}

/// One part of each of some kinds, with everything said that a part has to say.
fn mixed() -> impl Strategy<Value = Kind> {
    let fargate = fargate().prop_map(|mut kind| {
        if let Kind::Fargate(fargate) = &mut kind
            && fargate.profiles.is_empty()
        {
            let selectors = vec![ProfileSelector { namespace: "jobs".into(), labels: Vec::new() }];
            fargate.profiles.push(FargateProfile { name: "jobs".into(), selectors });
        }
        kind
    });
    let groups = node_groups().prop_map(|mut groups| {
        for (group, number) in groups.groups.iter_mut().zip(1..) {
            group.instance_type.get_or_insert_with(|| "m6i.large".into());
            if group.size == GroupSize::HoldPeak {
                group.size = GroupSize::Fixed(number);
            }
            if !group.name.is_empty() {
                group.name = format!("group-{number}");
            }
        }
        for upgrade in &mut groups.upgrades {
            if let Some(name) = &mut upgrade.group {
                name.clone_from(&groups.groups[0].name);
            }
        }
        // What there is not is not printed.
        if !groups.is_autoscaled() {
            groups = NodeGroups { groups: groups.groups, upgrades: groups.upgrades, ..NodeGroups::default() };
        }
        Kind::NodeGroups(groups)
    });
    let part = |name: &'static str, kind: Option<Kind>| kind.map(|kind| Part { name: name.into(), kind });
    (groups, option::of(fargate), option::of(karpenter().prop_map(Kind::Karpenter))).prop_map(
        move |(groups, fargate, karpenter)| {
            let parts = [part("base", Some(groups)), part("null", fargate), part("burst", karpenter)];
            Kind::Mixed(Mixed { parts: parts.into_iter().flatten().collect() })
        },
    )
}

pub fn limits() -> impl Strategy<Value = Limits> {
    let increase = || option::of(0u32..=10_000_000);
    let count = || option::of(0u64..1_000_000);
    let usd = option::of(
        (0i64..1_000_000_000).prop_map(|micro| Usd::from_femto(i128::from(micro) * 1_000_000_000)),
    );
    let delay = option::of((0i64..86_400_000).prop_map(Span::from_ms));
    let increases = (increase(), increase(), increase(), increase());
    (increases, usd, delay, count(), count()).prop_map(
        |((cost, makespan, p99_makespan, p99_start), max_usd_per_month, max_p99_start_delay, pods, tasks)| {
            Limits {
                max_cost_increase_ppm: cost,
                max_usd_per_month,
                max_makespan_increase_ppm: makespan,
                max_p99_makespan_increase_ppm: p99_makespan,
                max_p99_start_delay_increase_ppm: p99_start,
                max_p99_start_delay,
                max_unschedulable: pods,
                max_tasks_restarted: tasks,
            }
        },
    )
}
