//! What bills come to, row by row.

use super::*;

fn window(from: &str, to: &str) -> Window {
    Window { start: time(from).unwrap(), end: time(to).unwrap() }
}

fn collector() -> Collector {
    let window = window("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z");
    Collector::new(Scope { window, region: "us-east-1".to_owned() })
}

fn line(kind: LineKind<'static>, usage_type: &'static str, period: Window) -> Line<'static> {
    Line {
        kind,
        service: "AmazonEKS",
        region: "",
        usage_type,
        unit: "Hrs",
        quantity: 3,
        usd: Usd::from_femto(20),
        list_usd: Some(Usd::from_femto(25)),
        period,
    }
}

#[test]
fn times_are_read_as_bills_write_them() {
    for text in [
        "2026-03-02T00:00:00Z",
        "2026-03-02T00:00:00.000Z",
        "2026-03-02 00:00:00.000",
        "2026-03-02",
        "2026-03-02T09:00:00+09:00",
    ] {
        assert_eq!(time(text), time("2026-03-02T00:00:00Z"), "{text}");
    }
    for text in ["", "yesterday", "2026-13-02", "1969-12-31", "9999-01-01"] {
        assert_eq!(time(text), None, "{text}");
    }
}

#[test]
fn quantities_count_once_and_discounts_take_money_only() {
    let mut all = collector();
    let hour = window("2026-03-02T05:00:00Z", "2026-03-02T06:00:00Z");
    all.add(&line(LineKind::Usage, "Fargate-GB-Hours", hour));
    all.add(&Line { usd: Usd::from_femto(-4), ..line(LineKind::Discount, "Fargate-GB-Hours", hour) });
    all.add(&line(LineKind::LeftOut("Tax"), "Fargate-GB-Hours", hour));
    // Before the window, and across its start.
    all.add(&line(
        LineKind::Usage,
        "Fargate-GB-Hours",
        window("2026-03-01T23:00:00Z", "2026-03-02T00:00:00Z"),
    ));
    all.add(&line(
        LineKind::Usage,
        "Fargate-GB-Hours",
        window("2026-03-01T23:30:00Z", "2026-03-02T00:30:00Z"),
    ));
    let bill = all.finish().unwrap();
    let usage = bill.usage.values().next().unwrap();
    // Two rows of three units; 20 − 4 + 20.
    assert_eq!((usage.quantity, usage.usd.femto(), usage.list_usd), (6, 36, Some(Usd::from_femto(50))));
    assert_eq!((bill.usage.len(), bill.rows_outside, bill.left_out["Tax"].rows), (1, 1, 1));
    assert_eq!(bill.period, window("2026-03-01T23:30:00Z", "2026-03-02T06:00:00Z"));
}

#[test]
fn a_month_beside_hours_does_not_stretch_what_the_hours_cover() {
    let month = window("2026-03-01", "2026-04-01");
    let hour = window("2026-03-02T05:00:00Z", "2026-03-02T06:00:00Z");
    let mut all = collector();
    all.add(&line(LineKind::Usage, "Fargate-GB-Hours", hour));
    all.add(&line(LineKind::Usage, "SupportFee", month));
    assert_eq!(all.finish().unwrap().period, hour);
    // A bill by months is of the month.
    let mut all = collector();
    all.add(&line(LineKind::Usage, "Fargate-GB-Hours", month));
    assert_eq!(all.finish().unwrap().period, month);
    assert!(collector().finish().is_none());
}

#[test]
fn a_bill_of_other_regions_is_known_by_them() {
    // us-east-1 is simulated.
    let cases: [(&[&str], &[&str]); 5] = [
        (&["EU-Fargate-GB-Hours", "APN1-Fargate-GB-Hours"], &["ap-northeast-1", "eu-west-1"]),
        (&["EU-Fargate-GB-Hours", "USE1-Fargate-GB-Hours"], &[]),
        // What is not simulated anywhere says nothing.
        (&["EU-Fargate-GB-Hours", "USE1-Fargate-ARM-GB-Hours"], &["eu-west-1"]),
        (&["USE1-Fargate-ARM-GB-Hours"], &[]),
        // A prefix that nobody knows may be here.
        (&["EU-Fargate-GB-Hours", "XYZ9-Fargate-GB-Hours"], &[]),
    ];
    let hour = window("2026-03-02T05:00:00Z", "2026-03-02T06:00:00Z");
    for (types, regions) in cases {
        let mut all = collector();
        for usage_type in types {
            all.add(&line(LineKind::Usage, usage_type, hour));
        }
        let found: Vec<String> = all.finish().unwrap().elsewhere().into_iter().collect();
        assert_eq!(found, regions, "{types:?}");
    }
}
