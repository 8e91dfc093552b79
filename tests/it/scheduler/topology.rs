//! Pods whose place depends on other pods: the naive scheduler with topology spread and affinity, again from Kubernetes'
//! rules and again pod by pod, against the engine's.

use std::sync::Arc;

use cost_sim::decide::kube_scheduler::{ClusterState, NodeState, PodOnNode, Settings as Profile, evaluate};
use cost_sim::kube::{
    LabelSelector, Labels, NodeInclusionPolicy, PodAffinity, PodSpec, PodTerm, SpreadConstraint,
    WhenUnsatisfiable,
};

use super::*;

const ZONE: &str = "topology.kubernetes.io/zone";
const HOST: &str = "kubernetes.io/hostname";
const APPS: [&str; 3] = ["web", "db", "job"];

/// A constraint: on which topology, about pods of which app, whether it must hold, and its skew or weight.
#[derive(Clone, Copy, Debug)]
struct Rule {
    key: &'static str,
    of: &'static str,
    hard: bool,
    number: i32,
}

#[derive(Clone, Debug)]
struct Social {
    app: &'static str,
    spread: Vec<Rule>,
    near: Vec<Rule>,
    away: Vec<Rule>,
}

impl Social {
    fn random(dice: &mut Dice) -> Self {
        let mut rules = |chance: u64, numbers: &[i32]| {
            let mut rules = Vec::new();
            while dice.roll(chance) == 0 && rules.len() < 2 {
                let (key, of) = (dice.one_of(&[ZONE, HOST]), dice.one_of(&APPS));
                rules.push(Rule { key, of, hard: dice.roll(2) == 0, number: dice.one_of(numbers) });
            }
            rules
        };
        let (spread, near, away) = (rules(2, &[1, 2, 3]), rules(4, &[1, 10, 60]), rules(4, &[1, 10, 60]));
        Self { app: dice.one_of(&APPS), spread, near, away }
    }

    /// The same for the engine.
    fn adds_to(&self, spec: &mut PodSpec) {
        let selects =
            |of: &str| Some(LabelSelector { match_labels: label("app", of), ..LabelSelector::default() });
        spec.labels = label("app", self.app);
        spec.spread = self
            .spread
            .iter()
            .map(|rule| SpreadConstraint {
                max_skew: rule.number,
                topology_key: rule.key.to_owned(),
                when_unsatisfiable: if rule.hard {
                    WhenUnsatisfiable::DoNotSchedule
                } else {
                    WhenUnsatisfiable::ScheduleAnyway
                },
                selector: selects(rule.of),
                min_domains: None,
                node_affinity_policy: NodeInclusionPolicy::Honor,
                node_taints_policy: NodeInclusionPolicy::Ignore,
                match_label_keys: Vec::new(),
            })
            .collect();
        let affinity = |rules: &[Rule]| {
            let mut affinity = PodAffinity::default();
            for rule in rules {
                let term = PodTerm {
                    topology_key: rule.key.to_owned(),
                    selector: selects(rule.of),
                    namespaces: Vec::new(),
                    namespace_selector: None,
                    match_label_keys: Vec::new(),
                    mismatch_label_keys: Vec::new(),
                };
                if rule.hard {
                    affinity.required.push(term);
                } else {
                    affinity.preferred.push((rule.number, term));
                }
            }
            affinity
        };
        (spec.affinity, spec.anti_affinity) = (affinity(&self.near), affinity(&self.away));
    }
}

fn label(key: &str, value: &str) -> Labels {
    Labels::from([(key.to_owned(), value.to_owned())])
}

/// The naive scheduler among pods that mind each other.
struct Society<'a> {
    naive: &'a Naive,
    pods: &'a [NaivePod],
    social: &'a [Social],
    /// Node and class of each pod that runs.
    running: &'a [(usize, usize)],
}

impl Society<'_> {
    fn same_domain(&self, key: &str, a: usize, b: usize) -> bool {
        if key == HOST { a == b } else { self.naive.nodes[a].zone == self.naive.nodes[b].zone }
    }

    /// Pods of an app in the domain of a node, of those on nodes that `counted` admits.
    fn count(&self, rule: &Rule, node: usize, counted: &dyn Fn(usize) -> bool) -> i64 {
        let there = self.running.iter().filter(|(on, class)| {
            self.social[*class].app == rule.of && counted(*on) && self.same_domain(rule.key, *on, node)
        });
        there.count() as i64
    }

    fn is_selected(&self, class: usize, node: usize) -> bool {
        let state = &self.naive.nodes[node];
        let labels = &self.naive.kinds[state.kind].labels;
        !state.gone
            && self.pods[class].selector.iter().all(|(key, value)| match key.as_str() {
                ZONE => &self.naive.zones[state.zone] == value,
                _ => labels.get(key) == Some(value),
            })
    }

    fn is_feasible(&self, class: usize, node: usize) -> bool {
        let own = &self.social[class];
        let everywhere = |_: usize| true;
        let eligible = |node: usize| self.is_selected(class, node);
        let spread = own.spread.iter().filter(|rule| rule.hard).all(|rule| {
            let domains = (0..self.naive.nodes.len()).filter(|node| eligible(*node));
            let least = domains.map(|node| self.count(rule, node, &eligible)).min().unwrap_or(0);
            let itself = i64::from(own.app == rule.of);
            self.count(rule, node, &eligible) + itself - least <= i64::from(rule.number)
        });
        let near: Vec<&Rule> = own.near.iter().filter(|rule| rule.hard).collect();
        let means = |app: &str| near.iter().all(|rule| rule.of == app);
        let mates: Vec<usize> = self
            .running
            .iter()
            .filter(|(_, class)| means(self.social[*class].app))
            .map(|(on, _)| *on)
            .collect();
        let is_near = near.iter().all(|rule| mates.iter().any(|on| self.same_domain(rule.key, *on, node)))
            || mates.is_empty() && means(own.app);
        let is_away =
            own.away.iter().filter(|rule| rule.hard).all(|rule| self.count(rule, node, &everywhere) == 0);
        let is_avoided = self.running.iter().any(|(on, class)| {
            let mut rules = self.social[*class].away.iter().filter(|rule| rule.hard);
            rules.any(|rule| rule.of == own.app && self.same_domain(rule.key, *on, node))
        });
        self.naive.passes_filters(&self.pods[class], node) && spread && is_near && is_away && !is_avoided
    }

    fn spread_scores(&self, class: usize, feasible: &[usize]) -> Vec<i64> {
        let rules: Vec<&Rule> = self.social[class].spread.iter().filter(|rule| !rule.hard).collect();
        if rules.is_empty() {
            return vec![0; feasible.len()];
        }
        let eligible = |node: usize| self.is_selected(class, node);
        let cost = |node: &usize| {
            let of_rule = |rule: &&Rule| {
                let new =
                    |i: usize| !feasible[..i].iter().any(|b| self.same_domain(rule.key, feasible[i], *b));
                let domains = (0..feasible.len()).filter(|i| new(*i)).count();
                let count = self.count(rule, *node, &eligible) as f64;
                count * ((domains + 2) as f64).ln() + f64::from(rule.number - 1)
            };
            rules.iter().map(of_rule).sum::<f64>().round() as i64
        };
        let costs: Vec<i64> = feasible.iter().map(cost).collect();
        let (least, most) = (*costs.iter().min().unwrap(), *costs.iter().max().unwrap());
        costs.iter().map(|cost| if most == 0 { 100 } else { 100 * (most + least - cost) / most }).collect()
    }

    fn affinity_scores(&self, class: usize, feasible: &[usize]) -> Vec<i64> {
        let own = &self.social[class];
        let mut worth = vec![0; feasible.len()];
        for (index, node) in feasible.iter().enumerate() {
            for (on, other) in self.running {
                let other = &self.social[*other];
                let mut add = |rule: &Rule, app: &str, weight: i32| {
                    if rule.of == app && self.same_domain(rule.key, *on, *node) {
                        worth[index] += i64::from(weight);
                    }
                };
                own.near.iter().filter(|rule| !rule.hard).for_each(|rule| add(rule, other.app, rule.number));
                own.away.iter().filter(|rule| !rule.hard).for_each(|rule| add(rule, other.app, -rule.number));
                for rule in &other.near {
                    add(rule, own.app, if rule.hard { 1 } else { rule.number });
                }
                other.away.iter().filter(|rule| !rule.hard).for_each(|rule| add(rule, own.app, -rule.number));
            }
        }
        let (least, most) = (*worth.iter().min().unwrap(), *worth.iter().max().unwrap());
        let scaled =
            |worth: &i64| ((worth - least) as f64 / (most - least).max(1) as f64 * 100.0).floor() as i64;
        worth.iter().map(scaled).collect()
    }

    fn totals(&self, class: usize, feasible: &[usize]) -> Vec<i64> {
        let social =
            self.spread_scores(class, feasible).into_iter().zip(self.affinity_scores(class, feasible));
        let total = |(node, (spread, affinity)): (&usize, (i64, i64))| {
            self.naive.score(&self.pods[class], *node, 0) + 2 * spread + 2 * affinity
        };
        feasible.iter().zip(social).map(total).collect()
    }

    /// The evaluation of all nodes from what the API server would say of them.
    fn agrees_with_evaluation(&self, class: usize, specs: &[Arc<PodSpec>]) {
        let feasible: Vec<usize> =
            (0..self.naive.nodes.len()).filter(|node| self.is_feasible(class, *node)).collect();
        let mut expected = vec![None; self.naive.nodes.len()];
        if !feasible.is_empty() {
            for (node, total) in feasible.iter().zip(self.totals(class, &feasible)) {
                expected[*node] = Some(total);
            }
        }
        let mut cluster = ClusterState::default();
        for (name, state) in self.naive.nodes.iter().enumerate() {
            let kind = &self.naive.kinds[state.kind];
            let mut node = cost_sim::kube::Node { name: name.to_string(), ..Default::default() };
            node.labels = kind.labels.clone();
            node.labels.insert(HOST.to_owned(), name.to_string());
            node.labels.insert(ZONE.to_owned(), self.naive.zones[state.zone].clone());
            node.allocatable = Resources {
                cpu: Cpu::from_milli(kind.milli),
                memory: Memory::from_bytes(kind.bytes),
                ephemeral: Memory::ZERO,
                pods: kind.max_pods as i64,
            }
            .into();
            let mut state = NodeState::new(Arc::new(node));
            for daemon in &kind.daemons {
                let mut spec = PodSpec::default();
                spec.requests[cost_sim::kube::CPU] = daemon.milli * 1_000_000;
                spec.requests[cost_sim::kube::MEMORY] = daemon.bytes;
                let bytes = if daemon.bytes == 0 { 200 * MIB } else { daemon.bytes };
                spec.scored_requests = (daemon.milli, bytes);
                state.add_pod(PodOnNode::new(0, Arc::new(spec)));
            }
            cluster.add_node(state);
        }
        for (node, other) in self.running {
            cluster.add_pod(*node, PodOnNode::new(1, specs[*other].clone()));
        }
        let results = evaluate(&specs[class], &cluster, &Profile::default());
        let totals: Vec<Option<i64>> =
            results.iter().map(|result| result.ok().map(|score| score.total)).collect();
        assert_eq!(totals, expected, "{:?} {:?}", self.pods[class], self.social[class]);
    }

    /// Where a pod goes, and how many nodes were looked at.
    fn place(&self, class: usize, key: u64, failures: u32) -> (Option<usize>, usize) {
        let places = self.naive.nodes.len();
        let alive = self.naive.nodes.iter().filter(|node| !node.gone).count();
        let (mut feasible, mut visited) = (Vec::new(), 0);
        while visited < places && feasible.len() < Naive::nodes_to_find(alive) {
            let node = (self.naive.start + visited) % places;
            visited += 1;
            if self.is_feasible(class, node) {
                feasible.push(node);
            }
        }
        if feasible.is_empty() {
            return (None, visited);
        }
        let scores = self.totals(class, &feasible);
        let best = scores.iter().max().unwrap();
        let ties: Vec<usize> =
            feasible.iter().zip(&scores).filter(|(_, score)| *score == best).map(|(node, _)| *node).collect();
        let count = ties.len() as u64;
        let pick =
            if count > 1 { self.naive.draws.below(Purpose::SchedulerTie, key, failures, count) } else { 0 };
        (Some(ties[pick as usize]), visited)
    }
}

/// The same random history for both; how many pods were placed and how many refused.
fn compare(seed: u64, nodes: usize, steps: usize) -> (usize, usize) {
    let mut dice = Dice { seed, rolled: 0 };
    let mut rows = random_classes(&mut dice);
    for (index, row) in rows.iter_mut().enumerate() {
        // So that no two are one class.
        row.cpu = row.cpu.map(|cpu| cpu + index as i64);
    }
    let pods: Vec<NaivePod> = rows.iter().map(naive_pod).collect();
    let social: Vec<Social> = rows.iter().map(|_| Social::random(&mut dice)).collect();
    let study = study(&rows, Settings::default(), &[fargate()]);
    let workload = &study.workload;
    let class_of = |index: usize| workload.steps.class[index];
    let mut specs: Vec<PodSpec> = (0..workload.classes.len() as u32)
        .map(|class| workload.pod_spec(class, &study.trace.words))
        .collect();
    for (index, social) in social.iter().enumerate() {
        social.adds_to(&mut specs[class_of(index) as usize]);
    }
    let config = Config { preemption: false, ..Config::default() };
    let zones: Vec<String> = ["z0", "z1", "z2"].map(String::from).to_vec();
    let kinds: Vec<NaiveKind> =
        (0..2).map(|_| NaiveKind { taints: Vec::new(), ..random_kind(&mut dice) }).collect();
    let draws = Draws::new(seed);
    let mut cluster = Cluster::new(kinds.iter().map(node_type).collect());
    let specs: Vec<Arc<PodSpec>> = specs.into_iter().map(Arc::new).collect();
    let spec_of: Vec<Arc<PodSpec>> =
        (0..rows.len()).map(|index| specs[class_of(index) as usize].clone()).collect();
    let mut scheduler = KubeScheduler::with_specs(config, workload, specs, &zones, draws);
    let image_bytes = vec![0; IMAGES.len()];
    let mut naive =
        Naive { config, zones: zones.clone(), kinds, nodes: Vec::new(), image_bytes, start: 0, draws };
    let (mut placed, mut refused) = (0, 0);
    // (name, node, class, reading of the node's share clock)
    let mut running: Vec<(u64, usize, usize, u64)> = Vec::new();
    for step in 0..steps {
        let now = Time::from_ms(step as i64);
        match if step < nodes { 0 } else { 1 + dice.roll(100) } {
            0 => {
                let (kind, zone) = (dice.roll(2) as usize, dice.roll(3) as usize);
                let id = cluster.add(kind as u32, zone as u8, step as u32, 0, now);
                cluster.set_ready(id, now);
                scheduler.node_changed(&cluster, id);
                let (pods, images) = (BTreeMap::new(), BTreeSet::new());
                naive.nodes.push(NaiveNode { kind, zone, gone: false, pods, images });
            }
            60..=100 if !running.is_empty() => {
                let which = dice.roll(running.len() as u64) as usize;
                let (name, node, class, reading) = running.swap_remove(which);
                let number = class_of(class);
                let pod = &workload.classes[number as usize];
                cluster.release(node as u32, name as u32, pod, reading, now);
                scheduler.pod_released(node as u32, name as u32, number);
                scheduler.node_changed(&cluster, node as u32);
                naive.nodes[node].pods.remove(&name);
            }
            _ => {
                let class = dice.roll(rows.len() as u64) as usize;
                let (key, failures) = (dice.roll(u64::MAX), dice.roll(6) as u32);
                let there: Vec<(usize, usize)> =
                    running.iter().map(|(_, node, class, _)| (*node, *class)).collect();
                let society = Society { naive: &naive, pods: &pods, social: &social, running: &there };
                let (expected, visited) = society.place(class, key, failures);
                if nodes < 100 {
                    society.agrees_with_evaluation(class, &spec_of);
                }
                naive.start = (naive.start + visited) % naive.nodes.len();
                let number = class_of(class);
                let got = scheduler.place(&cluster, number, key, failures as u8).map(|node| node as usize);
                assert_eq!(got, expected, "seed {seed}, step {step}, {:?} {:?}", pods[class], social[class]);
                let Some(node) = got else {
                    refused += 1;
                    continue;
                };
                placed += 1;
                let name = step as u64;
                let pod = &workload.classes[number as usize];
                let reading = cluster.bind(node as u32, name as u32, pod, now);
                scheduler.pod_bound(node as u32, name as u32, number, now);
                scheduler.node_changed(&cluster, node as u32);
                naive.nodes[node].pods.insert(name, pods[class].request);
                running.push((name, node, class, reading));
            }
        }
    }
    (placed, refused)
}

#[test]
fn pods_that_mind_each_other_go_where_a_naive_scheduler_puts_them() {
    let (mut placed, mut refused) = (0, 0);
    for seed in 0..60 {
        let (p, r) = compare(seed, 2 + seed as usize % 9, 300);
        placed += p;
        refused += r;
    }
    assert!(placed > 3_000 && refused > 1_000, "{placed} placed, {refused} refused");
    let (placed, _) = compare(200, 120, 900);
    assert!(placed > 200, "{placed}");
}
