//! Walks a [`tree`](super::tree) by field names, keeps all mistakes and goes on.
//!
//! What a mapping may contain is what was asked of it: [`Section::finish`] refuses the rest. The same asking,
//! done on an empty scenario, yields the list of all fields that the assumptions and the documentation must
//! cover, so none can be added and forgotten.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Entry, Node, Place, Value};
use super::values::{Parsed, Refusal, all_of, suggest};
use crate::error::{Diagnostic, Diagnostics};

/// Which fields the scenario file set, by their dotted path, with their place and text.
///
/// A platform's fields are under its name: `platforms[jobs].instanceTypes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// By the number of each.
    files: Vec<String>,
    fields: BTreeMap<String, (Place, String)>,
    /// What flags set.
    by_flag: BTreeSet<&'static str>,
}

impl Given {
    pub fn contains(&self, path: &str) -> bool {
        self.fields.contains_key(path)
    }

    pub fn place(&self, path: &str) -> Option<Place> {
        self.fields.get(path).map(|(place, _)| *place)
    }

    /// Whether the user said it, in the file or with a flag.
    pub fn is_chosen(&self, path: &str) -> bool {
        self.contains(path) || self.by_flag.contains(path)
    }

    pub(super) fn choose(&mut self, path: &'static str) {
        self.by_flag.insert(path);
    }

    pub(super) fn forget(&mut self, path: &str) {
        self.fields.remove(path);
    }

    /// A complaint about a field, at its place when the file set it.
    pub fn complaint(&self, path: &str, message: impl Into<String>) -> Diagnostic {
        match self.fields.get(path) {
            Some((place, text)) => {
                let file = self.files.get(place.file as usize).map_or("the scenario", String::as_str);
                Diagnostic::new(file, message).at(place.line, place.column).text(text)
            }
            None => Diagnostic::new(self.files.first().map_or("the scenario", String::as_str), message),
        }
    }
}

/// Collects mistakes, what was given, and what was asked for.
pub(super) struct Reader {
    problems: Vec<(Option<Place>, Diagnostic)>,
    pub given: Given,
    pub asked: BTreeSet<String>,
    /// Fields that were understood and have no effect, each once, in the order in which they were found.
    pub not_simulated: Vec<String>,
}

impl Reader {
    pub fn new(files: Vec<String>) -> Self {
        let given = Given { files, ..Given::default() };
        Self { problems: Vec::new(), given, asked: BTreeSet::new(), not_simulated: Vec::new() }
    }

    fn file(&self, place: Option<Place>) -> &str {
        self.given.files.get(place.map_or(0, |place| place.file as usize)).map_or("", String::as_str)
    }

    pub fn file_name(&self, index: usize) -> &str {
        self.given.files.get(index).map_or("", String::as_str)
    }

    /// Says once that a field has no effect.
    pub fn not_simulated(&mut self, what: String) {
        if !self.not_simulated.contains(&what) {
            self.not_simulated.push(what);
        }
    }

    /// Remembers that the file gave an item of a list.
    pub fn mark(&mut self, path: String, node: &Node) {
        let text = node.scalar().unwrap_or_default().to_owned();
        self.given.fields.insert(path, (node.place, text));
    }

    /// What the file gave at `path` is said of the field `other` too: a document's, of the scenario.
    pub fn also(&mut self, path: &str, other: &str) {
        if let Some(given) = self.given.fields.get(path).cloned() {
            self.given.fields.insert(other.to_owned(), given);
        }
    }

    pub fn problem(&mut self, place: Place, text: &str, refusal: Refusal) {
        let file = self.file(Some(place));
        let mut diagnostic = Diagnostic::new(file, refusal.message).at(place.line, place.column);
        if !text.is_empty() {
            diagnostic = diagnostic.text(text);
        }
        diagnostic.hint = refusal.hint;
        self.problems.push((Some(place), diagnostic));
    }

    /// A mistake of the file as a whole.
    pub fn problem_anywhere(&mut self, refusal: Refusal) {
        let mut diagnostic = Diagnostic::new(self.file(None), refusal.message);
        diagnostic.hint = refusal.hint;
        self.problems.push((None, diagnostic));
    }

    /// All problems in the order of the files.
    pub fn problems(mut self) -> (Diagnostics, Given) {
        self.problems.sort_by_key(|(place, _)| *place);
        let mut all = Diagnostics::default();
        self.problems.into_iter().for_each(|(_, diagnostic)| all.push(diagnostic));
        (all, self.given)
    }

    fn wrong_shape(&mut self, path: &str, expected: &str, node: &Node, key_place: Place) {
        if matches!(node.value, Value::Null) {
            let refusal =
                Refusal::new(format!("{path} has no value")).hint("leave the line out to use the default");
            self.problem(key_place, path.rsplit('.').next().unwrap_or(path), refusal);
        } else {
            let refusal = Refusal::new(format!("{path} must be {expected}, not {}", node.shape()));
            self.problem(node.place, node.scalar().unwrap_or_default(), refusal);
        }
    }

    /// Reads one scalar that is an item of a list or stands in place of a mapping.
    pub fn scalar<T>(&mut self, path: &str, node: &Node, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let Some(text) = node.scalar() else {
            self.wrong_shape(path, "a single value", node, node.place);
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(refusal) => {
                let message = format!("{path} {}", refusal.message);
                self.problem(node.place, text, Refusal { message, ..refusal });
                None
            }
        }
    }
}

/// One mapping of the scenario, or the absence of it.
pub(super) struct Section<'n> {
    /// As in the file: `platforms[jobs].scaling`.
    path: String,
    /// As in the documentation: `platforms[node-group].scaling`.
    generic: String,
    entries: &'n [Entry],
    known: Vec<&'static str>,
    /// Neither unknown nor worth a hint.
    silent: Vec<&'n str>,
}

impl<'n> Section<'n> {
    /// The mapping `node`, or an empty one, with a problem, if it is none.
    pub fn new(reader: &mut Reader, path: String, generic: String, node: &'n Node) -> Self {
        let entries = if let Value::Map(entries) = &node.value {
            entries.as_slice()
        } else {
            reader.wrong_shape(&path, "a mapping", node, node.place);
            &[]
        };
        Self { path, generic, entries, known: Vec::new(), silent: Vec::new() }
    }

    pub fn rename(&mut self, path: String, generic: String) {
        self.path = path;
        self.generic = generic;
    }

    fn join(prefix: &str, name: &str) -> String {
        if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
    }

    pub fn path(&self, name: &str) -> String {
        Self::join(&self.path, name)
    }

    /// The entry of that name, whatever its shape.
    pub fn entry(&mut self, reader: &mut Reader, name: &'static str) -> Option<&'n Entry> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        reader.asked.insert(Self::join(&self.generic, name));
        let entry = self.entries.iter().find(|e| e.key == name)?;
        let text = entry.value.scalar().unwrap_or(name).to_owned();
        let place = if entry.value.scalar().is_some() { entry.value.place } else { entry.key_place };
        reader.given.fields.insert(self.path(name), (place, text));
        Some(entry)
    }

    /// As in the documentation: `platforms[node-group].taints`.
    pub fn generic(&self, name: &str) -> String {
        Self::join(&self.generic, name)
    }

    /// Fields of pasted manifests that change nothing here: accepted, and named nowhere.
    pub fn ignore(&mut self, names: &[&'static str]) {
        self.silent.extend_from_slice(names);
    }

    /// Fields that exist in reality and have no effect here, though they would there: named once, unless empty.
    pub fn unsimulated(&mut self, reader: &mut Reader, names: &[&'static str]) {
        self.silent.extend_from_slice(names);
        for entry in self.entries.iter().filter(|entry| names.contains(&entry.key.as_str())) {
            let says_no = entry.value.scalar() == Some("false");
            if !says_no && (entry.value.scalar().is_some() || entry.value.len() > 0) {
                reader.not_simulated(self.generic(&entry.key));
            }
        }
    }

    /// The same for names that nobody can list: of extended resources, for one.
    pub fn unsimulated_where(&mut self, reader: &mut Reader, is_known: impl Fn(&str) -> bool) {
        let entries = self.entries;
        for entry in entries.iter().filter(|entry| is_known(&entry.key)) {
            reader.not_simulated(self.generic(&entry.key));
        }
        self.silent.extend(entries.iter().filter(|entry| is_known(&entry.key)).map(|e| e.key.as_str()));
    }

    /// Fields that exist in reality and would change the result: recognised only to be refused, unless empty.
    pub fn refuse(&mut self, reader: &mut Reader, names: &[&'static str], hint: &str) {
        self.silent.extend_from_slice(names);
        for entry in self.entries.iter().filter(|e| names.contains(&e.key.as_str())) {
            if entry.value.scalar().is_some() || entry.value.len() > 0 {
                let message = format!("{} is not simulated by this version", self.path(&entry.key));
                reader.problem(entry.key_place, &entry.key, Refusal::new(message).hint(hint));
            }
        }
    }

    /// A scalar, or `None` if it is absent or refused.
    pub fn optional<T>(
        &mut self,
        reader: &mut Reader,
        name: &'static str,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        let entry = self.entry(reader, name)?;
        let path = self.path(name);
        if matches!(entry.value.value, Value::Null) {
            reader.wrong_shape(&path, "a single value", &entry.value, entry.key_place);
            return None;
        }
        reader.scalar(&path, &entry.value, parse)
    }

    /// A scalar that replaces `value` if it is there and sound.
    pub fn set<T>(
        &mut self,
        reader: &mut Reader,
        name: &'static str,
        value: &mut T,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) {
        if let Some(read) = self.optional(reader, name, parse) {
            *value = read;
        }
    }

    /// A mapping below this one; empty if it is absent.
    pub fn section(&mut self, reader: &mut Reader, name: &'static str) -> Section<'n> {
        let (path, generic) = (self.path(name), Self::join(&self.generic, name));
        let entry = self.entry(reader, name);
        // The fields below stand for it.
        reader.asked.remove(&generic);
        match entry {
            Some(entry) if matches!(entry.value.value, Value::Map(_)) => {
                Section::new(reader, path, generic, &entry.value)
            }
            other => {
                if let Some(entry) = other {
                    reader.wrong_shape(&path, "a mapping", &entry.value, entry.key_place);
                }
                Section { path, generic, entries: &[], known: Vec::new(), silent: Vec::new() }
            }
        }
    }

    /// A list; `None` if it is absent or no list.
    pub fn list(&mut self, reader: &mut Reader, name: &'static str) -> Option<&'n [Node]> {
        let entry = self.entry(reader, name)?;
        if let Value::List(items) = &entry.value.value {
            return Some(items);
        }
        reader.wrong_shape(&self.path(name), "a list", &entry.value, entry.key_place);
        None
    }

    /// Refuses every field that nobody asked for.
    pub fn finish(self, reader: &mut Reader) {
        let place = if self.path.is_empty() { String::new() } else { format!(" in {}", self.path) };
        // The list of fields helps once; after many strangers it would bury them.
        let mut all = Some(format!("the fields here are {}", all_of(&self.known)));
        for entry in self.entries {
            let key = entry.key.as_str();
            if self.known.contains(&key) || self.silent.contains(&key) {
                continue;
            }
            let meant = suggest(&entry.key, &self.known).map(|name| format!("did you mean {name}?"));
            let hint = meant.or_else(|| all.take());
            let refusal = Refusal { message: format!("unknown field{place}"), hint };
            reader.problem(entry.key_place, &entry.key, refusal);
        }
    }
}
