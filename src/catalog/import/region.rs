//! Which region a row is about: AWS says it by code, by the name of a location, or by how a usage type begins.

use super::refused::Reason;
use crate::catalog::optional::is_region;

/// A code, prefixes and locations.
type Region = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Regions with the prefix of their usage types (us-east-1 often has none) and the names of their locations, for
/// price lists from before 2021, which have no codes.
const REGIONS: [Region; 32] = [
    ("af-south-1", &["AFS1"], &["Africa (Cape Town)"]),
    ("ap-east-1", &["APE1"], &["Asia Pacific (Hong Kong)"]),
    ("ap-northeast-1", &["APN1"], &["Asia Pacific (Tokyo)"]),
    ("ap-northeast-2", &["APN2"], &["Asia Pacific (Seoul)"]),
    ("ap-northeast-3", &["APN3"], &["Asia Pacific (Osaka)", "Asia Pacific (Osaka-Local)"]),
    ("ap-south-1", &["APS3"], &["Asia Pacific (Mumbai)"]),
    ("ap-south-2", &["APS5"], &["Asia Pacific (Hyderabad)"]),
    ("ap-southeast-1", &["APS1"], &["Asia Pacific (Singapore)"]),
    ("ap-southeast-2", &["APS2"], &["Asia Pacific (Sydney)"]),
    ("ap-southeast-3", &["APS4"], &["Asia Pacific (Jakarta)"]),
    ("ap-southeast-4", &["APS6"], &["Asia Pacific (Melbourne)"]),
    ("ap-southeast-5", &[], &["Asia Pacific (Malaysia)"]),
    ("ap-southeast-7", &[], &["Asia Pacific (Thailand)"]),
    ("ca-central-1", &["CAN1"], &["Canada (Central)"]),
    ("ca-west-1", &["CAN2"], &["Canada West (Calgary)"]),
    ("eu-central-1", &["EUC1"], &["EU (Frankfurt)", "Europe (Frankfurt)"]),
    ("eu-central-2", &["EUC2"], &["Europe (Zurich)"]),
    ("eu-north-1", &["EUN1"], &["EU (Stockholm)", "Europe (Stockholm)"]),
    ("eu-south-1", &["EUS1"], &["EU (Milan)", "Europe (Milan)"]),
    ("eu-south-2", &["EUS2"], &["Europe (Spain)"]),
    ("eu-west-1", &["EU", "EUW1"], &["EU (Ireland)", "Europe (Ireland)"]),
    ("eu-west-2", &["EUW2"], &["EU (London)", "Europe (London)"]),
    ("eu-west-3", &["EUW3"], &["EU (Paris)", "Europe (Paris)"]),
    ("il-central-1", &["ILC1"], &["Israel (Tel Aviv)"]),
    ("me-central-1", &["MEC1"], &["Middle East (UAE)"]),
    ("me-south-1", &["MES1"], &["Middle East (Bahrain)"]),
    ("mx-central-1", &["MXC1"], &["Mexico (Central)"]),
    ("sa-east-1", &["SAE1"], &["South America (Sao Paulo)"]),
    ("us-east-1", &["USE1"], &["US East (N. Virginia)"]),
    ("us-east-2", &["USE2"], &["US East (Ohio)"]),
    ("us-west-1", &["USW1"], &["US West (N. California)"]),
    ("us-west-2", &["USW2"], &["US West (Oregon)"]),
];

/// A usage type without the region that it may begin with: `BoxUsage:m5.large` of `EU-BoxUsage:m5.large`.
pub(crate) fn without_prefix(usage_type: &str) -> &str {
    prefix(usage_type).map_or(usage_type, |(_, rest)| rest)
}

/// The prefixes of regions are `EU`, or letters and one digit, such as `USE2`, new ones too.
fn prefix(usage_type: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = usage_type.split_once('-')?;
    let (letters, digit) = prefix.split_at_checked(prefix.len().checked_sub(1)?)?;
    let named = letters.len() == 3
        && letters.bytes().all(|b| b.is_ascii_uppercase())
        && digit.bytes().all(|b| b.is_ascii_digit());
    (named || prefix == "EU").then_some((prefix, rest))
}

/// The region in which usage of a type is billed, as far as the type says it.
pub(crate) fn region_of_usage(usage_type: &str) -> Option<String> {
    region_of(None, None, Some(usage_type)).ok()
}

/// The region of a row, which must be one where anybody can buy in USD. `usage_type` decides where neither a code nor
/// a location is given.
pub(super) fn region_of(
    code: Option<&str>,
    location: Option<&str>,
    usage_type: Option<&str>,
) -> Result<String, Reason> {
    if let Some(code) = code.filter(|code| !code.is_empty()) {
        return commercial(code).map(str::to_owned);
    }
    let by = |known: &dyn Fn(&Region) -> bool| {
        let region = REGIONS.iter().find(|region| known(region)).map(|(region, ..)| (*region).to_owned());
        region.ok_or(Reason::UnknownRegion)
    };
    match (location.filter(|location| !location.is_empty()), usage_type.and_then(prefix)) {
        (Some(location), _) if location.starts_with("AWS GovCloud") => Err(Reason::GovCloud),
        (Some(location), _) if location.starts_with("China (") => Err(Reason::China),
        (Some(location), _) => by(&|(.., locations)| locations.contains(&location)),
        (None, Some(("UGW1" | "UGE1", _))) => Err(Reason::GovCloud),
        (None, Some(("CNN1" | "CNW1", _))) => Err(Reason::China),
        (None, Some((prefix, _))) => by(&|(_, prefixes, _)| prefixes.contains(&prefix)),
        (None, None) if usage_type.is_some() => Ok("us-east-1".to_owned()),
        (None, None) => Err(Reason::UnknownRegion),
    }
}

/// The code of a region in which anybody can buy in USD.
pub(super) fn commercial(code: &str) -> Result<&str, Reason> {
    if code.starts_with("us-gov-") {
        Err(Reason::GovCloud)
    } else if code.starts_with("cn-") {
        Err(Reason::China)
    } else if code.contains("-iso") || code.starts_with("eusc-") {
        Err(Reason::OtherPartition)
    } else if is_region(code) {
        Ok(code)
    } else if code.split('-').count() > 3 {
        Err(Reason::LocalZone)
    } else {
        Err(Reason::UnknownRegion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_found_by_code_then_location_then_usage_type() {
        let cases = [
            (Some("eu-west-1"), Some("nonsense"), Some("USE2-x"), Ok("eu-west-1")),
            (Some("xx-north-9"), None, None, Ok("xx-north-9")),
            (None, Some("Europe (Ireland)"), None, Ok("eu-west-1")),
            (Some(""), Some("Asia Pacific (Tokyo)"), Some("USE2-BoxUsage:m5.large"), Ok("ap-northeast-1")),
            (None, None, Some("EU-BoxUsage:m5.large"), Ok("eu-west-1")),
            (None, None, Some("USE1-Fargate-GB-Hours"), Ok("us-east-1")),
            (None, None, Some("BoxUsage:m5.large"), Ok("us-east-1")),
            (None, None, Some("EBS:VolumeUsage.gp3"), Ok("us-east-1")),
            (None, None, Some("APN1-BoxUsage:m5.large"), Ok("ap-northeast-1")),
            (None, None, Some("QQQ9-BoxUsage:m5.large"), Err(Reason::UnknownRegion)),
            (None, None, None, Err(Reason::UnknownRegion)),
            (None, Some("Atlantis"), Some("EU-BoxUsage:m5.large"), Err(Reason::UnknownRegion)),
            (Some("us-gov-west-1"), None, None, Err(Reason::GovCloud)),
            (None, Some("AWS GovCloud (US-West)"), None, Err(Reason::GovCloud)),
            (None, None, Some("UGW1-BoxUsage:m5.large"), Err(Reason::GovCloud)),
            (Some("cn-north-1"), None, None, Err(Reason::China)),
            (None, Some("China (Ningxia)"), None, Err(Reason::China)),
            (None, None, Some("CNN1-BoxUsage:m5.large"), Err(Reason::China)),
            (Some("us-iso-east-1"), None, None, Err(Reason::OtherPartition)),
            (Some("us-west-2-lax-1"), None, None, Err(Reason::LocalZone)),
            (Some("moon"), None, None, Err(Reason::UnknownRegion)),
        ];
        for (code, location, usage, expected) in cases {
            let found = region_of(code, location, usage);
            assert_eq!(found.as_deref(), expected.as_ref().copied(), "{code:?} {location:?} {usage:?}");
        }
    }

    #[test]
    fn usage_types_lose_nothing_but_a_region() {
        let cases = [
            ("EU-BoxUsage:m5.large", "BoxUsage:m5.large"),
            ("USE1-EKS-Auto:m5.large-management-hours", "EKS-Auto:m5.large-management-hours"),
            ("EKS-Auto:m5.large", "EKS-Auto:m5.large"),
            ("EBS:VolumeP-IOPS.gp3", "EBS:VolumeP-IOPS.gp3"),
            ("NatGateway-Hours", "NatGateway-Hours"),
            ("-x", "-x"),
            ("é-x", "é-x"),
            ("", ""),
        ];
        for (usage, expected) in cases {
            assert_eq!(without_prefix(usage), expected);
        }
    }
}
