//! The scalars of Digdag's JSON, as all its servers have written them: ids as digits in texts or as numbers, instants in
//! two spellings of JSON and several of Postgres, null or the empty text for what there is not.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use chrono_tz::Tz;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::trace::parse_time;
use crate::units::Time;

/// 2201-01-01T00:00:00Z in seconds.
const TOO_LATE: i64 = 7_289_654_400;

/// A text; of numbers and booleans how JSON writes them, of anything else nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Str<'a>(pub Cow<'a, str>);

impl Str<'_> {
    pub fn get(&self) -> Option<&str> {
        Some(self.0.trim()).filter(|text| !text.is_empty())
    }

    pub fn into_owned(self) -> Str<'static> {
        Str(Cow::Owned(self.0.into_owned()))
    }
}

/// An id. Databases count from 1 in 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Id(pub Option<u64>);

/// An instant in whole seconds: the database keeps microseconds, the archive and the REST API do not, and times of one
/// attempt must compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct When(pub Option<Time>);

/// An object, or whatever else stands in its place as if it were empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lenient<T>(pub T);

/// A list of ids, or null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ids(pub Vec<u64>);

/// Reads an instant: RFC 3339, as Postgres prints it (`2024-01-31 00:00:00.123456+00`), as the command line does
/// (`2024-01-31 09:00:00 +0900`), or epoch seconds. Digdag's own times have their offset.
pub(super) fn instant(text: &str) -> Result<Option<Time>, String> {
    instant_in(text, None)
}

/// The same, where a query may have printed a time without its offset: then it is one of `zone`.
pub(super) fn instant_in(text: &str, zone: Option<Tz>) -> Result<Option<Time>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().and_then(epoch).map(Some).ok_or_else(|| out_of_range(text));
    }
    let whole = without_fraction(text);
    let parsed = match offset(&whole) {
        Some(spelled) => parse_time(&spelled, None),
        None => parse_time(&whole, zone),
    };
    match parsed {
        Ok(time) => Ok(Some(time)),
        Err(_) if parse_time(&whole, Some(Tz::UTC)).is_ok() => {
            Err(format!("the time {text:?} has no offset from UTC: give --timezone, such as --timezone UTC"))
        }
        Err(refusal) => Err(format!("the time {text:?} {}", refusal.message)),
    }
}

fn epoch(seconds: i64) -> Option<Time> {
    (0..TOO_LATE).contains(&seconds).then(|| Time::from_ms(seconds * 1_000))
}

fn out_of_range(what: impl fmt::Display) -> String {
    format!("the time {what} is out of range: epoch seconds from 1970 to 2200 are meant")
}

/// Parts of a second are cut, not rounded: so does Digdag.
fn without_fraction(text: &str) -> Cow<'_, str> {
    let Some(("", fraction)) = text.get(19..).and_then(|rest| rest.split_once('.')) else {
        return text.into();
    };
    let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == fraction.len() {
        return text.into();
    }
    format!("{}{rest}", &text[..19]).into()
}

/// `+00`, `+0900` and ` +0900` as RFC 3339 has them; `None` where the offset is already.
fn offset(text: &str) -> Option<String> {
    let at = text.rfind(['+', '-']).filter(|at| *at >= 19)?;
    let (time, offset) = text.split_at(at);
    let digits = &offset[1..];
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at(2),
        _ => return None,
    };
    Some(format!("{}{}{hours}:{minutes}", time.trim_end(), &offset[..1]))
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;
        impl<'de> Visitor<'de> for StrVisitor {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(text)))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Str(Cow::Borrowed(if value { "true" } else { "false" })))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(value.to_string())))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(value.to_string())))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(value.to_string())))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Str::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Str::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Str::default())
            }
        }
        deserializer.deserialize_any(StrVisitor)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an id: a whole number, or its digits as a text")
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Id, E> {
                i64::try_from(value).map_err(|_| E::custom(format!("the id {value} is out of range")))?;
                Ok(Id(Some(value)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
                id(text).map(Id).map_err(E::custom)
            }

            fn visit_unit<E: Error>(self) -> Result<Id, E> {
                Ok(Id(None))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// Reads an id of digits; the empty text is none.
pub(super) fn id(text: &str) -> Result<Option<u64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<i64>() {
        Ok(id) if id >= 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(id as u64)),
        _ => Err(format!("{:?} is no id", text.chars().take(40).collect::<String>())),
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WhenVisitor;
        impl Visitor<'_> for WhenVisitor {
            type Value = When;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a time")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<When, E> {
                instant(text).map(When).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<When, E> {
                let time = i64::try_from(value).ok().and_then(epoch);
                time.map(|time| When(Some(time))).ok_or_else(|| E::custom(out_of_range(value)))
            }

            fn visit_unit<E: Error>(self) -> Result<When, E> {
                Ok(When(None))
            }
        }
        deserializer.deserialize_any(WhenVisitor)
    }
}

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdsVisitor;
        impl<'de> Visitor<'de> for IdsVisitor {
            type Value = Ids;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of ids")
            }

            fn visit_unit<E: Error>(self) -> Result<Ids, E> {
                Ok(Ids::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Ids, A::Error> {
                let mut ids = Vec::new();
                while let Some(Id(id)) = seq.next_element()? {
                    ids.extend(id);
                }
                Ok(Ids(ids))
            }
        }
        deserializer.deserialize_any(IdsVisitor)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LenientVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for LenientVisitor<T> {
            type Value = Lenient<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Lenient)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Lenient::default())
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Lenient::default())
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Lenient::default())
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Lenient::default())
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Lenient::default())
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Lenient::default())
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Lenient::default())
            }
        }
        deserializer.deserialize_any(LenientVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_every_spelling_to_the_second() {
        let day = 1_706_659_200_000; // 2024-01-31T00:00:00Z
        for (text, ms) in [
            ("2024-01-31T00:00:00Z", day),
            ("2024-01-31T09:00:00+09:00", day),
            ("2024-01-31 00:00:00.999999+00", day),
            ("2024-01-31 09:00:00.5+09", day),
            ("2024-01-31 09:00:00+0900", day),
            ("2024-01-31 09:00:00 +0900", day),
            ("2024-01-30 19:00:00-05", day),
            ("1706659200", day),
        ] {
            assert_eq!(instant(text), Ok(Some(Time::from_ms(ms))), "{text}");
        }
        assert_eq!(instant(""), Ok(None));
        for bad in ["NaN", "infinity", "2024-01-31", "2024-01-31 00:00:00", "99999999999999999999"] {
            assert!(instant(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_are_digits_or_numbers() {
        let read = |text| serde_json::from_str::<Id>(text).map(|id| id.0).map_err(|e| e.to_string());
        assert_eq!(read("\"27\""), Ok(Some(27)));
        assert_eq!(read("1000000000000000000"), Ok(Some(1_000_000_000_000_000_000)));
        assert_eq!(read("null"), Ok(None));
        for bad in ["-1", "1.5", "\"NaN\"", "\"+1\"", "18446744073709551615", "[]"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
