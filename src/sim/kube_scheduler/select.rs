//! Choosing a node: sampling, rotation and the random choice among the best.
//!
//! Source: `pkg/scheduler/schedule_one.go` of Kubernetes, about 1.36 (`numFeasibleNodesToFind`,
//! `findNodesThatPassFilters`, `selectHost`). Scores stand in flat arrays of `i16` so that the compiler can
//! compare many nodes at once: this loop is where a large cluster spends its time.

/// The score of a node on which the pod does not fit. Adding the largest possible score leaves it negative.
pub const INFEASIBLE: i16 = -16_384;

/// How many feasible nodes end the search among `nodes`.
pub fn feasible_nodes_to_find(nodes: usize) -> usize {
    const LEAST: usize = 100;
    if nodes < LEAST {
        return nodes;
    }
    let percentage = 50usize.saturating_sub(nodes / 125).max(5);
    (nodes * percentage / 100).max(LEAST)
}

/// Scores of all nodes for one pod.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a> {
    /// [`INFEASIBLE`] or the sum of the plugins that depend on the node's own state.
    pub base: &'a [i16],
    /// −1 where the node has the pod's image, 0 elsewhere; empty when it does not matter.
    pub has_image: &'a [i16],
    /// What having the image is worth.
    pub image_score: i16,
}

/// The outcome of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The chosen node; `None` if none is feasible.
    pub node: Option<usize>,
    /// How many nodes were looked at, feasible or not: the next search starts after them.
    pub visited: usize,
}

const CHUNK: usize = 64;

impl Scores<'_> {
    /// Searches from `start` around the ring until `enough` feasible nodes are found; of the best among them
    /// takes the one that `tie` picks (given how many there are, at least 2).
    pub fn select(&self, start: usize, enough: usize, tie: impl FnOnce(u64) -> u64) -> Selection {
        let nodes = self.base.len();
        let mut best = INFEASIBLE;
        let mut feasible = 0;
        let mut visited = 0;
        for (from, to) in [(start, nodes), (0, start)] {
            if feasible < enough {
                visited += self.scan(from, to, enough, &mut feasible, &mut best);
            }
        }
        if feasible == 0 {
            return Selection { node: None, visited };
        }
        let first = (start, nodes.min(start + visited));
        let second = (0, visited.saturating_sub(nodes - start));
        let ties = self.count(first.0, first.1, best) + self.count(second.0, second.1, best);
        let pick = if ties > 1 { tie(ties) } else { 0 };
        let node = self.nth(first, second, best, pick);
        Selection { node: Some(node), visited }
    }

    fn score(&self, node: usize) -> i16 {
        self.base[node] + if self.has_image.is_empty() { 0 } else { self.has_image[node] & self.image_score }
    }

    /// Looks at nodes `from..to` in order until `feasible` reaches `enough`; gives how many were looked at.
    fn scan(&self, from: usize, to: usize, enough: usize, feasible: &mut usize, best: &mut i16) -> usize {
        let mut at = from;
        while at + CHUNK <= to {
            let (count, top) = self.chunk(at);
            if *feasible + count as usize >= enough {
                break;
            }
            *feasible += count as usize;
            *best = top.max(*best);
            at += CHUNK;
        }
        while at < to && *feasible < enough {
            let score = self.score(at);
            *feasible += usize::from(score >= 0);
            *best = score.max(*best);
            at += 1;
        }
        at - from
    }

    /// Feasible nodes and best score in one chunk. No branches and no overflow checks (sums of 64 ones and of two
    /// scores fit easily), so that it becomes vector code.
    fn chunk(&self, at: usize) -> (i16, i16) {
        let base = &self.base[at..at + CHUNK];
        let mut count = 0;
        let mut top = INFEASIBLE;
        if self.has_image.is_empty() {
            for score in base {
                count = i16::wrapping_add(count, i16::from(*score >= 0));
                top = top.max(*score);
            }
        } else {
            for (base, has_image) in base.iter().zip(&self.has_image[at..at + CHUNK]) {
                count = i16::wrapping_add(count, i16::from(*base >= 0));
                top = top.max(base.wrapping_add(*has_image & self.image_score));
            }
        }
        (count, top)
    }

    /// How many nodes of `from..to` score `best`.
    fn count(&self, from: usize, to: usize, best: i16) -> u64 {
        let ones = |sum: i16, equal: bool| sum.wrapping_add(i16::from(equal));
        let base = self.base[from..to].chunks(CHUNK);
        if self.has_image.is_empty() {
            return base.map(|chunk| chunk.iter().fold(0, |sum, s| ones(sum, *s == best)) as u64).sum();
        }
        let image_score = self.image_score;
        base.zip(self.has_image[from..to].chunks(CHUNK))
            .map(|(base, has)| {
                let scores = base.iter().zip(has).map(|(base, has)| base.wrapping_add(*has & image_score));
                scores.fold(0, |sum, score| ones(sum, score == best)) as u64
            })
            .sum()
    }

    /// The `pick`-th node with score `best` in the two ranges.
    fn nth(&self, first: (usize, usize), second: (usize, usize), best: i16, mut pick: u64) -> usize {
        for (mut from, to) in [first, second] {
            while from < to {
                let end = to.min(from + CHUNK);
                let here = self.count(from, end, best);
                if pick < here {
                    let mut at = (from..end).filter(|n| self.score(*n) == best);
                    return at.nth(pick as usize).expect("the chunk holds more than `pick` of them");
                }
                pick -= here;
                from = end;
            }
        }
        unreachable!("`pick` is below the number of best nodes")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn large_clusters_are_sampled() {
        // 50 − n/125 percent, at least 5, at least 100 nodes; all of a small cluster.
        for (nodes, enough) in
            [(3, 3), (99, 99), (100, 100), (1_000, 420), (1_500, 570), (5_000, 500), (10_000, 500)]
        {
            assert_eq!(feasible_nodes_to_find(nodes), enough, "{nodes}");
        }
    }

    #[test]
    fn the_search_starts_where_the_last_one_stopped() {
        let base: Vec<i16> = vec![10, 30, 20, INFEASIBLE, 25];
        let scores = Scores { base: &base, has_image: &[], image_score: 0 };
        let none = |_| unreachable!("no tie");
        // From 2, two feasible nodes: 20 and 25, past the infeasible one.
        assert_eq!(scores.select(2, 2, none), Selection { node: Some(4), visited: 3 });
        // From 4 around the end: 25, 10, 30.
        assert_eq!(scores.select(4, 3, none), Selection { node: Some(1), visited: 3 });
        let full = Scores { base: &[INFEASIBLE; 3], has_image: &[], image_score: 0 };
        assert_eq!(full.select(1, 3, none), Selection { node: None, visited: 3 });
    }

    proptest! {
        #[test]
        fn chunks_find_what_a_plain_loop_finds(
            base in prop::collection::vec(prop_oneof![Just(INFEASIBLE), 0i16..4], 1..300),
            images in any::<bool>(), start in 0usize..300, enough in 1usize..300, pick in any::<u64>(),
        ) {
            let start = start % base.len();
            let has_image: Vec<i16> =
                if images { (0..base.len()).map(|n| if n % 3 == 0 { -1 } else { 0 }).collect() } else { vec![] };
            let scores = Scores { base: &base, has_image: &has_image, image_score: 2 };
            let mut sampled = Vec::new();
            let mut visited = 0;
            for i in 0..base.len() {
                let node = (start + i) % base.len();
                if sampled.len() == enough { break; }
                visited += 1;
                if base[node] >= 0 { sampled.push(node); }
            }
            let best = sampled.iter().map(|n| scores.score(*n)).max();
            let ties: Vec<usize> = sampled.iter().copied().filter(|n| Some(scores.score(*n)) == best).collect();
            // Ties are numbered from the start of the ring: `start..`, then `0..`.
            let expected = (!ties.is_empty()).then(|| ties[(pick % ties.len() as u64) as usize]);
            let got = scores.select(start, enough, |n| pick % n);
            prop_assert_eq!(got, Selection { node: expected, visited });
        }
    }
}
