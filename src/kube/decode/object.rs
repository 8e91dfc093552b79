//! Walks a JSON object by field names and remembers what was asked of it.

use std::cell::RefCell;
use std::fmt;

use serde_json::{Map, Value};

use super::super::Labels;
use super::{Decoder, Problem, Unread, Why};
use crate::units::{Span, Time, parse_duration};

/// Where something is in an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Field(String),
    Item(usize),
}

impl Path {
    pub fn field(&self, name: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Field(name.to_owned()));
        Self(steps)
    }

    pub fn item(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Item(index));
        Self(steps)
    }

    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The same without which item of each list it is: `spec.containers[].image`.
    pub fn generic(&self) -> String {
        self.to_string().split('[').fold(String::new(), |text, part| match part.split_once(']') {
            Some((_, rest)) if !text.is_empty() => text + "[]" + rest,
            _ => text + part,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the object");
        }
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if index == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}

/// A mapping, and which of its fields were asked for.
pub(super) struct Object<'v> {
    pub path: Path,
    map: &'v Map<String, Value>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'v> Object<'v> {
    /// `None`, with a problem, for what is not a mapping.
    pub fn new(decoder: &mut Decoder, path: Path, value: &'v Value) -> Option<Self> {
        let Value::Object(map) = value else {
            decoder.problem(&path, value, "must be a mapping", "");
            return None;
        };
        Some(Self { path, map, asked: RefCell::default() })
    }

    /// The value of a field; none where it is null.
    pub fn get(&self, name: &'static str) -> Option<&'v Value> {
        self.asked.borrow_mut().push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub fn object(&self, decoder: &mut Decoder, name: &'static str) -> Option<Self> {
        Object::new(decoder, self.path.field(name), self.get(name)?)
    }

    /// The mappings in a list; an empty list where there is none.
    pub fn objects(&self, decoder: &mut Decoder, name: &'static str) -> Vec<Self> {
        let items = self.items(decoder, name);
        items.into_iter().filter_map(|(path, item)| Object::new(decoder, path, item)).collect()
    }

    fn items(&self, decoder: &mut Decoder, name: &'static str) -> Vec<(Path, &'v Value)> {
        let path = self.path.field(name);
        match self.get(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(index, item)| (path.item(index), item)).collect()
            }
            Some(other) => {
                decoder.problem(&path, other, "must be a list", "");
                Vec::new()
            }
        }
    }

    pub fn parsed<T>(
        &self,
        decoder: &mut Decoder,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, (&'static str, &'static str)>,
    ) -> Option<T> {
        let value = self.get(name)?;
        let path = self.path.field(name);
        let Some(text) = scalar(value) else {
            decoder.problem(&path, value, "must be a single value", "");
            return None;
        };
        parse(&text).map_err(|(message, hint)| decoder.problem(&path, value, message, hint)).ok()
    }

    /// Empty where there is none.
    pub fn text(&self, decoder: &mut Decoder, name: &'static str) -> String {
        self.parsed(decoder, name, |text| Ok(text.to_owned())).unwrap_or_default()
    }

    pub fn texts(&self, decoder: &mut Decoder, name: &'static str) -> Vec<String> {
        let items = self.items(decoder, name);
        let text = |(path, value)| {
            let text = scalar(value);
            if text.is_none() {
                decoder.problem(&path, value, "must be a single value", "");
            }
            text
        };
        items.into_iter().filter_map(text).collect()
    }

    pub fn is_true(&self, decoder: &mut Decoder, name: &'static str) -> bool {
        let parse = |text: &str| text.parse().map_err(|_| ("must be true or false", ""));
        self.parsed(decoder, name, parse).unwrap_or(false)
    }

    pub fn whole<T: TryFrom<i64>>(&self, decoder: &mut Decoder, name: &'static str) -> Option<T> {
        self.parsed(decoder, name, |text| {
            let whole = text.parse::<i64>().ok().and_then(|number| T::try_from(number).ok());
            whole.ok_or(("is not a whole number of this field's range", ""))
        })
    }

    pub fn one_of<T: Copy>(
        &self,
        decoder: &mut Decoder,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let value = self.get(name)?;
        let found = scalar(value).and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let all: Vec<&str> =
                words.iter().map(|(word, _)| *word).filter(|word| !word.is_empty()).collect();
            decoder.problem(&self.path.field(name), value, &format!("is not one of {}", all.join(", ")), "");
        }
        found.map(|(_, meaning)| *meaning)
    }

    pub fn labels(&self, decoder: &mut Decoder, name: &'static str) -> Labels {
        let Some(object) = self.object(decoder, name) else { return Labels::new() };
        let mut labels = Labels::new();
        for (key, value) in object.map {
            match scalar(value) {
                Some(text) => {
                    labels.insert(key.clone(), text);
                }
                None if value.is_null() => {
                    labels.insert(key.clone(), String::new());
                }
                None => decoder.problem(&object.path.field(key), value, "must be a single value", ""),
            }
        }
        labels
    }

    /// An instant as the API writes it: `2026-03-02T08:00:00Z`.
    pub fn time(&self, decoder: &mut Decoder, name: &'static str) -> Option<Time> {
        self.parsed(decoder, name, |text| {
            let time = chrono::DateTime::parse_from_rfc3339(text);
            time.map(|time| Time::from_ms(time.timestamp_millis()))
                .map_err(|_| ("is not a time", "write for example 2026-03-02T08:00:00Z"))
        })
    }

    /// `Never` and a missing field are `None`.
    pub fn duration(&self, decoder: &mut Decoder, name: &'static str) -> Option<Span> {
        let span = self.parsed(decoder, name, |text| match text {
            "Never" => Ok(None),
            _ => parse_duration(text).map(Some).map_err(|_| ("is not a duration", "write for example 1h30m")),
        });
        span.flatten()
    }

    /// The fields of this mapping, each with its value.
    pub fn entries(&self) -> impl Iterator<Item = (&'v String, &'v Value)> + 'v {
        self.map.iter()
    }

    /// Remembers what was not asked for: fields that do not matter are named in `harmless`, those that would in
    /// `not_simulated`.
    pub fn finish(&self, decoder: &mut Decoder, harmless: &[&'static str], not_simulated: &[&'static str]) {
        let asked = self.asked.borrow();
        for (name, value) in self.map {
            let is = |list: &[&str]| list.contains(&name.as_str());
            if is(&asked) || is(harmless) || value.is_null() {
                continue;
            }
            let why = if is(not_simulated) {
                Why::NotSimulated
            } else {
                let mut known = [asked.as_slice(), harmless, not_simulated].concat();
                known.sort_unstable();
                known.dedup();
                Why::Unknown { known }
            };
            decoder.unread.push(Unread { path: self.path.field(name), why });
        }
    }
}

impl Decoder {
    pub(super) fn problem(&mut self, path: &Path, value: &Value, message: &str, hint: &str) {
        self.problems.push(Problem {
            path: path.clone(),
            text: scalar(value).unwrap_or_default(),
            message: message.to_owned(),
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        });
    }
}

/// What stands there if it is a single value, as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
