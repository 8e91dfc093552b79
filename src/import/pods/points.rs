//! Points of one series, put together from windows that overlap.

/// Measurements by time (ms). Files are read in the order in which the user gave them, and the last one wins.
#[derive(Clone, Debug, Default)]
pub(super) struct Points {
    list: Vec<(i64, f64)>,
    /// How many of `list` are in order of time, each time once.
    ordered: usize,
    /// Points that said something else than a later one of the same time.
    pub conflicts: u64,
}

impl Points {
    pub fn push(&mut self, time: i64, value: f64) {
        // Windows that overlap without end must not take memory without end.
        if self.list.len() == self.list.capacity() && self.ordered < self.list.len() {
            self.settle();
        }
        let in_order = self.ordered == self.list.len() && self.list.last().is_none_or(|last| last.0 < time);
        self.list.push((time, value));
        if in_order {
            self.ordered = self.list.len();
        }
    }

    /// Takes in all points of another series of the same thing, which was read later.
    pub fn append(&mut self, other: Self) {
        self.conflicts += other.conflicts;
        for (time, value) in other.list {
            self.push(time, value);
        }
    }

    /// What [`Self::settle`] made of it.
    pub fn settled(&self) -> &[(i64, f64)] {
        &self.list[..self.ordered]
    }

    pub fn into_settled(mut self) -> Vec<(i64, f64)> {
        self.settle();
        self.list
    }

    /// In order of time, each time once.
    pub fn settle(&mut self) -> &[(i64, f64)] {
        if self.ordered < self.list.len() {
            // Stable: of equal times, what was read last stays last.
            self.list.sort_by_key(|point| point.0);
            let mut kept = 0;
            for next in 1..self.list.len() {
                if self.list[kept].0 == self.list[next].0 {
                    self.conflicts += u64::from(differ(self.list[kept].1, self.list[next].1));
                } else {
                    kept += 1;
                }
                self.list[kept] = self.list[next];
            }
            self.list.truncate(kept + 1);
            self.ordered = self.list.len();
        }
        &self.list
    }
}

/// Answers print the same number with more or fewer digits.
fn differ(a: f64, b: f64) -> bool {
    (a - b).abs() > 1e-9 * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_windows_are_one_series_and_the_last_one_wins() {
        let mut points = Points::default();
        for (time, value) in [(0, 1.0), (60, 2.0), (120, 3.0), (60, 2.0), (120, 9.0), (180, 4.0)] {
            points.push(time, value);
        }
        assert_eq!(points.settle(), [(0, 1.0), (60, 2.0), (120, 9.0), (180, 4.0)]);
        // At 60 both said 2; at 120 one said 3 and one 9.
        assert_eq!(points.conflicts, 1);
    }

    #[test]
    fn the_same_window_again_and_again_takes_no_more_memory() {
        let mut points = Points::default();
        for _ in 0..10_000 {
            for time in 0..16 {
                points.push(time, 1.0);
            }
        }
        assert_eq!((points.list.capacity() <= 64, points.conflicts), (true, 0));
        assert_eq!(points.settle().len(), 16);
    }
}
