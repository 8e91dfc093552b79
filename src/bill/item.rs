//! The lines of a bill: what is paid for, in which unit, and how much of it.

use crate::catalog;
use crate::units::{Rate, Usd};

/// A line of the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub kind: ItemKind,
    /// AWS's usage type, and what else tells lines of a kind apart.
    pub detail: String,
    pub quantity: Quantity,
    /// Price per unit; the average where it changed over time.
    pub rate: Rate,
    pub usd: Usd,
}

/// What is paid for, in the order of the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    FargateCpu,
    FargateMemory,
    FargateStorage,
    /// The same for pods whose work had ended but which were not deleted yet.
    FargateAfterEndCpu,
    FargateAfterEndMemory,
    FargateAfterEndStorage,
    Ec2OnDemand,
    Ec2Spot,
    /// Where the platform's controllers run.
    ControllersCpu,
    ControllersMemory,
    ControllersInstance,
    /// What is always on beside the jobs.
    SystemCpu,
    SystemMemory,
    SystemInstance,
    AutoModeFee,
    RootVolume,
    ControlPlane,
    NatGateway,
    NatTraffic,
    SavingsPlanCommitment,
    /// Minus the list price of what the plan covers: paid with the commitment instead.
    SavingsPlanCovered,
}

impl ItemKind {
    /// As it is called in reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::FargateCpu => "Fargate vCPU",
            Self::FargateMemory => "Fargate memory",
            Self::FargateStorage => "Fargate storage",
            Self::FargateAfterEndCpu => "Fargate vCPU after the pod's end",
            Self::FargateAfterEndMemory => "Fargate memory after the pod's end",
            Self::FargateAfterEndStorage => "Fargate storage after the pod's end",
            Self::Ec2OnDemand => "EC2 on-demand",
            Self::Ec2Spot => "EC2 Spot",
            Self::ControllersCpu => "controllers' vCPU",
            Self::ControllersMemory => "controllers' memory",
            Self::ControllersInstance => "controllers' nodes",
            Self::SystemCpu => "system vCPU",
            Self::SystemMemory => "system memory",
            Self::SystemInstance => "system nodes",
            Self::AutoModeFee => "EKS Auto Mode fee",
            Self::RootVolume => "EBS root volumes",
            Self::ControlPlane => "EKS control plane",
            Self::NatGateway => "NAT gateways",
            Self::NatTraffic => "NAT traffic of image pulls",
            Self::SavingsPlanCommitment => "Savings Plan commitment",
            Self::SavingsPlanCovered => "covered by the Savings Plan",
        }
    }

    pub const fn unit(self) -> &'static str {
        match self {
            Self::FargateCpu | Self::FargateAfterEndCpu | Self::ControllersCpu | Self::SystemCpu => {
                "vCPU-hours"
            }
            Self::FargateMemory
            | Self::FargateStorage
            | Self::FargateAfterEndMemory
            | Self::FargateAfterEndStorage
            | Self::ControllersMemory
            | Self::SystemMemory => "GB-hours",
            Self::Ec2OnDemand
            | Self::Ec2Spot
            | Self::ControllersInstance
            | Self::SystemInstance
            | Self::AutoModeFee
            | Self::ControlPlane
            | Self::NatGateway
            | Self::SavingsPlanCommitment => "hours",
            Self::RootVolume => "GB-months",
            Self::NatTraffic => "GB",
            Self::SavingsPlanCovered => "USD at list price",
        }
    }

    /// How many of the integers that quantities are counted in make one unit.
    pub(super) const fn per_unit(self) -> i128 {
        match self {
            // Millicore-seconds; and milliseconds, of what the window decides.
            Self::FargateCpu
            | Self::FargateAfterEndCpu
            | Self::ControllersCpu
            | Self::SystemCpu
            | Self::ControlPlane
            | Self::NatGateway
            | Self::SavingsPlanCommitment => 1_000 * 3_600,
            // MiB-seconds.
            Self::FargateMemory
            | Self::FargateStorage
            | Self::FargateAfterEndMemory
            | Self::FargateAfterEndStorage
            | Self::ControllersMemory
            | Self::SystemMemory => 1_024 * 3_600,
            // Seconds.
            Self::Ec2OnDemand
            | Self::Ec2Spot
            | Self::ControllersInstance
            | Self::SystemInstance
            | Self::AutoModeFee => 3_600,
            // MiB-seconds.
            Self::RootVolume => 1_024 * catalog::SECONDS_PER_STORAGE_MONTH as i128,
            // Bytes.
            Self::NatTraffic => 1 << 30,
            // 10⁻¹⁵ USD.
            Self::SavingsPlanCovered => 1_000_000_000_000_000,
        }
    }
}

/// An exact amount of what is billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantity {
    pub amount: i128,
    pub per_unit: i128,
}

impl Quantity {
    /// In units; for display.
    #[expect(clippy::float_arithmetic, reason = "for display")]
    pub fn to_f64(self) -> f64 {
        self.amount as f64 / self.per_unit as f64
    }
}
