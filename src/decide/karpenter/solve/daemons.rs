//! Which DaemonSets' pods a node of a type will have, and what they take of it.
//!
//! Source: `scheduler.go: buildDaemonOverheadGroups, isDaemonPodCompatible`. Karpenter tries the alternative terms of
//! required node affinity in turn and forgets those that did not do: a later type, or a later pool, is not asked for
//! them again. That decides only where a DaemonSet has several, and it is kept.

use std::sync::Arc;

use super::super::model::{InstanceType, NodePool};
use super::shapes::{base_requirements, term_requirements};
use crate::catalog::{Requirements, Undefined};
use crate::kube::{HostPort, PodSpec, ResourceList, Taint, TaintEffect, Toleration};

/// A DaemonSet's pod while the groups are found.
#[derive(Clone, Debug)]
struct Daemon {
    spec: Arc<PodSpec>,
    tolerations: Vec<Toleration>,
    /// What each alternative asks for. The first counts.
    terms: Vec<Requirements>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Daemons {
    daemons: Vec<Daemon>,
}

/// What DaemonSets take of the nodes of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Overhead {
    pub requests: ResourceList,
    pub host_ports: Vec<HostPort>,
}

impl Daemons {
    pub fn new(pods: &[Arc<PodSpec>]) -> Self {
        let daemon = |spec: &Arc<PodSpec>| {
            let base = base_requirements(spec);
            let alternatives = spec.required_node_terms.iter();
            let mut terms: Vec<Requirements> =
                alternatives.map(|term| base.intersection(&term_requirements(term))).collect();
            if terms.is_empty() {
                terms.push(base);
            }
            Daemon { spec: spec.clone(), tolerations: spec.tolerations.clone(), terms }
        };
        Self { daemons: pods.iter().map(daemon).collect() }
    }

    /// What they take of each type of a pool. Pools come in the order in which they are tried.
    pub fn of_pool(&mut self, pool: &NodePool) -> Vec<Overhead> {
        // Taints with this effect keep no DaemonSet away.
        let soft = Toleration { effect: Some(TaintEffect::PreferNoSchedule), ..Toleration::default() };
        for daemon in &mut self.daemons {
            if !daemon.tolerations.contains(&soft) {
                daemon.tolerations.push(soft.clone());
            }
        }
        // A type that the template rules out is never asked about.
        let mut of_type = |this: &InstanceType| {
            let asked = this.requirements.intersects(&pool.template).is_ok();
            let runs = |daemon: &mut Daemon| asked && daemon.runs_on(pool, this);
            let running: Vec<&mut Daemon> =
                self.daemons.iter_mut().filter_map(|d| runs(d).then_some(d)).collect();
            sum(running.iter().map(|daemon| &daemon.spec))
        };
        pool.types.iter().map(&mut of_type).collect()
    }

    /// What they take of an existing node.
    pub fn of_node(&self, labels: &Requirements, taints: &[Taint]) -> ResourceList {
        let runs = |daemon: &&Daemon| {
            tolerates(&daemon.tolerations, taints)
                && labels.compatible(&daemon.terms[0], Undefined::Denied).is_ok()
        };
        sum(self.daemons.iter().filter(runs).map(|daemon| &daemon.spec)).requests
    }
}

impl Daemon {
    fn runs_on(&mut self, pool: &NodePool, this: &InstanceType) -> bool {
        if !tolerates(&self.tolerations, &pool.taints) {
            return false;
        }
        loop {
            let wanted = &self.terms[0];
            if pool.template.compatible(wanted, Undefined::WellKnownAllowed).is_ok()
                && this.requirements.intersects(wanted).is_ok()
            {
                return true;
            }
            if self.terms.len() == 1 {
                return false;
            }
            self.terms.remove(0);
        }
    }
}

fn sum<'a>(pods: impl Iterator<Item = &'a Arc<PodSpec>>) -> Overhead {
    let mut overhead = Overhead::default();
    for spec in pods {
        overhead.requests += spec.requests;
        overhead.host_ports.extend(spec.host_ports.iter().cloned());
    }
    overhead
}

pub(super) fn tolerates(tolerations: &[Toleration], taints: &[Taint]) -> bool {
    taints.iter().all(|taint| tolerations.iter().any(|toleration| toleration.tolerates(taint)))
}

/// Whether any port of one list clashes with any of the other (`hostportusage.go`).
pub(super) fn clash(a: &[HostPort], b: &[HostPort]) -> bool {
    let any = |ip: &str| ip.is_empty() || matches!(ip, "0.0.0.0" | "::");
    let clashes = |a: &HostPort, b: &HostPort| {
        a.protocol == b.protocol && a.port == b.port && (a.ip == b.ip || any(&a.ip) || any(&b.ip))
    };
    a.iter().any(|a| b.iter().any(|b| clashes(a, b)))
}
