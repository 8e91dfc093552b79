//! Which instance types and offerings are left when the demands of several pods come together.
//!
//! What a NodeClaim requires is the template of its pool, the constraints of its pods and the topology domains that were
//! chosen for them; what an existing node has are its labels. Each combination that occurs is worked out once and is a
//! number from then on. The hostname is not part of it: it differs from node to node.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::bits::Bits;
use super::super::model::NodePool;
use super::super::price;
use super::shapes::{Constraint, ConstraintId};
use crate::catalog::{Requirement, Requirements, Undefined, labels};

/// Index of a combination.
pub(super) type SetId = u32;

#[derive(Clone, Debug)]
struct Set {
    requirements: Arc<Requirements>,
    has_min_values: bool,
    /// A combination with fewer requirements, and those that are different here.
    from: Option<(SetId, Requirements)>,
    /// Kinds of offerings that it allows; `None`: not yet asked.
    offerings: Option<Arc<Bits>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct RequirementSets {
    sets: Vec<Set>,
    known: FxHashMap<Arc<Requirements>, SetId>,
    /// What becomes of a combination with a further constraint, on nodes yet to be launched and on existing ones;
    /// `None` if that cannot be.
    narrower: FxHashMap<(SetId, ConstraintId, bool), Option<SetId>>,
    /// Types of a pool that can meet a combination.
    types: FxHashMap<(usize, SetId), Arc<Bits>>,
    /// The different requirements that offerings have.
    kinds: Vec<Requirements>,
    known_kinds: FxHashMap<Requirements, usize>,
}

impl RequirementSets {
    pub fn get(&self, id: SetId) -> &Arc<Requirements> {
        &self.sets[id as usize].requirements
    }

    pub fn has_min_values(&self, id: SetId) -> bool {
        self.sets[id as usize].has_min_values
    }

    /// Whether labels are known in `now` that were not `before`, of those that count as known only then. What one pod says
    /// of a label (`NotIn`) makes it known for the next one.
    pub fn knows_more(&self, before: SetId, now: SetId, exists: bool) -> bool {
        let counts = |key: &str| exists || !labels::is_well_known(key);
        let before = self.get(before);
        self.get(now).iter().any(|(key, _)| before.get(key).is_none() && counts(key))
    }

    pub fn intern(&mut self, requirements: Requirements) -> SetId {
        self.intern_from(None, requirements)
    }

    fn intern_from(&mut self, from: Option<SetId>, requirements: Requirements) -> SetId {
        if let Some(known) = self.known.get(&requirements) {
            return *known;
        }
        let from = from.map(|from| {
            let before = self.get(from);
            let changed = requirements.iter().filter(|(key, now)| before.get(key) != Some(now));
            (from, changed.map(|(key, requirement)| (key, requirement.clone())).collect())
        });
        let id = self.sets.len() as SetId;
        let has_min_values = requirements.has_min_values();
        let requirements = Arc::new(requirements);
        self.known.insert(requirements.clone(), id);
        self.sets.push(Set { requirements, has_min_values, from, offerings: None });
        id
    }

    /// Adds the requirements of a pod; `None` if they do not go together. The labels that an existing node does not have
    /// it will not get.
    pub fn narrow(
        &mut self,
        from: SetId,
        id: ConstraintId,
        constraint: &Constraint,
        exists: bool,
    ) -> Option<SetId> {
        if let Some(known) = self.narrower.get(&(from, id, exists)) {
            return *known;
        }
        let narrowed = self.add(from, &constraint.requirements, exists);
        self.narrower.insert((from, id, exists), narrowed);
        narrowed
    }

    /// Adds requirements; `None` if they do not go together.
    pub fn add(&mut self, from: SetId, wanted: &Requirements, exists: bool) -> Option<SetId> {
        let undefined = if exists { Undefined::Denied } else { Undefined::WellKnownAllowed };
        let before = self.get(from);
        before.compatible(wanted, undefined).ok()?;
        let both = before.intersection(wanted);
        Some(self.intern_from(Some(from), both))
    }

    /// Adds a requirement of one label.
    pub fn add_one(
        &mut self,
        from: SetId,
        key: &str,
        requirement: Requirement,
        exists: bool,
    ) -> Option<SetId> {
        let only: Requirements = [(key, requirement)].into_iter().collect();
        self.add(from, &only, exists)
    }

    /// The same combination where `minValues` is what can be had.
    pub fn lower_min_values(&mut self, from: SetId, lowered: &[(String, u32)]) -> SetId {
        let mut requirements = Requirements::clone(self.get(from));
        for (key, min_values) in lowered {
            requirements.set_min_values(key, Some(*min_values));
        }
        self.intern_from(Some(from), requirements)
    }

    /// The kind of an offering.
    pub fn kind(&mut self, requirements: &Requirements) -> usize {
        if let Some(known) = self.known_kinds.get(requirements) {
            return *known;
        }
        self.kinds.push(requirements.clone());
        self.known_kinds.insert(requirements.clone(), self.kinds.len() - 1);
        self.kinds.len() - 1
    }

    /// Kinds of offerings that a combination allows.
    pub fn offerings(&mut self, id: SetId) -> Arc<Bits> {
        let Self { sets, kinds, .. } = self;
        let Set { requirements, offerings, .. } = &mut sets[id as usize];
        let size = kinds.len();
        let allowed = || (0..size).filter(|kind| price::allows_kind(requirements, &kinds[*kind]));
        offerings.get_or_insert_with(|| Arc::new(Bits::of(size, allowed()))).clone()
    }

    /// Types of a pool that can meet a combination.
    pub fn types(&mut self, pool: usize, pools: &[NodePool], id: SetId) -> Arc<Bits> {
        if let Some(known) = self.types.get(&(pool, id)) {
            return known.clone();
        }
        let all = &pools[pool].types;
        let from = self.sets[id as usize].from.clone();
        let types = if let Some((from, changed)) = from {
            let mut types = Bits::clone(&self.types(pool, pools, from));
            types.retain(|index| all[index].requirements.intersects(&changed).is_ok());
            types
        } else {
            let requirements = self.get(id);
            let meets = |index: &usize| all[*index].requirements.intersects(requirements).is_ok();
            Bits::of(all.len(), (0..all.len()).filter(meets))
        };
        let types = Arc::new(types);
        self.types.insert((pool, id), types.clone());
        types
    }
}
