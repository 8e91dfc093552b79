//! The same question at other volumes, and where the answer changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::judge::{Judged, Metric};
use super::outcome::{Counts, Planned};
use super::volume::{Search, Volume};
use super::{Input, Request};
use crate::error::Result;
use crate::trace::{Factor, Growth};

/// Volumes whose quotient is below this are one: in thousandths.
const CLOSE_PERMILLE: u64 = 1_050;

/// A volume that was searched.
pub(super) struct Step {
    pub name: String,
    pub growth: Growth,
    pub volume: Volume,
    pub result: Search,
}

/// What is recommended at another volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grown {
    /// `x2`, or the name of a growth file.
    pub volume: String,
    /// How many times as many pods as the trace has.
    pub factor: f64,
    pub pods: u64,
    /// `null` where nothing keeps the limits.
    pub winner: Option<Planned>,
    /// The winner's cost a month over this many times the volume: what one time costs.
    pub usd_per_month_per_volume: Option<String>,
    pub counts: Counts,
}

/// Between two volumes something else becomes cheapest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Flip {
    pub from: String,
    pub to: String,
    /// The volumes, as factors, between which it happens: within 5 % of each other, unless
    /// neither keeps the limits in between.
    pub between: [f64; 2],
}

/// Between neighbouring volumes with different winners: at which one the answer changes, found by halving the interval with
/// both winners and Fargate. Volumes at which nothing keeps the limits have no answer that could change.
pub(super) fn flips(
    input: &Input,
    base: &Volume,
    searched: &Search,
    steps: &[Step],
    metric: Metric,
    request: &Request,
) -> Result<Vec<Flip>> {
    let uniform = |step: &&Step| step.growth.by_workflow.is_empty();
    let more = steps.iter().filter(uniform).map(|step| (step.growth.default.ppm(), &step.result));
    let all = [(Factor::ONE.ppm(), searched)].into_iter().chain(more);
    let mut volumes: Vec<(u64, &Candidate)> =
        all.filter_map(|(ppm, search)| Some((ppm, winner(search)?))).collect();
    volumes.sort_by_key(|(ppm, _)| *ppm);
    let fargate = searched.space.candidates.iter().find(|c| c.platform.name == "fargate");
    let mut flips = Vec::new();
    for pair in volumes.windows(2) {
        let [(low, first), (high, last)] = *pair else { continue };
        if first.is_same_choice(last) {
            continue;
        }
        let contenders: Vec<&Candidate> = [first, last].into_iter().chain(fargate).collect();
        let cheapest = |ppm: u64| -> Result<Option<usize>> {
            let Some(factor) = Factor::from_ppm(ppm) else { return Ok(None) };
            let volume = base.grown(input, &Growth::of(factor))?;
            Ok(cheapest_at(&volume, &contenders, searched, metric, request))
        };
        let (between, to) = halve([low, high], cheapest)?;
        flips.push(Flip {
            from: first.platform.name.clone(),
            to: contenders[to].platform.name.clone(),
            between: between.map(|ppm| ppm as f64 / 1e6),
        });
    }
    Ok(flips)
}

/// Between which volumes contender 0 is cheapest no more, and which one is then; contender 1 is at the upper end. Ends early
/// where none of them keeps the limits: that is no change to another.
fn halve(
    between: [u64; 2],
    mut cheapest: impl FnMut(u64) -> Result<Option<usize>>,
) -> Result<([u64; 2], usize)> {
    let ([mut low, mut high], mut to) = (between, 1);
    // At the ends another candidate may win that is no contender in between: then the volume itself is the flip.
    while high * 1_000 > low * CLOSE_PERMILLE {
        // Halfway on a logarithm, so that both sides shrink by the same factor.
        let middle = ((low as f64) * (high as f64)).sqrt().round() as u64;
        match cheapest(middle)? {
            Some(0) => low = middle,
            Some(other) => (high, to) = (middle, other),
            None => break,
        }
    }
    Ok(([low, high], to))
}

fn winner(search: &Search) -> Option<&Candidate> {
    Some(&search.space.candidates[search.found.cheapest_feasible()?])
}

/// Which of the contenders is cheapest within the limits, each as large as this volume makes it.
fn cheapest_at(
    volume: &Volume,
    contenders: &[&Candidate],
    searched: &Search,
    metric: Metric,
    request: &Request,
) -> Option<usize> {
    let run = |candidate: &Candidate| {
        volume.study_of(candidate.right_sized).setup().report_on(&volume.at_this_size(candidate))
    };
    let before = run(&searched.space.candidates[searched.reference]);
    let judged = |candidate: &Candidate| {
        let mut judged = Judged::new(run(candidate), metric);
        judged.judge(&request.limits, Some(&before));
        judged
    };
    let points = contenders.iter().enumerate().filter_map(|(number, candidate)| {
        let judged = judged(candidate);
        judged.point(number).filter(|_| judged.is_feasible())
    });
    points.min().map(|point| point.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_changes_where_another_contender_is_cheapest() {
        // Contender 0 up to ×3, contender 2 from there.
        let (between, to) =
            halve([1_000_000, 8_000_000], |ppm| Ok(Some(if ppm < 3_000_000 { 0 } else { 2 }))).unwrap();
        assert!(between[0] < 3_000_000 && between[1] >= 3_000_000, "{between:?}");
        assert!(between[1] * 1_000 <= between[0] * CLOSE_PERMILLE, "{between:?}");
        assert_eq!(to, 2);
    }

    #[test]
    fn where_nothing_keeps_the_limits_the_answer_does_not_change() {
        // √(1 × 4) = 2: still contender 0; √(2 × 4) ≈ 2.83: none. So it is somewhere from 2 to 4, and no nearer is known.
        let cheapest = |ppm: u64| Ok(if ppm < 2_500_000 { Some(0) } else { None });
        assert_eq!(halve([1_000_000, 4_000_000], cheapest).unwrap(), ([2_000_000, 4_000_000], 1));
    }
}
