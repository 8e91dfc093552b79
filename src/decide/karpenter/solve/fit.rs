//! Which types of a pool have room for some requests: one set of types for each amount that matters.

use super::super::bits::Bits;
use super::super::model::InstanceType;
use crate::kube::ResourceList;

#[derive(Clone, Debug)]
pub(super) struct Fit {
    /// By resource: amounts that some types have for pods, ascending, and the types that have no less.
    steps: Vec<Vec<(i64, Bits)>>,
}

impl Fit {
    /// `daemons`: what DaemonSets take of each type. A type that has less than nothing of something takes nobody
    /// (`resources.Fits`).
    pub fn new(types: &[InstanceType], daemons: &[ResourceList]) -> Self {
        let free: Vec<ResourceList> =
            types.iter().zip(daemons).map(|(this, daemons)| this.allocatable - *daemons).collect();
        let sound = |index: &usize| {
            types[*index].allocatable.iter().chain(free[*index].iter()).all(|(_, amount)| amount >= 0)
        };
        let all: Vec<usize> = (0..types.len()).filter(sound).collect();
        let resources = ResourceList::ZERO.iter().map(|(resource, _)| {
            let mut amounts: Vec<i64> = all.iter().map(|index| free[*index][resource]).collect();
            amounts.sort_unstable();
            amounts.dedup();
            let steps = amounts.into_iter().map(|amount| {
                let enough = all.iter().copied().filter(|index| free[*index][resource] >= amount);
                (amount, Bits::of(types.len(), enough))
            });
            steps.collect()
        });
        Self { steps: resources.collect() }
    }

    /// Drops the types that have no room. Gives requests up to which no further type drops out.
    pub fn retain(&self, types: &mut Bits, requests: &ResourceList) -> ResourceList {
        let mut upto = ResourceList::ZERO;
        for ((resource, asked), steps) in requests.iter().zip(&self.steps) {
            // Up to the first step nothing drops out but what is unsound.
            let next = match steps.first() {
                Some((least, _)) if asked <= *least => 0,
                _ => steps.partition_point(|(amount, _)| *amount < asked),
            };
            let Some((amount, enough)) = steps.get(next) else {
                *types = Bits::default();
                return ResourceList::ZERO;
            };
            upto[resource] = *amount;
            if next > 0 || resource == 0 {
                types.intersect(enough);
            }
        }
        upto
    }

    /// Whether some of the types have room.
    pub fn any(&self, types: &Bits, requests: &ResourceList) -> bool {
        let mut left = types.clone();
        self.retain(&mut left, requests);
        !left.is_empty()
    }
}
