//! Where labels go, so that none lies on another.

use std::borrow::Cow;

use super::figure::{Point, Rect};

/// Moves labels of one column as little as possible so that they are at least `gap` apart and lie within `lo` and
/// `hi`; gives their places in the order of `wanted`. Room for all is the caller's business: where there is none,
/// they begin at `lo` and go past `hi`.
pub fn spread(wanted: &[f64], gap: f64, lo: f64, hi: f64) -> Vec<f64> {
    /// Labels that touch, and where the first would be for the least squares of their moves.
    struct Cluster {
        first: f64,
        count: usize,
    }
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]).then(a.cmp(b)));
    let clamp = |first: f64, count: usize| first.min(hi - (count - 1) as f64 * gap).max(lo);
    let mut clusters: Vec<Cluster> = Vec::new();
    for index in &order {
        let mut cluster = Cluster { first: clamp(wanted[*index], 1), count: 1 };
        while let Some(above) = clusters.pop_if(|c| c.first + c.count as f64 * gap > cluster.first) {
            let (a, b) = (above.count as f64, cluster.count as f64);
            let first = (above.first * a + (cluster.first - a * gap) * b) / (a + b);
            let count = above.count + cluster.count;
            cluster = Cluster { first: clamp(first, count), count };
        }
        clusters.push(cluster);
    }
    let mut places = vec![0.0; wanted.len()];
    let mut order = order.into_iter();
    for cluster in clusters {
        for (nth, index) in order.by_ref().take(cluster.count).enumerate() {
            places[index] = cluster.first + nth as f64 * gap;
        }
    }
    places
}

/// A label of a given size that may stand anywhere near a point.
pub struct Floating {
    pub anchor: Point,
    pub width: f64,
    pub height: f64,
}

/// Places labels near their points within `area`, none on another or on a line that leads to one, and off the
/// `obstacles` where there is room. `None` for a label that fits nowhere.
///
/// Labels are placed in turn; who comes first takes the room of the next. So every label is tried as the first, and
/// the turn with the shortest lines is taken.
pub fn float(labels: &[Floating], obstacles: &[Rect], area: &Rect) -> Vec<Option<Rect>> {
    let mut best: Option<(f64, Vec<Option<Rect>>)> = None;
    for first in 0..labels.len() {
        let (cost, places) = in_turn(labels, first, obstacles, area);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, places));
        }
        if best.as_ref().is_some_and(|(least, _)| *least <= 0.0) {
            break;
        }
    }
    best.map(|(_, places)| places).unwrap_or_default()
}

fn in_turn(labels: &[Floating], first: usize, obstacles: &[Rect], area: &Rect) -> (f64, Vec<Option<Rect>>) {
    /// What it costs, in pixels of lines, to lie where it should not.
    const MISPLACED: f64 = 2_000.0;
    let mut placed: Vec<Rect> = Vec::new();
    let mut lines: Vec<Rect> = Vec::new();
    let mut places = vec![None; labels.len()];
    let mut cost = 0.0;
    for index in (first..labels.len()).chain(0..first) {
        let label = &labels[index];
        let off = |rect: &Rect, things: &[Rect]| !things.iter().any(|other| other.overlaps(rect));
        let possible = |rect: &Rect| area.holds(rect) && off(rect, &placed) && off(rect, &lines);
        let others = labels.iter().map(|other| other.anchor).filter(|anchor| *anchor != label.anchor);
        let others: Vec<Rect> = others.map(|(x, y)| square(x, y, 5.0)).collect();
        let leads_elsewhere = |rect: &Rect| {
            along(leader(label.anchor, rect)).any(|dot| !off(&dot, &placed) || !off(&dot, &others))
        };
        let good = |rect: &Rect| possible(rect) && off(rect, obstacles) && !leads_elsewhere(rect);
        let place = around(label).find(good).or_else(|| {
            let readable = |rect: &Rect| possible(rect) && !leads_elsewhere(rect);
            let places = anywhere(label, area);
            let first = |suits: &dyn Fn(&Rect) -> bool| places.iter().find(|rect| suits(rect)).copied();
            first(&good).or_else(|| {
                cost += MISPLACED;
                first(&readable).or_else(|| first(&possible))
            })
        });
        if let Some(rect) = place {
            let line = leader(label.anchor, &rect);
            cost += line.map_or(0.0, |(from, to)| (to.0 - from.0).hypot(to.1 - from.1));
            lines.extend(along(line));
            placed.push(rect);
        }
        places[index] = place;
    }
    (cost, places)
}

/// The line from a point to the border of its label; none where they are close.
pub fn leader(from: Point, label: &Rect) -> Option<(Point, Point)> {
    const CLOSE: f64 = 16.0;
    const FROM_POINT: f64 = 8.0;
    let to = (from.0.clamp(label.left, label.right), from.1.clamp(label.top, label.bottom));
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let part = FROM_POINT / length;
    let start = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
    (length > CLOSE).then_some((start, to))
}

/// Small boxes along a line, up to just before its end.
fn along(line: Option<(Point, Point)>) -> impl Iterator<Item = Rect> {
    const STEP: f64 = 5.0;
    line.into_iter().flat_map(|(from, to)| {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let count = (length / STEP) as usize;
        (0..count).map(move |n| {
            let part = n as f64 * STEP / length;
            let (x, y) = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            square(x, y, 2.0)
        })
    })
}

fn square(x: f64, y: f64, reach: f64) -> Rect {
    Rect { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach }
}

/// Places around a point, best first: beside it, above and below, then further and further away.
fn around(label: &Floating) -> impl Iterator<Item = Rect> {
    const NEAR: f64 = 12.0;
    const STEP: f64 = 9.0;
    const RINGS: i32 = 60;
    let Floating { anchor: (x, y), width, height } = *label;
    let rect = move |center_x: f64, center_y: f64| Rect {
        left: center_x - width / 2.0,
        right: center_x + width / 2.0,
        top: center_y - height / 2.0,
        bottom: center_y + height / 2.0,
    };
    (0..RINGS).flat_map(move |ring| {
        let away = NEAR + f64::from(ring) * STEP;
        let (beside, above) = (away + width / 2.0, away + height / 2.0);
        let sides = [(beside, 0.0), (-beside, 0.0), (0.0, -above), (0.0, above)];
        // Halfway towards the corners, where there may be room when the sides have none.
        let corners = [(beside, -above), (beside, above), (-beside, -above), (-beside, above)];
        let between =
            [(beside, -above / 2.0), (beside, above / 2.0), (-beside, -above / 2.0), (-beside, above / 2.0)];
        sides.into_iter().chain(between).chain(corners).map(move |(dx, dy)| rect(x + dx, y + dy))
    })
}

/// Places all over `area`, the nearest first.
fn anywhere(label: &Floating, area: &Rect) -> Vec<Rect> {
    const STEP: f64 = 8.0;
    let Floating { anchor, width, height } = *label;
    let columns = ((area.width() - width) / STEP).max(0.0) as usize;
    let rows = ((area.height() - height) / STEP).max(0.0) as usize;
    let mut places: Vec<Rect> = Vec::with_capacity((columns + 1) * (rows + 1));
    for row in 0..=rows {
        for column in 0..=columns {
            let (left, top) = (area.left + column as f64 * STEP, area.top + row as f64 * STEP);
            places.push(Rect { left, top, right: left + width, bottom: top + height });
        }
    }
    let far = |r: &Rect| ((r.left + r.right) / 2.0 - anchor.0).hypot((r.top + r.bottom) / 2.0 - anchor.1);
    places.sort_by_cached_key(|rect| far(rect) as u32);
    places
}

/// `name` in at most `most` characters. The middle goes: names of variants differ at their ends.
pub fn shorten(name: &str, most: usize) -> Cow<'_, str> {
    let length = name.chars().count();
    if length <= most {
        return name.into();
    }
    let tail = (most - 1) / 2;
    let head: String = name.chars().take(most - 1 - tail).collect();
    let tail: String = name.chars().skip(length - tail).collect();
    format!("{head}…{tail}").into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_with_room_stay_where_they_are() {
        assert_eq!(spread(&[50.0, 10.0, 90.0], 20.0, 0.0, 100.0), [50.0, 10.0, 90.0]);
        // Two at one place part evenly; at the border they are pushed inwards.
        assert_eq!(spread(&[50.0, 50.0], 20.0, 0.0, 100.0), [40.0, 60.0]);
        assert_eq!(spread(&[99.0, 100.0], 20.0, 0.0, 100.0), [80.0, 100.0]);
    }

    #[test]
    fn floating_labels_keep_off_obstacles_while_there_is_room() {
        let area = Rect { left: 0.0, top: 0.0, right: 400.0, bottom: 200.0 };
        let label = Floating { anchor: (200.0, 100.0), width: 80.0, height: 30.0 };
        let right_half = Rect { left: 190.0, top: 0.0, right: 400.0, bottom: 200.0 };
        let place = float(&[label], &[right_half], &area)[0].unwrap();
        assert!(place.right <= 190.0 && place.left > 90.0, "{place:?}");
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shorten("karpenter", 9), "karpenter");
        assert_eq!(shorten("jobs-on-karpenter-consolidate-after-10m", 16), "jobs-on-…ter-10m");
        assert_eq!(shorten("日本語の長い名前", 5), "日本…名前");
    }

    proptest! {
        #[test]
        fn spread_labels_never_touch_and_keep_their_order(wanted in prop::collection::vec(-50.0..450.0, 1..12)) {
            let places = spread(&wanted, 30.0, 0.0, 360.0);
            let mut sorted = places.clone();
            sorted.sort_by(f64::total_cmp);
            prop_assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] > 30.0 - 1e-6));
            prop_assert!(sorted[0] >= 0.0 && sorted[sorted.len() - 1] <= 360.0 + 1e-6);
            for a in 0..wanted.len() {
                for b in 0..wanted.len() {
                    prop_assert!(wanted[a] >= wanted[b] || places[a] < places[b]);
                }
            }
        }

        #[test]
        fn floating_labels_never_overlap(
            points in prop::collection::vec((60.0..900.0, 120.0..500.0, 40.0..300.0), 1..11),
            spread in prop::sample::select(vec![0.0, 0.05, 1.0]),
        ) {
            let area = Rect { left: 40.0, top: 90.0, right: 940.0, bottom: 520.0 };
            let labels: Vec<_> = points
                .iter()
                .map(|(x, y, width)| {
                    // All over the page, close together, and on one spot.
                    let anchor = (500.0 + (x - 500.0) * spread, 300.0 + (y - 300.0) * spread);
                    Floating { anchor, width: *width, height: 38.0 }
                })
                .collect();
            let dot = |l: &Floating| {
                let (x, y) = l.anchor;
                Rect { left: x - 6.0, right: x + 6.0, top: y - 6.0, bottom: y + 6.0 }
            };
            let dots: Vec<Rect> = labels.iter().map(dot).collect();
            let places: Vec<Rect> = float(&labels, &dots, &area).into_iter().flatten().collect();
            prop_assert_eq!(places.len(), labels.len());
            for (index, place) in places.iter().enumerate() {
                prop_assert!(area.holds(place));
                prop_assert!(!places[..index].iter().any(|other| other.overlaps(place)));
            }
        }
    }
}
