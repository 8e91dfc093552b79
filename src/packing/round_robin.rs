//! Round-robin packing: the first bin with room after the one that was used last, as Cluster Autoscaler's scheduling
//! simulator searches (`cluster-autoscaler/simulator/clustersnapshot/predicate/plugin_runner.go`).

/// Where the next search starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoundRobin {
    position: usize,
}

/// The bins that have no room for one kind of item. Right only while bins fill up and none is emptied: then a bin that
/// was looked at in vain need not be looked at again, and many equal items are placed in linear time.
#[derive(Clone, Debug, Default)]
pub struct KnownFull {
    /// The next bin that may have room: the bin itself if it is not known to be full.
    next: Vec<u32>,
}

impl RoundRobin {
    /// The first of `bins` bins that takes the item.
    pub fn find(
        &mut self,
        full: &mut KnownFull,
        bins: usize,
        mut takes: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        if bins == 0 {
            return None;
        }
        let start = self.position % bins;
        full.next.extend(full.next.len() as u32..bins as u32);
        let found = full.first(start, bins, &mut takes).or_else(|| full.first(0, start, &mut takes))?;
        self.position = (found + 1) % bins;
        Some(found)
    }
}

impl KnownFull {
    fn first(&mut self, from: usize, to: usize, takes: &mut impl FnMut(usize) -> bool) -> Option<usize> {
        let mut bin = self.skip(from);
        while bin < to {
            if takes(bin) {
                return Some(bin);
            }
            self.next[bin] = bin as u32 + 1;
            bin = self.skip(bin);
        }
        None
    }

    /// The first bin from `bin` on that is not known to be full; shortens the way for the next one who asks.
    fn skip(&mut self, bin: usize) -> usize {
        let mut end = bin;
        while let Some(next) = self.next.get(end).map(|next| *next as usize)
            && next != end
        {
            end = next;
        }
        let mut at = bin;
        while at < end {
            at = std::mem::replace(&mut self.next[at], end as u32) as usize;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_search_goes_on_behind_the_last_match() {
        let mut search = RoundRobin::default();
        let mut room = [1, 2, 1];
        let mut full = KnownFull::default();
        let mut place = |bins: usize| {
            let found = search.find(&mut full, bins, |bin| room[bin] > 0)?;
            room[found] -= 1;
            Some(found)
        };
        // The third bin is opened while the position stands behind the second: that is the first again.
        let found: Vec<_> = [2, 2, 3, 3, 3].map(&mut place).into();
        assert_eq!(found, [Some(0), Some(1), Some(1), Some(2), None]);
        assert_eq!(place(0), None);
    }

    proptest! {
        #[test]
        fn what_is_known_to_be_full_changes_no_answer(
            room in prop::collection::vec(0i64..10, 1..30), items in prop::collection::vec((0usize..3, 1usize..31), 0..100),
        ) {
            // Items of three sizes into a growing number of bins, against a search that knows nothing.
            const SIZES: [i64; 3] = [1, 2, 5];
            let (mut search, mut naive) = (RoundRobin::default(), 0);
            let mut full = vec![KnownFull::default(); 3];
            let mut free = room.clone();
            let mut bins = 1;
            for (kind, grow) in items {
                bins = grow.clamp(bins, room.len());
                let expected = (0..bins).map(|i| (naive + i) % bins).find(|bin| free[*bin] >= SIZES[kind]);
                let found = search.find(&mut full[kind], bins, |bin| free[bin] >= SIZES[kind]);
                prop_assert_eq!(found, expected);
                if let Some(bin) = found {
                    naive = (bin + 1) % bins;
                    free[bin] -= SIZES[kind];
                }
            }
        }
    }
}
