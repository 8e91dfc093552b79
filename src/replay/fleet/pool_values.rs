//! Values of NodePools' requirements that no instance type of the region has: slips, mostly. A requirement of such values
//! only is refused; one among right ones is warned of, since NodePools often name types that are yet to come.

use std::collections::BTreeSet;

use super::super::Setup;
use crate::catalog::{Catalog, labels, nearest};
use crate::error::Result;
use crate::platform::{NodePool, RequirementOperator};

/// Labels of which every instance type has one value.
const KEYS: [&str; 6] = [
    labels::INSTANCE_TYPE,
    labels::FAMILY,
    labels::CATEGORY,
    labels::SIZE,
    labels::GENERATION,
    labels::CPU_MANUFACTURER,
];

/// The value that stands in no type's labels, and where it is in the pool.
struct Unknown<'p> {
    key: &'p str,
    value: &'p str,
    path: String,
    /// No value of the requirement is known.
    all: bool,
    nearest: Option<String>,
}

fn unknown<'p>(catalog: &Catalog, pool: &'p NodePool) -> Vec<Unknown<'p>> {
    let mut found = Vec::new();
    for (index, requirement) in pool.requirements.iter().enumerate() {
        let named = KEYS.iter().find(|key| {
            requirement.key == **key || pool.auto_mode && requirement.key == labels::of_auto_mode(key)
        });
        let Some(key) = named.filter(|_| requirement.operator == RequirementOperator::In) else { continue };
        let sold: BTreeSet<String> = catalog
            .offered()
            .filter_map(|id| Some(catalog.requirements(id).get(key)?.single()?.to_owned()))
            .collect();
        let wrong: Vec<(usize, &String)> =
            requirement.values.iter().enumerate().filter(|(_, value)| !sold.contains(*value)).collect();
        for (at, value) in &wrong {
            found.push(Unknown {
                key: &requirement.key,
                value,
                path: format!(
                    "NodePool[{}].spec.template.spec.requirements[{index}].values[{at}]",
                    pool.name
                ),
                all: wrong.len() == requirement.values.len(),
                nearest: nearest(value, sold.iter().map(String::as_str)).map(str::to_owned),
            });
        }
    }
    found
}

/// Refuses a requirement of which every value is unknown.
pub(in crate::replay) fn check(setup: &Setup, pool: &NodePool) -> Result<()> {
    let catalog = setup.catalog;
    let Some(first) = unknown(catalog, pool).into_iter().find(|unknown| unknown.all) else { return Ok(()) };
    let Unknown { key, value, path, nearest, .. } = first;
    let message = format!(
        "NodePool {}: no instance type that is sold in {} has {key} {value}, and so none meets this requirement",
        pool.name, catalog.region
    );
    let hint = nearest
        .map_or_else(|| "write for example m6i.xlarge".to_owned(), |near| format!("did you mean {near}?"));
    Err(setup.given.complaint(&path, message).hint(hint).into())
}

/// Warns of unknown values among known ones, a line for each pool.
pub(in crate::replay) fn warnings(setup: &Setup, pool: &NodePool) -> Option<String> {
    let unknown = unknown(setup.catalog, pool);
    let values: Vec<String> = unknown
        .iter()
        .map(|one| match setup.given.place(&one.path) {
            Some(place) => format!("{} (line {})", one.value, place.line),
            None => one.value.to_owned(),
        })
        .collect();
    (!values.is_empty()).then(|| {
        format!(
            "NodePool {}: no instance type that is sold in {} has {}",
            pool.name,
            setup.catalog.region,
            values.join(", ")
        )
    })
}
