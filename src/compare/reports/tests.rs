use super::*;
use crate::report::sample;

fn sum<'a>(amounts: impl Iterator<Item = &'a str>) -> Usd {
    amounts.map(usd).sum()
}

#[test]
fn a_report_is_no_different_from_itself() {
    let report = sample::report();
    let diff = diff(("a.json", &report), ("b.json", &report));
    assert!(diff.settings.is_empty() && diff.prices.is_empty());
    assert!(
        diff.platforms.iter().all(|p| p.items.is_empty() && p.purposes.is_empty() && p.metrics.is_empty())
    );
    assert_eq!(
        table(&diff, 80, false, 10),
        "No difference: every platform costs and takes the same in both reports.\n"
    );
}

/// An item of 40 USD at 0.1 becomes one of 66 USD at 0.15: at the later rate the earlier quantity would have cost 60, so
/// 20 is price and 6 is quantity.
#[test]
fn an_item_is_split_into_price_and_quantity() {
    let item = |rate: &str, usd: &str| CostItem {
        item: "instances".into(),
        detail: "BoxUsage:m5.large".into(),
        quantity: 0.0,
        unit: "hour".into(),
        usd_per_unit: rate.into(),
        usd: usd.into(),
    };
    let (mut before, mut after) = (sample::report(), sample::report());
    let cost = |report: &mut Report, item: CostItem| {
        let cost = report.platforms[0].cost.as_mut().unwrap();
        cost.total_usd.clone_from(&item.usd);
        cost.items = vec![item];
    };
    cost(&mut before, item("0.1", "40"));
    cost(&mut after, item("0.15", "66"));
    let diff = diff(("a.json", &before), ("b.json", &after));
    let [split] = &diff.platforms[0].items[..] else { panic!("one item") };
    let got = (split.price_usd.as_str(), split.quantity_usd.as_str(), split.usd.as_str());
    assert_eq!(got, ("20.00", "6.00", "26.00"));
}

#[test]
fn parts_sum_to_the_change_and_platforms_may_come_and_go() {
    let (before, mut after) = (sample::report(), sample::report());
    let later = after.platforms[1].clone();
    let changed = &mut after.platforms[0];
    changed.cost.clone_from(&later.cost);
    changed.workflows.clone_from(&later.workflows);
    after.platforms[1].name = "other".to_owned();
    let diff = diff(("a.json", &before), ("b.json", &after));
    let first = &diff.platforms[0];
    let change = usd(&first.cost.as_ref().unwrap().change);
    assert_ne!(change, Usd::ZERO);
    assert_eq!(sum(first.items.iter().map(|item| item.usd.as_str())), change);
    assert_eq!(
        sum(first.items.iter().flat_map(|item| [item.price_usd.as_str(), item.quantity_usd.as_str()])),
        change
    );
    assert_eq!(sum(first.purposes.iter().map(|purpose| purpose.usd.change.as_str())), change);
    let statuses: Vec<&str> = diff.platforms.iter().map(|platform| platform.status.as_str()).collect();
    assert_eq!(statuses, ["both", "only before", "only after"]);
}
