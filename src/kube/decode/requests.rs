//! What a pod asks for: the sum of its containers, or what its init containers need at once, if that is more
//! (`k8s.io/component-helpers/resource: PodRequests`).

use serde_json::Value;

use super::super::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS, ResourceList};
use super::object::{Object, scalar};
use super::{Decoder, Path};
use crate::units::parse_scaled;

/// What a container without a request counts as in kube-scheduler's scores: 100 m and 200 MiB.
const SCORED: [(usize, i64); 2] = [(CPU, 100_000_000), (MEMORY, 200 << 20)];

/// Amounts of resources, and which of them are mentioned.
#[derive(Clone, Copy, Default)]
pub(super) struct Amounts {
    list: ResourceList,
    mentioned: u16,
}

impl Amounts {
    fn set(&mut self, resource: usize, amount: i64) {
        self.list[resource] = amount;
        self.mentioned |= 1 << resource;
    }

    fn has(&self, resource: usize) -> bool {
        self.mentioned & (1 << resource) != 0
    }

    fn plus(self, other: Self) -> Self {
        let mut sum = ResourceList::ZERO;
        for (resource, amount) in self.list.iter() {
            sum[resource] = amount.saturating_add(other.list[resource]);
        }
        Self { list: sum, mentioned: self.mentioned | other.mentioned }
    }

    fn max(self, other: Self) -> Self {
        Self { list: ResourceList::max(&self.list, &other.list), mentioned: self.mentioned | other.mentioned }
    }

    /// What is not mentioned becomes that of `other`: limits stand in for requests, as the API server has it.
    fn or(mut self, other: &Self) -> Self {
        for (resource, amount) in other.list.iter() {
            if other.has(resource) && !self.has(resource) {
                self.set(resource, amount);
            }
        }
        self
    }
}

/// The requests of one container.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub amounts: Amounts,
    /// An init container that goes on running (`restartPolicy: Always`).
    pub is_sidecar: bool,
}

/// Reads `resources` of a container or of a pod: requests and limits.
pub(super) fn resources(decoder: &mut Decoder, owner: &Object) -> (Amounts, Amounts) {
    let Some(object) = owner.object(decoder, "resources") else { return <_>::default() };
    let requests = amounts(decoder, &object, "requests");
    let limits = amounts(decoder, &object, "limits");
    object.finish(decoder, &[], &["claims"]);
    (requests, limits)
}

pub(super) fn container(decoder: &mut Decoder, container: &Object) -> Amounts {
    let (requests, limits) = resources(decoder, container);
    requests.or(&limits)
}

/// What the whole pod asks for with one of `pods`, and CPU in millicores and memory in bytes as scores count them.
pub(super) fn of_pod(
    containers: &[Asked],
    init: &[Asked],
    (own, own_limits): (Amounts, Amounts),
    overhead: Amounts,
) -> (ResourceList, (i64, i64)) {
    let aggregate = aggregated(containers, init, &[]);
    // Once a pod has resources of its own, what its limits name and it does not request is what its containers request, or
    // the limit.
    let has_own = [CPU, MEMORY].iter().any(|resource| own.has(*resource) || own_limits.has(*resource));
    let mut own = own;
    for resource in [CPU, MEMORY] {
        if own.has(resource) || !own_limits.mentions_any() {
            continue;
        }
        if aggregate.has(resource) {
            own.set(resource, aggregate.list[resource]);
        } else if own_limits.has(resource) {
            own.set(resource, own_limits.list[resource]);
        }
    }
    let whole = |aggregate: Amounts| {
        let mut all = aggregate;
        for resource in [CPU, MEMORY] {
            if own.has(resource) {
                all.set(resource, own.list[resource]);
            }
        }
        let mut list = all.plus(overhead).list;
        list[PODS] = 1;
        list
    };
    let requests = whole(aggregate);
    // Where the pod says what it needs as a whole, nothing is missing.
    let missing: Vec<(usize, i64)> =
        SCORED.into_iter().filter(|(resource, _)| !has_own || requests[*resource] == 0).collect();
    let scored = whole(aggregated(containers, init, &missing));
    (requests, (scored.milli_cpu(), scored.memory()))
}

impl Amounts {
    const fn mentions_any(&self) -> bool {
        self.mentioned != 0
    }

    pub(super) const fn list(self) -> ResourceList {
        self.list
    }
}

/// `missing` stands in for requests that a container does not mention.
fn aggregated(containers: &[Asked], init: &[Asked], missing: &[(usize, i64)]) -> Amounts {
    let of = |asked: &Asked| {
        let mut amounts = asked.amounts;
        for (resource, amount) in missing {
            if !amounts.has(*resource) {
                amounts.set(*resource, *amount);
            }
        }
        amounts
    };
    let mut running = containers.iter().map(of).fold(Amounts::default(), Amounts::plus);
    let (mut sidecars, mut most) = (Amounts::default(), Amounts::default());
    for asked in init {
        let amounts = of(asked);
        if asked.is_sidecar {
            running = running.plus(amounts);
            sidecars = sidecars.plus(amounts);
            most = most.max(sidecars);
        } else {
            most = most.max(amounts.plus(sidecars));
        }
    }
    running.max(most)
}

/// A mapping from resources to quantities.
pub(super) fn amounts(decoder: &mut Decoder, owner: &Object, name: &'static str) -> Amounts {
    let mut amounts = Amounts::default();
    let Some(object) = owner.object(decoder, name) else { return amounts };
    for (resource, value) in object.entries() {
        if value.is_null() {
            continue;
        }
        let path = object.path.field(resource);
        let Some(index) = decoder.resources.intern(resource) else {
            decoder.problem(&path, value, "is one resource too many: no more than 12 are told apart", "");
            continue;
        };
        if let Some(amount) = quantity(decoder, &path, value, index) {
            amounts.set(index, amount);
        }
    }
    amounts
}

/// In the unit of the resource: nanocores, bytes, or whole pieces. Finer than that is rounded up.
fn quantity(decoder: &mut Decoder, path: &Path, value: &Value, resource: usize) -> Option<i64> {
    let places = if resource == CPU { 9 } else { 0 };
    let Some(text) = scalar(value) else {
        decoder.problem(path, value, "must be a quantity", "");
        return None;
    };
    let hint = match resource {
        CPU => "write for example 500m or 2",
        MEMORY | EPHEMERAL_STORAGE => "write for example 512Mi or 4Gi",
        _ => "write for example 1",
    };
    let parsed = parse_scaled(&text, places);
    parsed.map_err(|error| decoder.problem(path, value, &format!("is not a quantity: {error}"), hint)).ok()
}
