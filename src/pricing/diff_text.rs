//! A difference between snapshots as text, Markdown and JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::diff::{Diff, PriceFile, What};
use super::group::{Group, groups, percent};
use super::{PriceJson, SnapshotJson, pretty};
use crate::report::plural;
use crate::report::table::Paint;
use crate::report::text::{clean, count, width as columns_of, wrap};

/// No more than this is left free for names.
const LONGEST_NAME: usize = 30;

/// As text in lines of at most `width` columns.
pub fn table(diff: &Diff, width: usize, color: bool) -> String {
    let paint = Paint::new(color);
    let groups = groups(diff);
    let mut text = String::new();
    let mut line = |content: &str| {
        text.push_str(content.trim_end());
        text.push('\n');
    };
    line(&paint.bold(&wrap(&clean(&headline(diff)), width, 2)));
    if diff.changes.is_empty() {
        return text;
    }
    let longest = |of: fn(&Group) -> &str| {
        groups.iter().map(|group| columns_of(of(group))).filter(|w| *w <= LONGEST_NAME).max().unwrap_or(0)
    };
    let (titles, changes) = (longest(|group| &group.title), longest(|group| &group.change));
    for file in PriceFile::ALL {
        let of_file: Vec<&Group> = groups.iter().filter(|group| group.file == file).collect();
        if of_file.is_empty() {
            continue;
        }
        line("");
        line(&paint.dim(file.name()));
        for group in of_file {
            let pad =
                |cell: &str, to: usize| format!("{cell}{}", " ".repeat(to.saturating_sub(columns_of(cell))));
            let (title, change) = (pad(&group.title, titles), pad(&group.change, changes));
            let content = format!("{title}  {change}  {}", group.detail);
            let content = clean(content.trim_end()).into_owned();
            let whom = touched_by(diff, group).map(|whom| clean(&format!("[{whom}]")).into_owned());
            let whom = whom.unwrap_or_default();
            let painted = |text: &str| text.replacen(&group.change, &paint.change(&group.change), 1);
            if columns_of(&content) + 2 + columns_of(&whom) <= width {
                line(&format!("{}  {whom}", painted(&content)));
                continue;
            }
            line(&painted(&fold(&content, width)));
            if !whom.is_empty() {
                line(&format!("    {}", wrap(&whom, width - 4, 0).replace('\n', "\n    ")));
            }
        }
    }
    line("");
    for note in notes(diff) {
        line(&wrap(&clean(&note), width, 2));
    }
    text
}

/// Breaks a line that is too long after its columns, which keep their places.
fn fold(content: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for (index, word) in content.split(' ').enumerate() {
        let wide = columns_of(word);
        if index > 0 && used + 1 + wide > width {
            out.truncate(out.trim_end().len());
            out.push_str("\n    ");
            used = 4;
        } else if index > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += wide;
    }
    out
}

/// As Markdown, a table per file.
pub fn markdown(diff: &Diff) -> String {
    let groups = groups(diff);
    let cell = |text: &str| clean(text).replace('\\', "\\\\").replace('|', "\\|");
    let mut text = format!("**{}**\n", cell(&headline(diff)));
    for file in PriceFile::ALL {
        let mut of_file = groups.iter().filter(|group| group.file == file).peekable();
        if of_file.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "\n| {} | change | | touches |\n|---|---|---|---|", file.name());
        for group in of_file {
            let whom = touched_by(diff, group).unwrap_or_default();
            let cells = [&group.title, &group.change, &group.detail, &whom].map(|text| cell(text));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    if !diff.changes.is_empty() {
        text.push('\n');
        for note in notes(diff) {
            let _ = writeln!(text, "- {}", cell(&note));
        }
    }
    text
}

/// The most important line: whether there is anything to look at.
fn headline(diff: &Diff) -> String {
    let [old, new] = &diff.snapshots;
    let (old, new, region) = (&old.origin, &new.origin, &diff.region);
    if diff.changes.is_empty() {
        let dates = match diff.redated {
            0 => String::new(),
            some => format!(", but for the dates of {}", plural(some as u64, "price")),
        };
        return format!("no difference between {old} and {new} in {region}{dates}");
    }
    let touched = diff.touched().iter().filter(|changes| **changes > 0).count();
    let platforms = match touched {
        0 => "no platform is touched".to_owned(),
        1 => "1 platform is touched".to_owned(),
        some => format!("{some} platforms are touched"),
    };
    format!("{old} → {new} in {region}: {}, {platforms}", plural(diff.changes.len() as u64, "change"))
}

/// Whom it concerns, for the end.
fn notes(diff: &Diff) -> Vec<String> {
    let touched: Vec<(&String, usize)> = diff.platforms.iter().zip(diff.touched()).collect();
    let (some, none): (Vec<_>, Vec<_>) = touched.into_iter().partition(|(_, changes)| *changes > 0);
    let mut notes = Vec::new();
    if !some.is_empty() {
        let each = some.iter().map(|(name, changes)| format!("{name} ({})", count(*changes as u64)));
        notes.push(format!("touched, by so many changes: {}", each.collect::<Vec<_>>().join(", ")));
    }
    if !none.is_empty() {
        let names: Vec<&str> = none.iter().map(|(name, _)| name.as_str()).collect();
        notes.push(format!("not touched: {}", names.join(", ")));
    }
    if diff.redated > 0 {
        notes.push(format!("another date and nothing else: {}", plural(diff.redated as u64, "price")));
    }
    notes
}

/// The platforms that a group touches; `all platforms` is shorter than their names.
fn touched_by(diff: &Diff, group: &Group) -> Option<String> {
    let names: Vec<&str> = group.touches.iter().map(|index| diff.platforms[*index].as_str()).collect();
    match names.len() {
        0 => None,
        all if all == diff.platforms.len() && all > 1 => Some("all platforms".to_owned()),
        _ => Some(names.join(", ")),
    }
}

/// As JSON, every change by itself.
pub fn json(diff: &Diff) -> String {
    #[derive(Serialize)]
    struct ChangeJson<'d> {
        file: &'static str,
        name: &'d str,
        /// `added`, `removed` or `changed`.
        kind: &'static str,
        /// Of a price: per what.
        unit: Option<&'static str>,
        /// Of what is said of a type: the column.
        field: Option<&'d str>,
        old: Option<Value<'d>>,
        new: Option<Value<'d>>,
        /// Of a price, for people.
        change: Option<String>,
        touches: Vec<&'d str>,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Value<'d> {
        Price(PriceJson),
        Fact(&'d str),
    }
    #[derive(Serialize)]
    struct PlatformJson<'d> {
        name: &'d str,
        changes: usize,
    }
    #[derive(Serialize)]
    struct DiffJson<'d> {
        old: &'d SnapshotJson,
        new: &'d SnapshotJson,
        region: &'d str,
        platforms: Vec<PlatformJson<'d>>,
        changes: Vec<ChangeJson<'d>>,
        /// Prices that are the same but for their date.
        redated: usize,
    }
    let change = |change: &'_ super::Change| -> (&'static str, Option<String>) {
        match &change.what {
            What::Price { old: None, .. } | What::Type { is_new: true } => ("added", None),
            What::Price { new: None, .. } | What::Type { is_new: false } => ("removed", None),
            What::Price { old: Some(old), new: Some(new), .. } => ("changed", Some(percent(*old, *new))),
            What::Fact { .. } => ("changed", None),
        }
    };
    let changes = diff.changes.iter().map(|it| {
        let (kind, percent) = change(it);
        let (unit, field, old, new) = match &it.what {
            What::Price { unit, old, new } => {
                let value = |price: &Option<_>| price.map(|price| Value::Price(PriceJson::from(price)));
                (Some(*unit), None, value(old), value(new))
            }
            What::Type { .. } => (None, None, None, None),
            What::Fact { field, old, new } => {
                (None, Some(*field), Some(Value::Fact(old)), Some(Value::Fact(new)))
            }
        };
        let touches = it.touches.iter().map(|index| diff.platforms[*index].as_str()).collect();
        ChangeJson {
            file: it.file.name(),
            name: &it.name,
            kind,
            unit,
            field,
            old,
            new,
            change: percent,
            touches,
        }
    });
    let platforms = diff.platforms.iter().zip(diff.touched());
    pretty(&DiffJson {
        old: &diff.snapshots[0],
        new: &diff.snapshots[1],
        region: &diff.region,
        platforms: platforms.map(|(name, changes)| PlatformJson { name, changes }).collect(),
        changes: changes.collect(),
        redated: diff.redated,
    })
}
