//! Go's `sort.Slice`, which is deterministic but not stable: Karpenter's choices among equals follow from it.
//!
//! Up to twelve elements are sorted by insertion, which is stable. More are sorted by a quicksort that defeats patterns
//! (O. Peters, arXiv 2106.05123) in the variant of Go 1.19 and later; which of several equal elements comes first then
//! depends on each of its steps, so each is the same here.

/// Sorts as `sort.Slice` does.
pub fn sort_by<T>(data: &mut [T], mut less: impl FnMut(&T, &T) -> bool) {
    let end = data.len();
    let mut sorter = Sorter { data, less: &mut less };
    // What is sorted already is left as it is by every path below; finding out is cheap.
    if sorter.first_descent(1, end) < end {
        sorter.sort(0, end, bit_length(end));
    }
}

/// Whether [`sort_by`], on data that is sorted but for one element, shifts that element to its place and does nothing
/// else: the few elements that it samples look sorted, and there are enough of them for repairing to be tried.
pub fn only_shifts<T>(data: &mut [T], mut less: impl FnMut(&T, &T) -> bool) -> bool {
    let end = data.len();
    end >= SHORTEST_SHIFTING && Sorter { data, less: &mut less }.choose_pivot(0, end).1 == Hint::Increasing
}

const MAX_INSERTION: usize = 12;
const SHORTEST_NINTHER: usize = 50;
const SHORTEST_SHIFTING: usize = 50;
/// Pairs out of order that are repaired in a range that looks sorted.
const MAX_REPAIRS: usize = 5;
/// How many swaps choosing a pivot takes in a descending range of [`SHORTEST_NINTHER`] or more.
const MAX_SWAPS: usize = 12;

fn bit_length(n: usize) -> u32 {
    usize::BITS - n.leading_zeros()
}

/// What the choice of a pivot says of a range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

struct Sorter<'d, T, F> {
    data: &'d mut [T],
    less: F,
}

impl<T, F: FnMut(&T, &T) -> bool> Sorter<'_, T, F> {
    fn less(&mut self, a: usize, b: usize) -> bool {
        (self.less)(&self.data[a], &self.data[b])
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.data.swap(a, b);
    }

    /// Sorts `a..b`. `limit` bad pivots are allowed before it falls back to a heap.
    fn sort(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let (mut was_balanced, mut was_partitioned) = (true, true);
        loop {
            let length = b - a;
            if length <= MAX_INSERTION {
                return self.insertion_sort(a, b);
            }
            if limit == 0 {
                return self.heap_sort(a, b);
            }
            if !was_balanced {
                self.break_patterns(a, b);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.choose_pivot(a, b);
            if hint == Hint::Decreasing {
                self.data[a..b].reverse();
                pivot = b - 1 - (pivot - a);
                hint = Hint::Increasing;
            }
            if was_balanced && was_partitioned && hint == Hint::Increasing && self.repair(a, b) {
                return;
            }
            // The element before is a former pivot. If this one is its equal, there may be many of them.
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let (middle, already) = self.partition(a, b, pivot);
            was_partitioned = already;
            let (left, right) = (middle - a, b - middle);
            if left < right {
                was_balanced = left >= length / 8;
                self.sort(a, middle, limit);
                a = middle + 1;
            } else {
                was_balanced = right >= length / 8;
                self.sort(middle + 1, b, limit);
                b = middle;
            }
        }
    }

    fn insertion_sort(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            let mut j = i;
            while j > a && self.less(j, j - 1) {
                self.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    fn heap_sort(&mut self, a: usize, b: usize) {
        let length = b - a;
        for root in (0..=(length - 1) / 2).rev() {
            self.sift_down(root, length, a);
        }
        for last in (0..length).rev() {
            self.swap(a, a + last);
            self.sift_down(0, last, a);
        }
    }

    fn sift_down(&mut self, mut root: usize, length: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= length {
                return;
            }
            if child + 1 < length && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.swap(first + root, first + child);
            root = child;
        }
    }

    /// Puts what is less than the pivot before it. Gives the pivot's new place, and whether all was so already.
    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        let mut swaps = 0;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                self.swap(j, a);
                return (j, swaps == 0);
            }
            self.swap(i, j);
            swaps += 1;
            i += 1;
            j -= 1;
        }
    }

    /// Puts what equals the pivot, which nothing here is less than, before the rest. Gives the beginning of the rest.
    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.swap(i, j);
            i += 1;
            j -= 1;
        }
    }

    /// The first place from `from` on that is less than the one before it; `end` if there is none.
    fn first_descent(&mut self, from: usize, end: usize) -> usize {
        let mut i = from;
        while i < end && !self.less(i, i - 1) {
            i += 1;
        }
        i.min(end)
    }

    /// Sorts a range that is nearly sorted, or gives up.
    fn repair(&mut self, a: usize, b: usize) -> bool {
        let mut i = a + 1;
        for _ in 0..MAX_REPAIRS {
            i = self.first_descent(i, b);
            if i == b {
                return true;
            }
            if b - a < SHORTEST_SHIFTING {
                return false;
            }
            self.swap(i, i - 1);
            if i - a >= 2 {
                // Go's, too, does not stop at `a` here: what is before it is never greater.
                for j in (1..i).rev() {
                    if !self.less(j, j - 1) {
                        break;
                    }
                    self.swap(j, j - 1);
                }
            }
            for j in i + 1..b {
                if !self.less(j, j - 1) {
                    break;
                }
                self.swap(j, j - 1);
            }
        }
        false
    }

    /// Moves three elements in the middle, by a fixed sequence of numbers.
    fn break_patterns(&mut self, a: usize, b: usize) {
        let length = b - a;
        let mut random = length as u64;
        let mask = (1usize << bit_length(length)) - 1;
        let middle = a + length / 4 * 2;
        for place in middle - 1..=middle + 1 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let other = random as usize & mask;
            self.swap(place, a + if other >= length { other - length } else { other });
        }
    }

    fn choose_pivot(&mut self, a: usize, b: usize) -> (usize, Hint) {
        let length = b - a;
        let mut swaps = 0;
        let quarters = [1, 2, 3].map(|n| a + length / 4 * n);
        let pivot = if length >= SHORTEST_NINTHER {
            let medians = quarters.map(|at| self.median([at - 1, at, at + 1], &mut swaps));
            self.median(medians, &mut swaps)
        } else {
            self.median(quarters, &mut swaps)
        };
        let hint = match swaps {
            0 => Hint::Increasing,
            MAX_SWAPS => Hint::Decreasing,
            _ => Hint::Unknown,
        };
        (pivot, hint)
    }

    /// The place of the median. Counts how often two of them were found in the wrong order.
    fn median(&mut self, [mut x, mut y, mut z]: [usize; 3], swaps: &mut usize) -> usize {
        let mut order = |sorter: &mut Self, low: &mut usize, high: &mut usize| {
            if sorter.less(*high, *low) {
                *swaps += 1;
                std::mem::swap(low, high);
            }
        };
        order(self, &mut x, &mut y);
        order(self, &mut y, &mut z);
        order(self, &mut x, &mut y);
        y
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sorts (key, name) by key alone and gives the names.
    fn sorted(keys: &[u32]) -> Vec<usize> {
        let mut data: Vec<(u32, usize)> = keys.iter().copied().zip(0..).collect();
        sort_by(&mut data, |a, b| a.0 < b.0);
        assert!(data.is_sorted_by_key(|(key, _)| *key), "{keys:?}");
        data.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn up_to_twelve_elements_equals_keep_their_order() {
        assert_eq!(sorted(&[1, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0]), [1, 2, 5, 6, 7, 8, 9, 10, 11, 0, 4, 3]);
    }

    #[test]
    fn thirteen_equals_of_which_the_first_has_grown_do_not() {
        // The usual case in Karpenter: of thirteen claims with as many pods each, the first has just got one more.
        // The pivot is the median of places 3, 6 and 9, all equal: place 6, without a swap, so the range looks sorted.
        // It is not (place 1 is less than place 0), and is too short to repair. Partitioning swaps places 0 and 6 and
        // finds nothing less than the pivot: it stays in front. The other twelve are sorted by insertion: the grown
        // one, now in place 6, goes to the end.
        let mut keys = [0; 13];
        keys[0] = 1;
        assert_eq!(sorted(&keys), [6, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 0]);
    }

    #[test]
    fn a_grown_first_of_fifty_or_more_is_shifted_to_its_place() {
        // Long enough to be repaired: swapped with its right neighbour, and on to the right as far as those are less.
        let mut keys = [0; 60];
        keys[0] = 1;
        let expected: Vec<usize> = (1..60).chain([0]).collect();
        assert_eq!(sorted(&keys), expected);
    }

    #[test]
    fn a_descending_range_is_reversed_and_a_sorted_one_left_alone() {
        // Fifty or more: each of the four medians takes three swaps, twelve in all.
        let descending: Vec<u32> = (0..64).rev().collect();
        assert_eq!(sorted(&descending), (0..64).rev().collect::<Vec<usize>>());
        let ascending: Vec<u32> = (0..100).map(|n| n / 7).collect();
        assert_eq!(sorted(&ascending), (0..100).collect::<Vec<usize>>());
    }

    #[test]
    fn a_heap_sorts_too() {
        let mut data = [5, 3, 9, 1, 9, 0, 2, 7];
        let mut less = |a: &u32, b: &u32| a < b;
        Sorter { data: &mut data, less: &mut less }.heap_sort(1, 8);
        assert_eq!(data, [5, 0, 1, 2, 3, 7, 9, 9]);
    }

    proptest! {
        #[test]
        fn everything_is_sorted_and_nothing_lost(keys in prop::collection::vec(0u32..20, 0..400)) {
            let mut names = sorted(&keys);
            names.sort_unstable();
            prop_assert_eq!(names, (0..keys.len()).collect::<Vec<_>>());
        }
    }
}
