//! A toy cluster for tests: pods of cores and GiB, nodes, types with prices, and a simulation that packs by hand.

use super::candidate::{Candidate, disruption_cost, rescheduling_cost};
use super::decision::{LaunchOption, PricedOffering, Replacement, Simulated};
use crate::catalog::CapacityType;
use crate::units::{Rate, Time};

pub use CapacityType::{OnDemand, Spot};

/// A price in USD an hour, as Karpenter reads it.
pub fn usd(text: &str) -> f64 {
    Rate::parse(text).unwrap().to_f64()
}

/// An on-demand candidate of its own type with ordinary pods.
pub fn candidate(id: u32, price: &str, pods: usize) -> Candidate {
    let costs = || std::iter::repeat_n(1.0, pods);
    Candidate {
        id,
        pool: 0,
        instance: id,
        capacity_type: OnDemand,
        price: usd(price),
        pods,
        rescheduling_cost: rescheduling_cost(costs()),
        disruption_cost: disruption_cost(costs(), Time::from_ms(0), Time::from_ms(0), None),
    }
}

/// A type with one price for all zones, or one per zone, for each capacity type.
pub fn option(id: u32, offerings: &[(CapacityType, &[&str])]) -> LaunchOption {
    let offerings = offerings.iter().flat_map(|(capacity_type, prices)| {
        prices.iter().map(|price| PricedOffering { capacity_type: *capacity_type, price: usd(price) })
    });
    LaunchOption { instance: id, key: id as usize, offerings: offerings.collect(), label_values: Vec::new() }
}

/// A new node that may be any of `options`, on-demand or Spot.
pub fn replacement(options: Vec<LaunchOption>) -> Replacement<()> {
    let mut capacity_types: Vec<CapacityType> =
        options.iter().flat_map(|option| &option.offerings).map(|offering| offering.capacity_type).collect();
    capacity_types.sort();
    capacity_types.dedup();
    Replacement { claim: (), capacity_types, options, min_values: Vec::new() }
}

/// Cores and GiB, in tenths.
pub type Size = (u32, u32);

/// Candidates with their pods, what other nodes have free, and the on-demand types of the pool.
pub struct Toy {
    pub nodes: Vec<(Candidate, Vec<Size>)>,
    pub free_elsewhere: Vec<Size>,
    /// (size, price in zone a); a type's number is its place here.
    pub types: Vec<(Size, &'static str)>,
}

impl Toy {
    /// A node of the type at `kind` whose pods are these.
    pub fn node(&mut self, kind: usize, pods: &[Size]) {
        let id = self.nodes.len() as u32;
        let candidate = Candidate { instance: kind as u32, ..candidate(id, self.types[kind].1, pods.len()) };
        self.nodes.push((candidate, pods.to_vec()));
    }

    pub fn candidates(&self) -> Vec<Candidate> {
        self.nodes.iter().map(|(candidate, _)| *candidate).collect()
    }

    /// First fit of the removed nodes' pods: onto the nodes that stay, then onto one new node.
    pub fn simulate(&self, removed: &[Candidate]) -> Simulated<()> {
        let is_removed = |node: &Candidate| removed.iter().any(|candidate| candidate.id == node.id);
        let sum = |pods: &[Size]| pods.iter().fold((0, 0), |sum, pod| (sum.0 + pod.0, sum.1 + pod.1));
        let mut free = self.free_elsewhere.clone();
        for (node, pods) in self.nodes.iter().filter(|(node, _)| !is_removed(node)) {
            let (size, used) = (self.types[node.instance as usize].0, sum(pods));
            free.push((size.0 - used.0, size.1 - used.1));
        }
        let mut left = Vec::new();
        for pod in self.nodes.iter().filter(|(node, _)| is_removed(node)).flat_map(|(_, pods)| pods) {
            match free.iter_mut().find(|free| pod.0 <= free.0 && pod.1 <= free.1) {
                Some(free) => *free = (free.0 - pod.0, free.1 - pod.1),
                None => left.push(*pod),
            }
        }
        if left.is_empty() {
            return Simulated::Fits;
        }
        let needed = sum(&left);
        let fits = |(_, (size, _)): &(u32, &(Size, &str))| needed.0 <= size.0 && needed.1 <= size.1;
        let options =
            (0..).zip(&self.types).filter(fits).map(|(id, (_, price))| option(id, &[(OnDemand, &[*price])]));
        let options: Vec<LaunchOption> = options.collect();
        if options.is_empty() { Simulated::SeveralNodes } else { Simulated::OneNode(replacement(options)) }
    }
}
