//! Why a row of AWS's files does not become a price: every row that is not used is counted under one of these.

use serde::{Serialize, Serializer};

/// The reasons, in the order in which a row is asked about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    Incomplete,
    OtherProduct,
    ReservedTerm,
    Outposts,
    LocalZone,
    UnknownRegion,
    GovCloud,
    China,
    OtherPartition,
    Tenancy,
    OperatingSystem,
    OwnLicence,
    Licence,
    PreInstalled,
    CapacityReservation,
    CapacityBlock,
    Operation,
    FargateWindows,
    FargateArm,
    FargateSpot,
    AutoModeFee,
    SameSku,
    NoOnDemandTerm,
    NotYet,
    TwoPrices,
    Currency,
    Unit,
    NotAPrice,
    Zero,
    UnknownType,
    NoLinux,
    NoNetwork,
    PlanTerm,
    Savings,
    NoOnDemandPrice,
    HalfFargate,
    NoClusterPrice,
    Superseded,
    OlderThanBase,
}

impl Reason {
    /// In plain words, for tables and JSON.
    pub const fn words(self) -> &'static str {
        use Reason::*;
        match self {
            Incomplete => "a field is missing",
            OtherProduct => "nothing that a snapshot has",
            ReservedTerm => "a reserved term",
            Outposts => "for Outposts",
            LocalZone => "for a Local Zone or Wavelength Zone",
            UnknownRegion => "unknown region",
            GovCloud => "for GovCloud",
            China => "for China",
            OtherPartition => "for a closed partition",
            Tenancy => "tenancy not Shared",
            OperatingSystem => "not Linux",
            OwnLicence => "bring your own licence",
            Licence => "with a licence",
            PreInstalled => "software pre-installed",
            CapacityReservation => "for a capacity reservation",
            CapacityBlock => "for a capacity block",
            Operation => "another operation",
            FargateWindows => "Fargate for Windows",
            FargateArm => "Fargate for Arm",
            FargateSpot => "Fargate Spot",
            AutoModeFee => "Auto Mode's fee of one type",
            SameSku => "a second product of the same SKU",
            NoOnDemandTerm => "no on-demand term",
            NotYet => "not in effect yet",
            TwoPrices => "two on-demand prices at once",
            Currency => "not in USD",
            Unit => "wrong unit",
            NotAPrice => "not a price",
            Zero => "price of zero",
            UnknownType => "unknown instance type",
            NoLinux => "runs no Linux pods",
            NoNetwork => "no network baseline known",
            PlanTerm => "not a term of 1 or 3 years",
            Savings => "not a saving of 0 to 99 % with a known frequency",
            NoOnDemandPrice => "no on-demand price to take the saving from",
            HalfFargate => "Fargate without a price of both CPU and memory",
            NoClusterPrice => "a surcharge without the price of the cluster",
            Superseded => "superseded by a later price",
            OlderThanBase => "older than the price it would replace",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.words())
    }
}
