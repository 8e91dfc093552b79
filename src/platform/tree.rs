//! YAML as a tree in which every key and value knows its place and keeps the text as it was written.
//!
//! Why a tree and not derived structs: a derived reader stops at the first mistake and knows no places once
//! it has returned. Here the whole file is read first, and then every field is checked, so that one run names
//! all mistakes with line and column. The text of a scalar is taken from the source, since `0.10`, `1e3` and
//! `no` must reach the quantity parsers unchanged.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::error::{Diagnostic, Result};

/// Where something is: 1-based line and column in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which of the files that were read together.
    pub file: u16,
    pub line: u64,
    /// In characters.
    pub column: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    /// As written, without the quotes.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_place: Place,
    pub value: Node,
}

impl Node {
    /// "a mapping", for messages about what was expected instead.
    pub fn shape(&self) -> &'static str {
        match self.value {
            Value::Null => "an empty value",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// How many items or fields.
    pub fn len(&self) -> usize {
        match &self.value {
            Value::Null | Value::Scalar(_) => 0,
            Value::List(items) => items.len(),
            Value::Map(entries) => entries.len(),
        }
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.value),
            _ => None,
        }
    }

    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

/// All documents of `source`, which is the file of number `index`, that are not empty.
pub(super) fn documents(index: u16, file: &str, source: &str) -> Result<Vec<Node>> {
    // What needs more than this is a mistake or an attack: all pods of a cluster do not belong here.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_nodes: 500_000,
            max_events: 1_500_000,
            max_documents: 1_024,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_merge_keys: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 20_000 },
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::PassThrough,
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_saphyr::from_multiple_with_options::<Spanned<Raw>>(source, options) {
        Ok(raw) => Ok(raw.into_iter().map(|node| resolve(index, node, source)).collect()),
        Err(error) => Err(syntax_error(file, source, &error).into()),
    }
}

fn syntax_error(file: &str, source: &str, error: &serde_saphyr::Error) -> Diagnostic {
    let place = error.location().filter(|l| *l != Location::UNKNOWN);
    let diagnostic = Diagnostic::new(file, explain(error));
    let Some(place) = place else { return diagnostic };
    let index = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = source.lines().nth(index(place.line())).unwrap_or("");
    let rest: String = line.chars().skip(index(place.column())).collect();
    let diagnostic = diagnostic.at(place.line(), place.column());
    let diagnostic = if rest.is_empty() { diagnostic } else { diagnostic.text(rest) };
    if line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t') {
        diagnostic.hint("YAML is indented with spaces; this line starts with a tab")
    } else {
        diagnostic
    }
}

/// The library's message without its place, in the words of a user where its own are a programmer's.
fn explain(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error as Yaml;
    match error {
        Yaml::WithSnippet { error, .. } | Yaml::AliasError { error, .. } => explain(error),
        Yaml::Budget { .. }
        | Yaml::AliasReplayLimitExceeded { .. }
        | Yaml::AliasExpansionLimitExceeded { .. }
        | Yaml::AliasReplayStackDepthExceeded { .. } => {
            "this is larger or more deeply nested than a scenario can be".to_owned()
        }
        Yaml::DuplicateMappingKey { key: Some(key), .. } => format!("{key} is there twice"),
        Yaml::UnknownAnchor { .. } => "no anchor of this name stands before its alias".to_owned(),
        Yaml::RecursiveReferencesRequireWeakTypes { .. } => "an anchor contains its own alias".to_owned(),
        other => {
            let text = other.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            let suffix = other.location().filter(|l| *l != Location::UNKNOWN);
            let suffix = suffix.map(|l| format!(" at line {}, column {}", l.line(), l.column()));
            let text = text.strip_suffix(&suffix.unwrap_or_default()).unwrap_or(&text);
            format!("this cannot be read as YAML: {text}")
        }
    }
}

/// A node as the YAML library hands it over: scalars that look like a number, a boolean or nothing have lost
/// their text.
enum Raw {
    Null,
    /// The text is still to be cut out of the source.
    Typed,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

fn resolve(file: u16, node: Spanned<Raw>, source: &str) -> Node {
    let value = match node.value {
        Raw::Null => Value::Null,
        Raw::Text(text) => Value::Scalar(text),
        Raw::Typed => Value::Scalar(cut(source, node.defined).trim().to_owned()),
        Raw::List(items) => Value::List(items.into_iter().map(|item| resolve(file, item, source)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key_place: place(file, key.defined),
                    key: key.value,
                    value: resolve(file, value, source),
                })
                .collect(),
        ),
    };
    Node { place: place(file, node.defined), value }
}

fn place(file: u16, location: Location) -> Place {
    Place { file, line: location.line().max(1), column: location.column().max(1) }
}

fn cut(source: &str, location: Location) -> &str {
    let span = location.span();
    let range = span.byte_offset().zip(span.byte_len()).and_then(|(offset, len)| {
        let start = usize::try_from(offset).ok()?;
        Some(start..start.checked_add(usize::try_from(len).ok()?)?)
    });
    range.and_then(|range| source.get(range)).unwrap_or("")
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value, a list or a mapping")
    }

    fn visit_unit<E>(self) -> std::result::Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> std::result::Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> std::result::Result<Raw, E> {
        Ok(Raw::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(node: &Node, out: &mut String) {
        use fmt::Write;
        let Place { line, column, .. } = node.place;
        let _ = write!(out, "{line}:{column} ");
        match &node.value {
            Value::Null => out.push('∅'),
            Value::Scalar(text) => {
                let _ = write!(out, "{text:?}");
            }
            Value::List(items) => {
                out.push('[');
                for item in items {
                    show(item, out);
                    out.push_str(", ");
                }
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for entry in entries {
                    let _ =
                        write!(out, "{} @{}:{}: ", entry.key, entry.key_place.line, entry.key_place.column);
                    show(&entry.value, out);
                    out.push_str(", ");
                }
                out.push('}');
            }
        }
    }

    #[test]
    fn scalars_keep_their_text_and_everything_its_place() {
        let source = "ä: 0.10  # c\nb: [1e3, no, \"0x1F\", 0x1F, .nan, 99999999999999999999, -0]\nc:\n---\nd: &x 007\ne: *x\nf: {g: True, h: ~}\n";
        let mut shown = String::new();
        for node in documents(0, "s.yaml", source).unwrap() {
            show(&node, &mut shown);
            shown.push('\n');
        }
        assert_eq!(
            shown,
            "1:1 {ä @1:1: 1:4 \"0.10\", b @2:1: 2:4 [2:5 \"1e3\", 2:10 \"no\", 2:14 \"0x1F\", 2:22 \"0x1F\", 2:28 \".nan\", 2:34 \"99999999999999999999\", 2:56 \"-0\", ], c @3:1: 3:2 ∅, }\n\
             5:1 {d @5:1: 5:7 \"007\", e @6:1: 5:7 \"007\", f @7:1: 7:4 {g @7:5: 7:8 \"True\", h @7:14: 7:17 ∅, }, }\n"
        );
    }
}
