//! What is searched: every dimension, its values, and why these.
//!
//! - *Fargate*: as it is; there is nothing to set.
//! - *Node group with Cluster Autoscaler*: the instance type (current c, m and r of generations 5 to 8 in sizes `large` to
//!   `8xlarge`: of each size the families with the least lower bound, since a size decides how evenly nodes fill and a
//!   family what they cost) × on-demand or Spot × how soon nodes go (`scale-down-unneeded-time` and
//!   `scale-down-delay-after-add`, which holds removals back after every launch and so matters as soon as the first is
//!   short) × `scale-down-utilization-threshold`.
//! - *Node group of fixed size*: the best type of each size, with the nodes of the busiest moment or three, two or one
//!   quarters of them. On-demand only: who keeps nodes all the time wants to have them.
//! - *Karpenter*: instance categories (c, m, r together; each alone) × architecture × capacity type × the lowest
//!   generation (all but the oldest; 6 on; 7 on) × the largest node (any; 16; 8 vCPU: small nodes become empty sooner)
//!   × `consolidationPolicy` × `consolidateAfter`.
//! - each of them with *right-sized requests* where the trace knows usage.
//!
//! Candidates that have pods they can never run are no part of the space. All NodePools and node groups are called `jobs`:
//! the luck of nodes is drawn by pool and number, so that candidates differ by what they are and not by their luck.

mod karpenter;
mod narrowing;
mod node_groups;

pub use narrowing::Narrowing;
pub(super) use node_groups::sized_by_peak;

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::candidate::{Candidate, Family, Place};
use crate::catalog::{Arch, Catalog};
use crate::platform::{BUILT_INS, Kind, Platform};
use crate::replay::{Demand, Floor, Setup, allowed_types, floor, refusal};
use crate::trace::PodArch;

/// The name of every NodePool and node group of the space.
const POOL: &str = "jobs";
/// What right-sized candidates are called beside their platform's name.
pub const RIGHT_SIZED: &str = "-rightsized";

/// The trace with its own requests or with right-sized ones, ready to be simulated.
pub struct Variant<'a> {
    pub setup: Setup<'a>,
    pub demand: Demand,
    pub right_sized: bool,
}

/// The candidates, with their lower bounds.
pub struct Space {
    pub candidates: Vec<Candidate>,
    pub floors: Vec<Floor>,
    /// Why architectures were not searched, if any were not.
    pub left_out_archs: Option<String>,
    /// Platforms that have pods which they can never run.
    pub impossible: usize,
    /// Platforms that `--strict` keeps out.
    pub inferred: usize,
    /// Names of given platforms that are left out, and why.
    pub dropped: Vec<(String, String)>,
}

impl Space {
    /// Everything that can be searched, and the platforms that are `given`. `variants` begins with the trace's own
    /// requests, for which given platforms are simulated; the space itself is searched for the `searched` ones.
    pub fn new(
        variants: &[Variant],
        searched: &[bool],
        given: &[Given],
        narrowing: &Narrowing,
        strict: bool,
    ) -> Self {
        let (archs, left_out_archs) = archs(&variants[0].setup, narrowing);
        let mut candidates = Vec::new();
        for (variant, _) in variants.iter().zip(searched).filter(|(_, searched)| **searched) {
            let base = &variants[0];
            let mut found = fargate(narrowing);
            if narrowing.has_kind("node-group") {
                found.extend(node_groups::candidates(base, variant, narrowing, &archs));
            }
            if narrowing.has_kind("karpenter") {
                found.extend(karpenter::candidates(variant, narrowing, &archs));
            }
            candidates.extend(found.into_iter().map(|mut candidate| {
                if variant.right_sized {
                    candidate.platform.name.push_str(RIGHT_SIZED);
                    candidate.right_sized = true;
                    if let Some(place) = &mut candidate.place {
                        place.right_sized = 1;
                    }
                }
                candidate
            }));
        }
        add_given(&mut candidates, given, narrowing, variants[0].setup.catalog);
        let floors = floors(variants, &candidates);
        let mut space =
            Self { candidates, floors, left_out_archs, impossible: 0, inferred: 0, dropped: Vec::new() };
        space.drop_impossible(&variants[0]);
        if strict {
            space.drop_inferred(variants[0].setup.billing);
        }
        space
    }

    /// What can never run some pods never completes the trace. If nothing can, all is kept, so that somebody says why.
    fn drop_impossible(&mut self, own: &Variant) {
        if self.floors.iter().all(|floor| floor.refused > 0) {
            return;
        }
        let possible: Vec<bool> = self.floors.iter().map(|floor| floor.refused == 0).collect();
        self.impossible = self.retain(&possible, |platform| {
            let reason = refusal(&own.setup, &own.demand, platform).unwrap_or_default();
            format!("some pods can never run there: {reason}")
        });
    }

    /// What may be billed at prices that nobody observed.
    fn drop_inferred(&mut self, catalog: &Catalog) {
        let observed = |candidate: &Candidate| !may_cost_inferred(catalog, &candidate.platform);
        let observed: Vec<bool> = self.candidates.iter().map(observed).collect();
        let why = |_: &Platform| "some of its prices are inferred, which --strict refuses".to_owned();
        self.inferred = self.retain(&observed, why);
    }

    /// Drops candidates that are not to be kept, and says `why` of given ones; gives their number.
    fn retain(&mut self, keep: &[bool], why: impl Fn(&Platform) -> String) -> usize {
        for (candidate, _) in self.candidates.iter().zip(keep).filter(|(c, keep)| c.given && !**keep) {
            self.dropped.push((candidate.platform.name.clone(), why(&candidate.platform)));
        }
        let mut of_candidates = keep.iter();
        self.candidates.retain(|_| of_candidates.next().is_some_and(|keep| *keep));
        let mut of_floors = keep.iter();
        self.floors.retain(|_| of_floors.next().is_some_and(|keep| *keep));
        keep.len() - self.candidates.len()
    }
}

/// Whether any machine that the platform may buy has an inferred price.
fn may_cost_inferred(catalog: &Catalog, platform: &Platform) -> bool {
    let allowed = allowed_types(catalog, platform);
    let fargate = catalog.fargate.filter(|_| allowed.fargate);
    fargate.is_some_and(|prices| prices.vcpu_hour.origin.is_inferred() || prices.gb_hour.origin.is_inferred())
        || allowed.instances.iter().any(|(id, capacity_type)| {
            let offerings = catalog.offerings(*id).iter();
            offerings.filter(|o| o.capacity_type == *capacity_type).any(|o| o.origin.is_inferred())
        })
}

/// A platform that is simulated in any case.
pub struct Given {
    pub platform: Platform,
    /// Whether the user named it, and so may have it recommended whatever the search is narrowed to.
    pub named: bool,
}

/// The platforms that are always simulated: those of the scenario, and every built-in one but the past.
pub fn given(scenario: &[Platform]) -> Vec<Platform> {
    let own = scenario.iter().filter(|platform| !matches!(platform.kind, Kind::Recorded)).cloned();
    let mut given: Vec<Platform> = own.collect();
    for platform in BUILT_INS.iter().filter_map(|name| Platform::built_in(name)) {
        if !matches!(platform.kind, Kind::Recorded) && given.iter().all(|own| own.name != platform.name) {
            given.push(platform);
        }
    }
    given
}

fn fargate(narrowing: &Narrowing) -> Vec<Candidate> {
    let place =
        Place { family: Family::Fargate, group: [0; 3], machines: [0; 2], settings: [0; 2], right_sized: 0 };
    let platform = Platform::built_in("fargate").filter(|_| narrowing.has_kind("fargate"));
    platform.into_iter().map(|platform| in_space(platform, place)).collect()
}

fn in_space(platform: Platform, place: Place) -> Candidate {
    Candidate { platform, place: Some(place), given: false, eligible: true, right_sized: false }
}

/// Given platforms take the places of those that they are like. What nobody named and does not fit the narrowed space is
/// for comparison only.
fn add_given(candidates: &mut Vec<Candidate>, given: &[Given], narrowing: &Narrowing, catalog: &Catalog) {
    for Given { platform, named } in given {
        let like = candidates.iter_mut().find(|other| {
            !other.right_sized && !other.given && is_alike(&other.platform.kind, &platform.kind)
        });
        match like {
            Some(other) => {
                other.given = true;
                other.platform = platform.clone();
            }
            None => candidates.push(Candidate {
                platform: platform.clone(),
                place: None,
                given: true,
                eligible: *named || narrowing.fits(platform, catalog),
                right_sized: false,
            }),
        }
    }
    // Names of the user's own platforms may be names of the space.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    candidates.sort_by_key(|candidate| !candidate.given);
    for candidate in candidates {
        let times = seen.entry(candidate.platform.name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            candidate.platform.name = format!("{}-{times}", candidate.platform.name);
        }
    }
}

/// Whether two platforms differ in nothing but names.
fn is_alike(one: &Kind, other: &Kind) -> bool {
    let unnamed = |kind: &Kind| {
        let mut kind = kind.clone();
        match &mut kind {
            Kind::NodeGroups(groups) => groups.groups.iter_mut().for_each(|group| group.name.clear()),
            Kind::Karpenter(karpenter) => karpenter.node_pools.iter_mut().for_each(|pool| {
                pool.name.clear();
                pool.requirements.sort_by(|a, b| a.key.cmp(&b.key));
            }),
            Kind::AutoMode(auto_mode) => auto_mode.node_pools.iter_mut().for_each(|pool| pool.name.clear()),
            Kind::Fargate(_) | Kind::Mixed(_) | Kind::Recorded => {}
        }
        kind
    };
    unnamed(one) == unnamed(other)
}

/// The lower bound of each, computed once for all that may buy the same machines.
fn floors(variants: &[Variant], candidates: &[Candidate]) -> Vec<Floor> {
    let mut first: BTreeMap<_, usize> = BTreeMap::new();
    let mut like: Vec<usize> = Vec::with_capacity(candidates.len());
    for (index, candidate) in candidates.iter().enumerate() {
        let key = candidate.place.map(|place| place.bounded_as());
        like.push(key.map_or(index, |key| *first.entry(key).or_insert(index)));
    }
    let computed: Vec<Option<Floor>> = candidates
        .par_iter()
        .enumerate()
        .map(|(index, candidate)| {
            let variant = &variants[usize::from(candidate.right_sized)];
            (like[index] == index).then(|| floor(&variant.setup, &variant.demand, &candidate.platform))
        })
        .collect();
    like.into_iter().map(|index| computed[index].unwrap_or_default()).collect()
}

/// The architectures that the images of all pods allow: each alone, and both together where there are both; and why the
/// others were not searched.
fn archs(setup: &Setup, narrowing: &Narrowing) -> (Vec<Vec<Arch>>, Option<String>) {
    let classes = &setup.workload.classes;
    let all_run_on = |arch: Arch| {
        classes.iter().all(|class| match class.arch {
            PodArch::Any => true,
            PodArch::Amd64 => arch == Arch::Amd64,
            PodArch::Arm64 => arch == Arch::Arm64,
        })
    };
    let wanted = |arch: &Arch| narrowing.archs.is_empty() || narrowing.archs.contains(arch);
    let both = [Arch::Amd64, Arch::Arm64];
    let possible: Vec<Arch> = both.into_iter().filter(wanted).filter(|arch| all_run_on(*arch)).collect();
    let mut lists: Vec<Vec<Arch>> = possible.iter().map(|arch| vec![*arch]).collect();
    // Together they also run pods that need the one and pods that need the other.
    if both.iter().all(wanted) && (possible.len() == 2 || possible.is_empty()) {
        lists.push(both.to_vec());
    }
    let buys_instances = narrowing.has_kind("node-group") || narrowing.has_kind("karpenter");
    let why = (buys_instances && wanted(&Arch::Arm64) && !all_run_on(Arch::Arm64)).then(|| {
        let only = setup.workload.steps.pods().filter(|step| {
            classes[setup.workload.steps.class[*step as usize] as usize].arch == PodArch::Amd64
        });
        format!(
            "Graviton was not searched: the images of {} are for amd64 only, as far as is known (column arch, --arch any)",
            crate::report::plural(only.count() as u64, "pod")
        )
    });
    (lists, why)
}
