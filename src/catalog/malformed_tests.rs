//! Price files with mistakes: each is refused with its place, never skipped.

use std::fs::{create_dir, remove_file};

use proptest::prelude::*;

use super::*;

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
    remove_file(path.join("spot.csv")).unwrap();
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

/// The header of an embedded file, and its rows of us-east-1 and m5.large.
fn few_rows(file: usize) -> String {
    let mut lines = EMBEDDED[file].lines();
    let header = lines.next().unwrap_or_default();
    let one = |line: &&str| line.starts_with("us-east-1,m5.large,") || line.starts_with("m5.large,");
    let rows = lines.filter(|line| if file < 4 { one(line) } else { line.starts_with("us-east-1,") });
    [header].into_iter().chain(rows).flat_map(|line| [line, "\n"]).collect()
}

proptest! {
    /// Whatever is written over a character, the file is either still good or refused with a line.
    #[test]
    fn a_damaged_file_is_refused_with_a_line_or_still_good(
        file in 0..FILES.len(),
        at in any::<prop::sample::Index>(),
        over in prop::sample::select(vec!["", ",", "\"", "\n", "\r\n", "-", "9", "é", "*", "99999999999999999999"]),
    ) {
        let mut texts: Vec<String> = (0..FILES.len()).map(few_rows).collect();
        let at = at.index(texts[file].len());
        texts[file].replace_range(at..=at, over);
        let replaced: Vec<(&str, &str)> = FILES.into_iter().zip(texts.iter().map(String::as_str)).collect();
        let snapshot = Snapshot::with(&replaced);
        if let Err(error) = snapshot.check() {
            let Error::Input(found) = error else { return Err(TestCaseError::fail("not about the input")) };
            prop_assert!(found.list().iter().all(|diagnostic| diagnostic.line.is_some()));
        } else {
            for region in snapshot.regions() {
                prop_assert!(snapshot.region(&region).is_ok());
            }
        }
    }
}
