//! Which pods keep a node from being drained (`cluster-autoscaler/simulator/drainability/rules`, in that order).
//!
//! Karpenter's annotation `karpenter.sh/do-not-disrupt` means nothing here.

use super::settings::Settings;
use crate::kube::{Pdb, PodSpec};

/// What becomes of a pod when its node goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It ends with its node: a DaemonSet's or a static one.
    EndsWithNode,
    /// It has to find another place.
    Moves,
    Blocks(Blocker),
}

/// Why a pod keeps its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// Nobody would start it again.
    NotReplicated,
    /// A pod of `kube-system` without a PodDisruptionBudget.
    System,
    /// `cluster-autoscaler.kubernetes.io/safe-to-evict: "false"`.
    NotSafeToEvict,
    LocalStorage,
    Budget,
}

/// What is left of PodDisruptionBudgets while nodes are drained in thought (`core/scaledown/pdb/basic.go`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets(Vec<(Pdb, i64)>);

impl Budgets {
    /// Each with how many of its pods may go now.
    pub fn new(budgets: Vec<(Pdb, i64)>) -> Self {
        Self(budgets)
    }

    fn of<'a>(&'a self, pod: &'a PodSpec) -> impl Iterator<Item = &'a (Pdb, i64)> {
        self.0.iter().filter(|(pdb, _)| pdb.covers(pod))
    }

    /// Takes pods away; gives whether all could go at the same time.
    pub fn take<'a>(&mut self, pods: impl Iterator<Item = &'a PodSpec> + Clone) -> bool {
        let mut in_parallel = true;
        for (pdb, left) in &mut self.0 {
            let count = pods.clone().filter(|pod| pdb.covers(pod)).count() as i64;
            in_parallel &= *left >= count;
            *left -= count;
        }
        in_parallel
    }
}

/// Kinds of controllers that are known to start a pod again.
const REPLICATING: [&str; 4] = ["ReplicationController", "Job", "ReplicaSet", "StatefulSet"];

pub fn fate(pod: &PodSpec, settings: &Settings, budgets: &Budgets) -> Fate {
    if pod.is_mirror() || pod.is_of_daemon_set() {
        return Fate::EndsWithNode;
    }
    if pod.safe_to_evict == Some(true) {
        return Fate::Moves;
    }
    let is_replicated = pod.owner.as_ref().is_some_and(|owner| {
        !settings.skip_nodes_with_custom_controller_pods || REPLICATING.contains(&owner.kind.as_str())
    });
    if !is_replicated {
        return Fate::Blocks(Blocker::NotReplicated);
    }
    let is_system = pod.namespace == "kube-system" && budgets.of(pod).next().is_none();
    if settings.skip_nodes_with_system_pods && is_system {
        return Fate::Blocks(Blocker::System);
    }
    if pod.safe_to_evict == Some(false) {
        return Fate::Blocks(Blocker::NotSafeToEvict);
    }
    if settings.skip_nodes_with_local_storage && pod.has_local_storage {
        return Fate::Blocks(Blocker::LocalStorage);
    }
    if budgets.of(pod).any(|(_, left)| *left < 1) {
        return Fate::Blocks(Blocker::Budget);
    }
    Fate::Moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::cluster_autoscaler::fixtures::{owned, pdb};
    use crate::kube::DoNotDisrupt;

    #[test]
    fn each_rule_in_turn() {
        use Blocker::{Budget, LocalStorage, NotReplicated, NotSafeToEvict, System};
        use Fate::{Blocks, EndsWithNode, Moves};
        let defaults = Settings::default();
        let bare = PodSpec::default();
        let job = owned("Job", PodSpec::default());
        let system = PodSpec { namespace: "kube-system".to_owned(), ..job.clone() };
        let local = PodSpec { has_local_storage: true, ..job.clone() };
        let held = PodSpec { safe_to_evict: Some(false), ..job.clone() };
        let free = |spec: &PodSpec| PodSpec { safe_to_evict: Some(true), ..spec.clone() };
        let custom = owned("Workflow", PodSpec::default());
        let budget = |namespace: &str, left| Budgets::new(vec![(pdb(namespace), left)]);
        let no = Budgets::default();
        let lax = Settings {
            skip_nodes_with_system_pods: false,
            skip_nodes_with_local_storage: false,
            skip_nodes_with_custom_controller_pods: false,
            ..Settings::default()
        };
        for (what, pod, settings, budgets, expected) in [
            ("DaemonSet", owned("DaemonSet", bare.clone()), &defaults, &no, EndsWithNode),
            ("static", owned("Node", bare.clone()), &defaults, &no, EndsWithNode),
            ("bare", bare.clone(), &defaults, &no, Blocks(NotReplicated)),
            ("bare, safe", free(&bare), &defaults, &no, Moves),
            ("bare, all lax", bare.clone(), &lax, &no, Blocks(NotReplicated)),
            ("Job", job.clone(), &defaults, &no, Moves),
            ("unknown controller", custom.clone(), &defaults, &no, Blocks(NotReplicated)),
            ("unknown controller, lax", custom, &lax, &no, Moves),
            ("system", system.clone(), &defaults, &no, Blocks(System)),
            ("system with budget", system.clone(), &defaults, &budget("kube-system", 1), Moves),
            ("system, lax", system.clone(), &lax, &no, Moves),
            ("system, safe", free(&system), &defaults, &no, Moves),
            ("not safe", held.clone(), &lax, &no, Blocks(NotSafeToEvict)),
            ("local", local.clone(), &defaults, &no, Blocks(LocalStorage)),
            ("local, safe", free(&local), &defaults, &no, Moves),
            ("local, lax", local, &lax, &no, Moves),
            ("budget", job.clone(), &defaults, &budget("default", 0), Blocks(Budget)),
            ("another's budget", job.clone(), &defaults, &budget("web", 0), Moves),
            // Who says that a pod is safe to evict is not asked about budgets.
            ("budget, safe", free(&job), &defaults, &budget("default", 0), Moves),
            // Karpenter's annotation is not meant.
            (
                "Karpenter's",
                PodSpec { do_not_disrupt: DoNotDisrupt::Always, ..job.clone() },
                &defaults,
                &no,
                Moves,
            ),
        ] {
            assert_eq!(fate(&pod, settings, budgets), expected, "{what}");
        }
    }

    #[test]
    fn what_was_taken_is_not_there_for_the_next_node() {
        let mut budgets = Budgets::new(vec![(pdb("default"), 3)]);
        let job = owned("Job", PodSpec::default());
        let two = [job.clone(), job.clone()];
        assert!(budgets.take(two.iter()));
        // One is left: a node with two pods may start to drain, though not both can go at once.
        assert_eq!(fate(&job, &Settings::default(), &budgets), Fate::Moves);
        assert!(!budgets.take(two.iter()));
        assert_eq!(fate(&job, &Settings::default(), &budgets), Fate::Blocks(Blocker::Budget));
    }
}
