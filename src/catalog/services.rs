//! Prices of what surrounds the nodes: volumes, the control plane, Auto Mode, the network.

use super::{InferredBy, InstanceType, Price};
use crate::units::Rate;

/// A region's prices besides compute.
///
/// AWS charges most of these per region. Where the region's own price is not known, the price of us-east-1 stands
/// in and is marked inferred: a bill without NAT or volumes would be further from the truth. `None` only if a
/// price directory has neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServicePrices {
    /// USD per GB-month of provisioned gp3 volume.
    pub gp3_storage: Option<Price>,
    /// USD per IOPS-month above 3,000.
    pub gp3_iops: Option<Price>,
    /// USD per MiB/s-month above 125.
    pub gp3_throughput: Option<Price>,
    /// USD per cluster-hour of a version in standard support (its first 14 months).
    pub eks_cluster: Option<Price>,
    /// USD per cluster-hour of a version in extended support, in all (not on top of [`Self::eks_cluster`]).
    pub eks_cluster_extended: Option<Price>,
    /// EKS Auto Mode's fee as a share of the on-demand price. See [`Self::auto_mode_fee_of`].
    pub auto_mode_fee: Option<Price>,
    /// The same for types with a GPU.
    pub auto_mode_fee_gpu: Option<Price>,
    /// USD per NAT gateway-hour.
    pub nat_gateway: Option<Price>,
    /// USD per GB through a NAT gateway.
    pub nat_gateway_processing: Option<Price>,
    /// USD per GB between zones, in each direction.
    pub cross_az_transfer: Option<Price>,
    /// USD per public IPv4 address-hour, in use or idle.
    pub public_ipv4: Option<Price>,
    /// USD per interface endpoint and zone, an hour.
    pub interface_endpoint: Option<Price>,
    /// USD per GB through an interface endpoint.
    pub interface_endpoint_processing: Option<Price>,
}

impl ServicePrices {
    /// EKS Auto Mode's hourly fee for an instance with this on-demand price. It is the type's, whatever the
    /// instance is bought as, so a Spot instance's fee is a share of its on-demand price too. AWS sets it per type and
    /// region, so it counts as inferred.
    pub fn auto_mode_fee_of(&self, kind: &InstanceType, on_demand: Rate) -> Option<Price> {
        let share = if kind.gpu.is_some() { self.auto_mode_fee_gpu } else { self.auto_mode_fee }?;
        let one = Rate::from_femto(1_000_000_000_000_000);
        let rate = on_demand.scaled(share.rate.femto(), one.femto());
        Some(Price { rate, ..share.inferred(InferredBy::AutoModeShare) })
    }

    /// Every price, known or not, by item of `misc_prices.csv`: item, unit, price.
    pub fn named(mut self) -> impl Iterator<Item = (&'static str, &'static str, Option<Price>)> {
        Item::WORDS.into_iter().map(move |(word, item)| (word, item.unit(), *self.slot(item)))
    }

    /// The price behind an item of `misc_prices.csv`.
    pub(super) fn slot(&mut self, item: Item) -> &mut Option<Price> {
        match item {
            Item::Gp3Storage => &mut self.gp3_storage,
            Item::Gp3Iops => &mut self.gp3_iops,
            Item::Gp3Throughput => &mut self.gp3_throughput,
            Item::EksCluster => &mut self.eks_cluster,
            Item::EksClusterExtended => &mut self.eks_cluster_extended,
            Item::AutoModeFee => &mut self.auto_mode_fee,
            Item::AutoModeFeeGpu => &mut self.auto_mode_fee_gpu,
            Item::NatGateway => &mut self.nat_gateway,
            Item::NatGatewayProcessing => &mut self.nat_gateway_processing,
            Item::CrossAzTransfer => &mut self.cross_az_transfer,
            Item::PublicIpv4 => &mut self.public_ipv4,
            Item::InterfaceEndpoint => &mut self.interface_endpoint,
            Item::InterfaceEndpointProcessing => &mut self.interface_endpoint_processing,
        }
    }
}

/// What `misc_prices.csv` has prices of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Gp3Storage,
    Gp3Iops,
    Gp3Throughput,
    EksCluster,
    EksClusterExtended,
    AutoModeFee,
    AutoModeFeeGpu,
    NatGateway,
    NatGatewayProcessing,
    CrossAzTransfer,
    PublicIpv4,
    InterfaceEndpoint,
    InterfaceEndpointProcessing,
}

impl Item {
    /// The words in the price file.
    pub const WORDS: [(&'static str, Self); 13] = [
        ("cross_az_transfer_each_direction", Self::CrossAzTransfer),
        ("ebs_gp3_iops_above_3000", Self::Gp3Iops),
        ("ebs_gp3_storage", Self::Gp3Storage),
        ("ebs_gp3_throughput_above_125", Self::Gp3Throughput),
        ("eks_auto_mode_fee", Self::AutoModeFee),
        ("eks_auto_mode_fee_gpu", Self::AutoModeFeeGpu),
        ("eks_cluster_extended_support", Self::EksClusterExtended),
        ("eks_cluster_standard", Self::EksCluster),
        ("nat_gateway", Self::NatGateway),
        ("nat_gateway_processing", Self::NatGatewayProcessing),
        ("public_ipv4", Self::PublicIpv4),
        ("vpc_interface_endpoint", Self::InterfaceEndpoint),
        ("vpc_interface_endpoint_processing", Self::InterfaceEndpointProcessing),
    ];

    /// The word in the price file.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, item)| *item == self).map_or("", |(word, _)| *word)
    }

    /// The unit that must stand beside it.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Gp3Storage => "GB-month",
            Self::Gp3Iops => "IOPS-month",
            Self::Gp3Throughput => "MiBps-month",
            Self::EksCluster | Self::EksClusterExtended => "cluster-hour",
            Self::AutoModeFee | Self::AutoModeFeeGpu => "share-of-on-demand",
            Self::NatGateway | Self::InterfaceEndpoint => "hour",
            Self::NatGatewayProcessing | Self::CrossAzTransfer | Self::InterfaceEndpointProcessing => "GB",
            Self::PublicIpv4 => "address-hour",
        }
    }
}
