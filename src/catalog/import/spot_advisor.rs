//! The Spot Advisor's data: average saving and interruption frequency by region, system and type.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::refused::Reason;
use super::region::commercial;
use super::{AdviceRow, Sink};

/// Region → operating system → instance type → figures.
pub(super) type Advice = BTreeMap<String, BTreeMap<String, BTreeMap<String, Figures>>>;

#[derive(Debug, Deserialize)]
pub(super) struct Figures {
    /// Average saving of the month, in percent.
    s: i64,
    /// The index of a range.
    r: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    index: i64,
    label: String,
}

/// What the indices mean; the `max` beside them (5, 11, 16, 22, 100) is for drawing.
const LABELS: [&str; 5] = ["<5%", "5-10%", "10-15%", "15-20%", ">20%"];

/// Whether the ranges mean what they always meant.
pub(super) fn check(ranges: &[Range]) -> Result<(), String> {
    let known = |range: &Range| {
        usize::try_from(range.index).is_ok_and(|index| LABELS.get(index) == Some(&range.label.as_str()))
    };
    match ranges.iter().find(|range| !known(range)) {
        Some(range) => Err(format!(
            "the Spot Advisor's range {} is `{}`, which is not known; the ranges are {}",
            range.index,
            range.label,
            LABELS.join(", ")
        )),
        None => Ok(()),
    }
}

pub(super) fn json(advice: Advice, sink: &mut Sink) {
    for (region, systems) in advice {
        let place = commercial(&region).map(drop);
        for (system, types) in systems {
            if let Some(reason) = place.err().or((system != "Linux").then_some(Reason::OperatingSystem)) {
                sink.refuse_some(reason, types.len() as u64);
                continue;
            }
            for (kind, figures) in types {
                let Figures { s: 0..=99, r: 0..=4 } = figures else {
                    sink.refuse(Reason::Savings);
                    continue;
                };
                sink.row();
                let (file, as_of) = (sink.file(), sink.day(None));
                let (savings, bucket) = (figures.s as u8, figures.r as u8);
                let region = region.clone();
                sink.findings.advice.push(AdviceRow { file, region, kind, savings, bucket, as_of });
            }
        }
    }
}
