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

/// The types of a node group: the first one, or `None` for the one that fits at the least cost; and further ones.
pub(super) type Types = (Option<String>, Vec<String>);

/// The field `instanceTypes` of a node group: `[m6i.xlarge]`, or `auto`.
pub(super) fn of_group(reader: &mut Reader, section: &mut Section) -> Types {
    let Some(entry) = section.entry(reader, "instanceTypes") else { return Types::default() };
    let path = section.path("instanceTypes");
    let items = match &entry.value.value {
        Value::List(items) => items,
        Value::Scalar(text) if text == "auto" => return Types::default(),
        _ => {
            let message = format!("{path} must be a list of types or auto, not {}", entry.value.shape());
            let refusal = Refusal::new(message).hint("write instanceTypes: [m6i.xlarge]");
            reader.problem(entry.value.place, entry.value.scalar().unwrap_or_default(), refusal);
            return Types::default();
        }
    };
    listed(reader, &path, entry, items)
}

/// The types of a list, which is the value of `entry`.
pub(super) fn listed(reader: &mut Reader, path: &str, entry: &Entry, items: &[Node]) -> Types {
    if items.is_empty() {
        let refusal = Refusal::new(format!("{path} is empty")).hint("write instanceTypes: [m6i.xlarge]");
        reader.problem(entry.key_place, &entry.key, refusal);
    }
    let mut names: Vec<String> = Vec::new();
    for (index, node) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        reader.mark(path.clone(), node);
        names.extend(reader.scalar(&path, node, |text| {
            if names.iter().any(|known| known == text) {
                return Err(Refusal::new("is there twice"));
            }
            name(text)
        }));
    }
    let mut names = names.into_iter();
    (names.next(), names.collect())
}
