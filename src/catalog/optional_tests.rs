use super::*;
use crate::catalog::{CapacityType, InterruptionBucket, Snapshot};

const HISTORY: &str = "zone,instance_type,time,usd_per_hour\n";
const SAVINGS: &str = "region,plan_type,term_years,payment,item,usd_per_hour,as_of,source\n";

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

#[test]
fn a_zone_with_a_history_has_its_prices_and_the_others_keep_theirs() {
    // Out of order, as a file may be; another zone of the region that is not asked for; another region.
    let history = format!(
        "{HISTORY}us-east-1b,m5.large,2026-01-02T00:00:00Z,0.05\nus-east-1b,m5.large,2026-01-01T12:00:00Z,0.04\n\
        us-east-1f,m5.large,2026-01-03T00:00:00Z,0.09\neu-west-1b,m5.large,2026-01-03T00:00:00Z,0.08\n"
    );
    let catalog = Snapshot::with(&[("spot_history.csv", &history)]).region("us-east-1").unwrap();
    let id = catalog.find("m5.large").unwrap();
    let spot = |zone| catalog.offering(id, ZoneId(zone), CapacityType::Spot).unwrap();
    let noon = parse_time("2026-01-01T12:00:00Z").unwrap();
    let midnight = parse_time("2026-01-02T00:00:00Z").unwrap();
    assert_eq!(spot(1).price.points(), [(noon, rate("0.04")), (midnight, rate("0.05"))]);
    assert_eq!((spot(1).origin, spot(1).as_of.to_string()), (PriceOrigin::Observed, "2026-01-02".into()));
    for zone in [0, 2] {
        assert_eq!(spot(zone).price, PriceSeries::constant(rate("0.03264")));
        assert!(spot(zone).origin.is_inferred());
    }
    assert_eq!(catalog.as_of.unwrap().1.to_string(), "2026-10");
}

#[test]
fn a_history_alone_is_an_offering_in_its_zone_only() {
    let spot = "region,instance_type,usd_per_hour,savings_percent,interruption_bucket,as_of,method\n";
    let history = format!("{HISTORY}us-east-1b,m5.large,2026-01-02T00:00:00Z,0.05\n");
    let catalog = Snapshot::with(&[("spot.csv", spot), ("spot_history.csv", &history)]);
    let catalog = catalog.region("us-east-1").unwrap();
    let id = catalog.find("m5.large").unwrap();
    let zones = catalog.offerings(id).iter().filter(|o| o.capacity_type == CapacityType::Spot);
    assert_eq!(zones.map(|o| o.zone).collect::<Vec<_>>(), [ZoneId(1)]);
}

#[test]
fn a_spot_price_may_come_without_advice() {
    let text = "region,instance_type,usd_per_hour,savings_percent,interruption_bucket,as_of,method\n\
        us-east-1,m5.large,0.03,,,2026-01-01,observed\nus-east-1,m5.xlarge,0.06,60,4,2026-01-01,observed\n";
    let catalog = Snapshot::with(&[("spot.csv", text)]).region("us-east-1").unwrap();
    let advice = |name| catalog.spot_advice(catalog.find(name).unwrap());
    assert_eq!(advice("m5.large"), None);
    assert_eq!(advice("m5.xlarge").unwrap().bucket, InterruptionBucket::Over20);
    let half = text.replace("0.03,,,", "0.03,60,,");
    let error = Snapshot::with(&[("spot.csv", &half)]).check().unwrap_err().render();
    assert!(error.starts_with("error: spot.csv:2:"), "{error}");
}

#[test]
fn savings_rates_are_a_regions() {
    let savings = format!(
        "{SAVINGS}us-east-1,ec2,3,all-upfront,m5.large,0.036,2026-01-02,x\n\
        us-east-1,compute,1,no-upfront,fargate-gb,0.0035,2026-01-02,x\n\
        us-east-1,compute,1,no-upfront,m5.large,0.07,2026-01-02,x\n\
        eu-west-1,compute,1,no-upfront,m5.large,0.08,2026-01-02,x\n"
    );
    let snapshot = Snapshot::with(&[("savings_plans.csv", &savings)]);
    let catalog = snapshot.region("us-east-1").unwrap();
    let m5 = SavingsItem::Instance(catalog.find("m5.large").unwrap());
    let shown: Vec<_> = catalog
        .savings_rates()
        .iter()
        .map(|r| (r.plan, r.term_years, r.payment, r.item, r.price.rate))
        .collect();
    assert_eq!(
        shown,
        [
            (SavingsPlanType::Compute, 1, PaymentOption::NoUpfront, m5, rate("0.07")),
            (SavingsPlanType::Compute, 1, PaymentOption::NoUpfront, SavingsItem::FargateGb, rate("0.0035")),
            (SavingsPlanType::Ec2Instance, 3, PaymentOption::AllUpfront, m5, rate("0.036")),
        ]
    );
    assert_eq!(Snapshot::embedded().region("us-east-1").unwrap().savings_rates(), []);
}

#[test]
fn mistakes_in_optional_files_are_named_in_their_place() {
    let cases = [
        ("spot_history.csv", "us-east-1,m5.large,2026-01-01T00:00:00Z,1", "2:1: zone is not a zone"),
        ("spot_history.csv", "us-west-2-lax-1a,m5.large,2026-01-01T00:00:00Z,1", "2:1: zone is not a zone"),
        ("spot_history.csv", "us-east-1a,m5.largo,2026-01-01T00:00:00Z,1", "2:12: instance_type is not in"),
        ("spot_history.csv", "us-east-1a,m5.large,yesterday,1", "2:21: time is not a time"),
        (
            "spot_history.csv",
            "us-east-1a,m5.large,2026-01-01T00:00:00Z,-1",
            "2:42: usd_per_hour is not a price",
        ),
        (
            "savings_plans.csv",
            "us-east-1,spot,1,no-upfront,m5.large,1,2026,x",
            "2:11: plan_type is not a known",
        ),
        (
            "savings_plans.csv",
            "us-east-1,ec2,2,no-upfront,m5.large,1,2026,x",
            "2:15: term_years is not a known",
        ),
        ("savings_plans.csv", "us-east-1,ec2,1,monthly,m5.large,1,2026,x", "2:17: payment is not a known"),
        ("savings_plans.csv", "us-east-1,ec2,1,no-upfront,lambda,1,2026,x", "2:28: item is not in"),
        ("savings_plans.csv", "us-east-1,ec2,1,no-upfront,fargate-gb,1,2026,x", "2:28: item is not covered"),
    ];
    for (file, row, expected) in cases {
        let header = if file == "spot_history.csv" { HISTORY } else { SAVINGS };
        let error = Snapshot::with(&[(file, &format!("{header}{row}\n"))]).check().unwrap_err().render();
        assert!(error.starts_with(&format!("error: {file}:{expected}")), "{row}: {error}");
        let again = format!("{header}{row}\n{row}\n");
        assert!(Snapshot::with(&[(file, &again)]).check().unwrap_err().render().contains("first on line 2"));
    }
}

#[test]
fn the_hash_covers_optional_files_only_where_there_are_any() {
    let hash = |files: &[(&str, &str)]| Snapshot::with(files).sha256();
    let all = [
        hash(&[]),
        hash(&[("spot_history.csv", HISTORY)]),
        hash(&[("savings_plans.csv", SAVINGS)]),
        // The same text under the other name is another snapshot.
        hash(&[("savings_plans.csv", HISTORY)]),
        hash(&[("savings_plans.csv", SAVINGS), ("spot_history.csv", HISTORY)]),
    ];
    let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(all[0], Snapshot::embedded().sha256());
}

#[test]
fn zones_regions_and_times_are_read_as_aws_writes_them() {
    let cases = [
        ("us-east-1a", Some("us-east-1")),
        ("us-gov-west-1b", Some("us-gov-west-1")),
        ("us-east-1", None),
        ("us-west-2-lax-1a", None),
        ("us-east-1-wl1-bos-wlz-1", None),
        ("use1-az1", None),
        ("east-1a", None),
        ("", None),
        ("é", None),
    ];
    for (zone, region) in cases {
        assert_eq!(region_of(zone), region, "{zone}");
    }
    for text in [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.000Z",
        "2026-01-02 03:04:05+00:00",
        "2026-01-02T12:04:05+0900",
    ] {
        assert_eq!(parse_time(text).map(time_text).as_deref(), Some("2026-01-02T03:04:05Z"), "{text}");
    }
    for text in ["", "2026-01-02", "2026-01-02T03:04:05", "1999-01-02T03:04:05Z", "9999-01-02T03:04:05Z"] {
        assert_eq!(parse_time(text), None, "{text}");
    }
}
