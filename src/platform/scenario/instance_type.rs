//! Names of instance types in a scenario. Whether there is such a type, the catalog knows.

use super::super::fields::{Reader, Section};
use super::super::tree::{Entry, Node, Value};
use super::super::values::*;

pub(super) fn name(text: &str) -> Parsed<String> {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    if text.contains('.') && text.len() <= 40 && text.chars().all(sound) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new("is not the name of an instance type").hint("write for example m6i.xlarge"))
}

/// The field `instanceTypes` of a node group: `[m6i.xlarge]`, or `auto` for the type that fits at the least cost.
pub(super) fn of_group(reader: &mut Reader, section: &mut Section) -> Option<String> {
    let entry = section.entry(reader, "instanceTypes")?;
    let path = section.path("instanceTypes");
    let items = match &entry.value.value {
        Value::List(items) => items,
        Value::Scalar(text) if text == "auto" => return None,
        _ => {
            let message = format!("{path} must be a list of one type or auto, not {}", entry.value.shape());
            let refusal = Refusal::new(message).hint("write instanceTypes: [m6i.xlarge]");
            reader.problem(entry.value.place, entry.value.scalar().unwrap_or_default(), refusal);
            return None;
        }
    };
    only(reader, &path, entry, items)
}

/// The only type of a list, which is the value of `entry`.
pub(super) fn only(reader: &mut Reader, path: &str, entry: &Entry, items: &[Node]) -> Option<String> {
    let [node] = items else {
        let message = format!("{path} must have exactly one type in this version, not {}", items.len());
        let refusal = Refusal::new(message).hint("write one group for each type, or one platform for each");
        reader.problem(entry.key_place, &entry.key, refusal);
        return None;
    };
    let path = format!("{path}[0]");
    reader.mark(path.clone(), node);
    reader.scalar(&path, node, name)
}
