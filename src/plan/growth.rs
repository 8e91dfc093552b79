//! The same question at other volumes, and where the answer changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::judge::{Judged, Metric};
use super::outcome::{Counts, Planned};
use super::volume::{Search, Volume};
use super::{Input, Request};
use crate::error::Result;
use crate::platform::Platform;
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
    /// The volumes, as factors, between which it happens; within 5 % of each other.
    pub between: [f64; 2],
}

/// A platform to compare, and whether with right-sized requests.
struct Contender {
    name: String,
    platform: Platform,
    right_sized: bool,
}

/// Between neighbouring volumes with different winners: at which one the answer changes, found by halving the interval with
/// both winners and Fargate.
pub(super) fn flips(
    input: &Input,
    base: &Volume,
    searched: &Search,
    steps: &[Step],
    metric: Metric,
    request: &Request,
) -> Result<Vec<Flip>> {
    let uniform = |step: &&Step| step.growth.by_workflow.is_empty();
    let mut volumes: Vec<(u64, Option<Contender>)> = vec![(Factor::ONE.ppm(), winner(searched))];
    let more = steps.iter().filter(uniform).map(|step| (step.growth.default.ppm(), winner(&step.result)));
    volumes.extend(more);
    volumes.sort_by_key(|(ppm, _)| *ppm);
    let mut flips = Vec::new();
    for pair in volumes.windows(2) {
        let [(low, Some(first)), (high, Some(last))] = pair else { continue };
        if first.name == last.name {
            continue;
        }
        let fargate = searched.space.candidates.iter().find(|c| c.platform.name == "fargate");
        let fargate = fargate.map(|candidate| Contender {
            name: candidate.platform.name.clone(),
            platform: candidate.platform.clone(),
            right_sized: candidate.right_sized,
        });
        let contenders: Vec<&Contender> = [first, last].into_iter().chain(fargate.as_ref()).collect();
        let cheapest = |ppm: u64| -> Result<Option<String>> {
            let Some(factor) = Factor::from_ppm(ppm) else { return Ok(None) };
            let volume = base.grown(input, &Growth::of(factor))?;
            Ok(cheapest_at(&volume, &contenders, searched, metric, request))
        };
        let (mut low, mut high, mut to) = (*low, *high, last.name.clone());
        // At the ends another candidate may win that is no contender in between: then the volume itself is the flip.
        while high * 1_000 > low * CLOSE_PERMILLE {
            // Halfway on a logarithm, so that both sides shrink by the same factor.
            let middle = ((low as f64) * (high as f64)).sqrt().round() as u64;
            match cheapest(middle)? {
                Some(name) if name == first.name => low = middle,
                other => {
                    high = middle;
                    to = other.unwrap_or(to);
                }
            }
        }
        let factor = |ppm: u64| ppm as f64 / 1e6;
        flips.push(Flip { from: first.name.clone(), to, between: [factor(low), factor(high)] });
    }
    Ok(flips)
}

fn winner(search: &Search) -> Option<Contender> {
    let candidate = &search.space.candidates[search.found.cheapest_feasible()?];
    let (platform, right_sized) = (candidate.platform.clone(), candidate.right_sized);
    Some(Contender { name: platform.name.clone(), platform, right_sized })
}

/// Which of the contenders is cheapest within the limits.
fn cheapest_at(
    volume: &Volume,
    contenders: &[&Contender],
    searched: &Search,
    metric: Metric,
    request: &Request,
) -> Option<String> {
    let run = |contender: &Contender| {
        let study = volume.study_of(contender.right_sized);
        Judged::new(study.setup().report_on(&contender.platform), metric)
    };
    let reference = &searched.space.candidates[searched.reference];
    let before = volume.as_is.setup().report_on(&reference.platform);
    let mut best = None;
    for (number, contender) in contenders.iter().enumerate() {
        let mut judged = run(contender);
        judged.judge(&request.limits, Some(&before));
        best = best.into_iter().chain(judged.point(number).filter(|_| judged.is_feasible())).min();
    }
    best.map(|point| contenders[point.id].name.clone())
}
