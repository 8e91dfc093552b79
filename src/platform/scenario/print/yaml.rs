//! YAML as it is written: mappings in the order of their fields, short ones on one line.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_saphyr::{FlowMap, FlowSeq};

use super::super::super::tree::{Node, Value};

/// What is written, in the order in which it is written.
pub(in crate::platform) enum Yaml {
    Text(String),
    /// Always a string, where Kubernetes takes nothing else: `"2"`.
    Str(String),
    Whole(u64),
    Tenths(i64),
    Bool(bool),
    Map(Vec<(String, Yaml)>),
    /// A mapping on one line.
    Inline(Vec<(String, Yaml)>),
    List(Vec<Yaml>),
    /// Words on one line.
    InlineList(Vec<String>),
}

/// What was read, as it was read.
impl From<&Node> for Yaml {
    fn from(node: &Node) -> Self {
        match &node.value {
            Value::Null => Self::Text("null".to_owned()),
            Value::Scalar(text) => Self::Text(text.clone()),
            Value::List(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Map(entries) => {
                Self::Map(entries.iter().map(|entry| (entry.key.clone(), Self::from(&entry.value))).collect())
            }
        }
    }
}

pub(in crate::platform) fn text(text: impl Into<String>) -> Yaml {
    Yaml::Text(text.into())
}

pub(in crate::platform) fn whole_number(n: i64) -> Yaml {
    Yaml::Whole(u64::try_from(n).unwrap_or(0))
}

pub(in crate::platform) fn field(name: &str, value: Yaml) -> (String, Yaml) {
    (name.to_owned(), value)
}

pub(in crate::platform) fn map<const N: usize>(name: &str, fields: [(&str, Yaml); N]) -> (String, Yaml) {
    field(name, Yaml::Map(fields.into_iter().map(|(name, value)| field(name, value)).collect()))
}

struct Fields<'y>(&'y [(String, Yaml)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Yaml {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // A bare number needs no quotes: the reader takes the text of every value as it stands.
            Self::Text(text) => match text.parse::<u64>() {
                Ok(number) if number.to_string() == *text => serializer.serialize_u64(number),
                _ => serializer.serialize_str(text),
            },
            Self::Str(text) => serializer.serialize_str(text),
            Self::Whole(number) => serializer.serialize_u64(*number),
            Self::Tenths(tenths) if tenths % 10 == 0 => serializer.serialize_i64(tenths / 10),
            Self::Tenths(tenths) => serializer.serialize_f64(*tenths as f64 / 10.0),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Map(fields) => Fields(fields).serialize(serializer),
            Self::Inline(fields) => FlowMap(Fields(fields)).serialize(serializer),
            Self::InlineList(words) => FlowSeq(words).serialize(serializer),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
        }
    }
}
