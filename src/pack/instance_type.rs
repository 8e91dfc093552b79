//! Instance types and their offerings, as they are given, or as the embedded catalogue has them.

use std::sync::{LazyLock, Mutex};

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::node_class::NodeClass;
use super::node_pool::NodePool;
use super::reading::{Object, Read, Wrong, boolean, integer, list, number, owned, unknown, wanted};
use super::requirement::requirements;
use super::resources::resources;
use super::settings::Settings;
use crate::catalog::{
    self, CapacityType, Catalog, NodeSettings, Requirement, Requirements, Snapshot, labels,
};
use crate::decide::karpenter::model::{InstanceType, Offering, RESERVATION_ID, Reservation, ReservationKind};
use crate::kube::{ResourceList, ResourceNames};
use crate::units::Time;

/// Says whether a reservation is a capacity block.
const RESERVATION_TYPE: &str = "karpenter.k8s.aws/capacity-reservation-type";
/// Whether instances of a reservation may be taken back.
const RESERVATION_INTERRUPTIBLE: &str = "karpenter.k8s.aws/capacity-reservation-interruptible";
/// Karpenter's own name of the label of a reservation's id, which providers may replace.
const CORE_RESERVATION_ID: &str = "karpenter.sh/reservation-id";

/// Resources that make a type one that is only launched where nothing else will do.
const DEVICES: [&str; 5] = [
    "nvidia.com/gpu",
    "amd.com/gpu",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
    "habana.ai/gaudi",
];

/// The types of each NodePool: its own list, or the one under `*`, which serves all. Without `instanceTypes` they are
/// those that the region sells.
pub fn by_pool(
    given: Option<&Value>,
    pools: &[NodePool],
    classes: &[NodeClass],
    settings: &Settings,
    names: &ResourceNames,
) -> Read<Vec<Vec<InstanceType>>> {
    let Some(given) = given else {
        let mut all = Vec::with_capacity(pools.len());
        for pool in pools {
            let class = classes.iter().find(|class| class.name == pool.node_class);
            let node_settings = class.map(|class| class.settings).unwrap_or_default();
            all.push(of_catalog(settings, &node_settings, names)?);
        }
        return Ok(all);
    };
    let read = |value| -> Read<Vec<InstanceType>> {
        let mut types = list(value, |value| instance_type(value, names))?;
        if !settings.karpenter.reserved_capacity {
            let reserved = |offering: &Offering| offering.capacity_type == CapacityType::Reserved;
            for this in &mut types {
                this.offerings.retain(|offering| !reserved(offering));
            }
        }
        Ok(types)
    };
    // A list alone is everybody's.
    if given.is_array() {
        let types = read(given).map_err(|wrong: Wrong| wrong.within("instanceTypes"))?;
        return Ok(vec![types; pools.len()]);
    }
    let by_name = Object::of(given).map_err(|wrong| wrong.within("instanceTypes"))?;
    let (mut common, mut all) = (Vec::new(), vec![None; pools.len()]);
    for (name, value) in by_name.entries() {
        let read = || read(value).map_err(|wrong| wrong.within(name).within("instanceTypes"));
        if name.is_empty() || name == "*" {
            common = read()?;
        } else if let Some(pool) = pools.iter().position(|pool| pool.model.name == name) {
            all[pool] = Some(read()?);
        } else {
            let pools: Vec<&str> = pools.iter().map(|pool| pool.model.name.as_str()).collect();
            return Err(unknown("NodePool", name, &pools).within("instanceTypes"));
        }
    }
    Ok(all.into_iter().map(|own| own.unwrap_or_else(|| common.clone())).collect())
}

fn instance_type(value: &Value, names: &ResourceNames) -> Read<InstanceType> {
    let object = Object::of(value)?.only(&[
        "allocatable",
        "capacity",
        "name",
        "offerings",
        "overhead",
        "requirements",
    ])?;
    let name = object.need("name", owned)?;
    let index = |name: &str| names.find(name);
    let amounts = |value| resources(value, index);
    let capacity = object.need("capacity", amounts)?;
    let overhead = object.read("overhead", |value| overhead(value, index))?.unwrap_or_default();
    let allocatable = object.read("allocatable", amounts)?.unwrap_or(capacity - overhead);
    let offerings = object.list("offerings", offering)?;
    let mut requirements = object.read("requirements", requirements)?.unwrap_or_default();
    fill_in(&mut requirements, &name, &offerings);
    let has =
        |device: &str| object.get("capacity").and_then(|amounts| amounts.get(device)).is_some_and(is_some);
    let is_exotic = is_metal(&name) || DEVICES.into_iter().any(has);
    Ok(InstanceType { name, requirements, capacity, allocatable, offerings, is_exotic })
}

/// Kube-reserved, system-reserved and the eviction threshold together.
fn overhead(value: &Value, index: impl Fn(&str) -> Option<usize>) -> Read<ResourceList> {
    const PARTS: [&str; 3] = ["kubeReserved", "systemReserved", "evictionThreshold"];
    let object = Object::of(value)?.only(&PARTS)?;
    let mut total = ResourceList::ZERO;
    for part in PARTS {
        total += object.read(part, |value| resources(value, &index))?.unwrap_or_default();
    }
    Ok(total)
}

fn is_some(amount: &Value) -> bool {
    !matches!(amount.as_str(), Some("0")) && amount.as_i64() != Some(0)
}

fn is_metal(name: &str) -> bool {
    name.split_once('.').is_some_and(|(_, size)| size.contains("metal"))
}

/// What a type says of itself by its name and its offerings, where its requirements do not.
fn fill_in(requirements: &mut Requirements, name: &str, offerings: &[Offering]) {
    let mut fill = |key: &str, values: Vec<&str>| {
        if requirements.get(key).is_none() && !values.is_empty() {
            requirements.add(key, Requirement::one_of(values));
        }
    };
    fill(labels::INSTANCE_TYPE, vec![name]);
    fill(labels::ZONE, offerings.iter().map(|o| o.zone.as_str()).filter(|zone| !zone.is_empty()).collect());
    fill(labels::CAPACITY_TYPE, offerings.iter().map(|offering| offering.capacity_type.label()).collect());
}

fn offering(value: &Value) -> Read<Offering> {
    let fields = ["available", "capacityType", "price", "requirements", "reservationCapacity", "zone"];
    let object = Object::of(value)?.only(&fields)?;
    let mut requirements = object.read("requirements", requirements)?.unwrap_or_default();
    // Karpenter's name of the label and the AWS provider's are one here.
    if let Some(ids) = requirements.remove(CORE_RESERVATION_ID) {
        requirements.add(RESERVATION_ID, ids);
    }
    for (field, key) in [("capacityType", labels::CAPACITY_TYPE), ("zone", labels::ZONE)] {
        if let Some(given) = object.read(field, owned)? {
            requirements.add(key, Requirement::one_of([given]));
        }
    }
    let single = |requirements: &Requirements, key: &str| {
        requirements.get(key).and_then(Requirement::single).map(str::to_owned)
    };
    let capacity_type = match single(&requirements, labels::CAPACITY_TYPE).as_deref() {
        Some("on-demand") | None => CapacityType::OnDemand,
        Some("spot") => CapacityType::Spot,
        Some("reserved") => CapacityType::Reserved,
        Some(other) => {
            let words = ["on-demand", "spot", "reserved"];
            return Err(unknown("capacity type", other, &words).within("requirements"));
        }
    };
    if requirements.get(labels::CAPACITY_TYPE).is_none() {
        requirements.add(labels::CAPACITY_TYPE, Requirement::one_of([capacity_type.label()]));
    }
    let single = |key: &str| single(&requirements, key);
    let reservation = if capacity_type == CapacityType::Reserved {
        let id = single(RESERVATION_ID);
        let without = || Wrong::new("a reserved offering needs the id of its reservation").text(value);
        let id = id.ok_or_else(|| without().hint(format!("add a requirement of {RESERVATION_ID}")))?;
        let capacity = object.read("reservationCapacity", integer)?.unwrap_or(1);
        let capacity = u32::try_from(capacity).map_err(|_| wanted("a number of instances", value))?;
        let kind = match (single(RESERVATION_TYPE).as_deref(), single(RESERVATION_INTERRUPTIBLE).as_deref()) {
            (Some("capacity-block"), _) => ReservationKind::CapacityBlock,
            (_, Some("true")) => ReservationKind::Interruptible,
            _ => ReservationKind::Default,
        };
        Some(Reservation { id, capacity, kind })
    } else {
        None
    };
    Ok(Offering {
        capacity_type,
        zone: single(labels::ZONE).unwrap_or_default(),
        requirements: requirements.clone(),
        price: object.need("price", number)?,
        is_available: object.read("available", boolean)?.unwrap_or(true),
        reservation,
    })
}

/// Catalogues that were read, by region: reading one takes longer than most cases.
static CATALOGS: LazyLock<Mutex<FxHashMap<String, Result<&'static Catalog, String>>>> =
    LazyLock::new(Mutex::default);

fn catalog(region: &str) -> Read<&'static Catalog> {
    let mut catalogs = CATALOGS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let read = || Snapshot::embedded().region(region).map_err(|error| error.to_string());
    // They are few, and are needed until the program ends.
    let known = catalogs
        .entry(region.to_owned())
        .or_insert_with(|| read().map(|catalog| &*Box::leak(Box::new(catalog))));
    known
        .clone()
        .map_err(|message| Wrong::new(message).text(&Value::from(region)).within("region").within("settings"))
}

fn of_catalog(settings: &Settings, nodes: &NodeSettings, names: &ResourceNames) -> Read<Vec<InstanceType>> {
    let catalog = catalog(&settings.region)?;
    let types = catalog.offered().map(|id| {
        let this = catalog.instance_type(id);
        let offerings = catalog.offerings(id).iter().filter_map(|offering| {
            let price = offering.price.at(Time::MAX)?.to_f64();
            let mut sold = Offering::new(offering.capacity_type, catalog.zone(offering.zone), price);
            sold.is_available = offering.available;
            Some(sold)
        });
        InstanceType {
            name: this.name.clone(),
            requirements: catalog.requirements(id),
            capacity: with_devices(this, this.capacity(nodes).into(), names),
            allocatable: with_devices(this, this.allocatable(nodes).into(), names),
            offerings: offerings.collect(),
            is_exotic: this.bare_metal || this.gpu.is_some() || this.accelerator.is_some(),
        }
    });
    Ok(types.collect())
}

/// Adds GPUs and the like, where somebody asks for them.
fn with_devices(this: &catalog::InstanceType, mut list: ResourceList, names: &ResourceNames) -> ResourceList {
    for device in [&this.gpu, &this.accelerator].into_iter().flatten() {
        let name = match device.manufacturer.as_str() {
            "nvidia" => "nvidia.com/gpu",
            "amd" => "amd.com/gpu",
            "habana" => "habana.ai/gaudi",
            _ => "aws.amazon.com/neuron",
        };
        if let Some(index) = names.find(name) {
            list[index] = device.count;
        }
    }
    list
}
