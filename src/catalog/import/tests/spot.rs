//! Spot prices, recorded and advised. All records are synthetic.

use serde_json::json;

use super::*;
use crate::catalog::{CapacityType, PriceOrigin, ZoneId};

/// Zone, type, product, price and time.
const RECORDS: [[&str; 5]; 9] = [
    ["us-east-1b", "m5.large", "Linux/UNIX", "0.034000", "2026-01-02T10:00:00+00:00"],
    ["us-east-1b", "m5.large", "Linux/UNIX (Amazon VPC)", "0.035000", "2026-01-03T10:00:00+00:00"],
    ["us-east-1a", "m5.large", "Linux/UNIX", "0.030000", "2026-01-03T10:00:00+00:00"],
    ["us-east-1b", "m5.large", "Windows", "0.100000", "2026-01-03T10:00:00+00:00"],
    ["us-east-1b", "m5.large", "Red Hat Enterprise Linux", "0.100000", "2026-01-03T10:00:00+00:00"],
    ["us-west-2-lax-1a", "m5.large", "Linux/UNIX", "0.100000", "2026-01-03T10:00:00+00:00"],
    ["us-gov-west-1a", "m5.large", "Linux/UNIX", "0.100000", "2026-01-03T10:00:00+00:00"],
    ["us-east-1b", "q9.huge", "Linux/UNIX", "0.100000", "2026-01-03T10:00:00+00:00"],
    ["us-east-1b", "m5.xlarge", "Linux/UNIX", "0.000000", "2026-01-03T10:00:00+00:00"],
];

fn as_json(records: &[[&str; 5]]) -> String {
    let record = |[zone, kind, product, price, time]: &[&str; 5]| {
        json!({ "AvailabilityZone": zone, "InstanceType": kind, "ProductDescription": product,
            "SpotPrice": price, "Timestamp": time })
    };
    json!({ "SpotPriceHistory": records.iter().map(record).collect::<Vec<_>>() }).to_string()
}

#[test]
fn the_three_forms_of_a_history_say_the_same() {
    let lines = |form: &dyn Fn(&[&str; 5]) -> Vec<String>| {
        RECORDS.iter().map(|record| form(record).join("\t") + "\n").collect::<String>()
    };
    let old = lines(&|[zone, kind, product, price, time]| {
        ["SPOTINSTANCEPRICE", price, time, kind, product, zone].map(str::to_owned).to_vec()
    });
    let new = lines(&|[zone, kind, product, price, time]| {
        ["SPOTPRICEHISTORY", zone, kind, product, price, time].map(str::to_owned).to_vec()
    });
    let pages = new.replacen('\n', "\r\nNEXTTOKEN\tabc\n\n", 1);
    for (form, text) in [("json", as_json(&RECORDS)), ("old", old), ("new", new), ("pages", pages)] {
        let imported = import(&[("spot", &text)]).unwrap();
        assert_eq!(imported.files[0].format, Format::SpotPriceHistory);
        assert_eq!(
            outcome(&imported.files[0]),
            "3 of 9; for a Local Zone or Wavelength Zone: 1; for GovCloud: 1; not Linux: 2; price of zero: 1; \
            unknown instance type: 1",
            "{form}"
        );
        assert_eq!(
            imported.snapshot.text("spot_history.csv").unwrap(),
            "zone,instance_type,time,usd_per_hour\nus-east-1a,m5.large,2026-01-03T10:00:00Z,0.03\n\
            us-east-1b,m5.large,2026-01-02T10:00:00Z,0.034\nus-east-1b,m5.large,2026-01-03T10:00:00Z,0.035\n",
            "{form}"
        );
    }
}

#[test]
fn the_latest_price_is_the_regions_and_each_zone_has_its_own() {
    let imported = import(&[("spot", &as_json(&RECORDS))]).unwrap();
    // Two zones have a price of 10 o'clock: the first by name.
    assert_eq!(
        row(&imported, "spot.csv", "us-east-1,m5.large"),
        Some("us-east-1,m5.large,0.03,66,3,2026-01-03,observed")
    );
    let catalog = imported.snapshot.region("us-east-1").unwrap();
    let id = catalog.find("m5.large").unwrap();
    for (zone, prices) in [(0, vec!["0.03"]), (1, vec!["0.034", "0.035"]), (2, vec!["0.03"])] {
        let offering = catalog.offering(id, ZoneId(zone), CapacityType::Spot).unwrap();
        let points: Vec<String> = offering.price.points().iter().map(|(_, rate)| rate.to_string()).collect();
        assert_eq!(
            (points, offering.origin),
            (prices.iter().map(ToString::to_string).collect(), PriceOrigin::Observed)
        );
    }
}

#[test]
fn a_history_older_than_the_snapshot_leaves_the_regions_price() {
    let old = [["us-east-1b", "m5.large", "Linux/UNIX", "0.01", "2024-01-02T10:00:00Z"]];
    let imported = import(&[("spot", &as_json(&old))]).unwrap();
    assert_eq!(outcome(&imported.files[0]), "1 of 1");
    assert!(row(&imported, "spot.csv", "us-east-1,m5.large").unwrap().contains(",0.03264,"));
    // Further files add to what is there.
    let new = [["us-east-1b", "m5.large", "Linux/UNIX", "0.02", "2024-01-03T10:00:00Z"]];
    let imported = import_over(&imported.snapshot, &[("spot", &as_json(&new))]).unwrap();
    assert_eq!(
        imported.changes[7],
        Change { file: "spot_history.csv", rows: 2, added: 1, changed: 0, removed: 0 }
    );
}

#[test]
fn a_type_without_advice_gets_a_price_alone() {
    let base = base();
    let known = |kind: &str| base.text("spot.csv").unwrap().contains(&format!("\nap-southeast-7,{kind},"));
    assert!(!known("m5.large"));
    let record = [["ap-southeast-7a", "m5.large", "Linux/UNIX", "0.05", "2026-01-02T10:00:00Z"]];
    let imported = import(&[("spot", &as_json(&record))]).unwrap();
    assert_eq!(
        row(&imported, "spot.csv", "ap-southeast-7,m5.large"),
        Some("ap-southeast-7,m5.large,0.05,,,2026-01-02,observed")
    );
}

#[test]
fn one_zone_cannot_have_two_prices_at_once() {
    let mut records = [RECORDS[0], RECORDS[0]];
    assert_eq!(outcome(&import(&[("spot", &as_json(&records))]).unwrap().files[0]), "2 of 2");
    records[1][3] = "0.5";
    let error = refused(&[("spot", as_json(&records).as_bytes())]);
    assert!(
        error.starts_with(
            "error: spot: Spot price of m5.large in us-east-1b at 2026-01-02T10:00:00Z: $0.50 here and $0.034 in \
            the same file\n"
        ),
        "{error}"
    );
}

#[test]
fn lines_that_are_no_records_are_refused_with_their_place() {
    let good = "SPOTPRICEHISTORY\tus-east-1b\tm5.large\tLinux/UNIX\t0.03\t2026-01-02T10:00:00Z\n";
    for (bad, message) in [
        ("SPOTPRICEHISTORY us-east-1b", "this is not a zone, type, product, price and time"),
        ("SPOTINSTANCEPRICE 0.1 2026", "this is not a price, time, type, product and zone"),
        ("m5.large 29", "this is not a line of a Spot price history"),
        ("SPOTPRICEHISTORY a b c d e", "this has no time such as 2026-01-31T09:30:00Z in its place"),
    ] {
        let error = refused(&[("spot", format!("{good}{bad}\n").as_bytes())]);
        assert!(error.starts_with(&format!("error: spot:2: {message}\n  2 | {bad}\n")), "{error}");
    }
}

fn advice(linux: serde_json::Value) -> String {
    json!({ "spot_advisor": { "us-east-1": { "Linux": linux, "Windows": { "m5.large": { "s": 1, "r": 0 } } },
        "cn-north-1": { "Linux": { "m5.large": { "s": 1, "r": 0 } } } } })
    .to_string()
}

#[test]
fn advice_makes_prices_where_none_was_observed() {
    let text = advice(json!({ "m5.large": { "s": 25, "r": 4 }, "q9.huge": { "s": 1, "r": 0 },
        "m5.xlarge": { "s": -62, "r": 0 }, "c5.large": { "s": 50, "r": 5 } }));
    let imported = import(&[("advisor.json", &text)]).unwrap();
    assert_eq!(imported.files[0].format, Format::SpotAdvisor);
    assert_eq!(
        outcome(&imported.files[0]),
        "1 of 6; for China: 1; not Linux: 1; unknown instance type: 1; \
        not a saving of 0 to 99 % with a known frequency: 2"
    );
    // 0.096 × 0.75.
    assert_eq!(
        row(&imported, "spot.csv", "us-east-1,m5.large"),
        Some("us-east-1,m5.large,0.072,25,4,2026-02-03,on-demand-less-savings")
    );
    let both = import(&[("advisor.json", &text), ("spot", &as_json(&RECORDS))]).unwrap();
    assert_eq!(
        row(&both, "spot.csv", "us-east-1,m5.large"),
        Some("us-east-1,m5.large,0.03,25,4,2026-01-03,observed")
    );
    // Together with a new on-demand price, it is that price which is reduced: 0.2 × 0.75.
    let price = m5_large("0.2", "2026-01-01", "2026-01-05");
    let both = import(&[("advisor.json", &text), ("p.json", &price)]).unwrap();
    assert!(row(&both, "spot.csv", "us-east-1,m5.large").unwrap().contains(",0.15,25,4,2026-02-03,"));
}

#[test]
fn ranges_that_mean_something_else_are_refused() {
    let mut value: serde_json::Value = serde_json::from_str(&advice(json!({}))).unwrap();
    value["ranges"] = json!([{ "index": 0, "label": "<3%", "dots": 0, "max": 3 }]);
    let error = refused(&[("advisor.json", value.to_string().as_bytes())]);
    assert!(error.contains("the Spot Advisor's range 0 is `<3%`, which is not known"), "{error}");
}
