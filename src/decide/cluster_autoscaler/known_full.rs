//! Which nodes have no room for one kind of pod, so that a search that goes round and round need not look at them again.

/// The bins that have no room for one kind of item. Right only while bins fill up and none is emptied: then a bin that
/// was looked at in vain need not be looked at again, and many equal items are placed in linear time.
#[derive(Clone, Debug, Default)]
pub struct KnownFull {
    /// The next bin that may have room: the bin itself if it is not known to be full.
    next: Vec<u32>,
}

impl KnownFull {
    /// The first of `bins` bins that takes the item, from `start` on and then from the first one.
    pub fn find(&mut self, start: usize, bins: usize, mut takes: impl FnMut(usize) -> bool) -> Option<usize> {
        self.next.extend(self.next.len() as u32..bins as u32);
        self.first(start, bins, &mut takes).or_else(|| self.first(0, start, &mut takes))
    }

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

    proptest! {
        #[test]
        fn what_is_known_to_be_full_changes_no_answer(
            room in prop::collection::vec(0i64..10, 1..30), items in prop::collection::vec((0usize..3, 1usize..31), 0..100),
        ) {
            // Items of three sizes into a growing number of bins, each search from behind the last find, against one that
            // knows nothing.
            const SIZES: [i64; 3] = [1, 2, 5];
            let mut next = 0;
            let mut full = vec![KnownFull::default(); 3];
            let mut free = room.clone();
            let mut bins = 1;
            for (kind, grow) in items {
                bins = grow.clamp(bins, room.len());
                let expected = (0..bins).map(|i| (next + i) % bins).find(|bin| free[*bin] >= SIZES[kind]);
                let found = full[kind].find(next % bins, bins, |bin| free[bin] >= SIZES[kind]);
                prop_assert_eq!(found, expected);
                if let Some(bin) = found {
                    next = (bin + 1) % bins;
                    free[bin] -= SIZES[kind];
                }
            }
        }
    }
}
