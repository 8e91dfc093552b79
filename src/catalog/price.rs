//! A price with its pedigree: how it was found and on which day.
//!
//! A report must be able to say "this number is inferred" and "these prices are two years old", so a rate never
//! travels through the catalog without its origin and date.

use std::fmt;

use crate::units::Rate;

/// A rate and where it comes from. The unit is the field's that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub rate: Rate,
    pub origin: PriceOrigin,
    pub as_of: PriceDate,
}

impl Price {
    /// The same number used where it was not observed.
    pub fn inferred(self, method: InferredBy) -> Self {
        Self { origin: PriceOrigin::Inferred(method), ..self }
    }
}

/// Whether somebody saw this price for this very thing in this very region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PriceOrigin {
    Observed,
    Inferred(InferredBy),
}

impl PriceOrigin {
    pub const fn is_inferred(self) -> bool {
        matches!(self, Self::Inferred(_))
    }
}

/// How a price that nobody observed was found. `pricing/README.md` says how well each method did where it could
/// be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InferredBy {
    /// us-west-2 costs what us-east-1 costs.
    UsEast1Parity,
    /// The value that several sizes of the family agree on in a public list that mixes products.
    LibcloudConsensus,
    /// us-east-1 times the ratio of the two regions' prices for the generation before.
    RegionalMultiplier,
    /// On-demand price less the Spot Advisor's average saving of the month.
    SpotSavings,
    /// As [`Self::SpotSavings`], from an on-demand price that is itself inferred.
    SpotSavingsOfInferred,
    /// The on-demand price times the share that Auto Mode's fee is of it for a few types.
    AutoModeShare,
    /// The price of us-east-1, for want of one in the region.
    UsEast1Price,
}

impl InferredBy {
    /// The words in the price files.
    pub(super) const ON_DEMAND: [(&'static str, Self); 3] = [
        ("libcloud-consensus", Self::LibcloudConsensus),
        ("regional-multiplier", Self::RegionalMultiplier),
        ("us-east-1-parity", Self::UsEast1Parity),
    ];
}

/// For reports; completes "inferred: ".
impl fmt::Display for InferredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UsEast1Parity => "same as us-east-1, as for every type that can be compared",
            Self::LibcloudConsensus => "the price per vCPU on which the sizes of the family agree",
            Self::RegionalMultiplier => "us-east-1 times the region's ratio in the generation before",
            Self::SpotSavings => "on-demand price less the Spot Advisor's average saving",
            Self::SpotSavingsOfInferred => "inferred on-demand price less the Spot Advisor's average saving",
            Self::AutoModeShare => "a share of the on-demand price, as seen for a few types",
            Self::UsEast1Price => "the price of us-east-1",
        })
    }
}

/// The day, month or year on which a price was seen. Sources often know no more than the month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PriceDate {
    year: u16,
    /// 0 when unknown.
    month: u8,
    /// 0 when unknown.
    day: u8,
}

impl PriceDate {
    /// Reads `2026`, `2026-07` or `2026-07-20`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |part: &str, digits: usize| {
            let plain = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse::<u16>().ok()).flatten()
        };
        let mut parts = text.split('-');
        let year = number(parts.next()?, 4)?;
        let mut next = |from: u16, to: u16| match parts.next() {
            None => Some(0),
            Some(part) => number(part, 2).filter(|n| (from..=to).contains(n)),
        };
        let (month, day) = (next(1, 12)?, next(1, 31)?);
        let complete = parts.next().is_none();
        complete.then_some(Self { year, month: month as u8, day: day as u8 })
    }
}

/// As precise as it is known.
impl fmt::Display for PriceDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        for part in [self.month, self.day] {
            if part != 0 {
                write!(f, "-{part:02}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_precise_as_their_source() {
        for text in ["2026", "2026-07", "2026-07-20", "0001-12-31"] {
            assert_eq!(PriceDate::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["", "26", "2026-7", "2026-13", "2026-07-32", "2026-07-20-1", "2026/07", "2026-00", "+026"]
        {
            assert_eq!(PriceDate::parse(text), None, "{text:?}");
        }
        let sorted = ["2021-01-09", "2026", "2026-05", "2026-05-01"].map(|t| PriceDate::parse(t).unwrap());
        assert!(sorted.is_sorted());
    }
}
