//! Image pulls and the image cache of a node.
//!
//! A pull downloads its layers, then unpacks them (see `docs/model.md`).
//! Downloads on a node share its network, unpacking shares its disk. kubelet pulls one image at a time unless
//! told otherwise. What was pulled stays until the node dies.

use std::collections::VecDeque;

use super::event::RunIndex;
use crate::platform::Images;
use crate::units::{Memory, Span, Time};
use crate::workload::ImageId;

/// Rates in bytes per millisecond, resolved for one kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullRates {
    /// What one pull can download with the network to itself.
    download: i64,
    /// The network, shared by all downloads of the node.
    network: i64,
    /// The disk, shared by all unpacking.
    unpack: i64,
    unpacked_tenths: i64,
    serialize: bool,
}

impl PullRates {
    /// `network` is the node's bandwidth in bytes per second.
    pub fn new(images: &Images, network: Memory) -> Self {
        let per_ms = |rate: i64| (rate / 1_000).max(1);
        // Layers are equal, so the largest alone is never slower than all of them `parallel` at a time.
        let parallel = images.parallel_layers.min(images.layers).max(1);
        Self {
            download: per_ms(images.layer_rate.bytes() * parallel),
            network: per_ms(network.bytes()),
            unpack: per_ms(images.unpack_rate.bytes()),
            unpacked_tenths: images.unpacked_tenths,
            serialize: images.serialize_pulls,
        }
    }

    /// How long a pull takes on a node that does nothing else.
    pub fn alone(&self, size: Memory) -> Span {
        let pull = Pull::new(0, size, self);
        let download = div_ceil(pull.download_left, self.download.min(self.network));
        Span::from_ms(download + div_ceil(pull.unpack_left, self.unpack))
    }
}

/// One image on its way to one node.
#[derive(Clone, Debug)]
struct Pull {
    image: ImageId,
    size: Memory,
    download_left: i64,
    unpack_left: i64,
    waiting: Vec<RunIndex>,
}

impl Pull {
    fn new(image: ImageId, size: Memory, rates: &PullRates) -> Self {
        let unpack_left = (size.bytes() as i128 * i128::from(rates.unpacked_tenths) / 10) as i64;
        Self { image, size, download_left: size.bytes(), unpack_left, waiting: Vec::new() }
    }
}

/// The images of one node: present, being pulled, and queued.
#[derive(Clone, Debug, Default)]
pub struct NodeImages {
    /// Sorted.
    present: Vec<ImageId>,
    active: Vec<Pull>,
    queued: VecDeque<Pull>,
    /// When the work left in `active` was last brought up to date.
    updated: Time,
    /// Whether the last progress took up a queued pull.
    taken_up: bool,
    /// Counts changes of `active`; an event scheduled before the last one is stale.
    pub version: u32,
}

/// A finished pull: the image, its compressed size, and the pods that waited for it.
pub struct Pulled {
    pub image: ImageId,
    pub size: Memory,
    pub waiting: Vec<RunIndex>,
}

impl NodeImages {
    pub fn has(&self, image: ImageId) -> bool {
        self.present.binary_search(&image).is_ok()
    }

    pub fn present(&self) -> &[ImageId] {
        &self.present
    }

    /// Whether a pull of `image` is running, rather than queued behind others.
    pub fn is_pulling(&self, image: ImageId) -> bool {
        self.active.iter().any(|p| p.image == image)
    }

    /// Lets `run` wait for `image`, which is not present. Returns when the node's pulls next move on, if that
    /// changed.
    pub fn request(
        &mut self,
        now: Time,
        image: ImageId,
        size: Memory,
        run: RunIndex,
        rates: &PullRates,
    ) -> Option<Time> {
        if let Some(pull) = self.active.iter_mut().chain(&mut self.queued).find(|p| p.image == image) {
            pull.waiting.push(run);
            return None;
        }
        let mut pull = Pull::new(image, size, rates);
        pull.waiting.push(run);
        if rates.serialize && !self.active.is_empty() {
            self.queued.push_back(pull);
            return None;
        }
        self.advance(now, rates);
        self.active.push(pull);
        self.version += 1;
        self.next_change(rates)
    }

    /// Brings the pulls up to `now`; finished ones are moved to `done`. Returns when they next move on.
    pub fn progress(&mut self, now: Time, rates: &PullRates, done: &mut Vec<Pulled>) -> Option<Time> {
        self.advance(now, rates);
        let mut i = 0;
        while i < self.active.len() {
            if self.active[i].download_left == 0 && self.active[i].unpack_left == 0 {
                let pull = self.active.remove(i);
                let at = self.present.partition_point(|image| *image < pull.image);
                self.present.insert(at, pull.image);
                done.push(Pulled { image: pull.image, size: pull.size, waiting: pull.waiting });
            } else {
                i += 1;
            }
        }
        if self.active.is_empty()
            && let Some(next) = self.queued.pop_front()
        {
            self.active.push(next);
            self.taken_up = true;
        } else {
            self.taken_up = false;
        }
        self.version += 1;
        self.next_change(rates)
    }

    /// The pods whose queued pull was taken up by the last progress.
    pub fn just_started(&self) -> &[RunIndex] {
        if self.taken_up { &self.active[0].waiting } else { &[] }
    }

    /// Bytes per millisecond that each download and each unpacking gets now.
    fn speeds(&self, rates: &PullRates) -> (i64, i64) {
        let downloading = self.active.iter().filter(|p| p.download_left > 0).count() as i64;
        let unpacking = self.active.len() as i64 - downloading;
        let download = rates.download.min(rates.network / downloading.max(1)).max(1);
        (download, (rates.unpack / unpacking.max(1)).max(1))
    }

    fn advance(&mut self, now: Time, rates: &PullRates) {
        let elapsed = (now - self.updated).ms();
        self.updated = now;
        if elapsed == 0 || self.active.is_empty() {
            return;
        }
        let (download, unpack) = self.speeds(rates);
        for pull in &mut self.active {
            if pull.download_left > 0 {
                pull.download_left = (pull.download_left - elapsed.saturating_mul(download)).max(0);
            } else {
                pull.unpack_left = (pull.unpack_left - elapsed.saturating_mul(unpack)).max(0);
            }
        }
    }

    fn next_change(&self, rates: &PullRates) -> Option<Time> {
        let (download, unpack) = self.speeds(rates);
        let left = |p: &Pull| match p.download_left {
            0 => div_ceil(p.unpack_left, unpack),
            bytes => div_ceil(bytes, download),
        };
        self.active.iter().map(left).min().map(|ms| self.updated + Span::from_ms(ms))
    }
}

fn div_ceil(amount: i64, rate: i64) -> i64 {
    amount / rate + i64::from(amount % rate != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(serialize_pulls: bool) -> Images {
        Images {
            layer_rate: Memory::from_bytes(25_000_000),
            parallel_layers: 3,
            layers: 3,
            unpacked_tenths: 25,
            unpack_rate: Memory::from_bytes(100_000_000),
            network_rate: Memory::from_bytes(125_000_000),
            serialize_pulls,
        }
    }

    const SIZE: Memory = Memory::from_bytes(300_000_000);

    /// Runs all pulls to their ends; gives (image, time) in order.
    fn run(node: &mut NodeImages, first: Option<Time>, rates: &PullRates) -> Vec<(ImageId, i64)> {
        let mut next = first;
        let mut ends = Vec::new();
        while let Some(now) = next {
            let mut done = Vec::new();
            next = node.progress(now, rates, &mut done);
            ends.extend(done.iter().map(|d| (d.image, now.ms())));
        }
        ends
    }

    #[test]
    fn a_pull_downloads_three_layers_at_once_and_then_unpacks() {
        // 300 MB at 3 × 25 MB/s = 4 s; 750 MB unpacked at 100 MB/s = 7.5 s.
        let fast = PullRates::new(&images(true), Memory::from_bytes(125_000_000));
        assert_eq!(fast.alone(SIZE), Span::from_ms(11_500));
        // A network of 50 MB/s is slower than three layers: 6 s.
        let slow = PullRates::new(&images(true), Memory::from_bytes(50_000_000));
        assert_eq!(slow.alone(SIZE), Span::from_ms(13_500));
        // A single layer has a single connection: 300 MB at 25 MB/s = 12 s.
        let single = PullRates::new(&Images { layers: 1, ..images(true) }, Memory::from_bytes(125_000_000));
        assert_eq!(single.alone(SIZE), Span::from_ms(19_500));
    }

    #[test]
    fn serial_pulls_follow_each_other() {
        let rates = PullRates::new(&images(true), Memory::from_bytes(125_000_000));
        let mut node = NodeImages::default();
        let first = node.request(Time::from_ms(0), 1, SIZE, 0, &rates);
        assert_eq!(node.request(Time::from_ms(5_000), 2, SIZE, 1, &rates), None);
        assert_eq!(node.request(Time::from_ms(6_000), 1, SIZE, 2, &rates), None);
        assert_eq!(run(&mut node, first, &rates), [(1, 11_500), (2, 23_000)]);
        assert!(node.has(1) && node.has(2));
    }

    #[test]
    fn parallel_pulls_share_network_and_disk() {
        // Both download at 125 / 2 = 62.5 MB/s: 4.8 s. Both unpack at 50 MB/s: 15 s.
        let rates = PullRates::new(&images(false), Memory::from_bytes(125_000_000));
        let mut node = NodeImages::default();
        node.request(Time::from_ms(0), 1, SIZE, 0, &rates);
        let first = node.request(Time::from_ms(0), 2, SIZE, 1, &rates);
        assert_eq!(run(&mut node, first, &rates), [(1, 19_800), (2, 19_800)]);
    }

    #[test]
    fn a_second_pull_slows_only_the_phase_it_shares() {
        // Image 1 alone: downloaded at 4.0 s, unpacking until 11.5 s. Image 2 asked for at 4.0 s downloads at
        // 75 MB/s until 8.0 s, unpacks from then: until 11.5 s both unpack at 50 MB/s.
        // Image 1: 750 − 400 = 350 MB left at 8 s, at 50 MB/s done at 15.0 s.
        // Image 2: 750 − 350 = 400 MB left at 15 s, alone at 100 MB/s done at 19.0 s.
        let rates = PullRates::new(&images(false), Memory::from_bytes(125_000_000));
        let mut node = NodeImages::default();
        let first = node.request(Time::from_ms(0), 1, SIZE, 0, &rates).unwrap();
        assert_eq!(first, Time::from_ms(4_000));
        node.progress(first, &rates, &mut Vec::new());
        let next = node.request(Time::from_ms(4_000), 2, SIZE, 1, &rates);
        assert_eq!(run(&mut node, next, &rates), [(1, 15_000), (2, 19_000)]);
    }
}
