//! Instants that a query of the database printed: Postgres leaves the offset out of a `timestamp`, and what zone is meant
//! only the user knows.

use chrono_tz::Tz;
use serde::de::{Deserialize, Deserializer, Error};

use super::value::{Str, instant_in};
use crate::units::Time;

/// An instant of a row of the database; its text where it has no offset from UTC, until [`Stamp::settle`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp(pub Option<Time>, Option<String>);

impl Stamp {
    pub fn new(text: &str, zone: Option<Tz>) -> Result<Self, String> {
        Ok(Self(instant_in(text, zone)?, None))
    }

    pub fn settle(&mut self, zone: Option<Tz>) -> Result<(), String> {
        if let Some(text) = self.1.take() {
            self.0 = instant_in(&text, zone)?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Str::deserialize(deserializer)?;
        match instant_in(&text.0, None) {
            Ok(time) => Ok(Self(time, None)),
            Err(_) if instant_in(&text.0, Some(Tz::UTC)).is_ok() => Ok(Self(None, Some(text.0.into_owned()))),
            Err(message) => Err(D::Error::custom(message)),
        }
    }
}
