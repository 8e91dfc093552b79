//! Requirements of node labels, as NodePools, instance types and offerings state them.

use serde_json::Value;

use super::reading::{Object, Read, Wrong, integer, list, owned, string, wanted};
use crate::catalog::{Requirement, Requirements};

/// Fields of a requirement; `minValues` is a NodePool's.
const FIELDS: &[&str] = &["key", "minValues", "operator", "values"];

/// A list of `{key, operator, values}`, or an object of a value or a list of values by key.
pub fn requirements(value: &Value) -> Read<Requirements> {
    let mut all = Requirements::default();
    if value.is_object() {
        for (key, values) in Object::of(value)?.entries() {
            let values = match values {
                Value::String(value) => vec![value.clone()],
                _ => list(values, owned).map_err(|wrong| wrong.within(key))?,
            };
            all.add(key, Requirement::one_of(values));
        }
        return Ok(all);
    }
    for (key, requirement) in list(value, entry)? {
        all.add(key, requirement);
    }
    Ok(all)
}

fn entry(value: &Value) -> Read<(&str, Requirement)> {
    let object = Object::of(value)?.only(FIELDS)?;
    let key = object.need("key", string)?;
    let values = object.list("values", |value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(wanted("a string", value)),
    })?;
    let operator = match object.read("operator", string)? {
        Some(operator) => operator,
        None if !values.is_empty() => "In",
        None => return Err(Wrong::new("`operator` is missing").text(value)),
    };
    let bound = || match values.as_slice() {
        [bound] => bound.parse::<i64>().ok(),
        _ => None,
    };
    let bound =
        || bound().ok_or_else(|| Wrong::new(format!("{operator} needs one whole number")).text(value));
    let requirement = match operator {
        "In" => Requirement::one_of(values),
        "NotIn" => Requirement::none_of(values),
        "Exists" => Requirement::exists(),
        "DoesNotExist" => Requirement::does_not_exist(),
        "Gt" => Requirement::greater_than(bound()?),
        "Lt" => Requirement::less_than(bound()?),
        "Gte" => Requirement::at_least(bound()?),
        "Lte" => Requirement::at_most(bound()?),
        _ => {
            let operators = "one of In, NotIn, Exists, DoesNotExist, Gt, Lt, Gte, Lte";
            let wrong = Wrong::new(format!("unknown operator `{operator}`")).text(&Value::from(operator));
            return Err(wrong.hint(operators).within("operator"));
        }
    };
    let min_values = object.read("minValues", integer)?;
    Ok((
        key,
        match min_values {
            Some(count) => {
                let count = u32::try_from(count).ok().filter(|count| (1..=50).contains(count));
                let wrong = || wanted("a number from 1 to 50", value).within("minValues");
                requirement.with_min_values(count.ok_or_else(wrong)?)
            }
            None => requirement,
        },
    ))
}
