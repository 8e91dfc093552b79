//! Which prices a platform can be billed by, or decide by: what a change of prices touches.

use std::collections::BTreeSet;

use crate::catalog::{CapacityType, Catalog};
use crate::platform::{Cluster, Platform, Support};
use crate::replay::allowed_types;

/// What one platform may buy, by name: two snapshots number their types differently.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    instances: BTreeSet<(String, CapacityType)>,
    /// Fargate's prices and those of `misc_prices.csv`, by [`others`](super::summary::others)' names.
    items: BTreeSet<&'static str>,
}

impl Reach {
    /// What `platform` may buy at the prices of any of the catalogs.
    pub fn new(catalogs: [&Catalog; 2], platform: &Platform, cluster: Cluster) -> Self {
        let mut reach = Self::default();
        for catalog in catalogs {
            let allowed = allowed_types(catalog, platform);
            if allowed.fargate {
                reach.items.extend(["fargate_vcpu", "fargate_memory", "fargate_ephemeral_storage"]);
            }
            if allowed.volumes() {
                reach.items.insert("ebs_gp3_storage");
            }
            let name = |(id, capacity_type)| (catalog.instance_type(id).name.clone(), capacity_type);
            reach.instances.extend(allowed.instances.into_iter().map(name));
        }
        // Of the cluster's own all platforms have a share.
        reach.items.insert(match cluster.support {
            Support::Standard => "eks_cluster_standard",
            Support::Extended => "eks_cluster_extended_support",
        });
        if cluster.nat_gateways > 0 {
            reach.items.insert("nat_gateway");
        }
        if cluster.pull_through_nat {
            reach.items.insert("nat_gateway_processing");
        }
        reach
    }

    pub fn buys(&self, instance_type: &str, capacity_type: CapacityType) -> bool {
        self.instances.contains(&(instance_type.to_owned(), capacity_type))
    }

    pub fn buys_type(&self, instance_type: &str) -> bool {
        [CapacityType::OnDemand, CapacityType::Spot].into_iter().any(|c| self.buys(instance_type, c))
    }

    pub fn has_item(&self, item: &str) -> bool {
        self.items.contains(item)
    }
}
