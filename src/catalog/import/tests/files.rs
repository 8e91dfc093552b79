//! Files as a whole: what they are, in which shapes they come, and what is wrong with them.

use std::io::Write as _;

use serde_json::json;

use super::*;

const OFFERS_EAST_1: &str = include_str!("../../../../fixtures/aws/offers-us-east-1.json");
const OFFERS_EAST_2: &str = include_str!("../../../../fixtures/aws/offers-us-east-2.json");
const OFFERS_CHINA: &str = include_str!("../../../../fixtures/aws/offers-cn-northwest-1.json");
const PRODUCTS: &str = include_str!("../../../../fixtures/aws/get-products-us-east-1.json");
const TYPES: &str = include_str!("../../../../fixtures/aws/describe-instance-types.json");
const ADVISOR: &str = include_str!("../../../../fixtures/aws/spot-advisor-data.json");
const MAX_PODS: &str = include_str!("../../../../fixtures/aws/eni-max-pods.txt");

const ALL: [&str; 7] = [OFFERS_EAST_1, OFFERS_EAST_2, OFFERS_CHINA, PRODUCTS, TYPES, ADVISOR, MAX_PODS];

#[test]
fn real_answers_of_aws() {
    use Format::*;
    let cases = [
        (OFFERS_EAST_1, PriceListOffers, "1 of 2; for a capacity block: 1"),
        (OFFERS_EAST_2, PriceListOffers, "1 of 4; a reserved term: 1; not Linux: 1; no on-demand term: 1"),
        (OFFERS_CHINA, PriceListOffers, "0 of 1; for China: 1"),
        (PRODUCTS, PriceListProducts, "3 of 9; a reserved term: 6"),
        (TYPES, InstanceTypes, "6 of 6"),
        (ADVISOR, SpotAdvisor, "2 of 4; not Linux: 1; not a saving of 0 to 99 % with a known frequency: 1"),
        (MAX_PODS, EniMaxPods, "3 of 4; unknown instance type: 1"),
    ];
    for (text, format, expected) in cases {
        let imported = import(&[("any name", text)]).unwrap();
        assert_eq!((imported.files[0].format, outcome(&imported.files[0]).as_str()), (format, expected));
    }
    let imported = import(&[("a", OFFERS_EAST_1), ("b", OFFERS_EAST_2), ("c", PRODUCTS)]).unwrap();
    for (file, key, rest) in [
        ("on_demand.csv", "us-east-1,p4d.24xlarge", "32.7726,2024-05-28,aws-price-list"),
        ("misc_prices.csv", "us-east-2,ebs_gp3_storage", "GB-month,0.08,2023-03-22,aws-price-list"),
        ("on_demand.csv", "us-east-1,r5n.xlarge", "0.298,2022-12-08,aws-price-list"),
    ] {
        assert_eq!(row(&imported, file, key), Some(format!("{key},{rest}").as_str()));
    }
}

#[test]
fn described_types_are_as_the_snapshot_has_them() {
    let imported = import(&[("types.json", TYPES)]).unwrap();
    assert_eq!(imported.snapshot.text("instance_types.csv"), base().text("instance_types.csv"));
    // A type that nobody knew, with chips that are told twice, and without bandwidth: refused.
    let kind = json!({
        "InstanceType": "q9-flex.huge", "CurrentGeneration": true, "BareMetal": false, "Hypervisor": "nitro",
        "BurstablePerformanceSupported": false, "VCpuInfo": { "DefaultVCpus": 31 },
        "MemoryInfo": { "SizeInMiB": 65_536 },
        "ProcessorInfo": { "Manufacturer": "AWS", "SupportedArchitectures": ["arm64"], "SustainedClockSpeedInGhz": 2.85 },
        "NetworkInfo": { "DefaultNetworkCardIndex": 1, "Ipv4AddressesPerInterface": 10,
            "NetworkCards": [
                { "NetworkCardIndex": 0, "MaximumNetworkInterfaces": 9, "BaselineBandwidthInGbps": 0.781 },
                { "NetworkCardIndex": 1, "MaximumNetworkInterfaces": 3, "BaselineBandwidthInGbps": 12.5 },
            ] },
        "InferenceAcceleratorInfo": { "Accelerators": [{ "Count": 2, "Manufacturer": "AWS", "Name": "Inferentia 9" }] },
        "NeuronInfo": { "NeuronDevices": [{ "Count": 2, "Name": "Inferentia9" }] },
        "InstanceStorageInfo": { "TotalSizeInGB": 100 },
    });
    let import_one = |kind: &serde_json::Value| {
        import(&[("types.json", &json!({ "InstanceTypes": [kind] }).to_string())]).unwrap()
    };
    // 3 × 9 addresses, and two; 16 for each with prefixes, of which 250 may be used beyond 30 vCPUs.
    assert_eq!(
        row(&import_one(&kind), "instance_types.csv", "q9-flex.huge"),
        Some(
            "q9-flex.huge,arm64,31,65536,29,250,0,,,2,aws,inferentia-9,false,true,false,nitro,aws,2850,13281,,100,\
            true,aws-describe-instance-types"
        )
    );
    let with = |pointer: &str, value: serde_json::Value| {
        let mut kind = kind.clone();
        *kind.pointer_mut(pointer).unwrap() = value;
        outcome(&import_one(&kind).files[0])
    };
    assert_eq!(
        with("/NetworkInfo/NetworkCards/0/BaselineBandwidthInGbps", json!(null)),
        "0 of 1; no network baseline known: 1"
    );
    assert_eq!(
        with("/ProcessorInfo/SupportedArchitectures", json!(["x86_64_mac"])),
        "0 of 1; runs no Linux pods: 1"
    );
    assert_eq!(with("/MemoryInfo", json!({})), "0 of 1; a field is missing: 1");
}

#[test]
fn the_list_of_the_vpc_cni_goes_before_the_formula() {
    let imported = import(&[("pods", "m5.large 28\n"), ("types.json", TYPES)]).unwrap();
    let row = row(&imported, "instance_types.csv", "m5.large").unwrap();
    assert!(
        row.starts_with("m5.large,amd64,2,8192,28,110,") && row.ends_with("; max_pods: eni-max-pods"),
        "{row}"
    );
    let error = refused(&[("a", b"m5.large 28\n"), ("b", b"m5.large 29\n")]);
    assert!(error.starts_with("error: b: m5.large: 29 pods here and 28 pods in a\n"), "{error}");
}

/// The same prices in every shape in which they can be fetched.
#[test]
fn products_come_in_several_shapes() {
    let list: serde_json::Value = serde_json::from_str(PRODUCTS).unwrap();
    let texts: Vec<&str> =
        list["PriceList"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    let objects: Vec<serde_json::Value> =
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let page = |products: &[serde_json::Value]| json!({ "FormatVersion": "aws_v1", "PriceList": products });
    // Terms before the product, and the dates first.
    let turned = texts.iter().zip(&objects).map(|(_, p)| {
        format!(
            "{{\"publicationDate\":{},\"terms\":{},\"product\":{}}}\n",
            p["publicationDate"], p["terms"], p["product"]
        )
    });
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(PRODUCTS.as_bytes()).unwrap();
    let shapes: [(&str, Vec<u8>); 9] = [
        ("objects", page(&objects).to_string().into()),
        ("pages", format!("{}\n{}", page(&objects[..1]), page(&objects[1..])).into()),
        ("lines", texts.join("\n").into()),
        ("tabs", texts.join("\t").into()),
        ("a list", json!(texts).to_string().into()),
        ("texts", texts.iter().map(|text| json!(text).to_string() + "\n").collect::<String>().into()),
        ("turned", turned.collect::<String>().into()),
        ("byte order mark", format!("\u{feff}\r\n{PRODUCTS}").into()),
        ("gzip", gzip.finish().unwrap()),
    ];
    let expected = import(&[("p", PRODUCTS)]).unwrap();
    for (shape, bytes) in shapes {
        let (_dir, paths) = written(&[("p", &bytes)]);
        let mut told = 0;
        let findings = read(&paths, None, &mut |bytes| told += bytes).unwrap();
        let imported = merge(findings, &base(), false, Path::new("out")).unwrap();
        assert_eq!(outcome(&imported.files[0]), "3 of 9; a reserved term: 6", "{shape}");
        assert_eq!(imported.snapshot.sha256(), expected.snapshot.sha256(), "{shape}");
        assert_eq!(told, bytes.len() as u64, "{shape}");
    }
}

/// An offer file whose terms come first, with more of them than are kept: it is read twice, and rows are counted once.
#[test]
fn offers_may_come_before_their_products() {
    let base = Snapshot::embedded();
    let kinds: Vec<&str> = base.text("instance_types.csv").unwrap().lines().skip(1).take(1_200).collect();
    let kinds: Vec<&str> = kinds.iter().map(|line| line.split(',').next().unwrap()).collect();
    for some in [10, kinds.len()] {
        let (mut products, mut terms, mut reserved) = (json!({}), json!({}), json!({}));
        for (i, kind) in kinds[..some].iter().enumerate() {
            let sku = format!("S{i}");
            let one = product(json!({ "instanceType": kind }), "Hrs", json!({ "USD": format!("1.{i:04}") }));
            let mut offer = one["terms"]["OnDemand"]["SYNTHETIC.T"].clone();
            offer["sku"] = sku.clone().into();
            products[&sku] = one["product"].clone();
            terms[&sku] = json!({ format!("{sku}.T"): offer });
            reserved[&sku] = terms[&sku].clone();
        }
        let terms = json!({ "OnDemand": terms, "Reserved": reserved });
        let date = "\"publicationDate\":\"2027-01-15T00:00:00Z\"";
        let parts = [format!("\"products\":{products}"), format!("\"terms\":{terms}"), date.to_owned()];
        let mut hashes = Vec::new();
        for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
            let text = format!("{{{}}}", order.map(|i| parts[i].as_str()).join(","));
            let imported = import_over(&base, &[("offers", &text)]).unwrap();
            let expected = format!("{some} of {}; a reserved term: {some}", 2 * some);
            assert_eq!(outcome(&imported.files[0]), expected, "{order:?}");
            hashes.push(imported.snapshot.sha256());
        }
        assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn what_is_no_file_of_aws_is_refused_with_its_place() {
    let cut = &PRODUCTS[..PRODUCTS.len() / 2];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(PRODUCTS.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let savings = r#"{"products":[{"sku":"x"}],"terms":{"savingsPlan":[]}}"#;
    let cases: [(&[u8], &str); 13] = [
        (b"", "error: f: the file is empty\n"),
        (b" \n\t\n", "error: f: the file is empty\n"),
        (
            b"region,price\nx,1\n",
            "error: f:1: this is none of the formats: it is not JSON; its first line does not begin",
        ),
        (b"\xff\xfe\x00", "error: f:1: this is none of the formats"),
        (
            b"{\"metadata\":{},\"data\":[0,1]}",
            "error: f: this is none of the formats: as an offer file of the Price List it lacks `products`",
        ),
        (b"{}", "error: f: this is none of the formats"),
        (b"[1]", "error: f:1: this is not what AWS writes: invalid type: integer `1`"),
        (b"{\n \"PriceList\": [}", "error: f:2: this is not what AWS writes: expected value\n"),
        (
            b"{\"products\":5}",
            "error: f:1: this is not what AWS writes: invalid type: integer `5`, expected products by SKU",
        ),
        (
            b"{\"SpotPriceHistory\":[],\"InstanceTypes\":[]}",
            "error: f: this is of several formats at once: Spot price history, instance types\n",
        ),
        (savings.as_bytes(), "error: f:1: this is not what AWS writes: invalid type: sequence"),
        (
            cut.as_bytes(),
            "error: f:5: this is not what AWS writes: EOF while parsing a string\n  hint: the file ends early",
        ),
        (
            &gzip[..gzip.len() / 2],
            "error: f: the gzip data is damaged or ends early\n  hint: fetch the file again\n",
        ),
    ];
    for (bytes, expected) in cases {
        let error = refused(&[("f", bytes)]);
        // The column is the JSON reader's, which is one off at times.
        let parts: Vec<&str> = error.splitn(5, ':').collect();
        let column = parts.len() == 5 && parts[3].bytes().all(|b| b.is_ascii_digit());
        let without = if column { [parts[0], parts[1], parts[2], parts[4]].join(":") } else { error.clone() };
        assert!(without.starts_with(expected), "{error}");
        assert!(error.contains("  hint: "), "{error}");
    }
    let nested = "[".repeat(100_000);
    assert!(refused(&[("f", nested.as_bytes())]).contains("recursion limit exceeded"));
}

#[test]
fn a_file_without_a_day_needs_one() {
    assert_eq!(
        refused(&[("advisor.json", ADVISOR.as_bytes())]),
        "error: advisor.json: nothing in this file says of which day it is\n  \
        hint: give its day with --as-of, such as --as-of 2026-01-31\n"
    );
    let version = m5_large("0.5", "2026-01-01", "2026-01-05").replace("\"publicationDate\"", "\"version\"");
    let version = version.replace("2026-01-05T00:00:00Z", "20260105174824");
    let imported = import(&[("p", &version)]).unwrap();
    assert!(row(&imported, "on_demand.csv", "us-east-1,m5.large").unwrap().contains(",0.50,2026-01-05,"));
}

#[test]
fn nothing_but_what_was_imported_can_be_kept() {
    let (_dir, paths) = written(&[("p", PRODUCTS.as_bytes())]);
    let findings = read(&paths, None, &mut |_| {}).unwrap();
    let imported = merge(findings, &base(), true, Path::new("out")).unwrap();
    let rows: Vec<u64> = imported.changes.iter().map(|change| change.rows).collect();
    assert_eq!(rows, [17, 3, 0, 0, 0, 0, 0, 0]);
    assert_eq!(imported.snapshot.regions(), ["us-east-1"]);
    assert_eq!(imported.snapshot.region("us-east-1").unwrap().offered().count(), 3);
}

#[test]
fn files_that_nothing_is_imported_into_stay_as_they_are() {
    let before = Snapshot::embedded();
    let imported = import_over(&before, &[("china", OFFERS_CHINA)]).unwrap();
    assert_eq!(imported.snapshot.sha256(), before.sha256());
    // And writing rows back changes nothing by itself.
    for file in crate::catalog::FILES {
        let text = before.text(file).unwrap();
        let columns: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let keys = if matches!(file, "instance_types.csv" | "fargate.csv") { 1 } else { 2 };
        assert!(sheet::Sheet::read(file, text, &columns, keys).unwrap().text() == text, "{file}");
    }
}

/// Whatever happens to a file, it is imported or refused, and every row is accounted for.
#[test]
fn damaged_files_never_panic() {
    let mut state = 1u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut refusals = 0;
    for round in 0..210 {
        let mut bytes = ALL[round % ALL.len()].as_bytes().to_vec();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] = next(256) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"\"{}[],:0-9\n"[next(11)]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let (_dir, paths) = written(&[("f", &bytes)]);
        match read(&paths, PriceDate::parse("2026-01-01"), &mut |_| {}) {
            Ok(findings) => {
                for file in &findings.files {
                    assert!(file.rows >= file.refused.values().sum());
                }
            }
            Err(_) => refusals += 1,
        }
    }
    assert!((50..210).contains(&refusals), "{refusals}");
}
