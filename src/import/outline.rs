//! What the beginning of a file looks like: enough to tell formats apart, without reading the file.
//!
//! The beginning may end anywhere, so nothing here fails: what was seen up to there is the outline.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How deep an outline looks.
const DEPTH: usize = 5;
/// Longer texts tell nothing of a format.
const LONGEST_SCALAR: usize = 200;

/// The beginning of a file, as far as it says what the file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One or several JSON values; the outline is of the first.
    Json(Outline),
    Yaml(Outline),
    /// The header of a table, and its first row.
    Table {
        header: Vec<String>,
        first: Vec<String>,
    },
    /// Something else, with its first lines.
    Text(Vec<String>),
}

/// The paths of a document: `a.b` is the key `b` of the object under `a`, `a[]` are the elements of the list under
/// `a`; the document itself is the empty path, and a list at the top is `[]`. The value is that of a short scalar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    paths: BTreeMap<String, Option<String>>,
}

impl Outline {
    pub fn has(&self, path: &str) -> bool {
        self.paths.contains_key(path)
    }

    pub fn has_all(&self, paths: &[&str]) -> bool {
        paths.iter().all(|path| self.has(path))
    }

    /// The first scalar seen there; numbers and booleans as JSON writes them.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.paths.get(path)?.as_deref()
    }

    /// The keys of the first object, for people.
    pub fn top(&self) -> Vec<&str> {
        let top =
            |path: &&str| !path.is_empty() && !path.contains(['.']) && *path != "[]" && !path.ends_with("[]");
        let keys: Vec<_> = self.paths.keys().map(String::as_str).filter(top).collect();
        if !keys.is_empty() {
            return keys;
        }
        let inner =
            self.paths.keys().filter_map(|path| path.strip_prefix("[].")).filter(|p| !p.contains(['.', '[']));
        inner.collect()
    }

    fn put(&mut self, path: &str, value: Option<String>) {
        let slot = self.paths.entry(path.to_owned()).or_default();
        if slot.is_none() {
            *slot = value.filter(|text| text.len() <= LONGEST_SCALAR);
        }
    }
}

impl Shape {
    /// The shape of a file that begins with `head`.
    pub fn of(head: &[u8]) -> Self {
        let text = String::from_utf8_lossy(head);
        let trimmed = text.trim_start();
        if trimmed.starts_with(['{', '[']) && !looks_like_an_ini_section(trimmed) {
            return Self::Json(json(trimmed));
        }
        let lines: Vec<&str> =
            text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
        let yaml = |line: &str| {
            let line = line.trim_start_matches("- ");
            let key = line.split_once(':').map(|(key, rest)| (key, rest.is_empty() || rest.starts_with(' ')));
            key.is_some_and(|(key, ok)| {
                ok && !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c))
            })
        };
        let first = lines.iter().find(|line| !line.starts_with('#') && **line != "---");
        if let Some(first) = first
            && (yaml(first) || lines.first() == Some(&"---"))
        {
            return Self::Yaml(yaml_outline(&lines));
        }
        if let Some(first) = lines.first()
            && !first.starts_with(';')
            && first.contains([',', '\t'])
        {
            return table(head, if first.contains(',') { b',' } else { b'\t' });
        }
        Self::Text(lines.iter().take(3).map(|line| line.chars().take(LONGEST_SCALAR).collect()).collect())
    }

    /// The outline of a document.
    pub fn document(&self) -> Option<&Outline> {
        match self {
            Self::Json(outline) | Self::Yaml(outline) => Some(outline),
            Self::Table { .. } | Self::Text(_) => None,
        }
    }

    /// The header of a table.
    pub fn header(&self) -> Option<&[String]> {
        match self {
            Self::Table { header, .. } => Some(header),
            _ => None,
        }
    }

    /// What it is, for people.
    pub fn describe(&self) -> String {
        let list = |names: Vec<&str>| {
            let more = if names.len() > 8 { ", …" } else { "" };
            format!("{}{more}", names.into_iter().take(8).collect::<Vec<_>>().join(", "))
        };
        match self {
            Self::Json(outline) => format!("JSON with the keys {}", list(outline.top())),
            Self::Yaml(outline) => format!("YAML with the keys {}", list(outline.top())),
            Self::Table { header, .. } => {
                format!("a table with the columns {}", list(header.iter().map(String::as_str).collect()))
            }
            Self::Text(_) => "text".to_owned(),
        }
    }
}

fn looks_like_an_ini_section(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default().trim();
    line.starts_with('[') && line.ends_with(']') && line[1..].starts_with(|c: char| c.is_ascii_alphabetic())
}

fn table(head: &[u8], separator: u8) -> Shape {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(head);
    let mut rows = reader.byte_records().map_while(Result::ok).map(|record| {
        record.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect::<Vec<_>>()
    });
    Shape::Table { header: rows.next().unwrap_or_default(), first: rows.next().unwrap_or_default() }
}

fn json(text: &str) -> Outline {
    let mut outline = Outline::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // It ends with an error wherever the beginning ends.
    let _ = Walk { outline: &mut outline, path: String::new(), depth: 0 }.deserialize(&mut deserializer);
    outline
}

struct Walk<'o> {
    outline: &'o mut Outline,
    path: String,
    depth: usize,
}

impl Walk<'_> {
    fn scalar(self, text: String) {
        self.outline.put(&self.path, Some(text));
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > DEPTH {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(value.to_string());
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(value.to_string());
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(value.to_string());
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(value.to_string());
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(value.to_owned());
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.outline.put(&self.path, None);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let path = format!("{}[]", self.path);
        self.outline.put(&self.path, None);
        // Two elements tell what they are all like; the rest is passed over only to get to what follows.
        for _ in 0..2 {
            let seed = Walk { outline: self.outline, path: path.clone(), depth: self.depth + 1 };
            if elements.next_element_seed(seed)?.is_none() {
                return Ok(());
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.outline.put(&self.path, None);
        while let Some(key) = entries.next_key::<String>()? {
            let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
            if path.len() > LONGEST_SCALAR {
                return Err(A::Error::custom("a key that no format has"));
            }
            self.outline.put(&path, None);
            entries.next_value_seed(Walk { outline: self.outline, path, depth: self.depth + 1 })?;
        }
        Ok(())
    }
}

/// Block style, as every tool prints it: keys by their indentation, of the first document.
fn yaml_outline(lines: &[&str]) -> Outline {
    let mut outline = Outline::default();
    let mut open: Vec<(usize, String)> = Vec::new();
    let is_mark = |line: &str| line == "---" || line == "...";
    let start = usize::from(lines.first().is_some_and(|line| is_mark(line)));
    for line in lines[start.min(lines.len())..].iter().take_while(|line| !is_mark(line)) {
        let mut indent = line.len() - line.trim_start().len();
        let mut rest = line.trim_start();
        if rest.starts_with('#') {
            continue;
        }
        while let Some(item) = rest.strip_prefix("- ") {
            open.retain(|(depth, path)| *depth < indent || (*depth == indent && !path.ends_with("[]")));
            let path = open.last().map_or(String::new(), |(_, path)| path.clone()) + "[]";
            outline.put(&path, None);
            open.push((indent, path));
            indent += rest.len() - item.trim_start().len();
            rest = item.trim_start();
        }
        let Some((key, value)) = rest.split_once(':') else { continue };
        let key = key.trim_matches(['"', '\'']);
        open.retain(|(depth, path)| {
            *depth < indent || (*depth < indent + 1 && path.ends_with("[]") && *depth != indent)
        });
        if open.len() > DEPTH {
            continue;
        }
        let parent = open.last().map_or("", |(_, path)| path.as_str());
        let path = if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") };
        let value = value.trim().trim_matches(['"', '\'']);
        outline.put(&path, (!value.is_empty()).then(|| value.to_owned()));
        open.push((indent, path));
    }
    outline
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Outline {
        Shape::of(text.as_bytes())
            .document()
            .cloned()
            .unwrap_or_else(|| panic!("{:?}", Shape::of(text.as_bytes())))
    }

    #[test]
    fn json_that_is_cut_off_still_has_its_beginning() {
        let outline = document(r#"{"status":"ok","series":[{"metric":"m","pointlist":[[1,2],[3,"#);
        assert!(outline.has_all(&["status", "series[].metric", "series[].pointlist[][]"]), "{outline:?}");
        assert_eq!(outline.text("status"), Some("ok"));
        assert_eq!(outline.top(), ["series", "status"]);
        assert_eq!(document(r#"[{"id": 7}]"#).text("[].id"), Some("7"));
    }

    #[test]
    fn yaml_is_outlined_by_its_indentation() {
        let text = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\n- kind: Pod\nkind: List\n";
        let outline = document(text);
        assert_eq!(outline.text("kind"), Some("List"));
        assert_eq!(outline.text("items[].kind"), Some("Pod"));
        assert_eq!(outline.text("items[].metadata.name"), Some("a"));
        let indented = document("---\nitems:\n  - kind: Pod\n    spec:\n      a: 1\nkind: List\n");
        assert_eq!(
            (indented.text("items[].kind"), indented.text("items[].spec.a")),
            (Some("Pod"), Some("1"))
        );
        assert_eq!(indented.text("kind"), Some("List"));
    }

    #[test]
    fn tables_and_text_are_told_apart() {
        let table = Shape::of(b"a,\"b,c\"\n1,2\n");
        assert_eq!(
            table,
            Shape::Table { header: vec!["a".into(), "b,c".into()], first: vec!["1".into(), "2".into()] }
        );
        assert!(matches!(Shape::of(b"; Version: 2\n;\n 1 2 3"), Shape::Text(_)));
        assert!(matches!(Shape::of(b""), Shape::Text(_)));
        assert!(matches!(Shape::of(&[0xFF, 0x00, 0x7B]), Shape::Text(_)));
    }
}
