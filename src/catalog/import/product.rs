//! What a product of the Price List is, and whether a snapshot has it.
//!
//! The same instance type is in the Price List hundreds of times: for other tenancies, licences and operating
//! systems, with software, for reservations, and for capacity blocks at a price of zero. Taking one of those for the
//! price is an error of 6 to 10 percent, or of everything, that two public price collections made.

use serde::Deserialize;

use super::FargatePart::{Gb, Storage, Vcpu};
use super::Key;
use super::refused::Reason;
use super::region::{region_of, without_prefix};
use crate::catalog::services::Item;

/// One product, as far as it matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Product {
    pub sku: Option<String>,
    product_family: Option<String>,
    attributes: Attributes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Attributes {
    region_code: Option<String>,
    location: Option<String>,
    location_type: Option<String>,
    /// Of data transfer, which has no location.
    from_region_code: Option<String>,
    from_location: Option<String>,
    usagetype: Option<String>,
    operation: Option<String>,
    instance_type: Option<String>,
    tenancy: Option<String>,
    operating_system: Option<String>,
    license_model: Option<String>,
    pre_installed_sw: Option<String>,
    capacitystatus: Option<String>,
    marketoption: Option<String>,
}

/// A product that a snapshot has a price of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub key: Key,
    /// The units that its price may be in, in lower case.
    pub units: &'static [&'static str],
}

const HOURS: &[&str] = &["hrs", "hours", "hour", "hourly"];
const VCPU_HOURS: &[&str] = &["hours", "hrs", "vcpu-hours"];
const GB_HOURS: &[&str] = &["hours", "hrs", "gb-hours"];
const GB: &[&str] = &["gb", "gigabytes"];

/// The unit of throughput in some price lists, of which a snapshot's is one in 1,024.
pub(super) const GIBPS_MONTH: &str = "gibps-mo";

impl Product {
    /// The price of a snapshot that this product's is, or why it is none.
    pub fn classify(&self) -> Result<Wanted, Reason> {
        let a = &self.attributes;
        let usage_type = a.usagetype.as_deref().ok_or(Reason::Incomplete)?;
        let usage = without_prefix(usage_type);
        let operation = a.operation.as_deref().unwrap_or("");
        let family = self.product_family.as_deref().unwrap_or("");
        let compute = matches!(family, "Compute Instance" | "Compute Instance (bare metal)");
        if !compute && !known(usage, family) {
            return Err(other(usage));
        }
        let region = self.region()?;
        if compute {
            self.is_linux_on_demand()?;
            let kind = a.instance_type.clone().ok_or(Reason::Incomplete)?;
            return Ok(Wanted { key: Key::OnDemand { region, kind }, units: HOURS });
        }
        let service = |item, units| Wanted { key: Key::Service { region: region.clone(), item }, units };
        let fargate = |part, units| Wanted { key: Key::Fargate { region: region.clone(), part }, units };
        Ok(match usage {
            "EBS:VolumeUsage.gp3" => service(Item::Gp3Storage, &["gb-mo", "gb-month"]),
            "EBS:VolumeP-IOPS.gp3" => service(Item::Gp3Iops, &["iops-mo", "iops-month"]),
            "EBS:VolumeP-Throughput.gp3" => {
                service(Item::Gp3Throughput, &["mibps-mo", "mibps-month", GIBPS_MONTH])
            }
            "NatGateway-Hours" => service(Item::NatGateway, HOURS),
            "NatGateway-Bytes" => service(Item::NatGatewayProcessing, GB),
            "PublicIPv4:InUseAddress" => service(Item::PublicIpv4, HOURS),
            "VpcEndpoint-Hours" => service(Item::InterfaceEndpoint, HOURS),
            "VpcEndpoint-Bytes" => service(Item::InterfaceEndpointProcessing, GB),
            "DataTransfer-Regional-Bytes" if operation.is_empty() || operation.starts_with("InterZone") => {
                service(Item::CrossAzTransfer, GB)
            }
            "AmazonEKS-Hours:perCluster" if operation == "CreateOperation" => {
                service(Item::EksCluster, HOURS)
            }
            "AmazonEKS-Hours:extendedSupport" if operation == "ExtendedSupport" => {
                Wanted { key: Key::ExtendedSupport { region }, units: HOURS }
            }
            "Fargate-vCPU-Hours:perCPU" => fargate(Vcpu, VCPU_HOURS),
            "Fargate-GB-Hours" => fargate(Gb, GB_HOURS),
            "Fargate-EphemeralStorage-GB-Hours" => fargate(Storage, GB_HOURS),
            _ => return Err(Reason::Operation),
        })
    }

    fn region(&self) -> Result<String, Reason> {
        let a = &self.attributes;
        match a.location_type.as_deref() {
            None | Some("AWS Region" | "") => {}
            Some("AWS Outposts") => return Err(Reason::Outposts),
            Some(_) => return Err(Reason::LocalZone),
        }
        let code = a.region_code.as_deref().or(a.from_region_code.as_deref());
        let location = a.location.as_deref().or(a.from_location.as_deref());
        region_of(code, location, a.usagetype.as_deref())
    }

    /// Older price lists have no `marketoption`; without one, a product is on-demand.
    fn is_linux_on_demand(&self) -> Result<(), Reason> {
        let a = &self.attributes;
        let is = |value: &Option<String>, word: &str| value.as_deref() == Some(word);
        let require = |good: bool, reason| if good { Ok(()) } else { Err(reason) };
        require(is(&a.tenancy, "Shared"), Reason::Tenancy)?;
        require(is(&a.operating_system, "Linux"), Reason::OperatingSystem)?;
        require(!is(&a.license_model, "Bring your own license"), Reason::OwnLicence)?;
        require(is(&a.license_model, "No License required"), Reason::Licence)?;
        require(is(&a.pre_installed_sw, "NA"), Reason::PreInstalled)?;
        require(a.marketoption.is_none() || is(&a.marketoption, "OnDemand"), Reason::CapacityBlock)?;
        require(is(&a.capacitystatus, "Used"), Reason::CapacityReservation)?;
        require(is(&a.operation, "RunInstances"), Reason::Operation)
    }
}

/// Whether this usage, which is not of an instance, is one that a snapshot may have a price of.
fn known(usage: &str, family: &str) -> bool {
    match usage {
        "EBS:VolumeUsage.gp3" => matches!(family, "Storage" | ""),
        "EBS:VolumeP-IOPS.gp3"
        | "EBS:VolumeP-Throughput.gp3"
        | "NatGateway-Hours"
        | "NatGateway-Bytes"
        | "PublicIPv4:InUseAddress"
        | "VpcEndpoint-Hours"
        | "VpcEndpoint-Bytes"
        | "DataTransfer-Regional-Bytes"
        | "AmazonEKS-Hours:perCluster"
        | "AmazonEKS-Hours:extendedSupport"
        | "Fargate-vCPU-Hours:perCPU"
        | "Fargate-GB-Hours"
        | "Fargate-EphemeralStorage-GB-Hours" => true,
        _ => false,
    }
}

/// What keeps usage out that looks like something a snapshot has.
fn other(usage: &str) -> Reason {
    if usage.starts_with("Fargate-Windows") {
        Reason::FargateWindows
    } else if usage.starts_with("Fargate-ARM") {
        Reason::FargateArm
    } else if usage.starts_with("SpotUsage-Fargate") {
        Reason::FargateSpot
    } else if usage.starts_with("EKS-Auto:") {
        Reason::AutoModeFee
    } else {
        Reason::OtherProduct
    }
}
