//! The Pareto front of cost against latency, and its knee.

/// A candidate that completed: what it costs, and the latency that matters to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// 10⁻¹⁵ USD.
    pub cost: i128,
    /// Milliseconds.
    pub latency: i64,
    /// Tells candidates apart; among equals the lower one counts.
    pub id: usize,
}

impl Point {
    /// Whether it is as good in both and better in one.
    pub fn dominates(&self, other: &Self) -> bool {
        self.cost <= other.cost
            && self.latency <= other.latency
            && (self.cost < other.cost || self.latency < other.latency)
    }
}

/// The points that none dominates, cheapest first. Of equal ones the first.
pub fn front(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_unstable();
    let mut front: Vec<Point> = Vec::new();
    for point in sorted {
        // Everything before is cheaper or equal.
        if front.last().is_none_or(|last| point.latency < last.latency) {
            front.push(point);
        }
    }
    front
}

/// The point of a front after which money buys least: the one farthest below the line between the two ends when both
/// axes are scaled to 0..1. This is the knee of V. Satopää et al., "Finding a 'Kneedle' in a Haystack", ICDCSW 2011,
/// for a convex falling curve without smoothing. `None` for fronts of fewer than three points, or without one below the
/// line.
pub fn knee(front: &[Point]) -> Option<Point> {
    let (first, last) = (front.first()?, front.last()?);
    let (width, height) = ((last.cost - first.cost) as f64, (first.latency - last.latency) as f64);
    if front.len() < 3 || width <= 0.0 || height <= 0.0 {
        return None;
    }
    let below = |point: &Point| {
        let x = (point.cost - first.cost) as f64 / width;
        let y = (point.latency - last.latency) as f64 / height;
        // The line is x + y = 1; the distance is this over √2.
        1.0 - x - y
    };
    let inner = &front[1..front.len() - 1];
    // Of equally far ones the cheapest, which comes first.
    let farthest = inner.iter().fold(None, |best: Option<(f64, &Point)>, point| match best {
        Some((most, _)) if below(point) <= most => best,
        _ => Some((below(point), point)),
    });
    farthest.filter(|(distance, _)| *distance > 0.0).map(|(_, point)| *point)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (cost, latency) of each.
    type List = &'static [(i128, i64)];

    fn points(list: List) -> Vec<Point> {
        list.iter()
            .enumerate()
            .map(|(id, (cost, latency))| Point { cost: *cost, latency: *latency, id })
            .collect()
    }

    fn ids(front: &[Point]) -> Vec<usize> {
        front.iter().map(|point| point.id).collect()
    }

    #[test]
    fn the_front_is_what_nothing_beats_in_both() {
        // (cost, latency) of each, and who is on the front.
        let cases: [(List, &[usize]); 5] = [
            (&[], &[]),
            (&[(5, 5)], &[0]),
            // 2 costs as much as 0 and is slower; 3 is as fast as 1 and dearer.
            (&[(5, 10), (8, 4), (5, 11), (9, 4)], &[0, 1]),
            // Equal in both: the first.
            (&[(5, 5), (5, 5)], &[0]),
            (&[(9, 1), (1, 9), (5, 5), (6, 6)], &[1, 2, 0]),
        ];
        for (list, expected) in cases {
            let points = points(list);
            let front = front(&points);
            assert_eq!(ids(&front), expected, "{list:?}");
            for point in &points {
                let beaten = points.iter().any(|other| other.dominates(point));
                assert!(beaten || front.iter().any(|f| (f.cost, f.latency) == (point.cost, point.latency)));
            }
        }
    }

    #[test]
    fn the_knee_is_farthest_from_the_line_between_the_ends() {
        let cases: [(List, Option<usize>); 6] = [
            // Scaled: (0, 1), (0.1, 0.2), (0.5, 0.1), (1, 0): 0.7 and 0.4 below the line.
            (&[(100, 110), (110, 30), (150, 20), (200, 10)], Some(1)),
            // The scale of an axis does not matter.
            (&[(100, 110_000), (110, 30_000), (150, 20_000), (200, 10_000)], Some(1)),
            // On the line, or above it, there is none.
            (&[(0, 10), (5, 5), (10, 0)], None),
            (&[(0, 10), (8, 8), (10, 0)], None),
            (&[(0, 10), (10, 0)], None),
            (&[(0, 10)], None),
        ];
        for (list, expected) in cases {
            assert_eq!(knee(&points(list)).map(|point| point.id), expected, "{list:?}");
        }
    }
}
