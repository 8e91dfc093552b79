//! A fleet from the parts of a platform: kinds of nodes of all parts first, since every controller sees all of them; then a
//! controller for each part; and who places which pods.

use super::super::Setup;
use super::{GroupNodes, Refusals, fargate, home, karpenter, node_groups, refuse_by_groups};
use crate::control::karpenter::pool::Pool;
use crate::control::{ClusterAutoscaler, Controller, FixedGroup, ManagedGroup, Upgrade};
use crate::ledger::{NodeTemplate, Role, TemplateId};
use crate::platform::{self, BillUntil, Fargate, Kind, NodeGroups, Part, Platform, profile_of};
use crate::rng::Draws;
use crate::sim::{Fleet, NodeType, Placement};
use crate::workload::ClassId;

/// What a platform is simulated with.
pub(in crate::replay) struct Composed {
    pub fleet: Fleet<'static>,
    /// Which pods can never run there, and why.
    pub refusals: Refusals,
    /// How many nodes there are of each kind of [`Fleet::node_types`], if that is fixed.
    pub fixed: Vec<Option<u32>>,
}

/// A part whose kinds of nodes are known.
enum Prepared<'p> {
    Groups { groups: &'p NodeGroups, nodes: GroupNodes, first: TemplateId },
    Karpenter { config: platform::Karpenter, pools: Vec<Pool>, first: TemplateId },
    Fargate(&'p Fargate),
}

/// `None` for what happened, which needs no fleet.
pub(in crate::replay) fn compose(setup: &Setup, platform: &Platform) -> Option<Composed> {
    let mut node_types: Vec<NodeType> = Vec::new();
    let mut fixed: Vec<Option<u32>> = Vec::new();
    let mut prepared: Vec<(&Part, Prepared)> = Vec::new();
    for part in platform.parts() {
        let first = node_types.len() as TemplateId;
        let this = match &part.kind {
            Kind::Recorded | Kind::Mixed(_) => return None,
            Kind::Fargate(fargate) => Prepared::Fargate(fargate),
            Kind::NodeGroups(groups) => {
                let nodes = node_groups(setup, &part.name, groups, first);
                node_types.extend(nodes.types.iter().cloned());
                fixed.extend(&nodes.counts);
                Prepared::Groups { groups, nodes, first }
            }
            Kind::Karpenter(config) => prepare(setup, config.clone(), first, &mut node_types),
            Kind::AutoMode(auto_mode) => prepare(setup, auto_mode.karpenter(), first, &mut node_types),
        };
        fixed.resize(node_types.len(), None);
        prepared.push((part, this));
    }
    let on_fargate = on_fargate(setup, &prepared);
    let mut all = Composing {
        fargate_sizes: Vec::new(),
        homes: Vec::new(),
        bill_until_deleted: true,
        controllers: Vec::new(),
        refusals: Vec::new(),
    };
    for (part, prepared) in prepared {
        all.add(setup, part, prepared, &node_types, &on_fargate);
    }
    let refusals = all.refusals(platform, &on_fargate);
    let placement = if on_fargate.iter().all(|on| *on) && node_types.is_empty() {
        Placement::Fargate
    } else if on_fargate.iter().any(|on| *on) {
        Placement::ByClass(on_fargate)
    } else {
        Placement::KubeScheduler
    };
    let fleet = Fleet {
        node_types,
        fargate_sizes: all.fargate_sizes,
        homes: all.homes,
        placement,
        bill_until_deleted: all.bill_until_deleted,
        controllers: all.controllers,
    };
    Some(Composed { fleet, refusals, fixed })
}

fn prepare<'p>(
    setup: &Setup,
    config: platform::Karpenter,
    first: TemplateId,
    node_types: &mut Vec<NodeType>,
) -> Prepared<'p> {
    let (pools, own) = karpenter::prepare(setup, &config, first);
    node_types.extend(own);
    Prepared::Karpenter { config, pools, first }
}

/// Which classes of pods the profiles of the Fargate part select. Without profiles that is all of them.
fn on_fargate(setup: &Setup, prepared: &[(&Part, Prepared)]) -> Vec<bool> {
    let profiles = prepared.iter().find_map(|(_, part)| match part {
        Prepared::Fargate(fargate) => Some(fargate.profiles.as_slice()),
        _ => None,
    });
    let (workload, words) = (setup.workload, &setup.trace.words);
    let selects = |class| match profiles {
        None => false,
        Some([]) => true,
        Some(profiles) => profile_of(&workload.pod_spec(class, words), profiles).is_some(),
    };
    (0..workload.classes.len() as ClassId).map(selects).collect()
}

struct Composing {
    fargate_sizes: Vec<NodeTemplate>,
    homes: Vec<(NodeTemplate, u32)>,
    bill_until_deleted: bool,
    controllers: Vec<Box<dyn Controller + Send>>,
    /// What each part refuses, and whether it is the Fargate one.
    refusals: Vec<(String, bool, Refusals)>,
}

impl Composing {
    fn add(
        &mut self,
        setup: &Setup,
        part: &Part,
        prepared: Prepared,
        node_types: &[NodeType],
        on_fargate: &[bool],
    ) {
        let mut refusals = Refusals::default();
        let mut is_fargate = false;
        match prepared {
            Prepared::Fargate(config) => {
                is_fargate = true;
                let first = node_types.len() as TemplateId;
                let (sizes, controller) = fargate(setup, config, on_fargate, first, &mut refusals);
                self.fargate_sizes = sizes;
                self.bill_until_deleted = config.bill_until == BillUntil::PodDeleted;
                self.controllers.push(Box::new(controller));
            }
            Prepared::Groups { groups, nodes, first } => {
                refuse_by_groups(setup, &nodes, first, &mut refusals);
                let GroupNodes { fixed, autoscaled, .. } = nodes;
                let retry = setup.settings.spot.asg_retry;
                for group in fixed {
                    let upgrades = upgrades_of(groups, part, std::slice::from_ref(&group));
                    self.controllers.push(Box::new(FixedGroup::new(group, retry, upgrades)));
                }
                if !autoscaled.is_empty() {
                    self.homes.extend(home(setup, "cluster-autoscaler", Role::Controllers, &groups.home));
                    let draws = Draws::new(setup.settings.seed);
                    let upgrades = upgrades_of(groups, part, &autoscaled);
                    let controller =
                        ClusterAutoscaler::new(groups.autoscaler.clone(), autoscaled, retry, draws);
                    self.controllers.push(Box::new(controller.with_upgrades(upgrades)));
                }
            }
            Prepared::Karpenter { config, pools, first } => {
                karpenter::refuse_classes(setup, &pools, node_types, first, &mut refusals);
                self.homes.extend(home(setup, "karpenter", Role::Controllers, &config.home));
                self.controllers.push(Box::new(karpenter::controller(setup, config, pools, node_types)));
            }
        }
        self.refusals.push((part.name.clone(), is_fargate, refusals));
    }

    /// A pod for Fargate can run there or not at all; any other on the nodes of some part or not at all.
    fn refusals(&mut self, platform: &Platform, on_fargate: &[bool]) -> Refusals {
        let mut all = Refusals::default();
        let parts = std::mem::take(&mut self.refusals);
        for (class, on_fargate) in on_fargate.iter().enumerate() {
            let theirs = parts.iter().filter(|(_, is_fargate, _)| is_fargate == on_fargate);
            let reasons: Option<Vec<(&str, String)>> = theirs
                .map(|(name, _, refusals)| Some((name.as_str(), refusals.reason(class as u32)?)))
                .collect();
            let text = match reasons.as_deref() {
                None => continue,
                Some([]) => "no Fargate profile selects them, and there are no nodes".to_owned(),
                Some([(_, only)]) => only.clone(),
                Some(several) => {
                    let each: Vec<String> =
                        several.iter().map(|(part, reason)| format!("{part}: {reason}")).collect();
                    each.join("; ")
                }
            };
            debug_assert!(!platform.parts().is_empty());
            all.add(class, text);
        }
        all
    }
}

/// The upgrades of those of a platform's groups that one controller minds.
fn upgrades_of(groups: &NodeGroups, part: &Part, managed: &[ManagedGroup]) -> Vec<Upgrade> {
    let mut upgrades = Vec::new();
    for planned in &groups.upgrades {
        for (group, of) in managed.iter().enumerate() {
            let is_meant = planned.group.as_ref().is_none_or(|name| *name == of.name || *name == part.name);
            if is_meant {
                let platform::Upgrade { at, force, max_unavailable, .. } = *planned;
                upgrades.push(Upgrade { at, group, force, max_unavailable });
            }
        }
    }
    upgrades
}
