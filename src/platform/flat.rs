//! A scenario's text as a flat list of paths and values, for saying what is different between two.

use super::tree::{self, Node, Value};

/// Every single value of every document with its path, such as `startup.containerCreate` or
/// `platforms[jobs].scaling.maxSize`; nothing where the text is no YAML.
pub fn flat(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for document in tree::documents(0, "", text).unwrap_or_default() {
        let kind = document.get("kind").and_then(Node::scalar).unwrap_or_default();
        let name = document.get("metadata").and_then(|m| m.get("name")).and_then(Node::scalar);
        // A scenario's own fields have no prefix.
        let prefix = name.map(|name| format!("{kind}[{name}]")).unwrap_or_default();
        collect(&prefix, &document, &mut fields);
    }
    fields
}

fn collect(path: &str, node: &Node, fields: &mut Vec<(String, String)>) {
    match &node.value {
        Value::Null => fields.push((path.to_owned(), "null".to_owned())),
        Value::Scalar(text) => fields.push((path.to_owned(), text.clone())),
        Value::Map(entries) if entries.is_empty() => fields.push((path.to_owned(), "{}".to_owned())),
        Value::Map(entries) => {
            for entry in entries {
                let dot = if path.is_empty() { "" } else { "." };
                collect(&format!("{path}{dot}{}", entry.key), &entry.value, fields);
            }
        }
        Value::List(items) if items.iter().all(|item| item.scalar().is_some()) => {
            let items: Vec<&str> = items.iter().filter_map(Node::scalar).collect();
            fields.push((path.to_owned(), format!("[{}]", items.join(", "))));
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let key = ["name", "key"].into_iter().find_map(|key| item.get(key).and_then(Node::scalar));
                let key = key.or(item.scalar()).map_or_else(|| index.to_string(), str::to_owned);
                collect(&format!("{path}[{key}]"), item, fields);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_paths_by_name() {
        let text = "region: r\nplatforms:\n- fargate\n- name: a\n  scaling: {minSize: 0}\nzones: [a, b]\n---\nkind: \
                    NodePool\nmetadata: {name: p}\nspec: {x: []}\n";
        let fields: Vec<String> =
            flat(text).into_iter().map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(
            fields,
            [
                "region=r",
                "platforms[fargate]=fargate",
                "platforms[a].name=a",
                "platforms[a].scaling.minSize=0",
                "zones=[a, b]",
                "NodePool[p].kind=NodePool",
                "NodePool[p].metadata.name=p",
                "NodePool[p].spec.x=[]",
            ]
        );
        assert_eq!(flat(": ["), []);
    }
}
