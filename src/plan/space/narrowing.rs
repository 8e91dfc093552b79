//! What a search is narrowed to, and which filter is to blame if nothing is left.

use std::collections::BTreeSet;

use super::archs;
use crate::catalog::{Arch, CapacityType, Catalog, InstanceType, labels, nearest};
use crate::error::{Error, Result};
use crate::platform::{Karpenter, Kind, NodeGroup, NodePool, Platform, RequirementOperator};
use crate::replay::{Setup, hourly};

/// Filters of the space; empty lists leave nothing out. Families, architectures and capacity types are those of EC2
/// instances: they say nothing of Fargate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// `fargate`, `node-group` or `karpenter`.
    pub kinds: Vec<String>,
    /// `m6i`, `c7a` …
    pub families: Vec<String>,
    pub archs: Vec<Arch>,
    pub capacity_types: Vec<CapacityType>,
}

impl Narrowing {
    pub(super) fn has_kind(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|word| word == kind)
    }

    pub(super) fn has_family(&self, family: &str) -> bool {
        self.families.is_empty() || self.families.iter().any(|name| name == family)
    }

    fn has_arch(&self, arch: Arch) -> bool {
        self.archs.is_empty() || self.archs.contains(&arch)
    }

    pub(super) fn has_capacity(&self, capacity_type: CapacityType) -> bool {
        self.capacity_types.is_empty() || self.capacity_types.contains(&capacity_type)
    }

    /// Whether a built-in platform is no more than what is searched.
    pub(super) fn fits(&self, platform: &Platform, catalog: &Catalog) -> bool {
        platform.parts().iter().all(|part| self.fits_kind(&part.kind, catalog))
    }

    fn fits_kind(&self, kind: &Kind, catalog: &Catalog) -> bool {
        match kind {
            Kind::Fargate(_) => self.has_kind("fargate"),
            Kind::NodeGroups(groups) => {
                self.has_kind("node-group")
                    && groups.groups.iter().all(|group| self.fits_group(group, catalog))
            }
            Kind::Karpenter(Karpenter { node_pools, .. }) => {
                self.has_kind("karpenter") && node_pools.iter().all(|pool| self.fits_pool(pool))
            }
            Kind::AutoMode(_) => {
                self.has_kind("auto-mode") && kind.node_pools().iter().all(|pool| self.fits_pool(pool))
            }
            Kind::Recorded | Kind::Mixed(_) => false,
        }
    }

    fn fits_group(&self, group: &NodeGroup, catalog: &Catalog) -> bool {
        let name = group.instance_type.as_deref().unwrap_or_default();
        let instance =
            catalog.offered().map(|id| catalog.instance_type(id)).find(|instance| instance.name == name);
        self.has_capacity(group.capacity_type)
            && instance.is_some_and(|found| self.has_family(found.family()) && self.has_arch(found.arch))
    }

    /// A pool may buy whatever it does not exclude.
    fn fits_pool(&self, pool: &NodePool) -> bool {
        let only = |key: &str, wanted: &[&str]| {
            wanted.is_empty()
                || pool.requirements.iter().any(|requirement| {
                    (requirement.key == key || requirement.key == labels::of_auto_mode(key))
                        && requirement.operator == RequirementOperator::In
                        && requirement.values.iter().all(|value| wanted.contains(&&**value))
                })
        };
        let families: Vec<&str> = self.families.iter().map(String::as_str).collect();
        let archs: Vec<&str> = self.archs.iter().map(|arch| arch.label()).collect();
        let capacity_types: Vec<&str> = self.capacity_types.iter().map(|bought| bought.label()).collect();
        only(labels::FAMILY, &families)
            && only(labels::ARCH, &archs)
            && only(labels::CAPACITY_TYPE, &capacity_types)
    }

    /// Refuses families that there are none of, and filters that leave no instance type.
    pub(in crate::plan) fn check(&self, setup: &Setup) -> Result<()> {
        let catalog = setup.catalog;
        let offered: Vec<_> = catalog.offered().map(|id| (id, catalog.instance_type(id))).collect();
        let known: BTreeSet<&str> = offered.iter().map(|(_, instance)| instance.family()).collect();
        for family in &self.families {
            if !known.contains(&**family) {
                return Err(unknown_family(family, &known, &catalog.region));
            }
        }
        if !self.has_kind("node-group") && !self.has_kind("karpenter") {
            return Ok(());
        }
        let left = |filter: &dyn Fn(&InstanceType) -> bool| {
            offered.iter().any(|(_, instance)| self.has_family(instance.family()) && filter(instance))
        };
        if !left(&|instance| self.has_arch(instance.arch)) {
            let words: Vec<&str> = self.archs.iter().map(|arch| arch.label()).collect();
            let why = format!("{} are not for {}", self.families.join(", "), words.join(", "));
            return Err(self.nothing(&why));
        }
        let (lists, _) = archs(setup, self);
        let runs = |instance: &InstanceType| lists.iter().flatten().any(|arch| *arch == instance.arch);
        if !left(&runs) {
            let images = match Self::archs_of_images(setup)[..] {
                [only] => format!("for {} only", only.label()),
                _ => "for amd64 only and others for arm64 only".to_owned(),
            };
            return Err(self.nothing(&format!(
                "images of pods are {images}, as far as is known (column arch, --arch any)"
            )));
        }
        let sold = offered.iter().any(|(id, instance)| {
            self.has_family(instance.family())
                && runs(instance)
                && [CapacityType::OnDemand, CapacityType::Spot]
                    .into_iter()
                    .any(|bought| self.has_capacity(bought) && hourly(setup, *id, bought).is_some())
        });
        if sold { Ok(()) } else { Err(self.nothing(&format!("none of it is sold in {}", catalog.region))) }
    }

    /// What some pods need.
    fn archs_of_images(setup: &Setup) -> Vec<Arch> {
        let needs = |arch: Arch| {
            let other = if arch == Arch::Amd64 { Arch::Arm64 } else { Arch::Amd64 };
            let alone = Self { archs: vec![other], ..Self::default() };
            archs(setup, &alone).0.is_empty()
        };
        [Arch::Amd64, Arch::Arm64].into_iter().filter(|arch| needs(*arch)).collect()
    }

    /// The error for filters that leave nothing.
    pub(in crate::plan) fn nothing(&self, why: &str) -> Error {
        let archs: Vec<&str> = self.archs.iter().map(|arch| arch.label()).collect();
        let capacity_types: Vec<&str> = self.capacity_types.iter().map(|bought| bought.label()).collect();
        let filters = [
            ("--kinds", self.kinds.join(",")),
            ("--families", self.families.join(",")),
            ("--archs", archs.join(",")),
            ("--capacity-types", capacity_types.join(",")),
        ];
        let given: Vec<String> = filters
            .into_iter()
            .filter(|(_, words)| !words.is_empty())
            .map(|(flag, words)| format!("{flag} {words}"))
            .collect();
        let verb = if given.len() == 1 { "leaves" } else { "leave" };
        Error::usage(
            format!("{} {verb} nothing to search: {why}", given.join(" ")),
            "name others, or leave the filter out",
        )
    }
}

fn unknown_family(family: &str, known: &BTreeSet<&str>, region: &str) -> Error {
    let lower = family.to_lowercase();
    // `m6i.large` is a type; its family is what is searched.
    let word = lower.split('.').next().unwrap_or_default();
    let hint = nearest(word, known.iter().copied()).map_or_else(
        || "instance families are named like m6i or c7a".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    Error::usage(
        format!("--families: there is no instance family {} in {region}", family.escape_debug()),
        hint,
    )
}
