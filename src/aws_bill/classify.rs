//! Which usage of a bill is of a kind that the simulation bills too, by AWS's service and usage type.

use serde::{Deserialize, Serialize};

use crate::catalog::import::{region_of_usage, without_prefix};

/// Why usage of a bill is compared with nothing.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OutOfScopeReason {
    /// The simulation bills nothing of this kind on any platform.
    NotSimulated,
    /// It is of a kind that is simulated, but the platform does not use it.
    NotOnThisPlatform,
    OtherRegion,
}

impl OutOfScopeReason {
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotSimulated => "not simulated",
            Self::NotOnThisPlatform => "not used by the platform",
            Self::OtherRegion => "another region",
        }
    }
}

/// The usage type without its region, as the simulated bill spells it. `region` is the row's own word for where it was
/// used, or empty: then the prefix of the usage type decides, which us-east-1 does not always have.
pub fn classify<'a>(
    service: &str,
    region: &str,
    usage_type: &'a str,
    simulated_region: &str,
) -> Result<&'a str, OutOfScopeReason> {
    let usage = without_prefix(usage_type);
    if !is_simulated(service, usage) {
        return Err(OutOfScopeReason::NotSimulated);
    }
    let is_here = region_of(region, usage_type).is_some_and(|region| region == simulated_region);
    if is_here { Ok(usage) } else { Err(OutOfScopeReason::OtherRegion) }
}

/// Where usage was, as far as its row says it.
pub(super) fn region_of(region: &str, usage_type: &str) -> Option<String> {
    if region.is_empty() { region_of_usage(usage_type) } else { Some(region.to_owned()) }
}

/// Whether some platform may be billed for it. The service matters: Fargate bills pods under EKS and tasks under ECS with
/// the same usage types, and EMR and others charge their fees as `BoxUsage` too.
fn is_simulated(service: &str, usage: &str) -> bool {
    match usage {
        "Fargate-vCPU-Hours:perCPU" | "Fargate-GB-Hours" | "Fargate-EphemeralStorage-GB-Hours" => {
            is_eks(service)
        }
        "AmazonEKS-Hours:perCluster" | "AmazonEKS-Hours:extendedSupport" => is_eks(service),
        "EBS:VolumeUsage.gp3" | "NatGateway-Hours" | "NatGateway-Bytes" => is_ec2(service),
        _ if usage.starts_with("EKS-Auto:") => is_eks(service),
        _ => (usage.starts_with("BoxUsage:") || usage.starts_with("SpotUsage:")) && is_ec2(service),
    }
}

/// Cost Explorer has names for people, reports have product codes.
fn is_eks(service: &str) -> bool {
    service == "AmazonEKS" || service.contains("Kubernetes")
}

fn is_ec2(service: &str) -> bool {
    matches!(service, "AmazonEC2" | "EC2 - Other" | "AmazonVPC")
        || service.contains("Elastic Compute Cloud")
        || service.contains("Virtual Private Cloud")
}

/// Whether a difference in it makes results indicative: the machines and what they need, not what is paid by the
/// cluster or by the hour whatever runs.
pub(super) fn is_main(usage: &str) -> bool {
    usage.starts_with("Fargate-")
        || usage.starts_with("BoxUsage:")
        || usage.starts_with("SpotUsage:")
        || usage.starts_with("EBS:")
        || usage.starts_with("NatGateway-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_region_and_usage_type_decide() {
        use OutOfScopeReason::*;
        const EKS: &str = "Amazon Elastic Container Service for Kubernetes";
        const EC2: &str = "Amazon Elastic Compute Cloud - Compute";
        let cases = [
            (EKS, "", "APN1-Fargate-vCPU-Hours:perCPU", "ap-northeast-1", Ok("Fargate-vCPU-Hours:perCPU")),
            (EKS, "", "APN1-Fargate-vCPU-Hours:perCPU", "us-east-1", Err(OtherRegion)),
            ("AmazonEKS", "", "USE1-Fargate-GB-Hours", "us-east-1", Ok("Fargate-GB-Hours")),
            ("AmazonEKS", "", "Fargate-GB-Hours", "us-east-1", Ok("Fargate-GB-Hours")),
            // The tasks of ECS, and of ARM, are not pods on EKS.
            ("Amazon Elastic Container Service", "", "Fargate-GB-Hours", "us-east-1", Err(NotSimulated)),
            ("AmazonEKS", "", "Fargate-ARM-GB-Hours", "us-east-1", Err(NotSimulated)),
            (EC2, "", "EU-BoxUsage:m5.large", "eu-west-1", Ok("BoxUsage:m5.large")),
            ("Amazon Elastic MapReduce", "", "BoxUsage:m5.large", "us-east-1", Err(NotSimulated)),
            ("EC2 - Other", "", "USW2-NatGateway-Bytes", "us-west-2", Ok("NatGateway-Bytes")),
            ("EC2 - Other", "", "USW2-EBS:VolumeUsage.gp2", "us-west-2", Err(NotSimulated)),
            // A region without a known prefix is told by the row itself.
            (
                "AmazonEC2",
                "ap-southeast-5",
                "APS7-BoxUsage:m5.large",
                "ap-southeast-5",
                Ok("BoxUsage:m5.large"),
            ),
            ("AmazonEC2", "", "APS7-BoxUsage:m5.large", "ap-southeast-5", Err(OtherRegion)),
        ];
        for (service, region, usage_type, simulated, expected) in cases {
            assert_eq!(classify(service, region, usage_type, simulated), expected, "{service} {usage_type}");
        }
    }
}
