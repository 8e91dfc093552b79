//! Selectors of objects by their labels.

use std::collections::BTreeMap;

pub type Labels = BTreeMap<String, String>;

/// How the values of a requirement are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SelectorOperator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    /// Of node affinity and NodePools only, as the others below; the last two are Karpenter's.
    Gt,
    Lt,
    Gte,
    Lte,
}

/// One of `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SelectorRequirement {
    pub key: String,
    pub operator: SelectorOperator,
    pub values: Vec<String>,
}

impl SelectorRequirement {
    /// Whether an object whose label of this key has `value` (or which has no such label) is meant.
    pub fn matches(&self, value: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|listed| listed == value);
        let compared = || {
            let value = value?.parse::<i64>().ok()?;
            let bound = self.values.first()?.parse::<i64>().ok()?;
            Some(value.cmp(&bound))
        };
        match self.operator {
            SelectorOperator::In => value.is_some_and(listed),
            SelectorOperator::NotIn => !value.is_some_and(listed),
            SelectorOperator::Exists => value.is_some(),
            SelectorOperator::DoesNotExist => value.is_none(),
            SelectorOperator::Gt => compared().is_some_and(std::cmp::Ordering::is_gt),
            SelectorOperator::Lt => compared().is_some_and(std::cmp::Ordering::is_lt),
            SelectorOperator::Gte => compared().is_some_and(std::cmp::Ordering::is_ge),
            SelectorOperator::Lte => compared().is_some_and(std::cmp::Ordering::is_le),
        }
    }
}

/// A `LabelSelector`. An empty one means everything; a missing one (`None` where it is held) means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelSelector {
    pub match_labels: Labels,
    pub match_expressions: Vec<SelectorRequirement>,
}

impl LabelSelector {
    pub fn matches(&self, labels: &Labels) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|one| one.matches(labels.get(&one.key).map(String::as_str)))
    }
}

/// A `NodeSelectorTerm`: all of its requirements have to hold. An empty one means no node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeTerm {
    pub match_expressions: Vec<SelectorRequirement>,
    /// The only field is `metadata.name`.
    pub match_fields: Vec<SelectorRequirement>,
}

impl NodeTerm {
    pub fn matches(&self, name: &str, labels: &Labels) -> bool {
        let is_empty = self.match_expressions.is_empty() && self.match_fields.is_empty();
        !is_empty
            && self.match_expressions.iter().all(|one| one.matches(labels.get(&one.key).map(String::as_str)))
            && self.match_fields.iter().all(|one| one.matches((one.key == "metadata.name").then_some(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_by_operator() {
        use SelectorOperator::{DoesNotExist, Exists, Gt, Gte, In, Lt, Lte, NotIn};
        let cases: [(SelectorOperator, &[&str], Option<&str>, bool); 16] = [
            (In, &["a", "b"], Some("b"), true),
            (In, &["a"], None, false),
            (NotIn, &["a"], None, true),
            (NotIn, &["a"], Some("a"), false),
            (Exists, &[], Some(""), true),
            (Exists, &[], None, false),
            (DoesNotExist, &[], None, true),
            (DoesNotExist, &[], Some("a"), false),
            (Gt, &["3"], Some("4"), true),
            (Gt, &["3"], Some("3"), false),
            (Gt, &["3"], Some("many"), false),
            (Gt, &["3"], None, false),
            (Lt, &["3"], Some("2"), true),
            (Lt, &["3"], Some("3"), false),
            (Gte, &["3"], Some("3"), true),
            (Lte, &["3"], Some("3"), true),
        ];
        for (operator, values, value, expected) in cases {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            let requirement = SelectorRequirement { key: "k".to_owned(), operator, values };
            assert_eq!(requirement.matches(value), expected, "{requirement:?} {value:?}");
        }
    }

    #[test]
    fn an_empty_selector_means_all_pods_and_an_empty_term_no_node() {
        assert!(LabelSelector::default().matches(&Labels::new()));
        assert!(!NodeTerm::default().matches("node", &Labels::new()));
    }
}
