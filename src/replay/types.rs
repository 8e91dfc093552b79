//! What a scenario says of instance types and Fargate that only the prices can judge: whether there is such a type, and
//! whether it is sold in the region.

use std::cmp::Reverse;

use super::Setup;
use crate::catalog::{CapacityType, InstanceType, TypeId, ZoneId, nearest};
use crate::error::{Error, Result};
use crate::platform::{Home, Kind, Scenario};
use crate::units::Rate;

/// The type that the scenario names at `path`, if it is sold in the region. `what` begins the complaint.
pub(super) fn find(
    setup: &Setup,
    path: &str,
    what: &str,
    given: &str,
    capacity_type: CapacityType,
) -> Result<TypeId> {
    let catalog = setup.catalog;
    let is_sold = |id: TypeId| price(setup, id, capacity_type).is_some();
    let distance = |name: &str| strsim::damerau_levenshtein(name, given);
    let alike = |name: &str| name.bytes().zip(given.bytes()).take_while(|(a, b)| a == b).count();
    let nearest = catalog
        .offered()
        .filter(|id| is_sold(*id))
        .map(|id| catalog.instance_type(id).name.as_str())
        .min_by_key(|name| (distance(name), Reverse(alike(name)), *name));
    let nearest = nearest.unwrap_or("m6i.xlarge");
    let complain = |message: String, hint: String| {
        Err(setup.given.complaint(path, format!("{what}: {message}")).hint(hint).into())
    };
    match catalog.find(given) {
        None => {
            let hint = if distance(nearest) <= 1 + given.len() / 4 {
                format!("did you mean {nearest}?")
            } else {
                "write the name of an EC2 instance type, such as m6i.xlarge".to_owned()
            };
            complain(format!("unknown instance type {given}"), hint)
        }
        Some(id) if !is_sold(id) => complain(
            format!("no {capacity_type} price is known for {given} in {}", catalog.region),
            format!("{nearest} has one there, for example"),
        ),
        Some(id) => Ok(id),
    }
}

/// What a node costs at the start, in the first zone where it is sold.
pub(super) fn price(setup: &Setup, id: TypeId, capacity_type: CapacityType) -> Option<Rate> {
    let zones = 0..setup.catalog.zones.len() as u8;
    let offering =
        zones.into_iter().find_map(|zone| setup.catalog.offering(id, ZoneId(zone), capacity_type))?;
    offering.price.at(setup.workload.window.start)
}

/// Refuses controllers that have nowhere to run.
///
/// `path` is the platform's in the scenario, `shown` its name.
pub(super) fn check_home(setup: &Setup, path: &str, shown: &str, kind: &Kind) -> Result<()> {
    let home = match kind {
        Kind::Karpenter(karpenter) => &karpenter.home,
        Kind::NodeGroups(groups) if groups.is_autoscaled() => &groups.home,
        Kind::NodeGroups(_) | Kind::Fargate(_) | Kind::AutoMode(_) | Kind::Mixed(_) | Kind::Recorded => {
            return Ok(());
        }
    };
    let path = Scenario::home_path(path);
    let what = format!("platform {shown}");
    match home {
        Home::Nodes { instance_type, .. } => {
            let path = format!("{path}.instanceType");
            find(setup, &path, &what, instance_type, CapacityType::OnDemand).map(|_| ())
        }
        Home::Fargate { .. } if setup.catalog.fargate.is_none() => {
            let message = format!(
                "{what}: its controllers run on EKS Fargate, which has no known price in {}",
                setup.catalog.region
            );
            let hint =
                "write controllersHome: {instanceType: m6i.large, nodes: 2} or controllersHome: elsewhere";
            Err(if setup.given.contains(&path) {
                setup.given.complaint(&path, message).hint(hint).into()
            } else {
                Error::usage(message, format!("in the scenario, {hint} for the platform"))
            })
        }
        Home::Fargate { .. } | Home::Elsewhere => Ok(()),
    }
}

/// Refuses a part of the system that has nowhere to run.
pub(super) fn check_system(setup: &Setup) -> Result<()> {
    for system in &setup.settings.system {
        let what = format!("system[{}]", system.name);
        match &system.home {
            Home::Nodes { instance_type, .. } => {
                let path = format!("{what}.instanceType");
                find(setup, &path, &what, instance_type, CapacityType::OnDemand)?;
            }
            Home::Fargate { .. } if setup.catalog.fargate.is_none() => {
                let path = format!("{what}.fargatePods");
                let message = format!("{what}: EKS Fargate has no known price in {}", setup.catalog.region);
                let hint = "write instanceType and nodes instead";
                return Err(setup.given.complaint(&path, message).hint(hint).into());
            }
            Home::Fargate { .. } | Home::Elsewhere => {}
        }
    }
    Ok(())
}

/// Refuses events that could take nothing back for want of a market.
pub(super) fn check_spot_events(setup: &Setup) -> Result<()> {
    for (index, event) in setup.settings.spot.events.iter().enumerate() {
        if let Some(instance_type) = &event.instance_type {
            let event = format!("spot.events[{index}]");
            find(setup, &format!("{event}.instanceType"), &event, instance_type, CapacityType::Spot)?;
        }
    }
    Ok(())
}

/// Refuses discounts on families that there are not: a name with a mistake in it would take nothing off.
pub(super) fn check_discounts(setup: &Setup) -> Result<()> {
    let families = || setup.catalog.types().iter().map(InstanceType::family);
    for (name, _) in &setup.settings.discounts.families {
        if !families().any(|family| family == name) {
            let path = format!("discounts.families.{name}");
            let message = format!("{path}: there is no family of instance types of this name");
            let hint = nearest(name, families())
                .map_or_else(|| "write for example m6i".to_owned(), |near| format!("did you mean {near}?"));
            return Err(setup.given.complaint(&path, message).hint(hint).into());
        }
    }
    Ok(())
}
