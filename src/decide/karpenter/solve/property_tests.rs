//! What holds for all rounds of pods without wishes about each other: a plain implementation comes to the same.

use proptest::prelude::*;

use super::super::model::{ExistingNode, Input, InstanceType, Limits, Offering, Plan};
use super::fixture::*;
use super::*;
use crate::catalog::{CapacityType, Requirement, Undefined};
use crate::decide::gosort;
use crate::kube::CPU;
use crate::units::Time;

#[derive(Clone, Debug)]
struct Ask {
    spec: PodSpec,
    created: i64,
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let selector = prop::sample::select(vec![
        None,
        None,
        Some((labels::ZONE, "z-b")),
        Some((labels::ARCH, "arm64")),
        Some((labels::CAPACITY_TYPE, "on-demand")),
        Some(("team", "a")),
        Some(("disk", "ssd")),
    ]);
    let one = (1i64..12, 1i64..40, selector, any::<bool>(), 0i64..3_000, prop::bool::weighted(0.2));
    let one = one.prop_map(|(halves, gib, selector, avoids_spot, created, avoids_disks)| {
        let mut spec = PodSpec { avoids_spot, ..ask(halves * 500, gib) };
        if avoids_disks {
            let mut term = one_of("disk", &["hdd"]);
            term.match_expressions[0].operator = crate::kube::SelectorOperator::NotIn;
            spec.required_node_terms = vec![term];
        }
        let spec = match selector {
            Some((key, value)) => only(key, value, spec),
            None => spec,
        };
        Ask { spec, created }
    });
    prop::collection::vec(one, 1..80)
}

/// (zone, initialized, cores free, GiB free)
fn nodes() -> impl Strategy<Value = Vec<(usize, bool, i64, i64)>> {
    prop::collection::vec((0usize..3, any::<bool>(), -1i64..8, 0i64..64), 0..8)
}

fn pools(limit: i64) -> Vec<NodePool> {
    let spot = |this: InstanceType, price: f64| {
        let mut this = this;
        this.offerings.push(Offering::new(CapacityType::Spot, "z-b", price));
        this
    };
    let types = vec![
        spot(arm(kind("arm", 4, 16, 0.9)), 0.5),
        spot(kind("four", 4, 16, 1.0), 0.4),
        kind("sixteen", 16, 128, 4.0),
    ];
    let mut first = pool("first", types.clone());
    first.weight = 1;
    first.template.add("team", Requirement::one_of(["a", "b"]));
    first.limits = Limits { resources: vec![(CPU, resources(limit * 1_000, 0, 0)[CPU])], nodes: None };
    vec![first, pool("second", types)]
}

fn world(asks: &[Ask], limit: i64) -> World {
    let mut world = World::new(pools(limit), asks.iter().map(|ask| ask.spec.clone()).collect());
    for (pod, ask) in world.pods.iter_mut().zip(asks) {
        pod.created = Time::from_ms(ask.created);
    }
    world
}

fn label(zone: usize) -> Labels {
    Labels::from([(labels::ZONE.to_owned(), ZONES[zone].to_owned())])
}

fn existing(world: &mut World, nodes: &[(usize, bool, i64, i64)]) -> Vec<ExistingNode<'static>> {
    let node = |(id, (zone, initialized, cores, gib)): (u32, &(usize, bool, i64, i64))| ExistingNode {
        id,
        name: u64::from(id * 7 % 5),
        kind: world.scheduler.node_kind(&label(*zone), &[]),
        initialized: *initialized,
        available: resources(cores * 1_000, *gib, 5),
        ..ExistingNode::default()
    };
    (0..).zip(nodes).map(node).collect()
}

/// A claim as the plain implementation has it.
struct Open {
    pool: usize,
    requirements: Requirements,
    types: Vec<usize>,
    requests: ResourceList,
    pods: Vec<u32>,
}

/// (pool, types, pods) of each claim, (node, pods), pods left over.
type Outcome = (Vec<(usize, Vec<usize>, Vec<u32>)>, Vec<(u32, Vec<u32>)>, Vec<u32>);

/// Everything is done anew for each pod, step by step as it is described.
fn plainly(asks: &[Ask], limit: i64, nodes: &[(usize, bool, i64, i64)]) -> Outcome {
    let pools = pools(limit);
    let wants = |ask: &Ask| {
        let mut wants = Requirements::default();
        for (key, value) in &ask.spec.node_selector {
            wants.add(key, Requirement::one_of([value.as_str()]));
        }
        if !ask.spec.required_node_terms.is_empty() {
            wants.add("disk", Requirement::none_of(["hdd"]));
        }
        if ask.spec.avoids_spot {
            wants.add(labels::CAPACITY_TYPE, Requirement::none_of(["spot"]));
        }
        wants
    };
    let mut queue: Vec<u32> = (0..asks.len() as u32).collect();
    queue.sort_by_key(|id| {
        let Ask { spec, created } = &asks[*id as usize];
        (-spec.requests[CPU], -spec.requests[crate::kube::MEMORY], created.div_euclid(1_000), *id)
    });
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|at| (!nodes[*at].1, *at * 7 % 5, *at));
    let mut free: Vec<ResourceList> =
        nodes.iter().map(|(_, _, cores, gib)| resources(cores * 1_000, *gib, 5)).collect();
    let zone = |(zone, ..): &(usize, bool, i64, i64)| (labels::ZONE, Requirement::one_of([ZONES[*zone]]));
    let mut has: Vec<Requirements> = nodes.iter().map(|node| [zone(node)].into_iter().collect()).collect();
    let mut on_nodes: Vec<Vec<u32>> = vec![Vec::new(); nodes.len()];
    let mut claims: Vec<Open> = Vec::new();
    let mut limited = limit * 1_000_000_000;
    let join = |pool: &NodePool, open: &Open, ask: &Ask| -> Option<(Requirements, Vec<usize>)> {
        let wants = wants(ask);
        open.requirements.compatible(&wants, Undefined::WellKnownAllowed).ok()?;
        let both = open.requirements.intersection(&wants);
        let requests = open.requests + ask.spec.requests;
        let fits = |index: &&usize| {
            let this = &pool.types[**index];
            let offered = |offering: &Offering| {
                both.compatible(&offering.requirements, Undefined::WellKnownAllowed).is_ok()
            };
            this.requirements.intersects(&both).is_ok()
                && requests.fits(&this.allocatable)
                && this.offerings.iter().any(offered)
        };
        let types: Vec<usize> = open.types.iter().filter(fits).copied().collect();
        (!types.is_empty()).then_some((both, types))
    };
    let mut queue: std::collections::VecDeque<(u32, usize)> = queue.into_iter().map(|id| (id, 0)).collect();
    'pods: while let Some((id, length)) = queue.pop_front() {
        if length == queue.len() + 1 {
            queue.push_front((id, length));
            break;
        }
        let ask = &asks[id as usize];
        for at in &order {
            let takes = has[*at].compatible(&wants(ask), Undefined::Denied).is_ok();
            if takes && ask.spec.requests.fits(&free[*at]) {
                free[*at] -= ask.spec.requests;
                // What a pod says of a label that the node does not have counts as the node's from then on.
                has[*at].merge(&wants(ask));
                on_nodes[*at].push(id);
                continue 'pods;
            }
        }
        gosort::sort_by(&mut claims, |a, b| a.pods.len() < b.pods.len());
        for open in &mut claims {
            if let Some((requirements, types)) = join(&pools[open.pool], open, ask) {
                (open.requirements, open.types) = (requirements, types);
                open.requests += ask.spec.requests;
                open.pods.push(id);
                continue 'pods;
            }
        }
        for (index, pool) in pools.iter().enumerate() {
            let within = |at: &usize| index > 0 || pool.types[*at].capacity[CPU] <= limited;
            let open = Open {
                pool: index,
                requirements: pool.template.clone(),
                types: (0..pool.types.len()).filter(within).collect(),
                requests: ResourceList::ZERO,
                pods: vec![id],
            };
            if let Some((requirements, types)) = join(pool, &open, ask) {
                if index == 0 {
                    limited -= types.iter().map(|at| pool.types[*at].capacity[CPU]).max().unwrap_or(0);
                }
                claims.push(Open { requirements, types, requests: ask.spec.requests, ..open });
                continue 'pods;
            }
        }
        let length = queue.len() + 1;
        queue.push_back((id, length));
    }
    let mut left: Vec<u32> = queue.into_iter().map(|(id, _)| id).collect();
    let claims = claims.into_iter().map(|open| (open.pool, open.types, open.pods)).collect();
    let got = order.into_iter().filter(|at| !on_nodes[*at].is_empty());
    let on_nodes: Vec<_> = got.map(|at| (at as u32, on_nodes[at].clone())).collect();
    left.sort_unstable();
    (claims, on_nodes, left)
}

fn outcome(plan: &Plan) -> Outcome {
    let claim = |claim: &super::super::model::NewClaim| {
        let mut types = claim.types.to_vec();
        types.sort_unstable();
        (claim.pool, types, claim.pods.clone())
    };
    let mut left = left(plan);
    left.sort_unstable();
    (plan.claims.iter().map(claim).collect(), plan.existing.clone(), left)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plain_implementation_plans_the_same(asks in asks(), nodes in nodes(), limit in 0i64..60) {
        let mut world = world(&asks, limit);
        let there = existing(&mut world, &nodes);
        let pods = world.pods.clone();
        let plan = world.scheduler.solve(&Input { pods: &pods, nodes: &there, ..Input::default() });
        prop_assert_eq!(outcome(&plan), plainly(&asks, limit, &nodes));
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(asks in asks(), nodes in nodes(), turn in 0usize..80) {
        let mut world = world(&asks, 40);
        let mut there = existing(&mut world, &nodes);
        let mut pods = world.pods.clone();
        let plan = world.scheduler.solve(&Input { pods: &pods, nodes: &there, ..Input::default() });
        there.reverse();
        let turn = turn % pods.len();
        pods.rotate_left(turn);
        // Nor does what was learned in earlier rounds.
        prop_assert_eq!(&world.scheduler.solve(&Input { pods: &pods, nodes: &there, ..Input::default() }), &plan);
    }
}

#[test]
fn hundreds_of_claims_are_tried_in_the_order_of_the_plain_implementation() {
    // Pods of 3 to 5 cores for nodes of 16 in both pools: the claims go through all that Go's sort does to them.
    let asks: Vec<Ask> = (0..900)
        .map(|n| Ask { spec: ask(3_000 + n * 37 % 7 * 300, 1 + n * 13 % 5 * 8), created: 0 })
        .collect();
    let mut world = world(&asks, 1_000);
    let plan = world.solve();
    assert!(plan.claims.len() > 200);
    assert_eq!(outcome(&plan), plainly(&asks, 1_000, &[]));
}
