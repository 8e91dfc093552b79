//! Why a pod fits nowhere, in Karpenter's words (`scheduler.go`, `nodeclaim.go: InstanceTypeFilterError`).

use super::super::price;
use super::claim::{Claim, Refused};
use super::context::{Class, Context};
use super::fit::Fit;
use crate::catalog::Undefined;

pub(super) const NO_TYPES: &str = "nodepool requirements filtered out all available instance types";

pub(super) fn out_of_nodes(pool: &str) -> String {
    format!("node limits have been exhausted for nodepool (NodePool={pool})")
}

pub(super) fn beyond_limits(pool: &str) -> String {
    format!("all available instance types exceed limits for nodepool (NodePool={pool})")
}

/// Why a new NodeClaim did not take a pod.
pub(super) fn refusal(context: &mut Context, claim: &Claim, class: &Class, refusal: Refused) -> String {
    let demand = context.scheduler.shapes.demand(class.demand);
    let constraint = context.scheduler.shapes.constraint(demand.constraint);
    let pool = &context.scheduler.pools[claim.pool];
    match refusal {
        Refused::Taints => {
            let tolerated = |taint: &&crate::kube::Taint| {
                !constraint.tolerations.iter().any(|toleration| toleration.tolerates(taint))
            };
            let taints: Vec<String> =
                pool.taints.iter().filter(tolerated).map(|taint| format!("{}={}:{:?}", taint.key, taint.value, taint.effect)).collect();
            format!("did not tolerate taint (taint={})", taints.join("; "))
        }
        Refused::Requirements => {
            let wanted = &constraint.requirements;
            let why = pool.template.compatible(wanted, Undefined::WellKnownAllowed).err();
            let why = why.map_or_else(|| "kubernetes.io/hostname".to_owned(), |why| why.to_string());
            format!("incompatible requirements, {why}")
        }
        Refused::Host | Refused::Topology => "unsatisfiable topology constraint".to_owned(),
        Refused::MinValues => "minValues requirement is not met for label(s)".to_owned(),
        Refused::Reserved => {
            "one or more instance types with compatible reserved offerings are available, but could not be reserved"
                .to_owned()
        }
        Refused::Types { .. } => types(context, claim, class),
    }
}

/// Which of three conditions, alone or in pairs, no type of the pool meets: requirements, room and offering.
fn types(context: &mut Context, claim: &Claim, class: &Class) -> String {
    let demand = context.scheduler.shapes.demand(class.demand);
    let (requests, id) = (demand.requests, demand.constraint);
    let Some(set) = context.scheduler.narrow(claim.set, id, false) else { return String::new() };
    let requirements = context.scheduler.sets.get(set).clone();
    let pool = &context.scheduler.pools[claim.pool];
    let room = |index: usize| room(&context.scheduler.fits[claim.pool], index, &requests);
    let mut met = [false; 8];
    for index in claim.types.iter() {
        let this = &pool.types[index];
        let compatible = usize::from(this.requirements.intersects(&requirements).is_ok());
        let offered = usize::from(price::compatible(&this.offerings, &requirements).next().is_some());
        met[compatible | usize::from(room(index)) << 1 | offered << 2] = true;
    }
    let any = |bits: usize| (0..8).any(|of| met[of] && of & bits == bits);
    let (requirement, fits, offering) = (any(1), any(2), any(4));
    let text = match (requirement, fits, offering) {
        (false, false, false) => {
            "no instance type met the scheduling requirements or had enough resources or had a required offering"
        }
        (false, false, true) => "no instance type met the scheduling requirements or had enough resources",
        (false, true, false) => "no instance type met the scheduling requirements or had a required offering",
        (true, false, false) => "no instance type had enough resources or had a required offering",
        (false, true, true) => "no instance type met all requirements",
        (true, false, true) => "no instance type has enough resources",
        (true, true, false) => "no instance type has the required offering",
        (true, true, true) if any(3) => {
            "no instance type which met the scheduling requirements and had enough resources, had a required offering"
        }
        (true, true, true) if any(6) => {
            "no instance type which had enough resources and the required offering met the scheduling requirements"
        }
        (true, true, true) if any(5) => {
            "no instance type which met the scheduling requirements and the required offering had the required \
             resources"
        }
        (true, true, true) => "no instance type met the requirements/resources/offering tuple",
    };
    text.to_owned()
}

fn room(fit: &Fit, index: usize, requests: &crate::kube::ResourceList) -> bool {
    fit.any(&super::super::bits::Bits::of(0, [index]), requests)
}
