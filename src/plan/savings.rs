//! Savings Plans for the recommendation: the commitment that there is, the one that would be best, and how each does at
//! other volumes. Needs the scenario to say which plan is considered (`savingsPlan`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::growth::Step;
use super::volume::Volume;
use crate::bill::{Commitment, PlanUsage};
use crate::ledger::Ledger;
use crate::platform::Committed;
use crate::replay::{Setup, Study};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SavingsPlanned {
    /// What the scenario commits to; `null` where it asks for the best.
    pub existing: Option<CommitmentReport>,
    /// The commitment with which the recommendation costs least, looking back.
    pub best: CommitmentReport,
    /// The share of today's usage, in percent, down to which the best commitment costs no more than it covers.
    pub best_breaks_even_at_percent: Option<u32>,
    /// The same commitments at other volumes, on the recommendation of today's volume.
    pub growth: Vec<GrownCommitment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GrownCommitment {
    pub volume: String,
    pub existing: Option<CommitmentReport>,
    /// Today's best commitment, kept.
    pub kept: CommitmentReport,
    /// What would be best there.
    pub best_usd_per_hour: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommitmentReport {
    pub usd_per_hour: String,
    /// What the platform costs with it.
    pub total_usd: String,
    /// Against no commitment; negative where it costs more than it covers.
    pub saved_usd: String,
    /// Paid for, and of no use.
    pub unused_usd: String,
    /// Covered ÷ what a plan could cover, at list price.
    pub coverage: Option<f64>,
    /// Used part of the commitment.
    pub utilisation: Option<f64>,
}

impl CommitmentReport {
    fn of(commitment: &Commitment) -> Self {
        Self {
            usd_per_hour: commitment.per_hour().to_string(),
            total_usd: commitment.total_with.to_string(),
            saved_usd: commitment.saved().to_string(),
            unused_usd: commitment.plan.unused.to_string(),
            coverage: commitment.plan.coverage(),
            utilisation: commitment.plan.utilisation(),
        }
    }
}

/// For the candidate whose simulation is `ledger`; `None` without a plan in the scenario, or without prices.
pub(super) fn savings_plan(
    study: &Study,
    ledger: &Ledger,
    candidate: &Candidate,
    steps: &[Step],
) -> Option<SavingsPlanned> {
    let plan = study.setup().settings.savings_plan.as_ref()?;
    let usage = usage(&study.setup(), ledger)?;
    let existing = match plan.committed {
        Committed::PerHour(rate) => Some(rate),
        Committed::Best => None,
    };
    let best = usage.best();
    let at = |usage: &PlanUsage| existing.map(|rate| CommitmentReport::of(&usage.evaluate(rate)));
    let grown = steps.iter().filter_map(|step| {
        let grown = grown_usage(&step.volume, candidate)?;
        Some(GrownCommitment {
            volume: step.name.clone(),
            existing: at(&grown),
            kept: CommitmentReport::of(&grown.evaluate(best.per_hour())),
            best_usd_per_hour: grown.best().per_hour().to_string(),
        })
    });
    Some(SavingsPlanned {
        existing: at(&usage),
        best: CommitmentReport::of(&best),
        best_breaks_even_at_percent: usage.break_even_percent(best.per_hour()).filter(|_| best.pays()),
        growth: grown.collect(),
    })
}

fn grown_usage(volume: &Volume, candidate: &Candidate) -> Option<PlanUsage> {
    let setup = volume.study_of(candidate.right_sized).setup();
    let run = setup.run(&[volume.at_this_size(candidate)], 1, &|| ()).pop()?;
    usage(&setup, &run.ledger)
}

fn usage(setup: &Setup, ledger: &Ledger) -> Option<PlanUsage> {
    let scope = &setup.settings.savings_plan.as_ref()?.scope;
    PlanUsage::of(ledger, setup.billing, &setup.settings.cluster, scope).ok()
}
