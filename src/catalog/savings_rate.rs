//! What usage costs under a Savings Plan: AWS's rates per instance type and for Fargate.
//!
//! A plan is a commitment to spend so much an hour *at these rates*, so its worth can only be computed with them.

use super::{Price, TypeId};

/// Which Savings Plan a rate belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SavingsPlanType {
    /// EC2 of any family and region, and Fargate.
    Compute,
    /// EC2 of one family in one region.
    Ec2Instance,
}

impl SavingsPlanType {
    /// The words in the price file.
    pub(super) const WORDS: [(&'static str, Self); 2] =
        [("compute", Self::Compute), ("ec2", Self::Ec2Instance)];
}

/// How much of a commitment is paid when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentOption {
    NoUpfront,
    PartialUpfront,
    AllUpfront,
}

impl PaymentOption {
    /// The words in the price file.
    pub(super) const WORDS: [(&'static str, Self); 3] = [
        ("no-upfront", Self::NoUpfront),
        ("partial-upfront", Self::PartialUpfront),
        ("all-upfront", Self::AllUpfront),
    ];
}

/// What a rate is the price of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SavingsItem {
    /// An instance-hour, Linux and shared tenancy.
    Instance(TypeId),
    /// A vCPU-hour of Fargate on x86.
    FargateVcpu,
    /// A GB-hour of Fargate's memory on x86.
    FargateGb,
}

/// The words of Fargate's items in the price file; anything else is an instance type.
pub(super) const FARGATE_VCPU: &str = "fargate-vcpu";
pub(super) const FARGATE_GB: &str = "fargate-gb";

/// One rate of one offered plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavingsRate {
    pub plan: SavingsPlanType,
    /// 1 or 3.
    pub term_years: u8,
    pub payment: PaymentOption,
    pub item: SavingsItem,
    /// USD per hour of the item, upfront payments included as AWS states them.
    pub price: Price,
}
