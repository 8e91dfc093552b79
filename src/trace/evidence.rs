//! What an import found out on its way to the rows, for reports: kept beside them while a program runs, and not part
//! of the canonical form.

use crate::units::Span;

/// How a trace was put together from other formats; empty for canonical files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What was not made a row.
    pub dropped: Vec<Dropped>,
    /// From the creation of a pod to its container running, as it was taken for rows that have only one of the two.
    pub start_up: Vec<StartUp>,
    /// Rows whose work would have been less than a second after all was subtracted.
    pub at_floor: u64,
    /// Pods that were joined to rows.
    pub joined: u64,
    /// Pods that no row knew, which became rows of their own.
    pub own_rows: u64,
    /// Pods for which several rows would do; they became rows of their own, too.
    pub ambiguous: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Name of the format.
    pub format: String,
    pub reason: String,
    pub count: u64,
}

/// A start-up time that stands in for one that nobody measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartUp {
    /// Empty: all images without an entry of their own.
    pub image: String,
    pub value: Span,
    pub how: StartUpSource,
    /// Rows that it was found from.
    pub from: u64,
    /// Rows for which it was used.
    pub used: u64,
}

/// Where a start-up time is from, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StartUpSource {
    Given,
    /// Median of pods of the image that have both times.
    Measured,
    /// Median of pods of the image whose creation is known and whose start lies between points of metrics.
    Points,
    /// 5th percentile of the spans of the image's tasks: the shortest do almost nothing.
    Shortest,
    /// As `Measured`, of all images.
    MeasuredOfAll,
    /// As `Points`, of all images.
    PointsOfAll,
    /// As `Shortest`, of all images.
    ShortestOfAll,
    /// The model of the platform on which it ran.
    Platform,
    /// Nothing is known: the span stays whole.
    Nothing,
}

impl StartUpSource {
    /// In a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Measured => "median of pods of this image that were measured",
            Self::Points => "median of pods of this image whose start is between points of metrics",
            Self::Shortest => "5th percentile of the spans of this image's tasks, less the detection lag",
            Self::MeasuredOfAll => "median of all pods that were measured",
            Self::PointsOfAll => "median of all pods whose start is between points of metrics",
            Self::ShortestOfAll => "5th percentile of the spans of all tasks, less the detection lag",
            Self::Platform => "the model of the platform on which it ran",
            Self::Nothing => "nothing is known of the platform: spans stay whole",
        }
    }
}
