//! JSON as servers of many versions write it: ids as texts or as numbers, nulls anywhere, times with shortened
//! offsets, and lists of records that are larger than memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::BufReader;
use std::ops::Deref;

use chrono_tz::Tz;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess,
    SeqAccess, Visitor,
};
use serde_json::Value;

use super::text::{Bounded, Mark, Origin};
use crate::error::Result;
use crate::trace::open::Text;
use crate::trace::{Refusal, parse_time};
use crate::units::Time;

/// A text, a number or a boolean, as text; empty for null.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scalar(pub String);

impl Deref for Scalar {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor).map(Self)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<String, E> {
        Ok(value.to_owned())
    }

    fn visit_unit<E>(self) -> std::result::Result<String, E> {
        Ok(String::new())
    }

    fn visit_none<E>(self) -> std::result::Result<String, E> {
        Ok(String::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// What a container asks for, in Kubernetes' quantities by resource.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    #[serde(deserialize_with = "or_default")]
    pub requests: BTreeMap<String, Scalar>,
    #[serde(deserialize_with = "or_default")]
    pub limits: BTreeMap<String, Scalar>,
}

/// For fields that may be null: the default then.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// What is wrong with a record, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub message: String,
    pub hint: Option<String>,
}

impl Wrong {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Why `text` in the field `name` of the task `task` is refused.
    pub fn refused(name: &str, task: &str, text: &str, refusal: Refusal) -> Self {
        let message = format!("{name} {text:?} of task {task:?} {}", refusal.message);
        Self { message, hint: refusal.hint }
    }
}

/// A time as databases and servers write it: also with an offset such as `+00`, `+0000` or ` UTC`. None where there
/// is none, which Go writes as the year 1.
pub(super) fn time(text: &str, zone: Option<Tz>) -> std::result::Result<Option<Time>, Refusal> {
    let text = text.trim();
    if matches!(text, "" | "null" | "NULL" | "None" | "\\N" | "NaT") || text.starts_with("0001-01-01") {
        return Ok(None);
    }
    parse_time(&with_offset(text), zone).map(Some)
}

fn with_offset(text: &str) -> String {
    // What follows the seconds: no date has a sign behind its nineteenth character.
    let Some((clock, tail)) = text.split_at_checked(19) else { return text.to_owned() };
    let Some(sign) = tail.find(['+', '-', 'U']) else { return text.to_owned() };
    let (fraction, offset) = tail.split_at(sign);
    let fraction = fraction.trim_end();
    let digits = offset.get(1..).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let offset = match (offset, digits) {
        ("UTC", _) => "Z".to_owned(),
        (_, Some(digits)) if digits.len() == 2 => format!("{offset}:00"),
        (_, Some(digits)) if digits.len() == 4 => format!("{}:{}", &offset[..3], &digits[2..]),
        _ => offset.to_owned(),
    };
    format!("{clock}{fraction}{offset}")
}

/// What stands in a file of records.
pub(super) enum Item<T> {
    /// An element of one of the lists, whose key is given; the empty key is the list that is the document itself.
    Record(&'static str, T),
    /// A value beside the lists.
    Scalar(String),
}

/// Which keys of a document are lists of records, and which are values worth knowing.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    pub lists: &'static [&'static str],
    pub scalars: &'static [&'static str],
}

type Each<'e, T> = dyn FnMut(Item<T>) -> std::result::Result<(), Wrong> + 'e;

/// Reads one document after the other (pages of an export, put into one file), each an object with lists of records, a
/// list of such objects, or a list of records. Only one record is held at a time. What `each` refuses is an error at
/// the end of its record.
pub(super) fn records<T: DeserializeOwned>(text: Text, keys: Keys, each: &mut Each<T>) -> Result<()> {
    let origin = Origin::of(&text);
    let (bounded, mark) = Bounded::new(text);
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(128 << 10, bounded));
    let hint = RefCell::new(None);
    let mut first = true;
    while first || json.end().is_err() {
        first = false;
        mark.record();
        let document = Document { keys, each: &mut *each, hint: &hint, mark: &mark };
        if let Err(error) = document.deserialize(&mut json) {
            let bad = origin.bad_json(1, error);
            return Err(match (bad, hint.take()) {
                (crate::error::Error::Input(found), Some(hint)) => match found.list().first() {
                    Some(diagnostic) => diagnostic.clone().hint(hint).into(),
                    None => crate::error::Error::Input(found),
                },
                (bad, _) => bad,
            });
        }
    }
    Ok(())
}

struct Document<'a, 'e, T> {
    keys: Keys,
    each: &'a mut Each<'e, T>,
    hint: &'a RefCell<Option<String>>,
    mark: &'a Mark,
}

impl<T> Document<'_, '_, T> {
    fn give<E: serde::de::Error>(&mut self, item: Item<T>) -> std::result::Result<(), E> {
        self.mark.record();
        (self.each)(item).map_err(|wrong| {
            *self.hint.borrow_mut() = wrong.hint;
            E::custom(wrong.message)
        })
    }
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Document<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Document<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "an object with the list {}", self.keys.lists.join(" or "))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = entries.next_key::<String>()? {
            let find = |keys: &'static [&'static str]| keys.iter().find(|known| **known == key).copied();
            if let Some(list) = find(self.keys.lists) {
                entries.next_value_seed(Records { document: &mut self, list })?;
            } else if find(self.keys.scalars).is_some() {
                let Scalar(value) = entries.next_value()?;
                self.give(Item::Scalar(value))?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> std::result::Result<(), A::Error> {
        self.mark.record();
        while let Some(mut element) = elements.next_element::<Value>()? {
            let lists: Vec<_> = self
                .keys
                .lists
                .iter()
                .filter_map(|key| Some((*key, element.get_mut(*key)?.as_array_mut().map(std::mem::take)?)))
                .collect();
            let of_page = !lists.is_empty();
            for (key, records) in lists {
                for record in records {
                    let record = serde_json::from_value(record).map_err(A::Error::custom)?;
                    self.give(Item::Record(key, record))?;
                }
            }
            if !of_page {
                let record = serde_json::from_value(element).map_err(A::Error::custom)?;
                self.give(Item::Record("", record))?;
            }
        }
        Ok(())
    }
}

struct Records<'s, 'a, 'e, T> {
    document: &'s mut Document<'a, 'e, T>,
    list: &'static str,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Records<'_, '_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Records<'_, '_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "a list of {}", self.list)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> std::result::Result<(), A::Error> {
        self.document.mark.record();
        while let Some(record) = elements.next_element::<T>()? {
            self.document.give(Item::Record(self.list, record))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_databases_and_servers() {
        let new_year = Ok(Some(Time::from_ms(1_704_067_200_000)));
        for text in [
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00.000000+00:00",
            "2024-01-01 00:00:00+00",
            "2024-01-01 09:00:00.000+0900",
            "2024-01-01 00:00:00 UTC",
            "2023-12-31 16:00:00 -0800",
            "2023-12-31T20:30:00-03:30",
        ] {
            assert_eq!(time(text, None), new_year, "{text}");
        }
        for text in ["", "null", "\\N", "0001-01-01T00:00:00Z"] {
            assert_eq!(time(text, None), Ok(None), "{text}");
        }
        assert!(time("2024-01-01 00:00:00", None).is_err(), "no offset, and no zone is given");
        assert_eq!(time("2024-01-01 09:00:00", Some(chrono_tz::Asia::Tokyo)), new_year);
        for text in ["yesterday", "2024-01-01T00:00:00+9", "２０２４-01-01T00:00:00Z"] {
            assert!(time(text, None).is_err(), "{text}");
        }
    }
}
