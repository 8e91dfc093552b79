//! A NodeClaim of the round: it takes pods as long as some instance type remains that could hold all of them.
//!
//! Source: `nodeclaim.go: CanAdd, Add`. What it requires only ever narrows, so what it has refused for want of room or of
//! compatible requirements it refuses for good.

use super::super::bits::Bits;
use super::super::model::{MinValuesPolicy, ReservedMode};
use super::context::{Class, Context};
use super::daemons::clash;
use super::min_values;
use super::requirement_sets::SetId;
use super::topology::HostId;
use crate::kube::{HostPort, ResourceList};

#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub pool: usize,
    pub set: SetId,
    /// What it could still become.
    pub types: Bits,
    /// Of its pods.
    pub requests: ResourceList,
    /// Requests within this rule no type out.
    upto: ResourceList,
    pub pods: Vec<u32>,
    pub host_ports: Vec<HostPort>,
    pub host: HostId,
    /// Reservations that it holds.
    pub reserved: Bits,
    pub relaxed_min_values: bool,
}

/// What becomes of a NodeClaim with one pod more.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    set: SetId,
    /// `None`: the same as before.
    types: Option<(Bits, ResourceList)>,
    requests: ResourceList,
    reserved: Bits,
    relaxed_min_values: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Taints,
    Requirements,
    /// Topology, by its host.
    Host,
    /// Topology, by its other domains: all NodeClaims with the same requirements refuse it, as things stand.
    Topology,
    /// No type is left; with `for_good`, whatever other pods do.
    Types {
        for_good: bool,
    },
    MinValues,
    /// Reserved capacity could be had, but not now.
    Reserved,
}

impl Claim {
    /// One without pods, from a pool's template.
    pub fn new(pool: usize, set: SetId, types: Bits, host: HostId) -> Self {
        Self {
            pool,
            set,
            types,
            requests: ResourceList::ZERO,
            upto: ResourceList::ZERO,
            pods: Vec::new(),
            host_ports: Vec::new(),
            host,
            reserved: Bits::default(),
            relaxed_min_values: false,
        }
    }

    /// Whether a pod of a class can be added, and what follows. `policy` counts for a NodeClaim without pods.
    pub fn can_add(
        &self,
        context: &mut Context,
        class: &Class,
        mode: ReservedMode,
        policy: MinValuesPolicy,
    ) -> Result<Accepted, Refused> {
        if !context.allows_host(class, self.host) {
            return Err(Refused::Host);
        }
        let demand = context.scheduler.shapes.demand(class.demand);
        let requests = self.requests + demand.requests;
        let constraint_id = demand.constraint;
        let is_new = self.pods.is_empty();
        if !context.scheduler.tolerated(self.pool, constraint_id) {
            return Err(Refused::Taints);
        }
        let constraint = context.scheduler.shapes.constraint(constraint_id);
        let placeholder = &context.topology.hosts[self.host as usize];
        if constraint.hostname.as_ref().is_some_and(|allowed| !allowed.allows(placeholder)) {
            return Err(Refused::Requirements);
        }
        let narrowed =
            context.scheduler.narrow(self.set, constraint_id, false).ok_or(Refused::Requirements)?;
        // Claims that only topology keeps a pod from are many: it is asked before room.
        let set = context.add_topology(class, narrowed, false).ok_or(Refused::Topology)?;
        let mut changed = None;
        if is_new || !requests.fits(&self.upto) {
            let mut types = self.types.clone();
            let upto = context.scheduler.fits[self.pool].retain(&mut types, &requests);
            changed = Some((types, upto));
        }
        let demand = context.scheduler.shapes.demand(class.demand);
        if !demand.host_ports.is_empty() {
            let (types, _) = changed.get_or_insert_with(|| (self.types.clone(), self.upto));
            if clash(&demand.host_ports, &self.host_ports) {
                *types = Bits::default();
            }
            let overheads = &context.scheduler.overheads[self.pool];
            types.retain(|index| !clash(&demand.host_ports, &overheads[index].host_ports));
        }
        if changed.as_ref().is_some_and(|(types, _)| types.is_empty()) {
            return Err(Refused::Types { for_good: true });
        }
        if is_new || set != self.set {
            let (types, _) = changed.get_or_insert_with(|| (self.types.clone(), self.upto));
            types.intersect(&context.scheduler.usable(self.pool, set));
            if types.is_empty() {
                return Err(Refused::Types { for_good: set == narrowed });
            }
        }
        let mut accepted =
            Accepted { set, types: changed, requests, reserved: Bits::default(), relaxed_min_values: false };
        if context.scheduler.sets.has_min_values(set) {
            let policy = if is_new { policy } else { MinValuesPolicy::Strict };
            self.check_min_values(context, policy, &mut accepted)?;
        }
        if !context.reservations.is_empty() {
            accepted.reserved = self.reserve(context, mode, &accepted)?;
        }
        Ok(accepted)
    }

    fn check_min_values(
        &self,
        context: &mut Context,
        policy: MinValuesPolicy,
        accepted: &mut Accepted,
    ) -> Result<(), Refused> {
        let types = accepted.types.as_ref().map_or(&self.types, |(types, _)| types);
        let all = &context.scheduler.pools[self.pool].types;
        let sets = &mut context.scheduler.sets;
        let lacking = min_values::unsatisfied(all, types.iter(), sets.get(accepted.set));
        if lacking.is_empty() {
            return Ok(());
        }
        if policy == MinValuesPolicy::Strict {
            return Err(Refused::MinValues);
        }
        accepted.set = sets.lower_min_values(accepted.set, &lacking);
        accepted.relaxed_min_values = true;
        Ok(())
    }

    /// The reservations that the NodeClaim would hold.
    fn reserve(
        &self,
        context: &mut Context,
        mode: ReservedMode,
        accepted: &Accepted,
    ) -> Result<Bits, Refused> {
        let types = accepted.types.as_ref().map_or(&self.types, |(types, _)| types);
        let allowed = context.scheduler.sets.offerings(accepted.set);
        let (pools, kinds) = (&context.scheduler.pools, &context.scheduler.offering_kinds);
        let mut is_possible = false;
        let mut reserved = Bits::default();
        for index in types.iter() {
            let offerings = pools[self.pool].types[index].offerings.iter().zip(&kinds[self.pool][index]);
            for (offering, kind) in offerings {
                let Some(reservation) = &offering.reservation else { continue };
                let Some(id) = context.reservations.index(reservation) else { continue };
                if offering.is_available && allowed.contains(*kind) {
                    is_possible = true;
                    if self.reserved.contains(id) || context.reservations.is_left(id) {
                        reserved.insert(id);
                    }
                }
            }
        }
        let loses = reserved.is_empty() && (is_possible || !self.reserved.is_empty());
        if mode == ReservedMode::Strict && loses {
            return Err(Refused::Reserved);
        }
        Ok(reserved)
    }

    /// Adds a pod that has been accepted.
    pub fn add(&mut self, context: &mut Context, class: &Class, shape: u32, pod: u32, accepted: Accepted) {
        let Accepted { set, types, requests, reserved, relaxed_min_values } = accepted;
        if let Some((types, upto)) = types {
            (self.types, self.upto) = (types, upto);
        }
        (self.set, self.requests) = (set, requests);
        self.relaxed_min_values |= relaxed_min_values;
        self.pods.push(pod);
        let demand = context.scheduler.shapes.demand(class.demand);
        self.host_ports.extend(demand.host_ports.iter().cloned());
        if !context.reservations.is_empty() {
            context.reservations.exchange(&self.reserved, &reserved);
            self.reserved = reserved;
        }
        let taints = std::mem::take(&mut context.scheduler.pools[self.pool].taints);
        context.record(shape, &taints, set, self.host);
        context.scheduler.pools[self.pool].taints = taints;
    }
}
