//! Products of the Price List and Savings Plan rates: which are used, which are refused, and which of two holds.

use serde_json::{Value, json};

use super::*;

/// One trap per case: attributes that differ from a Linux instance's, unit, price, and what becomes of the row.
#[test]
fn products_that_are_not_the_on_demand_price_are_refused_by_reason() {
    let usd = || json!({ "USD": "0.5" });
    let cases: Vec<(Value, &str, Value, &str)> = vec![
        (json!({}), "Hrs", usd(), "1 of 1"),
        (json!({ "marketoption": null }), "Hrs", usd(), "1 of 1"),
        (json!({ "regionCode": null }), "Hrs", usd(), "1 of 1"),
        (json!({ "productFamily": "Compute Instance (bare metal)" }), "Hrs", usd(), "1 of 1"),
        (json!({ "tenancy": "Dedicated" }), "Hrs", usd(), "0 of 1; tenancy not Shared: 1"),
        (json!({ "tenancy": null }), "Hrs", usd(), "0 of 1; tenancy not Shared: 1"),
        (json!({ "operatingSystem": "Windows" }), "Hrs", usd(), "0 of 1; not Linux: 1"),
        (json!({ "operatingSystem": "RHEL" }), "Hrs", usd(), "0 of 1; not Linux: 1"),
        (
            json!({ "licenseModel": "Bring your own license" }),
            "Hrs",
            usd(),
            "0 of 1; bring your own licence: 1",
        ),
        (json!({ "licenseModel": "NA" }), "Hrs", usd(), "0 of 1; with a licence: 1"),
        (json!({ "preInstalledSw": "SQL Web" }), "Hrs", usd(), "0 of 1; software pre-installed: 1"),
        (
            json!({ "capacitystatus": "UnusedCapacityReservation" }),
            "Hrs",
            usd(),
            "0 of 1; for a capacity reservation: 1",
        ),
        (
            json!({ "marketoption": "CapacityBlock" }),
            "Hrs",
            json!({ "USD": "0" }),
            "0 of 1; for a capacity block: 1",
        ),
        (json!({ "operation": "RunInstances:0002" }), "Hrs", usd(), "0 of 1; another operation: 1"),
        (json!({ "locationType": "AWS Outposts" }), "Hrs", usd(), "0 of 1; for Outposts: 1"),
        (
            json!({ "locationType": "AWS Local Zone" }),
            "Hrs",
            usd(),
            "0 of 1; for a Local Zone or Wavelength Zone: 1",
        ),
        (json!({ "regionCode": "us-gov-west-1" }), "Hrs", usd(), "0 of 1; for GovCloud: 1"),
        (json!({ "regionCode": "cn-north-1" }), "Hrs", usd(), "0 of 1; for China: 1"),
        (json!({ "regionCode": null, "location": "Atlantis" }), "Hrs", usd(), "0 of 1; unknown region: 1"),
        (json!({ "instanceType": null }), "Hrs", usd(), "0 of 1; a field is missing: 1"),
        (json!({ "usagetype": null }), "Hrs", usd(), "0 of 1; a field is missing: 1"),
        (json!({ "instanceType": "q9.huge" }), "Hrs", usd(), "0 of 1; unknown instance type: 1"),
        (json!({}), "Hrs", json!({ "CNY": "0.5" }), "0 of 1; not in USD: 1"),
        (json!({}), "Quantity", usd(), "0 of 1; wrong unit: 1"),
        (json!({}), "Hrs", json!({ "USD": "0.0000000000" }), "0 of 1; price of zero: 1"),
        (json!({}), "Hrs", json!({ "USD": "-1" }), "0 of 1; not a price: 1"),
        (json!({}), "Hrs", json!({ "USD": "999999" }), "0 of 1; not a price: 1"),
        (
            json!({ "productFamily": "Elastic Map Reduce Instance" }),
            "Hrs",
            usd(),
            "0 of 1; nothing that a snapshot has: 1",
        ),
        (
            json!({ "productFamily": "Compute", "usagetype": "USE1-Fargate-Windows-GB-Hours" }),
            "hours",
            usd(),
            "0 of 1; Fargate for Windows: 1",
        ),
        (
            json!({ "productFamily": "Compute", "usagetype": "USE1-Fargate-ARM-GB-Hours" }),
            "hours",
            usd(),
            "0 of 1; Fargate for Arm: 1",
        ),
        (
            json!({ "productFamily": "Compute", "usagetype": "USE1-SpotUsage-Fargate-GB-Hours" }),
            "hours",
            usd(),
            "0 of 1; Fargate Spot: 1",
        ),
        (
            json!({ "productFamily": "Compute", "usagetype": "APN1-EKS-Auto:m5.large-management-hours" }),
            "hours",
            usd(),
            "0 of 1; Auto Mode's fee of one type: 1",
        ),
        (
            json!({ "productFamily": "Compute", "usagetype": "USE1-AmazonEKS-Hours:perCluster", "operation": "CreateOperation", "locationType": "AWS Outposts" }),
            "hours",
            usd(),
            "0 of 1; for Outposts: 1",
        ),
    ];
    for (attributes, unit, prices, expected) in cases {
        let shown = attributes.to_string();
        let imported = import(&[("p.json", &product(attributes, unit, prices).to_string())]).unwrap();
        assert_eq!(outcome(&imported.files[0]), expected, "{shown}");
        let used = row(&imported, "on_demand.csv", "us-east-1,m5.large").unwrap();
        let price = if expected == "1 of 1" {
            "0.50,2026-01-15,aws-price-list"
        } else {
            "0.096,2021-07-20,karpenter"
        };
        assert_eq!(used, format!("us-east-1,m5.large,{price}"), "{shown}");
    }
}

#[test]
fn terms_decide_by_their_dates_and_tiers() {
    let terms = |offers: Value| {
        let mut product = product(json!({}), "Hrs", json!({ "USD": "9" }));
        product["terms"] = offers;
        import(&[("p.json", &product.to_string())]).unwrap()
    };
    let offer = |from: &str, dimensions: Value| json!({ "sku": "SYNTHETIC", "effectiveDate": from, "priceDimensions": dimensions, "termAttributes": {} });
    let hour =
        |usd: &str| json!({ "r": { "unit": "Hrs", "beginRange": "0", "pricePerUnit": { "USD": usd } } });
    let (old, new) = ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
    let later = "2026-02-01T00:00:00Z";
    let lease = json!({ "o": { "sku": "SYNTHETIC", "effectiveDate": old, "priceDimensions": hour("1"),
        "termAttributes": { "LeaseContractLength": "1yr" } } });
    let tiers = json!({
        "a": { "unit": "Hrs", "beginRange": "100", "pricePerUnit": { "USD": "1" } },
        "b": { "unit": "Hrs", "beginRange": "0", "pricePerUnit": { "USD": "3" } },
    });
    let cases = [
        (json!({ "OnDemand": { "o": offer(old, hour("1")), "n": offer(new, hour("2")) } }), "1 of 1", "2.00"),
        (json!({ "OnDemand": { "n": offer(new, hour("2")), "o": offer(old, hour("1")) } }), "1 of 1", "2.00"),
        // Published on 15 January: a price of February is not in effect.
        (
            json!({ "OnDemand": { "n": offer(later, hour("2")), "o": offer(old, hour("1")) } }),
            "1 of 1",
            "1.00",
        ),
        (json!({ "OnDemand": { "n": offer(later, hour("2")) } }), "0 of 1; not in effect yet: 1", "0.096"),
        (
            json!({ "OnDemand": { "n": offer(new, hour("2")), "m": offer(new, hour("3")) } }),
            "0 of 1; two on-demand prices at once: 1",
            "0.096",
        ),
        (json!({ "OnDemand": { "n": offer(new, tiers) } }), "1 of 1", "3.00"),
        (json!({ "OnDemand": lease }), "0 of 2; a reserved term: 1; no on-demand term: 1", "0.096"),
        (
            json!({ "Reserved": { "o": offer(old, hour("1")) } }),
            "0 of 2; a reserved term: 1; no on-demand term: 1",
            "0.096",
        ),
        (json!({ "OnDemand": {} }), "0 of 1; no on-demand term: 1", "0.096"),
        (json!({ "OnDemand": { "n": offer(new, json!({})) } }), "0 of 1; no on-demand term: 1", "0.096"),
    ];
    for (offers, expected, price) in cases {
        let shown = offers.to_string();
        let imported = terms(offers);
        assert_eq!(outcome(&imported.files[0]), expected, "{shown}");
        let row = row(&imported, "on_demand.csv", "us-east-1,m5.large").unwrap();
        assert_eq!(row.split(',').nth(2), Some(price), "{shown}");
    }
}

#[test]
fn of_two_prices_the_later_one_holds_whatever_the_order_of_the_files() {
    let old = m5_large("0.2", "2025-11-01", "2025-11-05");
    let new = m5_large("0.1", "2025-12-01", "2025-12-05");
    let republished = m5_large("0.3", "2025-12-01", "2025-12-09");
    for (files, price) in [
        ([("a", &old), ("b", &new)], "0.10,2025-12-05"),
        ([("b", &new), ("a", &old)], "0.10,2025-12-05"),
        ([("b", &republished), ("a", &new)], "0.30,2025-12-09"),
    ] {
        let imported = import(&files.map(|(name, text)| (name, text.as_str()))).unwrap();
        let used: u64 = imported.files.iter().map(|file| file.used).sum();
        assert_eq!(used, 1);
        assert!(imported.files.iter().any(|f| outcome(f) == "0 of 1; superseded by a later price: 1"));
        let expected = format!("us-east-1,m5.large,{price},aws-price-list");
        assert_eq!(row(&imported, "on_demand.csv", "us-east-1,m5.large"), Some(expected.as_str()));
    }
    // The same price twice is used twice.
    let imported = import(&[("a", &new), ("b", &new)]).unwrap();
    assert_eq!(imported.files.iter().map(outcome).collect::<Vec<_>>(), ["1 of 1", "1 of 1"]);
}

#[test]
fn an_older_list_replaces_no_later_price() {
    let older = "0 of 1; older than the price it would replace: 1";
    let on = |attributes: Value, unit: &str, day: &str| {
        let text = product(attributes, unit, json!({ "USD": "0.5" })).to_string();
        text.replace("2026-01-15T", &format!("{day}T")).replace("2026-01-01T", "2019-01-01T")
    };
    let fargate = json!({ "productFamily": "Compute", "usagetype": "XXX1-Fargate-vCPU-Hours:perCPU",
        "regionCode": "ap-northeast-2" });
    let storage = json!({ "productFamily": "Compute", "usagetype": "XXX1-Fargate-EphemeralStorage-GB-Hours",
        "regionCode": "af-south-1" });
    let service = json!({ "productFamily": "", "usagetype": "EBS:VolumeUsage.gp3", "operation": "", "regionCode": "af-south-1" });
    let everywhere =
        json!({ "productFamily": "", "usagetype": "DataTransfer-Regional-Bytes", "operation": "" });
    let inferred = json!({ "regionCode": "us-west-2", "instanceType": INFERRED_IN_OREGON });
    for (attributes, unit, file, key, day, expected) in [
        (json!({}), "Hrs", "on_demand.csv", "us-east-1,m5.large", "2021-07-19", older),
        (json!({}), "Hrs", "on_demand.csv", "us-east-1,m5.large", "2021-07-20", "1 of 1"),
        (fargate.clone(), "hours", "fargate.csv", "ap-northeast-2", "2021-09-30", older),
        (fargate, "hours", "fargate.csv", "ap-northeast-2", "2021-10-01", "1 of 1"),
        // The region's storage has no price yet.
        (storage, "hours", "fargate.csv", "af-south-1", "2021-01-08", "1 of 1"),
        (service.clone(), "GB-Mo", "misc_prices.csv", "af-south-1,ebs_gp3_storage", "2021-10-27", older),
        (service, "GB-Mo", "misc_prices.csv", "af-south-1,ebs_gp3_storage", "2021-10-28", "1 of 1"),
        // That of all regions is of May.
        (
            everywhere.clone(),
            "GB",
            "misc_prices.csv",
            "us-east-1,cross_az_transfer_each_direction",
            "2021-04-30",
            older,
        ),
        (
            everywhere,
            "GB",
            "misc_prices.csv",
            "us-east-1,cross_az_transfer_each_direction",
            "2021-05-01",
            "1 of 1",
        ),
        // Nobody saw an inferred price.
        (inferred, "Hrs", "on_demand.csv", "us-west-2,c7i-flex.12xlarge", "2020-01-01", "1 of 1"),
    ] {
        let imported = import(&[("p.json", &on(attributes, unit, day))]).unwrap();
        assert_eq!(outcome(&imported.files[0]), expected, "{key} of {day}");
        let before = base();
        let before = before.text(file).unwrap().lines().find(|line| line.starts_with(&format!("{key},")));
        assert_eq!(row(&imported, file, key) == before, expected == older, "{key} of {day}");
    }
    // Without the snapshot's prices there is none to replace.
    let (_dir, paths) = written(&[("p.json", on(json!({}), "Hrs", "2020-01-01").as_bytes())]);
    let imported = merge(read(&paths, None, &mut |_| {}).unwrap(), &base(), true, Path::new("out")).unwrap();
    assert_eq!(outcome(&imported.files[0]), "1 of 1");
}

#[test]
fn messages_say_what_a_price_is_of_as_the_files_do() {
    let fargate = |usd: &str| {
        let attributes = json!({ "productFamily": "Compute", "usagetype": "USE1-Fargate-GB-Hours" });
        product(attributes, "hours", json!({ "USD": usd })).to_string()
    };
    let two = format!("{}\n{}", fargate("0.1"), fargate("0.2"));
    let error = refused(&[("p.json", two.as_bytes())]);
    assert!(error.starts_with("error: p.json: Fargate (memory) in us-east-1: $0.20 here"), "{error}");
    let plan = |years| Key::Savings {
        region: "eu-west-1".into(),
        plan: SavingsPlanType::Ec2Instance,
        years,
        payment: PaymentOption::PartialUpfront,
        item: "m5.large".into(),
    };
    let expected = "m5.large in eu-west-1 under a Savings Plan (ec2, 3 years, partial-upfront)";
    assert_eq!(plan(3).to_string(), expected);
    assert_eq!(plan(1).to_string(), expected.replace("3 years", "1 year"));
}

#[test]
fn two_prices_of_the_same_day_are_an_error() {
    let files = [m5_large("0.2", "2025-12-01", "2025-12-05"), m5_large("0.1", "2025-12-01", "2025-12-05")];
    assert_eq!(
        refused(&[("a.json", files[0].as_bytes()), ("b.json", files[1].as_bytes())]),
        "error: b.json: m5.large in us-east-1: $0.10 here and $0.20 in a.json\n  hint: nothing says which of them holds; \
        import only one of them\n"
    );
}

#[test]
fn an_imported_price_replaces_inferred_ones_and_what_is_derived_from_them() {
    let kind = INFERRED_IN_OREGON;
    row_of_embedded("on_demand_inferred.csv", &format!("us-west-2,{kind},"));
    let attributes = json!({ "regionCode": "us-west-2", "instanceType": kind });
    let text = product(attributes, "Hrs", json!({ "USD": "0.5" })).to_string();
    let imported = import(&[("p.json", &text)]).unwrap();
    let key = format!("us-west-2,{kind}");
    assert_eq!(row(&imported, "on_demand_inferred.csv", &key), None);
    let expected = format!("{key},0.50,2026-01-15,aws-price-list");
    assert_eq!(row(&imported, "on_demand.csv", &key), Some(expected.as_str()));
    let changes: Vec<_> = imported.changes.iter().map(|c| (c.added, c.changed, c.removed)).collect();
    assert_eq!(changes[1..3], [(1, 0, 0), (0, 0, 1)]);

    // m5.large saves 66 %: 0.5 × 0.34.
    let text = product(json!({}), "Hrs", json!({ "USD": "0.5" })).to_string();
    let imported = import(&[("p.json", &text)]).unwrap();
    assert_eq!(
        row(&imported, "spot.csv", "us-east-1,m5.large"),
        Some("us-east-1,m5.large,0.17,66,3,2025-06-28,on-demand-less-savings")
    );
    let Change { file, added, changed, removed, .. } = imported.changes[3];
    assert_eq!((file, added, changed, removed), ("spot.csv", 0, 1, 0));
}

fn row_of_embedded(file: &str, start: &str) -> String {
    let base = Snapshot::embedded();
    base.text(file).unwrap().lines().find(|line| line.starts_with(start)).unwrap().to_owned()
}

/// Usage type, operation, unit, price, and the row of `misc_prices.csv`.
#[test]
fn what_surrounds_the_nodes_has_its_prices_from_the_price_list_too() {
    let cases = [
        ("EBS:VolumeUsage.gp3", "", "GB-Mo", "0.09", "ebs_gp3_storage,GB-month,0.09"),
        ("EBS:VolumeP-IOPS.gp3", "", "IOPS-Mo", "0.006", "ebs_gp3_iops_above_3000,IOPS-month,0.006"),
        // Stated per GiB/s: 40.96 / 1,024.
        (
            "EBS:VolumeP-Throughput.gp3",
            "",
            "GiBps-mo",
            "40.96",
            "ebs_gp3_throughput_above_125,MiBps-month,0.04",
        ),
        (
            "EBS:VolumeP-Throughput.gp3",
            "",
            "MiBps-Mo",
            "0.05",
            "ebs_gp3_throughput_above_125,MiBps-month,0.05",
        ),
        ("NatGateway-Hours", "NatGateway", "Hrs", "0.05", "nat_gateway,hour,0.05"),
        ("NatGateway-Bytes", "NatGateway", "GB", "0.05", "nat_gateway_processing,GB,0.05"),
        ("USE1-PublicIPv4:InUseAddress", "X", "Hrs", "0.006", "public_ipv4,address-hour,0.006"),
        ("USE1-VpcEndpoint-Hours", "VpcEndpoint", "Hrs", "0.02", "vpc_interface_endpoint,hour,0.02"),
        ("USE1-VpcEndpoint-Bytes", "VpcEndpoint", "GB", "0.02", "vpc_interface_endpoint_processing,GB,0.02"),
        ("DataTransfer-Regional-Bytes", "", "GB", "0.02", "cross_az_transfer_each_direction,GB,0.02"),
        (
            "USE1-AmazonEKS-Hours:perCluster",
            "CreateOperation",
            "Hours",
            "0.2",
            "eks_cluster_standard,cluster-hour,0.20",
        ),
        // On top of the cluster's 0.10.
        (
            "USE1-AmazonEKS-Hours:extendedSupport",
            "ExtendedSupport",
            "Hours",
            "0.6",
            "eks_cluster_extended_support,cluster-hour,0.70",
        ),
    ];
    for (usage, operation, unit, usd, expected) in cases {
        let attributes = json!({ "productFamily": "", "usagetype": usage, "operation": operation });
        let text = product(attributes, unit, json!({ "USD": usd })).to_string();
        let imported = import(&[("p.json", &text)]).unwrap();
        assert_eq!(outcome(&imported.files[0]), "1 of 1", "{usage}");
        let item = expected.split(',').next().unwrap();
        assert_eq!(
            row(&imported, "misc_prices.csv", &format!("us-east-1,{item}")),
            Some(format!("us-east-1,{expected},2026-01-15,aws-price-list").as_str())
        );
    }
}

#[test]
fn fargate_needs_both_of_its_prices() {
    let fargate = |region: &str, usage: &str, usd: &str| {
        let usage = format!("XXX1-Fargate-{usage}");
        let attributes = json!({ "productFamily": "Compute", "usagetype": usage, "regionCode": region });
        product(attributes, "hours", json!({ "USD": usd })).to_string()
    };
    let vcpu = fargate("mx-central-1", "vCPU-Hours:perCPU", "0.05");
    let gb = fargate("mx-central-1", "GB-Hours", "0.006");
    let imported = import(&[("p", &vcpu)]).unwrap();
    assert_eq!(outcome(&imported.files[0]), "0 of 1; Fargate without a price of both CPU and memory: 1");
    let imported = import(&[("p", &format!("{vcpu}\n{gb}"))]).unwrap();
    assert_eq!(outcome(&imported.files[0]), "2 of 2");
    let fresh = "mx-central-1,0.05,0.006,,2026-01-15,aws-price-list";
    assert_eq!(row(&imported, "fargate.csv", "mx-central-1"), Some(fresh));
    // What is not imported stays, and so does the older date.
    let before = row_of_embedded("fargate.csv", "ap-northeast-2,");
    let imported = import(&[("p", &fargate("ap-northeast-2", "vCPU-Hours:perCPU", "0.05"))]).unwrap();
    let after = row(&imported, "fargate.csv", "ap-northeast-2").unwrap();
    let cells = |row: &str| row.split(',').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(cells(after)[1..4], ["0.05", "0.00511", "0.000127"]);
    assert_eq!(cells(&before)[1], "0.04656");
    assert!(after.contains(",2021-10-01,aws-price-list; the rest: fgcalc"), "{after}");
}

#[test]
fn savings_plan_rates_become_a_file_of_their_own() {
    let rate = |plan: &str, payment: &str, years: i64, product: &str, usage: &str, properties: Value| {
        json!({
            "savingsPlanOffering": { "offeringId": "x", "paymentOption": payment, "planType": plan,
                "durationSeconds": years * 31_536_000, "currency": "USD", "planDescription": "synthetic" },
            "rate": "0.07", "unit": "Hrs", "productType": product, "serviceCode": "AmazonEC2",
            "usageType": usage, "operation": "RunInstances", "properties": properties,
        })
    };
    let linux = |kind: &str| {
        json!([{ "name": "region", "value": "eu-west-1" }, { "name": "instanceType", "value": kind },
            { "name": "productDescription", "value": "Linux/UNIX" }, { "name": "tenancy", "value": "shared" }])
    };
    let dedicated = json!([{ "name": "tenancy", "value": "dedicated" }]);
    let windows = json!([{ "name": "productDescription", "value": "Windows" }]);
    let region = json!([{ "name": "region", "value": "eu-west-1" }]);
    let box_usage = "EU-BoxUsage:m5.large";
    let rows = json!([
        rate("Compute", "No Upfront", 1, "EC2", box_usage, linux("m5.large")),
        rate("EC2Instance", "All Upfront", 3, "EC2", box_usage, linux("m5.large")),
        rate("Compute", "Partial Upfront", 1, "Fargate", "EU-Fargate-vCPU-Hours:perCPU", region.clone()),
        rate("Compute", "Partial Upfront", 1, "Fargate", "EU-Fargate-GB-Hours", json!([])),
        rate("Compute", "No Upfront", 1, "Fargate", "EU-Fargate-ARM-GB-Hours", region.clone()),
        rate("Compute", "No Upfront", 1, "Lambda", "EU-Lambda-GB-Second", region),
        rate("Compute", "No Upfront", 2, "EC2", box_usage, linux("m5.large")),
        rate("Compute", "No Upfront", 1, "EC2", box_usage, dedicated),
        rate("Compute", "No Upfront", 1, "EC2", box_usage, windows),
        rate("Compute", "No Upfront", 1, "EC2", "EU-BoxUsage:q9.huge", linux("q9.huge")),
    ]);
    let text = json!({ "searchResults": rows, "nextToken": "" }).to_string();
    let imported = import(&[("rates.json", &text)]).unwrap();
    assert_eq!(
        outcome(&imported.files[0]),
        "4 of 10; nothing that a snapshot has: 1; tenancy not Shared: 1; not Linux: 1; Fargate for Arm: 1; \
        unknown instance type: 1; not a term of 1 or 3 years: 1"
    );
    let text = imported.snapshot.text("savings_plans.csv").unwrap();
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        rows,
        [
            "eu-west-1,compute,1,no-upfront,m5.large,0.07,2026-02-03,aws-savings-plans",
            "eu-west-1,compute,1,partial-upfront,fargate-gb,0.07,2026-02-03,aws-savings-plans",
            "eu-west-1,compute,1,partial-upfront,fargate-vcpu,0.07,2026-02-03,aws-savings-plans",
            "eu-west-1,ec2,3,all-upfront,m5.large,0.07,2026-02-03,aws-savings-plans",
        ]
    );
    assert_eq!(imported.snapshot.region("eu-west-1").unwrap().savings_rates().len(), 4);
}
