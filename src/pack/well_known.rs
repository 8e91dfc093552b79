//! Labels that a case declares well known: a provider's own, which a NodePool need not define for pods to ask for them.
//!
//! Which labels are well known is fixed in [`labels`]. Those that a case declares are renamed throughout the case to
//! names that are well known by their prefix, and renamed back where they are printed.

use serde_json::Value;

use crate::catalog::labels::{self, DECLARED_WELL_KNOWN};

/// Fields whose value is the key of a label.
const KEY_FIELDS: [&str; 2] = ["key", "topologyKey"];
const KEY_LIST_FIELDS: [&str; 2] = ["matchLabelKeys", "mismatchLabelKeys"];

/// Renames the declared labels in a case, its settings apart.
pub fn rename(case: &mut Value, declared: &[String]) {
    let own: Vec<&str> =
        declared.iter().map(String::as_str).filter(|key| !labels::is_well_known(key)).collect();
    let Value::Object(fields) = case else { return };
    if own.is_empty() {
        return;
    }
    for (field, value) in fields.iter_mut().filter(|(field, _)| *field != "settings") {
        // An instance type's NodePool is no label.
        match value {
            Value::Object(by_pool) if field == "instanceTypes" => {
                by_pool.values_mut().for_each(|types| rename_in(types, &own));
            }
            _ => rename_in(value, &own),
        }
    }
}

fn rename_in(value: &mut Value, declared: &[&str]) {
    let renamed = |key: &str| declared.contains(&key).then(|| format!("{DECLARED_WELL_KNOWN}{key}"));
    match value {
        Value::Array(all) => all.iter_mut().for_each(|value| rename_in(value, declared)),
        Value::Object(fields) => {
            for (field, mut value) in std::mem::take(fields) {
                rename_value(&field, &mut value, &renamed);
                rename_in(&mut value, declared);
                fields.insert(renamed(&field).unwrap_or(field), value);
            }
        }
        _ => {}
    }
}

/// Renames keys of labels that stand as values.
fn rename_value(field: &str, value: &mut Value, renamed: &impl Fn(&str) -> Option<String>) {
    let rename = |text: &mut Value| {
        if let Some(renamed) = text.as_str().and_then(renamed) {
            *text = Value::from(renamed);
        }
    };
    match value {
        Value::String(_) if KEY_FIELDS.contains(&field) => rename(value),
        Value::Array(keys) if KEY_LIST_FIELDS.contains(&field) => keys.iter_mut().for_each(rename),
        _ => {}
    }
}

/// A text for people, with the labels' own names.
pub fn original(text: &str) -> String {
    text.replace(DECLARED_WELL_KNOWN, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn declared_labels_are_renamed_wherever_they_are_keys() {
        let mut case = json!({
            "settings": {"wellKnownLabels": ["size"]},
            "pods": [{"spec": {"nodeSelector": {"size": "big"}, "affinity": [{"key": "size", "values": ["size"]}]}}],
            "instanceTypes": {"size": [{"name": "size", "requirements": {"size": "big"}}]},
        });
        rename(&mut case, &["size".to_owned(), "kubernetes.io/arch".to_owned()]);
        let renamed = format!("{DECLARED_WELL_KNOWN}size");
        let mut expected = json!({
            "settings": {"wellKnownLabels": ["size"]},
            "pods": [{"spec": {"nodeSelector": {}, "affinity": [{"key": renamed, "values": ["size"]}]}}],
            "instanceTypes": {"size": [{"name": "size", "requirements": {}}]},
        });
        expected["pods"][0]["spec"]["nodeSelector"][&renamed] = json!("big");
        expected["instanceTypes"]["size"][0]["requirements"][&renamed] = json!("big");
        assert_eq!(case, expected);
        assert!(labels::is_well_known(&renamed));
        assert_eq!(original(&format!("label {renamed} is unknown")), "label size is unknown");
    }
}
