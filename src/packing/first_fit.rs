//! First-fit packing in logarithmic time: the oldest bin with room takes the item.

use crate::units::{Resources, Span, Time};

/// Bins in order of opening, and the first one that has room for a request.
///
/// A tournament tree holds, per node, the largest free amount of each resource below it. The maxima are taken
/// resource by resource, so a subtree may look feasible and not be: the search then goes on to its right.
#[derive(Clone, Debug)]
pub struct FirstFit {
    capacity: Resources,
    /// Leaves start at `width`; the parent of `i` is `i / 2`.
    tree: Vec<Resources>,
    width: usize,
    bins: usize,
}

impl FirstFit {
    /// An empty packing into bins of `capacity`.
    pub fn new(capacity: Resources) -> Self {
        Self { capacity, tree: vec![Resources::ZERO; 2], width: 1, bins: 0 }
    }

    /// How many bins were ever opened.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// Puts `request` into the first bin with room, opening one if there is none. `None` if it fits no empty bin.
    pub fn place(&mut self, request: &Resources) -> Option<usize> {
        let bin = match self.find(1, request) {
            Some(bin) => bin,
            None if request.fits_in(&self.capacity) => self.open(),
            None => return None,
        };
        let free = self.tree[self.width + bin] - *request;
        self.set(bin, free);
        Some(bin)
    }

    /// Gives the room of `request` in `bin` back.
    pub fn remove(&mut self, bin: usize, request: &Resources) {
        let free = self.tree[self.width + bin] + *request;
        self.set(bin, free);
    }

    fn find(&self, node: usize, request: &Resources) -> Option<usize> {
        if !request.fits_in(&self.tree[node]) {
            return None;
        }
        if node >= self.width {
            return Some(node - self.width);
        }
        self.find(2 * node, request).or_else(|| self.find(2 * node + 1, request))
    }

    fn open(&mut self) -> usize {
        if self.bins == self.width {
            let leaves = self.tree.split_off(self.width);
            self.width *= 2;
            self.tree = vec![Resources::ZERO; self.width];
            self.tree.extend(leaves);
            self.tree.resize(2 * self.width, Resources::ZERO);
            for node in (1..self.width).rev() {
                self.tree[node] = largest(&self.tree[2 * node], &self.tree[2 * node + 1]);
            }
        }
        self.bins += 1;
        self.set(self.bins - 1, self.capacity);
        self.bins - 1
    }

    fn set(&mut self, bin: usize, free: Resources) {
        let mut node = self.width + bin;
        self.tree[node] = free;
        while node > 1 {
            node /= 2;
            self.tree[node] = largest(&self.tree[2 * node], &self.tree[2 * node + 1]);
        }
    }
}

/// The larger of each resource.
fn largest(a: &Resources, b: &Resources) -> Resources {
    Resources {
        cpu: a.cpu.max(b.cpu),
        memory: a.memory.max(b.memory),
        ephemeral: a.ephemeral.max(b.ephemeral),
        pods: a.pods.max(b.pods),
    }
}

/// Items that come and go, by time. Sorted once, packed as often as there are bins to try.
///
/// An item that ends when another begins makes room for it; one of no length still needs its room for an instant.
#[derive(Clone, Debug)]
pub struct Stays {
    /// (time, what happens, item).
    events: Vec<(Time, Stay, u32)>,
    items: usize,
}

/// In the order in which they happen at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stay {
    Leaves,
    Comes,
    LeavesAtOnce,
}

impl Stays {
    /// Items from their (from, to) times.
    pub fn new(items: impl ExactSizeIterator<Item = (Time, Time)>) -> Self {
        let count = items.len();
        let mut events = Vec::with_capacity(2 * count);
        for (index, (from, to)) in items.enumerate() {
            events.push((from, Stay::Comes, index as u32));
            events.push((to, if to > from { Stay::Leaves } else { Stay::LeavesAtOnce }, index as u32));
        }
        events.sort_unstable();
        Self { events, items: count }
    }

    /// The largest sum of each resource over the items that `request` has one for, in every `slice` of time since the
    /// first of them comes, with how many slices in a row are alike. A moment between two slices is in both.
    pub fn peaks(&self, slice: Span, request: impl Fn(u32) -> Option<Resources>) -> Vec<(Resources, u64)> {
        let mut peaks = Vec::new();
        let (mut now, mut peak) = (Resources::ZERO, Resources::ZERO);
        let (mut first, mut current) = (None, 0);
        for (time, stay, item) in &self.events {
            let Some(request) = request(*item) else { continue };
            let index = (*time - *first.get_or_insert(*time)).ms() / slice.ms();
            if index > current {
                peaks.push((peak, 1));
                let between = (index - current - 1) as u64;
                if between > 0 && now != Resources::ZERO {
                    peaks.push((now, between));
                }
                (peak, current) = (now, index);
            }
            now = if *stay == Stay::Comes { now + request } else { now - request };
            peak = largest(&peak, &now);
        }
        peaks.push((peak, 1));
        peaks
    }

    /// How many bins first-fit ever opens for the items that `request` has one for, and how many fit no bin.
    pub fn peak_nodes(
        &self,
        capacity: Resources,
        request: impl Fn(u32) -> Option<Resources>,
    ) -> (usize, usize) {
        let mut packing = FirstFit::new(capacity);
        let mut bin_of = vec![u32::MAX; self.items];
        let mut unplaced = 0;
        for (_, stay, item) in &self.events {
            let Some(request) = request(*item) else { continue };
            let bin = &mut bin_of[*item as usize];
            if *stay == Stay::Comes {
                match packing.place(&request) {
                    Some(placed) => *bin = placed as u32,
                    None => unplaced += 1,
                }
            } else if *bin != u32::MAX {
                packing.remove(*bin as usize, &request);
            }
        }
        (packing.bins(), unplaced)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::{Cpu, Memory};

    fn cpu(milli: i64) -> Resources {
        Resources {
            cpu: Cpu::from_milli(milli),
            memory: Memory::from_mib(1),
            ephemeral: Memory::ZERO,
            pods: 1,
        }
    }

    fn bin() -> Resources {
        Resources {
            cpu: Cpu::from_milli(1_000),
            memory: Memory::from_gib(1),
            ephemeral: Memory::ZERO,
            pods: 10,
        }
    }

    #[test]
    fn the_first_bin_with_room_takes_the_item() {
        let mut packing = FirstFit::new(bin());
        let bins: Vec<_> = [600, 500, 400, 500, 100].map(|m| packing.place(&cpu(m))).into_iter().collect();
        assert_eq!(bins, [Some(0), Some(1), Some(0), Some(1), Some(2)]);
        packing.remove(0, &cpu(400));
        assert_eq!(packing.place(&cpu(300)), Some(0));
        assert_eq!(packing.place(&cpu(1_001)), None);
        assert_eq!(packing.bins(), 3);
    }

    #[test]
    fn room_is_made_before_it_is_taken() {
        let t = Time::from_ms;
        let items = [
            (t(0), t(10), cpu(1_000)),
            (t(10), t(20), cpu(1_000)),
            (t(10), t(10), cpu(1)),
            (t(5), t(6), cpu(2_000)),
        ];
        // The second follows the first in its bin; the instant one needs a bin of its own beside it.
        let stays = Stays::new(items.iter().map(|(from, to, _)| (*from, *to)));
        assert_eq!(stays.peak_nodes(bin(), |i| Some(items[i as usize].2)), (2, 1));
        // At 10 ms: 1000m and, for an instant, 1m. Before, for a moment, 2000m beside the first.
        let peaks = stays.peaks(Span::MAX, |i| Some(items[i as usize].2));
        assert_eq!(peaks.len(), 1);
        assert_eq!((peaks[0].0.cpu, peaks[0].1), (Cpu::from_milli(3_000), 1));
    }

    #[test]
    fn every_slice_of_time_has_its_peak() {
        let t = Time::from_ms;
        // Slices of 10 ms from 5 ms on: [5, 15] has 100 and then 100 + 200, [15, 25] both and then 100; nothing but 100 in
        // the two up to 45; then its end at 47; nothing until 75, when 400 comes and goes.
        let items = [(5, 47, 100), (14, 20, 200), (75, 76, 400)];
        let stays = Stays::new(items.iter().map(|(from, to, _)| (t(*from), t(*to))));
        let peaks = stays.peaks(Span::from_ms(10), |i| Some(cpu(items[i as usize].2)));
        let peaks: Vec<_> = peaks.iter().map(|(peak, slices)| (peak.cpu.milli(), *slices)).collect();
        assert_eq!(peaks, [(300, 1), (300, 1), (100, 2), (100, 1), (400, 1)]);
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_a_scan_finds(steps in prop::collection::vec((1i64..1_000, any::<bool>()), 1..200)) {
            let mut packing = FirstFit::new(bin());
            let mut free: Vec<i64> = Vec::new();
            let mut placed: Vec<(usize, i64)> = Vec::new();
            for (milli, leave) in steps {
                if leave && !placed.is_empty() {
                    let (bin, size) = placed.swap_remove(milli as usize % placed.len());
                    packing.remove(bin, &cpu(size));
                    free[bin] += size;
                } else {
                    // Pod slots bind too: at most ten items a bin.
                    let counts = |bin: usize| placed.iter().filter(|p| p.0 == bin).count();
                    let expected = (0..free.len()).find(|b| free[*b] >= milli && counts(*b) < 10);
                    let bin = packing.place(&cpu(milli)).unwrap();
                    prop_assert_eq!(bin, expected.unwrap_or(free.len()));
                    if bin == free.len() {
                        free.push(1_000);
                    }
                    free[bin] -= milli;
                    placed.push((bin, milli));
                }
            }
        }
    }
}
