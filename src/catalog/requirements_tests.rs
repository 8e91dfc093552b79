use proptest::prelude::*;

use super::*;

fn of(text: &str) -> Requirement {
    let (operator, rest) = text.split_once(' ').unwrap_or((text, ""));
    let values = || rest.split(' ');
    match operator {
        "In" => Requirement::one_of(values()),
        "NotIn" => Requirement::none_of(values()),
        "Exists" => Requirement::exists(),
        "DoesNotExist" => Requirement::does_not_exist(),
        "Gt" => Requirement::greater_than(rest.parse().unwrap()),
        "Lt" => Requirement::less_than(rest.parse().unwrap()),
        "Gte" => Requirement::at_least(rest.parse().unwrap()),
        "Lte" => Requirement::at_most(rest.parse().unwrap()),
        _ => panic!("{text}"),
    }
}

#[test]
fn intersections_of_operators() {
    let cases = [
        ("In a b", "In b c", "In [b]"),
        ("In a", "In b", "DoesNotExist"),
        ("In a b", "NotIn b", "In [a]"),
        ("NotIn a", "NotIn b", "NotIn [a b]"),
        ("NotIn a", "Exists", "NotIn [a]"),
        ("In a", "Exists", "In [a]"),
        ("In a", "DoesNotExist", "DoesNotExist"),
        ("NotIn a", "DoesNotExist", "DoesNotExist"),
        ("Exists", "DoesNotExist", "DoesNotExist"),
        ("Gt 2", "Lt 9", "Exists >=3 <=8"),
        ("Gt 2", "Gt 5", "Exists >=6"),
        ("Gt 5", "Lt 6", "DoesNotExist"),
        ("Gte 5", "Lte 5", "Exists >=5 <=5"),
        ("In 1 4 16 x", "Gt 1", "In [16 4]"),
        ("In 1 4 16", "Lt 4", "In [1]"),
        ("NotIn 4 100", "Lt 10", "NotIn [4] <=9"),
        ("NotIn x", "Gt 0", "Exists >=1"),
    ];
    for (a, b, expected) in cases {
        assert_eq!(of(a).intersection(&of(b)).to_string(), expected, "{a} ∩ {b}");
        assert_eq!(of(b).intersection(&of(a)).to_string(), expected, "{b} ∩ {a}");
    }
}

#[test]
fn values_are_allowed_or_not() {
    let cases = [
        ("In a b", "a", true),
        ("In a b", "c", false),
        ("NotIn a", "a", false),
        ("NotIn a", "b", true),
        ("Exists", "a", true),
        ("DoesNotExist", "a", false),
        ("Gt 2", "3", true),
        ("Gt 2", "2", false),
        ("Gt 2", "many", false),
        ("Lte 2", "2", true),
    ];
    for (requirement, value, expected) in cases {
        assert_eq!(of(requirement).allows(value), expected, "{requirement}: {value}");
    }
    assert_eq!(of("In a").single(), Some("a"));
    assert_eq!([of("In a b").single(), of("NotIn a").single()], [None, None]);
}

#[test]
fn bounds_beyond_every_integer_allow_nothing() {
    assert_eq!(Requirement::greater_than(i64::MAX).operator(), Operator::DoesNotExist);
    assert_eq!(Requirement::less_than(i64::MIN).operator(), Operator::DoesNotExist);
}

#[test]
fn min_values_are_carried_and_the_larger_one_counts() {
    let three = of("In a b c").with_min_values(3);
    assert_eq!(three.intersection(&of("In a b")).min_values(), Some(3));
    assert_eq!(of("Exists").with_min_values(2).intersection(&three).min_values(), Some(3));
    assert_eq!(of("Gt 5").with_min_values(1).intersection(&of("Lt 5")).min_values(), Some(1));
    let mut requirements: Requirements = [("a", three), ("b", of("Exists"))].into_iter().collect();
    assert!(requirements.has_min_values());
    requirements.set_min_values("a", Some(1));
    assert_eq!(requirements.get("a").unwrap().min_values(), Some(1));
    assert_eq!(requirements.remove("a").unwrap().to_string(), "In [a b c] minValues 1");
    assert!(!requirements.has_min_values());
}

fn requirements(list: &[(&str, &str)]) -> Requirements {
    list.iter().map(|(key, text)| (*key, of(text))).collect()
}

#[test]
fn two_negative_operators_go_together_even_with_nothing_left() {
    let cases = [
        ("NotIn a", "DoesNotExist", true),
        ("DoesNotExist", "DoesNotExist", true),
        ("DoesNotExist", "NotIn a", true),
        ("Exists", "DoesNotExist", false),
        ("In a", "DoesNotExist", false),
        ("In a", "NotIn a", false),
        ("DoesNotExist", "In a", false),
        ("In a", "In b", false),
        ("In a", "In a b", true),
        ("Gt 4", "Lt 4", false),
    ];
    for (has, wants, expected) in cases {
        let (has_one, wants_one) = (requirements(&[("k", has)]), requirements(&[("k", wants)]));
        assert_eq!(has_one.intersects(&wants_one).is_ok(), expected, "{has} / {wants}");
    }
    assert!(requirements(&[("k", "In a")]).intersects(&requirements(&[("other", "In b")])).is_ok());
}

#[test]
fn custom_labels_must_be_defined_and_well_known_ones_need_not() {
    use Undefined::{Denied, WellKnownAllowed};
    let cases = [
        ("team", "In a", WellKnownAllowed, false),
        ("team", "Exists", WellKnownAllowed, false),
        ("team", "NotIn a", WellKnownAllowed, true),
        ("team", "DoesNotExist", Denied, true),
        (labels::ZONE, "In us-east-1a", WellKnownAllowed, true),
        (labels::ZONE, "In us-east-1a", Denied, false),
        ("failure-domain.beta.kubernetes.io/zone", "In us-east-1a", WellKnownAllowed, true),
        (labels::HOSTNAME, "In node-1", WellKnownAllowed, false),
        ("defined", "In a", Denied, true),
        ("defined", "In b", WellKnownAllowed, false),
    ];
    let node = requirements(&[("defined", "In a")]);
    for (key, wants, undefined, expected) in cases {
        let pod = requirements(&[(key, wants)]);
        assert_eq!(node.compatible(&pod, undefined).is_ok(), expected, "{key} {wants} {undefined:?}");
    }
}

#[test]
fn what_does_not_go_together_is_named() {
    let node = requirements(&[("zone", "In a b")]);
    let pod = requirements(&[("zone", "In c")]);
    let unknown = requirements(&[("team", "Exists")]);
    assert_eq!(node.intersects(&pod).unwrap_err().to_string(), "label zone: In [c] is not in In [a b]");
    assert_eq!(
        node.compatible(&unknown, Undefined::Denied).unwrap_err().to_string(),
        "label team does not have known values"
    );
}

#[test]
fn merging_narrows_every_key() {
    let merged = requirements(&[("a", "In x y"), ("b", "Gt 1")]).intersection(&requirements(&[
        ("a", "NotIn y"),
        ("b", "Lt 5"),
        ("c", "Exists"),
    ]));
    let found: Vec<String> = merged.iter().map(|(key, requirement)| format!("{key} {requirement}")).collect();
    assert_eq!(found, ["a In [x]", "b Exists >=2 <=4", "c Exists"]);
}

fn any_requirement() -> impl Strategy<Value = Requirement> {
    let values = prop::collection::btree_set(prop::sample::select(vec!["1", "2", "3", "5", "x"]), 0..4);
    prop_oneof![
        values.clone().prop_map(Requirement::one_of),
        values.prop_map(Requirement::none_of),
        (0..6i64).prop_map(Requirement::at_least),
        (0..6i64).prop_map(Requirement::at_most),
    ]
}

proptest! {
    #[test]
    fn an_intersection_allows_what_both_sides_allow(a in any_requirement(), b in any_requirement()) {
        let both = a.intersection(&b);
        for value in ["1", "2", "3", "4", "5", "6", "x", "y"] {
            prop_assert_eq!(both.allows(value), a.allows(value) && b.allows(value), "{} {} {}", a, b, value);
        }
        prop_assert_eq!(a.overlaps(&b), both.operator() != Operator::DoesNotExist);
        prop_assert_eq!(&both, &b.intersection(&a));
    }
}
