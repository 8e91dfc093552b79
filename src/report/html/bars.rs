//! Bars with their amounts beside them. Lengths within one chart are on one scale from zero.

use std::fmt::Write;

use super::element::{details, escape, section};
use super::product;
use crate::report::text::{Places, plural, ratio, usd};
use crate::report::view::plan_use;
use crate::report::{Cost, CostItem, PlatformReport, Report};
use crate::units::Usd;

/// Segments below this share of the scale have no room for a label in them.
const LABELLED_PERCENT: f64 = 9.0;

/// Lines of a bill that are not folded.
const ITEMS_SHOWN: usize = 8;

/// A bar without a label.
pub fn plain(part: Usd, whole: Usd) -> String {
    format!("<span class=\"bar\" style=\"width:{:.2}%\"></span>", percent(part, whole))
}

fn percent(part: Usd, whole: Usd) -> f64 {
    if whole > Usd::ZERO && part > Usd::ZERO { part.to_f64() / whole.to_f64() * 100.0 } else { 0.0 }
}

fn billed(report: &Report) -> Vec<(&PlatformReport, &Cost, Usd)> {
    let of = |p| -> Option<_> {
        let platform: &PlatformReport = p;
        Some((platform, platform.cost.as_ref()?, platform.total()?))
    };
    report.platforms.iter().filter_map(of).collect()
}

/// What the money was for: one stacked bar per platform.
pub fn allocation(out: &mut String, report: &Report) {
    let billed = billed(report);
    // Parts below zero have no segment, so the others can be longer than the total.
    let length = |cost: &Cost| -> Usd {
        cost.allocation.parts().filter_map(|(_, _, part)| usd(part)).map(|part| part.max(Usd::ZERO)).sum()
    };
    let Some(most) = billed.iter().map(|(_, cost, total)| length(cost).max(*total)).max() else { return };
    let places = Places::of([Some(most)]);
    section(out, "What the money was for", |out| {
        out.push_str("<div class=\"stacks\">\n");
        for (platform, cost, total) in &billed {
            let _ = write!(
                out,
                "<div class=\"stack\"><p class=\"label\"><b>{}</b> <span>{}</span></p>\n<div class=\"track\">",
                escape(&platform.name),
                escape(&places.show(Some(*total))),
            );
            for (key, name, amount) in cost.allocation.parts() {
                let amount = usd(amount).unwrap_or_default();
                let length = percent(amount, most);
                if length <= 0.0 {
                    continue;
                }
                let label = if length >= LABELLED_PERCENT { name } else { "" };
                let shown = escape(&places.show(Some(amount)));
                let _ = write!(
                    out,
                    "<span class=\"segment {key}\" style=\"width:{length:.2}%\" title=\"{name} {shown}\">{label}</span>"
                );
            }
            out.push_str("</div>\n<ul class=\"legend\">");
            for (key, name, amount) in cost.allocation.parts() {
                let amount = usd(amount).unwrap_or_default();
                if amount == Usd::ZERO {
                    continue;
                }
                let share = ratio((amount > Usd::ZERO).then(|| percent(amount, *total) / 100.0));
                let shown = escape(&places.show(Some(amount)));
                let _ = write!(
                    out,
                    "<li><i class=\"{key}\"></i>{name} <b>{shown}</b> <small>{}</small></li>",
                    escape(&share)
                );
            }
            if let Some(plan) = &cost.savings_plan {
                let _ = write!(out, "<li class=\"bound\">{}</li>", escape(&plan_use(plan)));
            }
            let bound = cost.lower_bound_usd.as_deref().and_then(usd).filter(|bound| *bound > Usd::ZERO);
            if let Some(bound) = bound {
                let shown = escape(&places.show(Some(bound)));
                let _ = write!(
                    out,
                    "<li class=\"bound\">no packing on these machines can cost less than <b>{shown}</b></li>"
                );
            }
            out.push_str("</ul></div>\n");
        }
        out.push_str("</div>\n");
    });
}

/// Every line of every bill, dearest first.
pub fn bills(out: &mut String, report: &Report) {
    let billed = billed(report);
    let items = || billed.iter().flat_map(|(_, cost, _)| &cost.items).filter_map(|item| usd(&item.usd));
    let Some(most) = items().max() else { return };
    section(out, "The bills", |out| {
        out.push_str("<div class=\"bills\">\n");
        for (platform, cost, total) in &billed {
            let places = Places::of([Some(*total)]);
            let _ = write!(
                out,
                "<article>\n<h3>{} <span>{}</span></h3>\n<ul class=\"items\">\n",
                escape(&platform.name),
                escape(&places.show(Some(*total))),
            );
            let mut items: Vec<&CostItem> = cost.items.iter().collect();
            items.sort_by_key(|item| std::cmp::Reverse(usd(&item.usd)));
            let (shown, more) = items.split_at(items.len().min(ITEMS_SHOWN));
            for item in shown {
                line(out, item, places, most);
            }
            if !more.is_empty() {
                let sum: Usd = more.iter().filter_map(|item| usd(&item.usd)).sum();
                let title =
                    format!("{}: {}", plural(more.len() as u64, "smaller item"), places.show(Some(sum)));
                out.push_str("</ul>\n");
                details(out, &title, |out| {
                    out.push_str("<ul class=\"items\">\n");
                    for item in more {
                        line(out, item, places, most);
                    }
                    out.push_str("</ul>\n");
                });
                out.push_str("<ul>\n");
            }
            out.push_str("</ul>\n</article>\n");
        }
        out.push_str("</div>\n");
    });
}

fn line(out: &mut String, item: &CostItem, places: Places, most: Usd) {
    let amount = usd(&item.usd).unwrap_or_default();
    let _ = writeln!(
        out,
        "<li><span class=\"what\">{}</span><span class=\"amount\">{}</span>{}<small>{} <br>{}</small></li>",
        escape(&item.item),
        escape(&places.show(Some(amount))),
        plain(amount, most),
        escape(&item.detail),
        escape(&product(item)),
    );
}

/// Why platforms differ from the first, where that was computed.
pub fn savings(out: &mut String, report: &Report) {
    let explained = || report.platforms.iter().filter_map(|p| Some((p, p.savings.as_ref()?)));
    let amounts = explained().flat_map(|(_, s)| &s.causes).filter_map(|cause| usd(&cause.usd));
    let Some(most) = amounts.map(|usd| usd.max(-usd)).max() else { return };
    let first = report.platforms.first().map_or("", |p| &*p.name);
    section(out, &format!("Where the difference to {first} comes from"), |out| {
        out.push_str("<div class=\"bills\">\n");
        for (platform, savings) in explained() {
            let total = usd(&savings.total_usd);
            let places = Places::of([total]);
            let _ = write!(
                out,
                "<article>\n<h3>{} <span>saves {}</span></h3>\n<ul class=\"items\">\n",
                escape(&platform.name),
                escape(&places.show(total)),
            );
            for cause in &savings.causes {
                let amount = usd(&cause.usd).unwrap_or_default();
                let _ = writeln!(
                    out,
                    "<li><span class=\"what\">{}</span><span class=\"amount\">{}</span>{}</li>",
                    escape(&cause.cause),
                    escape(&places.show(Some(amount))),
                    plain(amount.max(-amount), most),
                );
            }
            out.push_str("</ul>\n</article>\n");
        }
        out.push_str("</div>\n");
    });
}
