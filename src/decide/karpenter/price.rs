//! What instance types cost to Karpenter (`pkg/cloudprovider/types.go`).

use super::model::{InstanceType, Offering};
use crate::catalog::{CapacityType, Requirements, Undefined};

/// The available offerings that requirements allow.
pub fn compatible<'a>(
    offerings: &'a [Offering],
    requirements: &'a Requirements,
) -> impl Iterator<Item = &'a Offering> {
    offerings.iter().filter(|offering| offering.is_available && allows(requirements, offering))
}

/// Whether a node of these requirements may be launched from an offering.
pub fn allows(requirements: &Requirements, offering: &Offering) -> bool {
    allows_kind(requirements, &offering.requirements)
}

/// The same for the requirements of an offering.
pub(super) fn allows_kind(requirements: &Requirements, offering: &Requirements) -> bool {
    requirements.compatible(offering, Undefined::WellKnownAllowed).is_ok()
}

/// The price of the cheapest available offering that requirements allow; `f64::MAX` without one (`OrderByPrice`).
pub fn cheapest(this: &InstanceType, requirements: &Requirements) -> f64 {
    compatible(&this.offerings, requirements).map(|offering| offering.price).fold(f64::MAX, f64::min)
}

/// What a launch may cost at worst: the dearest available offering of the capacity type that would be launched, which is
/// reserved before Spot before On-Demand; `f64::MAX` without one (`WorstLaunchPrice`).
pub fn worst_launch_price(this: &InstanceType, requirements: &Requirements) -> f64 {
    let of = |capacity_type: CapacityType| {
        compatible(&this.offerings, requirements)
            .filter(move |offering| offering.capacity_type == capacity_type)
            .map(|offering| offering.price)
            .max_by(f64::total_cmp)
    };
    [CapacityType::Reserved, CapacityType::Spot, CapacityType::OnDemand]
        .into_iter()
        .find_map(of)
        .unwrap_or(f64::MAX)
}
