//! Sentences of a plan, the same in every output.

use std::fmt::Write as _;

use crate::plan::{Binding, CommitmentReport, Flip, Grown, Plan, Planned, SavingsPlanned, SizedRequest};
use crate::report::finding::change;
use crate::report::plural;
use crate::report::text::{Places, clean, count, ratio, seconds, usd};
use crate::units::{Cpu, Usd, parse_cpu};

/// Candidates that a table shows of a long front.
const ROWS: usize = 12;

impl Plan {
    fn candidate(&self, name: &str) -> Option<&Planned> {
        self.result.candidates.iter().find(|candidate| candidate.name == name)
    }

    pub(super) fn winner(&self) -> Option<&Planned> {
        self.candidate(self.result.recommended.as_deref()?)
    }

    pub(super) fn reference(&self) -> Option<&Planned> {
        self.candidate(&self.reference)
    }

    /// What a table shows: reference, recommendation (or what comes nearest), knee, and of the rest of the front as much
    /// as there is room for; by cost.
    pub(super) fn rows(&self) -> Vec<&Planned> {
        let nearest = self.result.nearest.as_ref().map(|nearest| nearest.name.as_str());
        let named = [
            Some(&*self.reference),
            self.result.recommended.as_deref(),
            self.result.knee.as_deref(),
            nearest,
        ];
        let must = |candidate: &Planned| named.contains(&Some(&*candidate.name));
        let front: Vec<&Planned> = self.result.candidates.iter().filter(|c| c.on_front && !must(c)).collect();
        let room = ROWS.saturating_sub(self.result.candidates.iter().filter(|c| must(c)).count());
        // Evenly from one end to the other.
        let step = front.len().saturating_sub(1) as f64 / room.saturating_sub(1).max(1) as f64;
        let chosen: Vec<&str> = if front.len() <= room {
            front.iter().map(|c| &*c.name).collect()
        } else {
            (0..room)
                .map(|n| &*front[((n as f64 * step).round() as usize).min(front.len() - 1)].name)
                .collect()
        };
        self.result.candidates.iter().filter(|c| must(c) || chosen.contains(&&*c.name)).collect()
    }

    /// What is to be said of a row beside its numbers.
    pub(super) fn marks(&self, candidate: &Planned) -> String {
        let is = |name: &Option<String>| name.as_deref() == Some(&*candidate.name);
        let mut marks: Vec<String> = Vec::new();
        if is(&self.result.recommended) {
            marks.push("recommended".to_owned());
        }
        if is(&self.result.knee) {
            marks.push("knee".to_owned());
        }
        if candidate.name == self.reference {
            marks.push("reference".to_owned());
        }
        if !candidate.complete {
            marks.push("incomplete".to_owned());
        }
        if !candidate.exceeds.is_empty() {
            marks.push(format!("exceeds {}", candidate.exceeds.join(", ")));
        }
        marks.join(", ")
    }

    /// The same in one sign.
    pub(super) fn mark(&self, candidate: &Planned) -> &'static str {
        let is = |name: &Option<String>| name.as_deref() == Some(&*candidate.name);
        match () {
            () if is(&self.result.recommended) => ">",
            () if !candidate.complete || !candidate.exceeds.is_empty() => "!",
            () if candidate.name == self.reference => "=",
            () if is(&self.result.knee) => "k",
            () => "",
        }
    }

    /// What the signs mean that are there.
    pub(super) fn legend(&self, rows: &[&Planned]) -> String {
        let mut exceeded: Vec<&str> = rows.iter().flat_map(|row| &row.exceeds).map(String::as_str).collect();
        exceeded.sort_unstable();
        exceeded.dedup();
        let exceeds = format!("exceeds {}", exceeded.join(" or "));
        let signs = [
            (">", "recommended"),
            ("=", "what it is compared with"),
            ("k", "knee of the front"),
            ("!", if exceeded.is_empty() { "incomplete" } else { &exceeds }),
        ];
        let shown = signs.into_iter().filter(|(sign, _)| rows.iter().any(|row| self.mark(row) == *sign));
        let mut words: Vec<String> = shown.map(|(sign, text)| format!("{sign} {text}")).collect();
        let winner = self.result.recommended.as_ref();
        if winner.is_some() && winner == self.result.knee.as_ref() {
            words.push("the recommendation is the knee of the front".to_owned());
        }
        words.join("; ")
    }

    /// How much of the space was looked at, and by which argument the rest was not.
    pub(super) fn searched(&self) -> String {
        let counts = self.result.counts;
        let mut text = format!(
            "searched {}: {} simulated, {} ruled out by their lower bound",
            plural(counts.space, "candidate"),
            count(counts.simulated),
            count(counts.pruned)
        );
        if counts.left_out > 0 {
            let _ = write!(text, ", {} left out for want of budget (--budget)", count(counts.left_out));
        }
        if counts.impossible > 0 {
            let _ = write!(text, "; {} more cannot run all pods", count(counts.impossible));
        }
        if counts.inferred > 0 {
            let have = if counts.inferred == 1 { "has" } else { "have" };
            let which = plural(counts.inferred, "candidate");
            let _ = write!(text, "; {which} {have} inferred prices, which --strict refuses");
        }
        text
    }

    pub(super) fn limits_text(&self) -> String {
        if self.limits.is_empty() {
            return format!("no limits are set; compared with {}", clean(&self.reference));
        }
        let limits: Vec<String> =
            self.limits.iter().map(|limit| format!("{} {}", limit.limit, limit.allowed)).collect();
        format!("limits: {}; increases are relative to {}", limits.join(", "), clean(&self.reference))
    }

    /// What should be deployed, and what it is worth.
    pub(super) fn finding(&self) -> String {
        let Some(winner) = self.winner() else {
            let nearest = self.result.nearest.as_ref();
            return nearest.map_or_else(
                || "no platform could be simulated".to_owned(),
                |nearest| {
                    format!(
                        "no candidate keeps all limits: {} comes nearest, and exceeds {}",
                        clean(&nearest.name),
                        nearest.exceeds.join(", ")
                    )
                },
            );
        };
        let month = |candidate: &Planned| usd(candidate.usd_per_month.as_deref()?);
        let mut text = match self.reference().filter(|reference| reference.name != winner.name) {
            Some(reference) if reference.complete => {
                let (base, least) = (total(reference), total(winner));
                format!(
                    "{} would cost {} {}: {} a month instead of {}",
                    clean(&winner.name),
                    change(base, least).against(),
                    clean(&reference.name),
                    money(month(winner)),
                    money(month(reference))
                )
            }
            _ => format!("{} costs least: {} a month", clean(&winner.name), money(month(winner))),
        };
        let _ = write!(text, ", with a {} of {}", self.metric.name(), seconds(winner.latency_s));
        text
    }

    /// The same for the head of a chart.
    pub(super) fn short_finding(&self) -> String {
        let Some(winner) = self.winner() else { return "No candidate keeps all limits".to_owned() };
        let (month, metric) = (usd(winner.usd_per_month.as_deref().unwrap_or_default()), self.metric.name());
        let latency = seconds(winner.latency_s);
        format!(
            "{} costs least within the limits: {} a month, {metric} {latency}",
            clean(&winner.name),
            money(month)
        )
    }

    /// Tasks whose requests the recommended (or nearest) platform needs changed, those with most pods × CPU saved first;
    /// `None` where it runs with the trace's own.
    pub(super) fn changed_requests(&self) -> Option<Vec<&SizedRequest>> {
        let name = self.result.recommended.as_deref().or(self.result.nearest.as_ref().map(|n| &*n.name))?;
        self.candidate(name).filter(|candidate| candidate.right_sized)?;
        let changes = |request: &&SizedRequest| {
            request.cpu.as_ref().is_some_and(|cpu| *cpu != request.cpu_before)
                || request.memory.as_ref().is_some_and(|memory| *memory != request.memory_before)
        };
        let mut changed: Vec<_> = self.right_sizing.as_ref()?.requests.iter().filter(changes).collect();
        let milli = |text: &str| parse_cpu(text).map_or(0, Cpu::milli);
        changed.sort_by_key(|request| {
            let now = request.cpu.as_deref().map_or_else(|| milli(&request.cpu_before), milli);
            let difference = (milli(&request.cpu_before) - now).unsigned_abs();
            std::cmp::Reverse(u128::from(difference) * u128::from(request.pods))
        });
        Some(changed)
    }

    /// That the recommendation is for other requests, and how to repeat its numbers.
    pub(super) fn needs_changes(&self) -> Option<String> {
        let tasks = self.changed_requests()?.len() as u64;
        Some(format!(
            "requests of {} change; see plan.md. To repeat it: cost-sim replay rightsized.csv -s scenario.yaml",
            plural(tasks, "task")
        ))
    }

    /// How far the recommendation is from what nobody could undercut.
    pub(super) fn bounds(&self) -> Option<String> {
        let winner = self.winner()?;
        let above = winner.above_bound?;
        let least = usd(&self.result.least_usd)?;
        let all = total(winner).to_f64() / least.to_f64() - 1.0;
        let mut text =
            format!("it is {} above the least any scheduler could pay on these machines", ratio(Some(above)));
        if least > Usd::ZERO {
            let _ = write!(text, ", {} above the least of the whole space", ratio(Some(all)));
        }
        Some(text)
    }
}

/// What committing would do to the recommendation.
pub(super) fn savings_plan(plan: &SavingsPlanned) -> Vec<String> {
    let amount = |text: &str| money(usd(text));
    let rate = |commitment: &CommitmentReport| format!("${}", commitment.usd_per_hour);
    let worth = |commitment: &CommitmentReport| {
        let saved = usd(&commitment.saved_usd).unwrap_or_default();
        let what = if saved < Usd::ZERO { "costs more than it covers by" } else { "saves" };
        format!(
            "{what} {} ({} of what it could cover, {} of it unused)",
            money(Some(if saved < Usd::ZERO { -saved } else { saved })),
            ratio(commitment.coverage),
            amount(&commitment.unused_usd)
        )
    };
    let mut lines = Vec::new();
    if let Some(existing) = &plan.existing {
        lines.push(format!("the Savings Plan of {} an hour {}", rate(existing), worth(existing)));
    }
    let until = plan.best_breaks_even_at_percent;
    let until =
        until.map(|percent| format!("; it breaks even at {percent} % of the usage")).unwrap_or_default();
    lines.push(if usd(&plan.best.saved_usd).is_some_and(|saved| saved > Usd::ZERO) {
        format!("the best commitment, {} an hour, {}{until}", rate(&plan.best), worth(&plan.best))
    } else {
        "no Savings Plan commitment pays".to_owned()
    });
    lines.extend(plan.growth.iter().map(|grown| {
        let existing = grown.existing.as_ref();
        let existing = existing.map(|existing| format!("the existing one {}; ", worth(existing)));
        format!(
            "at {}: {}today's best {}; the best there is ${} an hour",
            clean(&grown.volume),
            existing.unwrap_or_default(),
            worth(&grown.kept),
            grown.best_usd_per_hour
        )
    }));
    lines
}

/// What would be recommended without a limit.
pub(super) fn binding(binding: &Binding) -> String {
    let (limits, verb, them) = match &binding.limits[..] {
        [one] => (one.clone(), "binds", "it"),
        several => (several.join(" and "), "bind together", "them"),
    };
    format!(
        "{limits} {verb}: without {them}, {} would cost {} less ({} a month)",
        clean(&binding.platform),
        percent(binding.saves),
        money(usd(&binding.usd_per_month))
    )
}

/// The volume of the trace itself, and all others.
pub(super) fn volumes(plan: &Plan) -> Vec<Grown> {
    let winner = plan.winner().cloned();
    let itself = Grown {
        volume: "x1".to_owned(),
        factor: 1.0,
        pods: plan.inputs.pods,
        usd_per_month_per_volume: winner.as_ref().and_then(|winner| winner.usd_per_month.clone()),
        winner,
        counts: plan.result.counts,
    };
    [itself].into_iter().chain(plan.growth.iter().cloned()).collect()
}

/// Volumes at which there is no answer, and between which others it changes.
pub(super) fn changes(plan: &Plan) -> Vec<String> {
    let without = plan.growth.iter().filter(|grown| grown.winner.is_none());
    let unkept = without.map(|grown| format!("nothing keeps the limits at {}", clean(&grown.volume)));
    unkept.chain(plan.flips.iter().map(|flip| format!("the answer changes {}", self::flip(flip)))).collect()
}

fn flip(flip: &Flip) -> String {
    let [low, high] = flip.between;
    format!(
        "from {} to {} between ×{low:.2} and ×{high:.2} of the volume",
        clean(&flip.from),
        clean(&flip.to)
    )
}

pub(super) fn total(candidate: &Planned) -> Usd {
    candidate.total_usd.as_deref().and_then(usd).unwrap_or_default()
}

pub(super) fn money(amount: Option<Usd>) -> String {
    Places::of([amount]).show(amount)
}

fn percent(part: f64) -> String {
    if part < 0.0995 { format!("{:.1} %", part * 100.0) } else { ratio(Some(part)) }
}
