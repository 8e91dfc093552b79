use super::*;
use crate::catalog::{CapacityType, InferredBy, InterruptionBucket, PriceOrigin, ZoneId};
use crate::units::Rate;

const ON_DEMAND: &str = "region,instance_type,usd_per_hour,as_of,source";
const INFERRED: &str = "region,instance_type,usd_per_hour,as_of,method";
const SPOT: &str = "region,instance_type,usd_per_hour,savings_percent,interruption_bucket,as_of,method";

#[test]
fn the_embedded_files_are_without_mistakes() {
    Snapshot::embedded().check().unwrap();
    for region in Snapshot::embedded().regions() {
        let catalog = Snapshot::embedded().region(&region).unwrap();
        assert!(catalog.offered().count() > 100, "{region}");
    }
}

#[test]
fn a_region_sells_what_it_has_prices_for() {
    let catalog = Snapshot::embedded().region("us-east-1").unwrap();
    assert_eq!(catalog.zones, ["us-east-1a", "us-east-1b", "us-east-1c"]);
    assert_eq!((catalog.types().len(), catalog.offered().count()), (1_391, 1_300));
    let (oldest, newest) = catalog.as_of.unwrap();
    assert_eq!((oldest.to_string(), newest.to_string()), ("2024-02".into(), "2026-10".into()));

    let id = catalog.find("m5.large").unwrap();
    let offerings: Vec<String> = catalog
        .offerings(id)
        .iter()
        .map(|o| format!("{} {} {}", o.capacity_type, catalog.zone(o.zone), o.price.points()[0].1))
        .collect();
    assert_eq!(
        offerings,
        [
            "on-demand us-east-1a 0.096",
            "on-demand us-east-1b 0.096",
            "on-demand us-east-1c 0.096",
            "spot us-east-1a 0.03264",
            "spot us-east-1b 0.03264",
            "spot us-east-1c 0.03264",
        ]
    );
    let spot = catalog.offering(id, ZoneId(2), CapacityType::Spot).unwrap();
    assert_eq!(spot.origin, PriceOrigin::Inferred(InferredBy::SpotSavings));
    assert_eq!(spot.as_of.to_string(), "2025-06-28");
    let advice = catalog.spot_advice(id).unwrap();
    assert_eq!((advice.savings_percent, advice.bucket), (66, InterruptionBucket::From15To20));
    assert_eq!(catalog.find("m5.enormous"), None);
}

#[test]
fn a_type_that_a_region_does_not_sell_is_still_known() {
    let catalog = Snapshot::embedded().region("ap-southeast-7").unwrap();
    let id = catalog.find("p5.48xlarge").unwrap();
    assert_eq!((catalog.offerings(id).len(), catalog.instance_type(id).vcpu), (0, 192));
    assert_eq!(catalog.fargate, None);
}

#[test]
fn types_have_the_same_number_in_every_region() {
    let ids = ["us-east-1", "eu-west-1"].map(|r| Snapshot::embedded().region(r).unwrap().find("m5.large"));
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn zones_can_be_chosen() {
    let catalog = Snapshot::embedded().region_in("ap-northeast-1", &["a", "c", "d", "e"]).unwrap();
    assert_eq!(catalog.zones[1..], ["ap-northeast-1c", "ap-northeast-1d", "ap-northeast-1e"]);
    assert_eq!(catalog.offerings(catalog.find("m5.large").unwrap()).len(), 8);

    for wrong in [&[][..], &["a", "a"], &["us-east-1a"], &["A"], &[""]] {
        let error = Snapshot::embedded().region_in("us-east-1", wrong).unwrap_err().render();
        assert!(error.contains("name each zone once by its letter"), "{error}");
    }
}

#[test]
fn every_derived_spot_price_is_the_on_demand_price_less_the_savings() {
    for region in Snapshot::embedded().regions() {
        let catalog = Snapshot::embedded().region(&region).unwrap();
        for id in catalog.offered() {
            let Some(spot) = catalog.offering(id, ZoneId(0), CapacityType::Spot) else { continue };
            let on_demand = catalog.offering(id, ZoneId(0), CapacityType::OnDemand).unwrap();
            let paid = 100 - i128::from(catalog.spot_advice(id).unwrap().savings_percent);
            let name = &catalog.instance_type(id).name;
            assert_eq!(
                spot.price.points()[0].1,
                on_demand.price.points()[0].1.scaled(paid, 100),
                "{region} {name}"
            );
            let method = if on_demand.origin.is_inferred() {
                InferredBy::SpotSavingsOfInferred
            } else {
                InferredBy::SpotSavings
            };
            assert_eq!(spot.origin, PriceOrigin::Inferred(method), "{region} {name}");
        }
    }
}

#[test]
fn an_observed_price_goes_before_an_inferred_one() {
    let snapshot = Snapshot::with(&[
        ("on_demand.csv", &format!("{ON_DEMAND}\nus-east-1,m5.large,0.1,2026-01-01,somebody\n")),
        (
            "on_demand_inferred.csv",
            &format!(
                "{INFERRED}\nus-east-1,m5.large,0.2,2026-01-01,us-east-1-parity\n\
                us-east-1,m5.xlarge,0.2,2026-01-01,us-east-1-parity\n"
            ),
        ),
        ("spot.csv", SPOT),
    ]);
    let catalog = snapshot.region("us-east-1").unwrap();
    let price = |name: &str| {
        let offering = &catalog.offerings(catalog.find(name).unwrap())[0];
        (offering.price.points()[0].1.to_string(), offering.origin)
    };
    assert_eq!(price("m5.large"), ("0.10".into(), PriceOrigin::Observed));
    assert_eq!(price("m5.xlarge"), ("0.20".into(), PriceOrigin::Inferred(InferredBy::UsEast1Parity)));
}

#[test]
fn services_fall_back_to_us_east_1_and_say_so() {
    let here = Snapshot::embedded().region("us-east-1").unwrap().services;
    let tokyo = Snapshot::embedded().region("ap-northeast-1").unwrap().services;
    let oregon = Snapshot::embedded().region("us-west-2").unwrap().services;
    let rate = |text: &str| Rate::parse(text).unwrap();
    let lent = PriceOrigin::Inferred(InferredBy::UsEast1Price);
    let cases = [
        (here.gp3_storage, "0.08", PriceOrigin::Observed),
        (here.gp3_iops, "0.005", PriceOrigin::Observed),
        (here.gp3_throughput, "0.04", PriceOrigin::Observed),
        (here.eks_cluster, "0.10", PriceOrigin::Observed),
        (here.eks_cluster_extended, "0.60", PriceOrigin::Observed),
        (tokyo.gp3_storage, "0.096", PriceOrigin::Observed),
        (tokyo.nat_gateway, "0.062", PriceOrigin::Observed),
        (tokyo.interface_endpoint, "0.014", PriceOrigin::Observed),
        (tokyo.public_ipv4, "0.005", PriceOrigin::Observed),
        (tokyo.cross_az_transfer, "0.01", PriceOrigin::Observed),
        (oregon.nat_gateway, "0.045", lent),
        (oregon.nat_gateway_processing, "0.045", lent),
        (oregon.interface_endpoint, "0.01", lent),
        (oregon.interface_endpoint_processing, "0.01", PriceOrigin::Observed),
    ];
    for (index, (price, expected, origin)) in cases.into_iter().enumerate() {
        let price = price.unwrap();
        assert_eq!((price.rate, price.origin), (rate(expected), origin), "case {index}");
    }
}

#[test]
fn auto_mode_costs_a_share_of_the_on_demand_price() {
    let catalog = Snapshot::embedded().region("ap-northeast-1").unwrap();
    let fee = |name: &str, on_demand: &str| {
        let kind = catalog.instance_type(catalog.find(name).unwrap());
        catalog.services.auto_mode_fee_of(kind, Rate::parse(on_demand).unwrap()).unwrap().rate.to_string()
    };
    // The Price List has 0.01562 and 0.09104.
    assert_eq!(fee("m7i.large", "0.1302"), "0.015624");
    assert_eq!(fee("g6.xlarge", "1.1672"), "0.0910416");
}

#[test]
fn an_unknown_region_is_answered_with_the_known_ones() {
    let error = Snapshot::embedded().region("us-east-l").unwrap_err().render();
    assert!(error.starts_with(
        "error: there are no prices for the region `us-east-l`\n  hint: did you mean `us-east-1`? The regions \
        with prices are af-south-1, ap-east-1, "
    ));
    let error = Snapshot::embedded().region("").unwrap_err().render();
    assert!(error.contains("the region ``\n  hint: The regions with prices are"), "{error}");
}

#[test]
fn the_hash_follows_the_files() {
    let embedded = Snapshot::embedded();
    assert_eq!(embedded.sha256().len(), 64);
    assert_eq!(embedded.sha256(), Snapshot::embedded().sha256());
    assert_ne!(embedded.sha256(), Snapshot::with(&[("spot.csv", SPOT)]).sha256());
}
