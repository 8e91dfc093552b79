//! Which instance types and offerings are left when the demands of several pods come together.
//!
//! What a NodeClaim requires is the template of its pool and the constraints of its pods. Each combination that
//! occurs is worked out once and is a number from then on.

use rustc_hash::FxHashMap;

use super::super::pool::Pool;
use super::super::shapes::{Constraint, ConstraintId, Shapes};
use super::super::types::{CAPACITY_TYPES, Offerings, TypeSet};
use crate::catalog::{Requirement, Requirements, Undefined, labels};
use crate::sim::kube_scheduler::NodeLabels;

/// Index of a [`Narrowed`]. The first ones are the pools' templates.
pub type NarrowedId = u32;

/// A combination of demands.
#[derive(Clone, Debug)]
pub(super) struct Narrowed {
    pool: usize,
    pub requirements: Requirements,
    /// Types that can meet them.
    pub types: TypeSet,
    /// Capacity types and zones that they allow.
    pub offerings: Offerings,
}

#[derive(Clone, Debug)]
pub(super) struct Compat {
    zones: Vec<String>,
    all: Vec<Narrowed>,
    /// What becomes of a combination with a further constraint; `None` if that cannot be.
    narrower: FxHashMap<(NarrowedId, ConstraintId), Option<NarrowedId>>,
}

impl Compat {
    pub fn new(pools: &[Pool], zones: &[String]) -> Self {
        let mut compat = Self { zones: zones.to_vec(), all: Vec::new(), narrower: FxHashMap::default() };
        for (pool, prepared) in pools.iter().enumerate() {
            let requirements = prepared.template.clone();
            let size = prepared.types.len();
            let types = TypeSet::of(size, 0..size);
            let offerings = compat.offerings(&requirements);
            compat.all.push(Narrowed { pool, requirements, types, offerings });
        }
        compat
    }

    pub fn get(&self, id: NarrowedId) -> &Narrowed {
        &self.all[id as usize]
    }

    /// Adds the demands of a pod to `from`; `None` if they do not go together (taints of the pool's nodes among them)
    /// or no type could meet them.
    pub fn narrow(
        &mut self,
        from: NarrowedId,
        constraint: ConstraintId,
        pools: &[Pool],
        shapes: &Shapes,
        labels_of: &[NodeLabels],
    ) -> Option<NarrowedId> {
        if let Some(known) = self.narrower.get(&(from, constraint)) {
            return *known;
        }
        let narrowed = self.work_out(from, shapes.constraint(constraint), pools, labels_of);
        self.narrower.insert((from, constraint), narrowed);
        narrowed
    }

    fn work_out(
        &mut self,
        from: NarrowedId,
        constraint: &Constraint,
        pools: &[Pool],
        labels_of: &[NodeLabels],
    ) -> Option<NarrowedId> {
        let before = self.get(from);
        let pool = &pools[before.pool];
        let wanted = &constraint.requirements;
        if !constraint.tolerates(&pool.spec.taints)
            || before.requirements.compatible(wanted, Undefined::WellKnownAllowed).is_err()
        {
            return None;
        }
        let requirements = before.requirements.intersection(wanted);
        let offerings = self.offerings(&requirements);
        let mut types = before.types.clone();
        types.retain(|index| {
            let pool_type = &pool.types[index];
            let mut kinds = pool_type.kinds.iter().flatten();
            pool_type.requirements.intersects(&requirements).is_ok()
                && kinds.any(|kind| constraint.selects(&labels_of[*kind as usize]))
        });
        if requirements == before.requirements && types == before.types {
            return Some(from);
        }
        if types.is_empty() {
            return None;
        }
        let pool = before.pool;
        self.all.push(Narrowed { pool, requirements, types, offerings });
        Some(self.all.len() as NarrowedId - 1)
    }

    fn offerings(&self, requirements: &Requirements) -> Offerings {
        let allows = |key: &str, value: &str| {
            requirements.get(key).is_none_or(|allowed: &Requirement| allowed.allows(value))
        };
        let mut offerings = Offerings::NONE;
        for capacity_type in CAPACITY_TYPES {
            for (zone, name) in self.zones.iter().enumerate() {
                if allows(labels::CAPACITY_TYPE, capacity_type.label()) && allows(labels::ZONE, name) {
                    offerings.insert(capacity_type, zone as u8);
                }
            }
        }
        offerings
    }
}
