//! What objects said of one pod at several times, made one whatever the order of the files.

use super::PodSeen;
use crate::trace::OwnerKind;
use crate::units::Time;

/// The pod's object at several times.
#[derive(Clone, Debug, Default)]
pub(in crate::import) struct Snapshots {
    list: Vec<Snapshot>,
    /// The earliest start of a main container in any of them: later ones know the last runs only.
    started: Option<Time>,
}

#[derive(Clone, Debug)]
struct Snapshot {
    /// Phases Succeeded and Failed are final, so what says so is later than what does not.
    is_over: bool,
    /// The latest time in it.
    latest: Option<Time>,
    pod: PodSeen,
}

impl Snapshots {
    pub(super) fn push(&mut self, is_over: bool, latest: Option<Time>, pod: PodSeen) {
        self.started = [self.started, pod.started].into_iter().flatten().min();
        self.add(Snapshot { is_over, latest, pod });
    }

    pub(super) fn append(&mut self, other: Self) {
        self.started = [self.started, other.started].into_iter().flatten().min();
        other.list.into_iter().for_each(|snapshot| self.add(snapshot));
    }

    /// A watch prints a pod many times: what has nothing to add to a later one is not kept.
    fn add(&mut self, new: Snapshot) {
        if self.list.iter().any(|kept| kept.covers(&new)) {
            return;
        }
        self.list.retain(|kept| !new.covers(kept));
        self.list.push(new);
    }

    /// The latest snapshot, with what only earlier ones said.
    pub(super) fn into_pod(mut self) -> Option<PodSeen> {
        self.list.sort_by(|a, b| b.rank().cmp(&a.rank()).then_with(|| b.text().cmp(&a.text())));
        let mut snapshots = self.list.into_iter();
        let mut pod = snapshots.next()?.pod;
        for Snapshot { is_over, pod: mut earlier, .. } in snapshots {
            // How it stood then: no end of what ran on, nor of what ended otherwise.
            if !is_over && pod.state.is_some() {
                (earlier.state, earlier.ended, earlier.exit_reason) = (None, None, None);
            }
            pod.merge(earlier);
        }
        pod.started = self.started;
        Some(pod)
    }
}

impl Snapshot {
    fn rank(&self) -> (bool, Option<Time>) {
        (self.is_over, self.latest)
    }

    /// Decides between snapshots that are equally late.
    fn text(&self) -> String {
        format!("{:?}", self.pod)
    }

    /// Whether all that `other` says is said here too, and later.
    fn covers(&self, other: &Self) -> bool {
        macro_rules! has {
            ($($field:ident)*) => { $((self.pod.$field.is_some() || other.pod.$field.is_none()))&&* };
        }
        let is_later = match self.rank().cmp(&other.rank()) {
            std::cmp::Ordering::Equal => self.text() == other.text(),
            order => order.is_gt(),
        };
        is_later
            && (self.pod.owner != OwnerKind::None || other.pod.owner == OwnerKind::None)
            && self.pod.do_not_disrupt >= other.pod.do_not_disrupt
            && self.pod.restarts >= other.pod.restarts
            && has!(created scheduled ended deleted state exit_reason cpu_request memory_request cpu_limit
                    memory_limit ephemeral_storage gpu_request_milli provisioned node platform image
                    owner_name node_selector tolerations arch priority)
    }
}
