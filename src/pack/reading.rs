//! Reading JSON so that every mistake has a place: the path to it within the case, the text that stands there, and a
//! hint. Paths are put together on the way out of a failed reading only.

use std::fmt;

use serde_json::{Map, Value};

use crate::catalog::nearest;
use crate::units::{Span, Time, parse_duration};

pub type Read<T> = Result<T, Wrong>;

/// What cannot be understood, and where it stands in the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// `pods[3].spec.containers`; empty for the case as a whole.
    pub path: String,
    pub message: String,
    pub text: Option<String>,
    pub hint: Option<String>,
}

impl Wrong {
    pub fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into(), text: None, hint: None }
    }

    pub fn text(mut self, value: &Value) -> Self {
        self.text = Some(value.to_string());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says that it was found in this field of something.
    pub fn within(mut self, key: &str) -> Self {
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let key = if plain { key.to_owned() } else { format!("[{key:?}]") };
        self.path = match self.path.as_bytes().first() {
            None => key,
            Some(b'[') => key + &self.path,
            Some(_) => format!("{key}.{}", self.path),
        };
        self
    }

    /// Says that it was found at this place of a list.
    pub fn at(mut self, index: usize) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("[{index}]{dot}{}", self.path);
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// A JSON object that is read field by field. A field that is null counts as missing, as it does in Kubernetes.
#[derive(Clone, Copy, Debug)]
pub struct Object<'v>(&'v Map<String, Value>);

impl<'v> Object<'v> {
    pub fn of(value: &'v Value) -> Read<Self> {
        value.as_object().map(Self).ok_or_else(|| wanted("an object", value))
    }

    /// Refuses fields whose names are like one of `known` and none of them: they would be without effect. Others are
    /// somebody else's.
    pub fn only(self, known: &[&str]) -> Read<Self> {
        let is_slip = |key: &str| !known.contains(&key) && nearest(key, known.iter().copied()).is_some();
        match self.0.keys().find(|key| is_slip(key)) {
            Some(key) => Err(unknown("field", key, known)),
            None => Ok(self),
        }
    }

    pub fn get(self, key: &str) -> Option<&'v Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    pub fn entries(self) -> impl Iterator<Item = (&'v str, &'v Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// A field by `read`, if it is there.
    pub fn read<T>(self, key: &str, read: impl FnOnce(&'v Value) -> Read<T>) -> Read<Option<T>> {
        self.get(key).map(|value| read(value).map_err(|wrong| wrong.within(key))).transpose()
    }

    /// A field that must be there.
    pub fn need<T>(self, key: &str, read: impl FnOnce(&'v Value) -> Read<T>) -> Read<T> {
        let missing = || Wrong::new(format!("`{key}` is missing")).text(&Value::Object(self.0.clone()));
        self.read(key, read)?.ok_or_else(missing)
    }

    /// Each entry of a list, none if it is missing.
    pub fn list<T>(self, key: &str, read: impl FnMut(&'v Value) -> Read<T>) -> Read<Vec<T>> {
        Ok(self.read(key, |value| list(value, read))?.unwrap_or_default())
    }
}

pub fn list<'v, T>(value: &'v Value, mut read: impl FnMut(&'v Value) -> Read<T>) -> Read<Vec<T>> {
    let all = value.as_array().ok_or_else(|| wanted("a list", value))?;
    all.iter().enumerate().map(|(index, value)| read(value).map_err(|wrong| wrong.at(index))).collect()
}

pub fn string(value: &Value) -> Read<&str> {
    value.as_str().ok_or_else(|| wanted("a string", value))
}

pub fn owned(value: &Value) -> Read<String> {
    string(value).map(str::to_owned)
}

/// A flag: `true`, or the text of it.
pub fn boolean(value: &Value) -> Read<bool> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        _ => Err(wanted("true or false", value)),
    }
}

pub fn integer(value: &Value) -> Read<i64> {
    let text = || value.as_str()?.parse().ok();
    value.as_i64().or_else(text).ok_or_else(|| wanted("a whole number", value))
}

/// A finite number, or the text of it.
pub fn number(value: &Value) -> Read<f64> {
    let text = || value.as_str()?.parse().ok();
    let number = value.as_f64().or_else(text).filter(|number| number.is_finite());
    number.ok_or_else(|| wanted("a number", value))
}

/// A length of time as in flags (`10m`), or seconds.
pub fn duration(value: &Value) -> Read<Span> {
    let wrong = || wanted("a duration such as 10m", value);
    match value {
        Value::String(text) => parse_duration(text).map_err(|_| wrong()),
        _ => value.as_i64().and_then(|secs| secs.checked_mul(1_000)).map(Span::from_ms).ok_or_else(wrong),
    }
}

/// A point in time as the API writes it.
pub fn time(value: &Value) -> Read<Time> {
    let parsed = chrono::DateTime::parse_from_rfc3339(string(value)?);
    let wrong = |_| wanted("a time", value).hint("write it as 2026-01-31T08:00:00Z");
    parsed.map(|time| Time::from_ms(time.timestamp_millis())).map_err(wrong)
}

/// One of several words, however they are capitalized.
pub fn word<T: Copy>(value: &Value, words: &[(&str, T)]) -> Read<T> {
    let text = string(value)?;
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Wrong::new("this is not one of the words that can stand here")
            .text(value)
            .hint(format!("one of {}", all.join(", ")))
    })
}

pub fn wanted(what: &str, found: &Value) -> Wrong {
    Wrong::new(format!("{what} is expected")).text(found)
}

/// Of a name that means nothing, with the one that was probably meant.
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> Wrong {
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.len() > 12 => "docs/pack.md lists them all".to_owned(),
        None => format!("one of {}", known.join(", ")),
    };
    Wrong::new(format!("unknown {kind} `{name}`")).text(&Value::from(name)).hint(hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mistake_names_its_path() {
        let case = json!({"pods": [{}, {"metadata": {"labels": {"a/b": 7}}}]});
        let wrong = Object::of(&case)
            .and_then(|case| {
                case.list("pods", |pod| {
                    let metadata = |value| {
                        Object::of(value)?.read("labels", |labels| Object::of(labels)?.need("a/b", string))
                    };
                    Object::of(pod)?.read("metadata", metadata)
                })
            })
            .unwrap_err();
        assert_eq!(wrong.to_string(), r#"pods[1].metadata.labels["a/b"]: a string is expected"#);
        assert_eq!(wrong.text.as_deref(), Some("7"));
    }

    #[test]
    fn a_name_that_is_nearly_right_is_suggested() {
        let case = json!({"podz": []});
        let wrong = Object::of(&case).unwrap().only(&["mode", "pods", "nodes"]).unwrap_err();
        assert_eq!(wrong.message, "unknown field `podz`");
        assert_eq!(wrong.hint.as_deref(), Some("did you mean `pods`?"));
    }

    #[test]
    fn null_is_as_good_as_nothing() {
        let case = json!({"pods": null});
        let pods = Object::of(&case).unwrap().list("pods", string).unwrap();
        assert!(pods.is_empty());
    }
}
