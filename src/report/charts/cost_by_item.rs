//! What was paid for on each platform: a row per platform, a column per kind of item, all bars on one scale.

use std::collections::BTreeMap;

use super::data::{ChartData, CostSeries, Series};
use super::figure::{Align, Figure, LABEL, LEADING, Rect, SMALL, Text, room, wrap};
use super::theme::{self, AXIS, INK, SOFT};
use crate::report::text::{Places, ratio};
use crate::units::Usd;

/// Kinds with a column of their own; the smallest others share one.
const COLUMNS: usize = 6;
const COLUMN_GAP: f64 = 22.0;
/// From a bar to its amount.
const AMOUNT_GAP: f64 = 6.0;
const HEAD_LINES: usize = 2;

/// A kind of item on every platform.
struct Column {
    head: Vec<String>,
    /// By row, exact.
    amounts: Vec<Usd>,
    /// The longest bars to the right and to the left of its zero, in dollars.
    right: f64,
    left: f64,
    /// What amounts and head need at least.
    amount_room: f64,
    head_room: f64,
}

impl Column {
    fn width(&self, scale: f64) -> f64 {
        let bars = (self.right + self.left) * scale + AMOUNT_GAP + self.amount_room;
        bars.max(self.head_room) + COLUMN_GAP
    }
}

pub fn draw(data: &ChartData) -> Figure {
    let (mut figure, page) =
        Figure::new(title(data), data.subtitle("Cost by item in USD; all bars on one scale", true));
    let rows: Vec<(usize, &Series, &CostSeries)> = data.billed().collect();
    if rows.is_empty() {
        return figure;
    }
    let places = data.places();
    let columns = columns(data, &rows);
    let names = rows
        .iter()
        .map(|(_, p, cost)| room(&p.label(), LABEL, true).max(room(&total(places, p, cost), SMALL, false)));
    let left = page.left + names.fold(0.0, f64::max) + 24.0;
    let scale = scale(&columns, page.right + COLUMN_GAP - left);
    let head_lines = columns.iter().map(|column| column.head.len()).max().unwrap_or(1) as f64;
    let head = head_lines * SMALL * LEADING + 8.0;
    let height = ((page.bottom - page.top - head) / rows.len() as f64).min(126.0);
    let row = |nth: usize| page.top + head + nth as f64 * height;
    for (nth, (index, platform, cost)) in rows.iter().enumerate() {
        let middle = row(nth) + height / 2.0;
        let name = Text::new(platform.label(), (page.left, middle - 3.0), Align::Left);
        figure.text(name.bold().color(theme::color(*index)));
        let at = (page.left, middle + 14.0);
        figure.text(Text::new(total(places, platform, cost), at, Align::Left).size(SMALL));
    }
    let mut x = left;
    for column in &columns {
        for (line, text) in column.head.iter().enumerate() {
            let from_last = (column.head.len() - 1 - line) as f64;
            let baseline = page.top + head - 12.0 - from_last * SMALL * LEADING;
            figure.text(Text::new(text, (x, baseline), Align::Left).size(SMALL).color(SOFT));
        }
        let zero = x + column.left * scale;
        for (nth, amount) in column.amounts.iter().enumerate() {
            let field = Rect { left: zero, right: page.right, top: row(nth), bottom: row(nth) + height };
            bar(&mut figure, rows[nth].0, *amount, places, scale, &field);
        }
        figure.line(vec![(zero, row(0)), (zero, row(rows.len()))], 1.0, AXIS);
        x += column.width(scale);
    }
    figure
}

fn bar(figure: &mut Figure, index: usize, amount: Usd, places: Places, scale: f64, row: &Rect) {
    if amount == Usd::ZERO {
        return;
    }
    let middle = row.top + row.height() / 2.0;
    let half = (row.height() * 0.32).min(24.0);
    let length = amount.to_f64() * scale;
    let (left, right) = (row.left + length.min(0.0), row.left + length.max(0.0));
    let color = theme::color(index);
    // A bar to the left takes something away, and is paler.
    let color = if length < 0.0 { color.tint(0.45) } else { color };
    figure.rect(Rect { left, right, top: middle - half, bottom: middle + half }, color);
    let at = (right + AMOUNT_GAP, middle + 0.35 * SMALL);
    figure.text(Text::new(places.show(Some(amount)), at, Align::Left).size(SMALL).color(INK));
}

fn total(places: Places, platform: &Series, cost: &CostSeries) -> String {
    let total = places.show(Some(cost.total));
    if platform.complete { total } else { format!("{total} · incomplete") }
}

/// The kinds in the order of the bill, the smallest of too many in one column at the end.
fn columns(data: &ChartData, rows: &[(usize, &Series, &CostSeries)]) -> Vec<Column> {
    let mut kinds: Vec<&'static str> = Vec::new();
    let mut largest: BTreeMap<&'static str, Usd> = BTreeMap::new();
    for (name, usd) in rows.iter().flat_map(|(_, _, cost)| &cost.items) {
        if !kinds.contains(name) {
            kinds.push(name);
        }
        let most = largest.entry(name).or_default();
        *most = (*most).max(*usd).max(-*usd);
    }
    let mut own = kinds.clone();
    own.sort_by_key(|name| std::cmp::Reverse(largest[name]));
    own.retain(|name| largest[name] > Usd::ZERO);
    if own.len() > COLUMNS {
        own.truncate(COLUMNS - 1);
    }
    let of = |cost: &CostSeries, wanted: &dyn Fn(&str) -> bool| -> Usd {
        cost.items.iter().filter(|(name, _)| wanted(name)).map(|(_, usd)| *usd).sum()
    };
    let column = |head: &str, wanted: &dyn Fn(&str) -> bool| {
        let amounts: Vec<Usd> = rows.iter().map(|(_, _, cost)| of(cost, wanted)).collect();
        let dollars = || amounts.iter().map(|usd| usd.to_f64());
        let places = data.places();
        let amount_room = amounts.iter().map(|usd| room(&places.show(Some(*usd)), SMALL, false));
        Column {
            head: Vec::new(),
            right: dollars().fold(0.0, f64::max),
            left: -dollars().fold(0.0, f64::min),
            amount_room: amount_room.fold(0.0, f64::max),
            head_room: head_room(head),
            amounts,
        }
    };
    let mut columns: Vec<(String, Column)> = Vec::new();
    for name in kinds.iter().filter(|name| own.contains(name)) {
        columns.push(((*name).to_owned(), column(name, &|kind| kind == *name)));
    }
    let rest = column("other", &|kind| !own.contains(&kind));
    if rest.amounts.iter().any(|usd| *usd != Usd::ZERO) {
        columns.push(("other".to_owned(), rest));
    }
    columns
        .into_iter()
        .map(|(head, column)| Column { head: wrap(&head, column.head_room, SMALL, false), ..column })
        .collect()
}

/// The least width that takes every word, and all of them in a few lines.
fn head_room(head: &str) -> f64 {
    let words = head.split_whitespace().map(|word| room(word, SMALL, false));
    let mut width = words.fold(0.0, f64::max);
    while wrap(head, width, SMALL, false).len() > HEAD_LINES {
        width += 4.0;
    }
    width
}

/// Pixels per dollar: as many as let all columns fit.
fn scale(columns: &[Column], room: f64) -> f64 {
    let fits = |scale: f64| columns.iter().map(|column| column.width(scale)).sum::<f64>() <= room;
    let dollars: f64 = columns.iter().map(|column| column.right + column.left).sum();
    let (mut lo, mut hi) = (0.0, room / dollars.max(1e-12));
    for _ in 0..50 {
        let middle = (lo + hi) / 2.0;
        *(if fits(middle) { &mut lo } else { &mut hi }) = middle;
    }
    lo
}

fn title(data: &ChartData) -> String {
    let Some((best, platform, cost)) = data.cheapest() else { return data.no_finding() };
    let largest = |cost: &CostSeries| {
        let item = cost.items.iter().max_by_key(|(_, usd)| *usd).copied()?;
        let share = item.1.to_f64() / cost.total.to_f64();
        (item.1 > Usd::ZERO && cost.total > Usd::ZERO).then(|| (in_words(item.0), ratio(Some(share))))
    };
    let name = platform.label();
    let Some((item, share)) = largest(cost) else { return format!("{name} costs nothing") };
    let dearest = data.billed().filter(|(_, p, _)| p.is_candidate()).max_by_key(|(_, _, cost)| cost.total);
    match dearest.filter(|(index, ..)| *index != best).and_then(|(_, p, cost)| Some((p, largest(cost)?))) {
        None => format!("{name} pays most for {item}: {share} of its cost"),
        Some((other, (second, part))) if second == item => {
            format!("Most is paid for {item}: {share} on {name}, {part} on {}", other.label())
        }
        Some((other, (second, part))) => {
            format!("{name} pays most for {item} ({share}), {} for {second} ({part})", other.label())
        }
    }
}

/// An item in a sentence.
fn in_words(item: &str) -> String {
    match item {
        "control plane" | "Auto Mode fee" | "Savings Plan" => format!("the {item}"),
        "after the pod's end" => format!("time {item}"),
        _ => item.to_owned(),
    }
}
