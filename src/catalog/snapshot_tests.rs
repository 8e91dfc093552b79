use std::fs::create_dir;

use super::*;
use crate::catalog::{CapacityType, InferredBy, InterruptionBucket, PriceOrigin, ZoneId};
use crate::units::Rate;

const TYPES: &str = "instance_types.csv";
const TYPES_HEADER: &str = "instance_type,arch,vcpu,memory_mib,max_pods,max_pods_prefix_delegation,gpu_count,\
    gpu_manufacturer,gpu_name,accelerator_count,accelerator_manufacturer,accelerator_name,burstable,flex,\
    bare_metal,hypervisor,cpu_manufacturer,sustained_clock_mhz,network_mbps,ebs_mbps,local_nvme_gb,\
    current_generation,source";
const ON_DEMAND: &str = "region,instance_type,usd_per_hour,as_of,source";
const INFERRED: &str = "region,instance_type,usd_per_hour,as_of,method";
const SPOT: &str = "region,instance_type,usd_per_hour,savings_percent,interruption_bucket,as_of,method";
const FARGATE: &str = "region,vcpu_hour_usd,gb_hour_usd,ephemeral_gb_hour_usd,as_of,source";
const MISC: &str = "region,item,unit,usd,as_of,source";

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

/// One mistake per case: the file, its text, and the message.
#[test]
fn mistakes_are_named_in_their_place() {
    let row = |cells: &str| format!("{TYPES_HEADER}\n{cells}\n");
    let good = "m5.large,amd64,2,8192,29,110,0,,,0,,,false,false,false,nitro,intel,3100,750,650,0,true,x";
    let cases = [
        (
            TYPES,
            row(&good.replace("m5.large", "m5large")),
            "error: instance_types.csv:2:1: instance_type is not an instance type\n  2 | m5large\n    | ^^^^^^^\n  hint: write a family and a size, such as m6i.xlarge\n",
        ),
        (
            TYPES,
            row(&good.replace("amd64,2,", "amd64,2.5,")),
            "error: instance_types.csv:2:16: vcpu is not a whole number from 1 to 1000000000\n  2 | 2.5\n    | ^^^\n",
        ),
        (
            TYPES,
            row(&good.replace("amd64,2,", "amd64,0,")),
            "error: instance_types.csv:2:16: vcpu is not a whole number from 1 to 1000000000\n  2 | 0\n    | ^\n",
        ),
        (
            TYPES,
            row(&good.replace("8192", "99999999999999999999")),
            "error: instance_types.csv:2:18: memory_mib is not a whole number from 1 to 1000000000\n  2 | 99999999999999999999\n    | ^^^^^^^^^^^^^^^^^^^^\n",
        ),
        (
            TYPES,
            row(&good.replace("amd64", "x86_64")),
            "error: instance_types.csv:2:10: arch is not a known word\n  2 | x86_64\n    | ^^^^^^\n  hint: write one of amd64, arm64\n",
        ),
        (
            TYPES,
            row(&good.replace("110,0,,", "110,1,,")),
            "error: instance_types.csv:2:32: gpu_manufacturer is empty\nerror: instance_types.csv:2:33: gpu_name is empty\n",
        ),
        (
            TYPES,
            row(&good.replace(",true,x", ",yes,x")),
            "error: instance_types.csv:2:83: current_generation is not a known word\n  2 | yes\n    | ^^^\n  hint: write one of true, false\n",
        ),
        (
            TYPES,
            row(&format!("{good}\n{good}")),
            "error: instance_types.csv:3:1: instance_type appears a second time; first on line 2\n  3 | m5.large\n    | ^^^^^^^^\n",
        ),
        (
            "on_demand.csv",
            String::new(),
            "error: on_demand.csv:1: the header lacks region, instance_type, usd_per_hour, as_of, source\n  hint: the columns are region, instance_type, usd_per_hour, as_of, source\n",
        ),
        (
            "on_demand.csv",
            ON_DEMAND.replace("usd_per_hour", "usd_per_hours"),
            "error: on_demand.csv:1:22: unknown column\n  1 | usd_per_hours\n    | ^^^^^^^^^^^^^\n  hint: did you mean `usd_per_hour`?\n",
        ),
        (
            "on_demand.csv",
            ON_DEMAND.replace(",source", ""),
            "error: on_demand.csv:1: the header lacks source\n  hint: the columns are region, instance_type, usd_per_hour, as_of, source\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND},as_of"),
            "error: on_demand.csv:1:48: this column appears twice\n  1 | as_of\n    | ^^^^^\n",
        ),
        (
            "on_demand.csv",
            "instance_type,region,usd_per_hour,as_of,source".into(),
            "error: on_demand.csv:1: the column `region` must be the first one\n  1 | instance_type,region,usd_per_hour,as_of,source\n    | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND}\nus-east-1,m5.large,-0.096,2026,x"),
            "error: on_demand.csv:2:20: usd_per_hour is not a price\n  2 | -0.096\n    | ^^^^^^\n  hint: a price is USD such as 0.096, not negative, up to 100000\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND}\nus-east-1,m5.large,1e3,2026,x"),
            "error: on_demand.csv:2:20: usd_per_hour is not a price\n  2 | 1e3\n    | ^^^\n  hint: a price is USD such as 0.096, not negative, up to 100000\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND}\nus-east-1,m5.large,999999,2026,x"),
            "error: on_demand.csv:2:20: usd_per_hour is not a price\n  2 | 999999\n    | ^^^^^^\n  hint: a price is USD such as 0.096, not negative, up to 100000\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND}\nus-east-1,m5.large,0.096,July,x"),
            "error: on_demand.csv:2:26: as_of is not a date\n  2 | July\n    | ^^^^\n  hint: write 2026-07-20, 2026-07 or 2026\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND}\nus-east-1,m5.largo,0.096,2026,x"),
            "error: on_demand.csv:2:11: instance_type is not in instance_types.csv\n  2 | m5.largo\n    | ^^^^^^^^\n  hint: did you mean `m5.large`? Every priced type needs a row there\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND}\nus-east-1,m5.large,0.096,2026"),
            "error: on_demand.csv:2: the row has 4 fields, the header has 5\n  2 | us-east-1,m5.large,0.096,2026\n    | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND}\n\"us-east-1\",m5.large,0.096,2026,x"),
            "error: on_demand.csv:2:1: region is not a region\n  2 | us-east-1\n    | ^^^^^^^^^\n  hint: write it as AWS does and without quotes, such as us-east-1\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND}\nus-east-1,m5.large,0.096,2026,\"x"),
            "error: on_demand.csv:2: a quoted field does not end on its line\n  2 | us-east-1,m5.large,0.096,2026,\"x\n    | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n",
        ),
        (
            "on_demand.csv",
            format!("{ON_DEMAND}\nus-east-1,m5.large,1,2026,x\nus-east-1,m5.large,2,2026,x"),
            "error: on_demand.csv:3:11: instance_type appears a second time; first on line 2\n  3 | m5.large\n    | ^^^^^^^^\n",
        ),
        (
            "on_demand_inferred.csv",
            format!("{INFERRED}\nus-east-1,m5.large,1,2026,guess"),
            "error: on_demand_inferred.csv:2:27: method is not a known word\n  2 | guess\n    | ^^^^^\n  hint: write one of libcloud-consensus, regional-multiplier, us-east-1-parity\n",
        ),
        (
            "spot.csv",
            format!("{SPOT}\nus-east-1,m5.large,1,101,0,2026,observed"),
            "error: spot.csv:2:22: savings_percent is more than 100\n  2 | 101\n    | ^^^\n",
        ),
        (
            "spot.csv",
            format!("{SPOT}\nus-east-1,m5.large,1,10,5,2026,observed"),
            "error: spot.csv:2:25: interruption_bucket is not a known word\n  2 | 5\n    | ^\n  hint: write one of 0, 1, 2, 3, 4\n",
        ),
        (
            "fargate.csv",
            format!("{FARGATE}\nus-east-1,0.04,,,2026,x"),
            "error: fargate.csv:2:16: gb_hour_usd is not a price\n  hint: a price is USD such as 0.096, not negative, up to 100000\n",
        ),
        (
            "misc_prices.csv",
            format!("{MISC}\n*,nat_gateway,GB,1,2026,x"),
            "error: misc_prices.csv:2:15: unit is not the unit of this item\n  2 | GB\n    | ^^\n  hint: write hour\n",
        ),
    ];
    for (file, text, expected) in cases {
        let others = if file == TYPES {
            vec![("on_demand.csv", ON_DEMAND), ("on_demand_inferred.csv", INFERRED), ("spot.csv", SPOT)]
        } else {
            Vec::new()
        };
        let replaced: Vec<(&str, &str)> = others.into_iter().chain([(file, text.as_str())]).collect();
        let error = Snapshot::with(&replaced).check().expect_err(&text).render();
        assert_eq!(error, expected, "\n{text}");
    }
}

#[test]
fn mistakes_are_collected_across_files() {
    let snapshot = Snapshot::with(&[
        ("on_demand.csv", &format!("{ON_DEMAND}\nus-east-1,m5.large,x,2026,x\nus-east-1,c5.large,y,then,x")),
        ("fargate.csv", &format!("{FARGATE}\nus-east-1,z,1,,2026,x")),
    ]);
    let Err(Error::Input(found)) = snapshot.region("us-east-1") else { panic!("accepted") };
    let places: Vec<(&str, Option<u64>, Option<u64>)> =
        found.list().iter().map(|d| (d.file.as_str(), d.line, d.column)).collect();
    assert_eq!(
        places,
        [
            ("on_demand.csv", Some(2), Some(20)),
            ("on_demand.csv", Some(3), Some(20)),
            ("on_demand.csv", Some(3), Some(22)),
            ("fargate.csv", Some(2), Some(11)),
        ]
    );
}

/// A directory with the embedded files.
fn directory() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in FILES.iter().zip(EMBEDDED) {
        write(dir.path(), name, text.as_bytes());
    }
    dir
}

#[expect(clippy::disallowed_methods, reason = "a test's own files")]
fn write(dir: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(dir.join(name), bytes).unwrap();
}

#[test]
fn a_directory_with_the_same_files_is_the_same_snapshot() {
    let dir = directory();
    let loaded = Snapshot::load(dir.path()).unwrap();
    assert_eq!(loaded.origin, SnapshotOrigin::Directory(dir.path().to_owned()));
    assert_eq!(loaded.sha256(), Snapshot::embedded().sha256());
}

#[test]
fn line_ends_byte_order_marks_and_the_order_of_rows_do_not_matter() {
    let dir = directory();
    let mut rows: Vec<&str> = EMBEDDED[1].lines().skip(1).collect();
    rows.reverse();
    let text = format!("\u{feff}{ON_DEMAND}\r\n{}", rows.join("\r\n"));
    write(dir.path(), "on_demand.csv", text.as_bytes());
    let loaded = Snapshot::load(dir.path()).unwrap();
    let catalogs = [loaded, Snapshot::embedded()].map(|snapshot| snapshot.region("eu-west-1").unwrap());
    let [loaded, embedded] = &catalogs;
    for id in embedded.offered() {
        assert_eq!(loaded.offerings(id), embedded.offerings(id));
    }
}

#[test]
fn lines_are_counted_across_empty_ones_and_windows_line_ends() {
    let text =
        format!("{ON_DEMAND}\r\n\r\nus-east-1,m5.large,1,2026,x\r\n\r\nus-east-1,c5.large,no,2026,x\r\n");
    let snapshot = Snapshot::with(&[("on_demand.csv", &text)]);
    for error in [snapshot.check().unwrap_err(), snapshot.region("us-east-1").unwrap_err()] {
        let shown = error.render();
        assert!(
            shown.starts_with("error: on_demand.csv:5:20: usd_per_hour is not a price\n  5 | no\n"),
            "{shown}"
        );
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = directory();
    let path = dir.path();
    std::fs::remove_file(path.join("spot.csv")).unwrap();
    write(path, "fargate.csv", b"region,vcpu\n\xff\xfe");
    let shown = Snapshot::load(path).unwrap_err().render().replace(&path.display().to_string(), "DIR");
    assert_eq!(
        shown,
        "error: DIR/spot.csv: there is no such price file\n  \
        hint: a price directory has instance_types.csv, on_demand.csv, on_demand_inferred.csv, spot.csv, \
        fargate.csv, misc_prices.csv\n\
        error: DIR/fargate.csv:2: this is not UTF-8 text\n  hint: save the file as UTF-8\n"
    );
    create_dir(path.join("spot.csv")).unwrap();
    let shown = Snapshot::load(path).unwrap_err().render();
    assert!(shown.starts_with("error: cannot read "), "{shown}");
}
