//! Amounts of resources: `{"cpu": "4", "memory": "16Gi"}`.

use serde_json::Value;

use super::reading::{Object, Read, Wrong, wanted};
use crate::kube::{CPU, ResourceList, ResourceNames};
use crate::units::parse_scaled;

/// Amounts of the resources that `index` knows; others are left out.
pub fn resources(value: &Value, index: impl Fn(&str) -> Option<usize>) -> Read<ResourceList> {
    let mut list = ResourceList::ZERO;
    for (name, value) in Object::of(value)?.entries() {
        if let Some(index) = index(name) {
            list[index] = amount(index, value).map_err(|wrong| wrong.within(name))?;
        }
    }
    Ok(list)
}

/// Each resource and its amount, for lists in which a missing one is not the same as zero.
pub fn mentioned(value: &Value, names: &mut ResourceNames) -> Read<Vec<(usize, i64)>> {
    let mut all = Vec::new();
    for (name, value) in Object::of(value)?.entries() {
        let too_many = || Wrong::new("more than 12 resources cannot be told apart").text(&Value::from(name));
        let index = names.intern(name).ok_or_else(too_many)?;
        all.push((index, amount(index, value).map_err(|wrong| wrong.within(name))?));
    }
    Ok(all)
}

/// In nanocores, bytes or pieces.
pub fn amount(index: usize, value: &Value) -> Read<i64> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(wanted("a quantity", value)),
    };
    let places = if index == CPU { 9 } else { 0 };
    parse_scaled(&text, places).map_err(|error| {
        let hint = if index == CPU { "write for example 500m or 2" } else { "write for example 512Mi or 4" };
        Wrong::new(format!("not a quantity: {error}")).text(value).hint(hint)
    })
}
