//! The result in one sentence: who is cheapest, by how much, and what it does to latency.

use super::PlatformReport;
use super::text::Places;
use crate::units::Usd;

/// What a reader should take away. Only platforms that ran the whole trace and can be billed are recommended;
/// `recorded` never is, since nobody can move to the past.
pub fn finding(platforms: &[PlatformReport]) -> String {
    let candidates = || {
        let eligible = platforms.iter().filter(|p| p.complete && p.kind != "recorded");
        eligible.filter_map(|p| Some((total(p)?, p)))
    };
    let name = |p: &PlatformReport| if p.today { format!("{} (today)", p.name) } else { p.name.clone() };
    let Some((least, best)) = candidates().min_by_key(|(usd, _)| *usd) else {
        let ran = platforms.iter().any(|p| p.complete && p.kind != "recorded");
        let why = if ran {
            "no platform that ran the whole trace has a known cost"
        } else {
            "no platform could run the whole trace"
        };
        return why.to_owned();
    };
    let others = || candidates().filter(|(_, p)| p.name != best.name);
    // Compared with the first platform; if that is the best itself, with the next best.
    let first = platforms.first().map(|p| p.name.as_str());
    let base = others().find(|(_, p)| Some(p.name.as_str()) == first);
    match base.or_else(|| others().min_by_key(|(usd, _)| *usd)) {
        None => format!("{} costs {}", name(best), money(least)),
        Some((usd, other)) if base.is_some() => format!(
            "{} would cost {} {} ({} instead of {}){}",
            name(best),
            change(usd, least).against(),
            name(other),
            money(least),
            money(usd),
            makespan_clause(other, best)
        ),
        Some((usd, other)) => format!(
            "{} costs least ({}): {} would cost {} ({}){}",
            name(best),
            money(least),
            name(other),
            change(least, usd).alone(),
            money(usd),
            makespan_clause(best, other)
        ),
    }
}

fn total(platform: &PlatformReport) -> Option<Usd> {
    platform.cost.as_ref().and_then(|cost| Usd::parse(&cost.total_usd))
}

fn money(usd: Usd) -> String {
    Places::of([Some(usd)]).show(Some(usd))
}

/// How one cost compares with another, in words.
pub(crate) struct Change {
    amount: String,
    /// What joins it to the name of the other: `37 % less` *than*, `5.9 times as much` *as*.
    joint: &'static str,
}

impl Change {
    pub fn alone(self) -> String {
        self.amount
    }

    pub fn against(self) -> String {
        format!("{} {}", self.amount, self.joint)
    }
}

pub(crate) fn change(base: Usd, other: Usd) -> Change {
    let percent = (other.to_f64() / base.to_f64() - 1.0) * 100.0;
    let (amount, joint) = match percent {
        p if base == other || p.abs() < 0.5 => ("about as much".to_owned(), "as"),
        p if !p.is_finite() => (format!("{} more", money(other - base)), "than"),
        p if p > 150.0 => (format!("{:.1} times as much", p / 100.0 + 1.0), "as"),
        p if p > 0.0 => (format!("{p:.0} % more"), "than"),
        p => (format!("{:.0} % less", -p), "than"),
    };
    Change { amount, joint }
}

/// How the 99th percentile of makespans changes from `base` to `other`.
fn makespan_clause(base: &PlatformReport, other: &PlatformReport) -> String {
    let p99 = |p: &PlatformReport| p.latency.makespan_s.p99.filter(|s| *s > 0.0);
    let (Some(before), Some(after)) = (p99(base), p99(other)) else { return String::new() };
    let percent = (after / before - 1.0) * 100.0;
    match percent {
        p if p.abs() < 1.0 => ", at the same p99 makespan".to_owned(),
        p if p < 0.0 => format!(", with a {:.0} % shorter p99 makespan", -p),
        p => format!(", with a {p:.0} % longer p99 makespan"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// Platforms of (name, kind, total, complete, p99 makespan), the first one today's.
    fn platforms(rows: &[(&str, &str, &str, bool, f64)]) -> Vec<PlatformReport> {
        let template = sample::report().platforms.swap_remove(0);
        let mut platforms = Vec::new();
        for (name, kind, total, complete, p99) in rows {
            let mut platform = template.clone();
            platform.name = (*name).to_owned();
            platform.kind = (*kind).to_owned();
            platform.today = platforms.is_empty();
            platform.complete = *complete;
            platform.cost.as_mut().unwrap().total_usd = (*total).to_owned();
            platform.latency.makespan_s.p99 = Some(*p99);
            platforms.push(platform);
        }
        platforms
    }

    #[test]
    fn the_finding_says_who_is_cheapest_against_the_first() {
        let fargate = ("fargate", "fargate", "100.00", true, 100.0);
        let cases = [
            (
                vec![fargate, ("jobs", "node-group", "63.00", true, 80.0)],
                "jobs would cost 37 % less than fargate (today) ($63.00 instead of $100.00), with a 20 % shorter p99 \
                 makespan",
            ),
            (
                vec![fargate, ("jobs", "node-group", "590.00", true, 100.0)],
                "fargate (today) costs least ($100.00): jobs would cost 5.9 times as much ($590.00), at the same p99 \
                 makespan",
            ),
            (
                vec![fargate, ("jobs", "node-group", "99.80", true, 120.0)],
                "jobs would cost about as much as fargate (today) ($99.80 instead of $100.00), with a 20 % longer p99 \
                 makespan",
            ),
            // Neither an incomplete platform nor the past is recommended.
            (
                vec![
                    fargate,
                    ("jobs", "node-group", "1.00", false, 80.0),
                    ("recorded", "recorded", "1.00", true, 80.0),
                ],
                "fargate (today) costs $100.00",
            ),
            (vec![("fargate", "fargate", "100.00", false, 1.0)], "no platform could run the whole trace"),
        ];
        for (rows, expected) in cases {
            assert_eq!(finding(&platforms(&rows)), expected);
        }
    }
}
