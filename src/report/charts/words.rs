//! What titles and sub-titles of several charts say alike.

use super::data::{ChartData, CostSeries, Series};
use super::labels::shorten;
use crate::report::finding::change;
use crate::report::text::{Places, plural};
use crate::units::{Span, Usd};

/// Characters of a name that a chart has room for.
const NAME: usize = 26;

impl Series {
    /// The name as charts write it.
    pub fn label(&self) -> String {
        shorten(&self.name, NAME).into_owned()
    }

    /// Whether it may be called best: it ran everything, and one can move there.
    pub fn is_candidate(&self) -> bool {
        self.complete && !self.recorded
    }
}

impl ChartData {
    /// Platforms with a bill, by their number.
    pub fn billed(&self) -> impl Iterator<Item = (usize, &Series, &CostSeries)> {
        self.platforms.iter().enumerate().filter_map(|(index, p)| Some((index, p, p.cost.as_ref()?)))
    }

    /// The candidate that costs least.
    pub fn cheapest(&self) -> Option<(usize, &Series, &CostSeries)> {
        self.billed().filter(|(_, p, _)| p.is_candidate()).min_by_key(|(_, _, cost)| cost.total)
    }

    /// Whom titles compare: the candidates, or whatever was simulated where there are none.
    pub fn compared(&self) -> Vec<&Series> {
        let candidates: Vec<&Series> = self.platforms.iter().filter(|p| p.is_candidate()).collect();
        if candidates.is_empty() {
            self.platforms.iter().filter(|p| !p.recorded).collect()
        } else {
            candidates
        }
    }

    /// How amounts of one chart are rounded.
    pub(in crate::report) fn places(&self) -> Places {
        Places::of(self.billed().map(|(_, _, cost)| Some(cost.total)))
    }

    /// `by the end of the week`, or `after 11d21h`.
    pub fn by_the_end(&self) -> String {
        const HOUR: i64 = 3_600_000;
        let hours = |n: i64| Span::from_ms(n * HOUR);
        let about = |from: i64, to: i64| self.covered >= hours(from) && self.covered <= hours(to);
        match () {
            () if about(23, 25) => "by the end of the day".to_owned(),
            () if about(7 * 24 - 12, 7 * 24 + 12) => "by the end of the week".to_owned(),
            () if about(28 * 24 - 12, 31 * 24 + 12) => "by the end of the month".to_owned(),
            () if about(364 * 24, 367 * 24) => "by the end of the year".to_owned(),
            () => format!("after {}", self.covered),
        }
    }

    /// What is shown, and what a reader must know of it: invented data, platforms that are not comparable or missing.
    pub fn subtitle(&self, shown: &str, needs_bill: bool) -> String {
        let mut parts = vec![format!("{shown}.")];
        if self.synthetic {
            parts.insert(0, "SYNTHETIC trace.".to_owned());
        }
        if needs_bill {
            let unbilled: Vec<&Series> = self.platforms.iter().filter(|p| p.cost.is_none()).collect();
            match unbilled[..] {
                [] => {}
                [one] => parts.push(format!("{} has no bill and is left out.", one.label())),
                [ref some @ .., last] if some.len() < 3 => {
                    let some: Vec<String> = some.iter().map(|p| p.label()).collect();
                    let (some, last) = (some.join(", "), last.label());
                    parts.push(format!("{some} and {last} have no bill and are left out."));
                }
                _ => parts.push(format!("{} platforms have no bill and are left out.", unbilled.len())),
            }
        }
        if self.left_out > 0 {
            parts.push(format!("There is no room for {}.", plural(self.left_out as u64, "more platform")));
        }
        parts.join(" ")
    }

    /// The title of a cost chart without a platform that could be called best.
    pub fn no_finding(&self) -> String {
        if self.billed().next().is_none() {
            "What it costs is not known on any platform".to_owned()
        } else {
            "No platform with a bill ran the whole trace".to_owned()
        }
    }
}

/// `38 % less than`, `2.7 times as much as`, of `other` against `base`.
pub fn against(base: Usd, other: Usd) -> String {
    change(base, other).against()
}
