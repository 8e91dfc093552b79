//! What the Spot Advisor says of an instance type in a region: how often instances of it are taken back.

/// The Spot Advisor's figures for the month before the price's date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpotAdvice {
    /// Average saving against on-demand, in whole percent.
    pub savings_percent: u8,
    pub bucket: InterruptionBucket,
}

/// Which share of the running instances of a type was interrupted in the trailing month.
///
/// Not per hour, not per zone, and bursty in reality. What hazard follows from it is the Spot model's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterruptionBucket {
    Under5,
    From5To10,
    From10To15,
    From15To20,
    /// Open-ended: a third of all types and regions.
    Over20,
}

impl InterruptionBucket {
    /// The words in the price file: the Advisor's own index.
    pub(super) const WORDS: [(&'static str, Self); 5] = [
        ("0", Self::Under5),
        ("1", Self::From5To10),
        ("2", Self::From10To15),
        ("3", Self::From15To20),
        ("4", Self::Over20),
    ];

    /// The bounds in percent a month; the last bucket has no upper one.
    pub const fn percent(self) -> (u8, Option<u8>) {
        match self {
            Self::Under5 => (0, Some(5)),
            Self::From5To10 => (5, Some(10)),
            Self::From10To15 => (10, Some(15)),
            Self::From15To20 => (15, Some(20)),
            Self::Over20 => (20, None),
        }
    }
}
