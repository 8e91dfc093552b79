//! The result in one sentence: who is cheapest, by how much, and what it does to latency.

use super::{PlatformReport, Report};
use crate::units::Usd;

/// What a reader should take away. Incomplete platforms and platforms without a cost are never recommended.
pub fn finding(platforms: &[PlatformReport]) -> String {
    let Some(first) = platforms.first() else { return "nothing was compared".to_owned() };
    let candidates = || platforms.iter().filter(|p| p.complete).filter_map(|p| Some((total(p)?, p)));
    let Some((least, best)) = candidates().min_by_key(|(usd, _)| *usd) else {
        return "no platform could run the whole trace".to_owned();
    };
    let name = |p: &PlatformReport| if p.today { format!("{} (today)", p.name) } else { p.name.clone() };
    let Some(base) = total(first).filter(|_| first.complete) else {
        return format!("{} costs least of those that ran the whole trace: {}", name(best), money(least));
    };
    if best.name == first.name {
        let next = candidates().filter(|(_, p)| p.name != first.name).min_by_key(|(usd, _)| *usd);
        return match next {
            Some((usd, other)) => format!(
                "{} costs least ({}): {} would cost {}{}",
                name(first),
                money(base),
                name(other),
                change(base, usd),
                makespan_clause(first, other)
            ),
            None => format!("{} costs {}; nothing else was compared with it", name(first), money(base)),
        };
    }
    format!(
        "{} would cost {} than {} ({} instead of {}){}",
        name(best),
        change(base, least),
        name(first),
        money(least),
        money(base),
        makespan_clause(first, best)
    )
}

fn total(platform: &PlatformReport) -> Option<Usd> {
    platform.cost.as_ref().and_then(|cost| Usd::parse(&cost.total_usd))
}

fn money(usd: Usd) -> String {
    let places = if usd.femto().abs() < Usd::parse("1").map_or(0, Usd::femto) { 4 } else { 2 };
    format!("${}", usd.rounded(places))
}

/// `37 % less`, `2.1 times as much`: from `base` to `other`.
fn change(base: Usd, other: Usd) -> String {
    let percent = (other.to_f64() / base.to_f64() - 1.0) * 100.0;
    if !percent.is_finite() {
        return format!("{} more", money(other - base));
    }
    match percent {
        p if p.abs() < 0.5 => "about as much".to_owned(),
        p if p > 150.0 => format!("{:.1} times as much", p / 100.0 + 1.0),
        p if p > 0.0 => format!("{p:.0} % more"),
        p => format!("{:.0} % less", -p),
    }
}

fn makespan_clause(base: &PlatformReport, other: &PlatformReport) -> String {
    let p99 = |p: &PlatformReport| p.latency.makespan_s.p99.filter(|s| *s > 0.0);
    let (Some(before), Some(after)) = (p99(base), p99(other)) else { return String::new() };
    let percent = (after / before - 1.0) * 100.0;
    if percent.abs() < 1.0 {
        "; p99 makespan stays the same".to_owned()
    } else {
        let word = if percent < 0.0 { "shorter" } else { "longer" };
        format!("; p99 makespan is {:.0} % {word}", percent.abs())
    }
}

impl Report {
    /// The platform that the others are compared with.
    pub fn base(&self) -> Option<&PlatformReport> {
        self.platforms.first()
    }
}
