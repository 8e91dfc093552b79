//! A NodeClaim of the round: it takes pods as long as some instance type remains that could hold all of them.
//!
//! Source: `nodeclaim.go: CanAdd`, `filterInstanceTypesByRequirements`. What it requires only ever narrows, so a shape
//! that was refused once is refused for good.

use super::super::prices::PriceBook;
use super::super::types::TypeSet;
use super::compat::NarrowedId;
use super::{MAX_INSTANCE_TYPES, NewClaim, Pod, Scheduler};
use crate::decide::gosort;
use crate::sim::RunIndex;
use crate::units::{Rate, Resources};

#[derive(Clone, Debug)]
pub(super) struct Claim {
    pool: usize,
    narrowed: NarrowedId,
    /// What it could still become.
    pub types: TypeSet,
    /// Of its pods.
    requests: Resources,
    pub pods: Vec<RunIndex>,
    /// Shapes that it has refused, as bits.
    refused: Vec<u64>,
    /// Of each resource, what the least of its types has: requests within that rule no type out.
    least: Resources,
}

impl Claim {
    /// One without pods, from a pool's template.
    pub fn new(pool: usize, scheduler: &Scheduler) -> Self {
        let narrowed = pool as NarrowedId;
        Self {
            pool,
            narrowed,
            types: scheduler.compat.get(narrowed).types.clone(),
            requests: Resources::ZERO,
            pods: Vec::new(),
            refused: vec![0; scheduler.shapes.len().div_ceil(64)],
            least: Resources::ZERO,
        }
    }

    /// Takes a pod if it can.
    pub fn add(&mut self, pod: &Pod, scheduler: &mut Scheduler, prices: &PriceBook) -> bool {
        let (word, bit) = (pod.shape as usize / 64, 1 << (pod.shape % 64));
        if self.refused[word] & bit != 0 {
            return false;
        }
        let taken = self.try_add(pod, scheduler, prices);
        if !taken {
            self.refused[word] |= bit;
        }
        taken
    }

    fn try_add(&mut self, pod: &Pod, scheduler: &mut Scheduler, prices: &PriceBook) -> bool {
        let Scheduler { pools, shapes, compat, admitted, .. } = scheduler;
        let shape = shapes.get(pod.shape);
        let Some(narrowed) = compat.narrow(self.narrowed, shape.constraint, pools, shapes, &admitted.labels)
        else {
            return false;
        };
        // Topology spread and pod affinity would narrow the requirements further here.
        let pool_types = &pools[self.pool].types;
        let requests = self.requests + shape.requests;
        let is_first = self.pods.is_empty();
        if is_first || narrowed != self.narrowed || !requests.fits_in(&self.least) {
            let mut types = self.types.clone();
            if is_first || narrowed != self.narrowed {
                let allowed = compat.get(narrowed);
                types.intersect(&allowed.types);
                types.retain(|index| {
                    !prices.available(pool_types[index].instance).and(allowed.offerings).is_empty()
                });
            }
            let mut least: Option<Resources> = None;
            types.retain(|index| {
                let free = pool_types[index].free();
                let fits = requests.fits_in(&free);
                if fits {
                    least = Some(least.map_or(free, |least| smallest(&least, &free)));
                }
                fits
            });
            // `minValues` and reservations would be looked at here.
            let Some(least) = least else { return false };
            (self.types, self.least) = (types, least);
        }
        (self.requests, self.narrowed) = (requests, narrowed);
        self.pods.push(pod.run);
        true
    }

    /// What is to be launched: the DaemonSets' requests are added, the types ordered by price and cut
    /// (`FinalizeScheduling`, `TruncateInstanceTypes`).
    pub fn finalize(self, scheduler: &Scheduler, prices: &PriceBook) -> NewClaim {
        let pool_types = &scheduler.pools[self.pool].types;
        let offerings = scheduler.compat.get(self.narrowed).offerings;
        // The least overhead of the groups that still have a type.
        let daemons = self.types.iter().map(|index| pool_types[index].daemons);
        let daemons = daemons.reduce(|a, b| smallest(&a, &b)).unwrap_or(Resources::ZERO);
        let mut types =
            by_price(self.types.iter(), |index| prices.cheapest(pool_types[index].instance, offerings));
        types.truncate(MAX_INSTANCE_TYPES);
        NewClaim {
            pool: self.pool,
            types,
            offerings,
            narrowed: self.narrowed,
            requests: self.requests + daemons,
            pods: self.pods,
        }
    }
}

/// Orders types, given by name, by price; those without a price come last (`InstanceTypes.OrderByPrice`).
pub(crate) fn by_price(
    types: impl Iterator<Item = usize>,
    price: impl Fn(usize) -> Option<Rate>,
) -> Vec<usize> {
    let mut priced: Vec<(Option<Rate>, usize)> = types.map(|index| (price(index), index)).collect();
    gosort::sort_by(&mut priced, |a, b| match (a.0, b.0) {
        (Some(a), Some(b)) => a < b,
        (a, b) => a.is_some() && b.is_none(),
    });
    priced.into_iter().map(|(_, index)| index).collect()
}

/// The smaller of each resource.
fn smallest(a: &Resources, b: &Resources) -> Resources {
    Resources {
        cpu: a.cpu.min(b.cpu),
        memory: a.memory.min(b.memory),
        ephemeral: a.ephemeral.min(b.ephemeral),
        pods: a.pods.min(b.pods),
    }
}
