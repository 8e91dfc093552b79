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

/// Places labels near their points within `area`, none on another or on an `obstacle`, in turn. `None` for a label
/// that fits nowhere.
pub fn float(labels: &[Floating], obstacles: &[Rect], area: &Rect) -> Vec<Option<Rect>> {
    let mut taken = obstacles.to_vec();
    let mut places = Vec::with_capacity(labels.len());
    for label in labels {
        let free = |rect: &Rect| area.holds(rect) && !taken.iter().any(|other| other.overlaps(rect));
        let place = around(label).find(free);
        taken.extend(place);
        places.push(place);
    }
    places
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
        let between = [(beside, -above / 2.0), (beside, above / 2.0), (-beside, -above / 2.0), (-beside, above / 2.0)];
        sides.into_iter().chain(between).chain(corners).map(move |(dx, dy)| rect(x + dx, y + dy))
    })
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
            points in prop::collection::vec((60.0..900.0, 120.0..500.0, 40.0..260.0), 1..11)
        ) {
            let area = Rect { left: 40.0, top: 90.0, right: 940.0, bottom: 520.0 };
            let labels: Vec<_> = points
                .iter()
                .map(|(x, y, width)| Floating { anchor: (*x, *y), width: *width, height: 36.0 })
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
                prop_assert!(!dots.iter().chain(&places[..index]).any(|other| other.overlaps(place)));
            }
        }
    }
}
