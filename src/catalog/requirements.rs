//! Karpenter's algebra of node requirements: which label values a pod, a NodePool and an instance type allow.
//!
//! Each label key has a set of allowed values: a finite set (`In`), everything but a finite set (`NotIn`,
//! `Exists`) within optional integer bounds (`Gt`, `Lt`), or the empty set (`DoesNotExist`). Combining two sides
//! intersects them key by key. The odd rules are Karpenter's: two negative operators agree even if nothing is
//! left, and a label that only one side knows must be well known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::labels;

/// The values allowed for one label key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// Whether `values` are the forbidden ones.
    complement: bool,
    values: BTreeSet<Box<str>>,
    /// Bounds, inclusive. With one of them only integers are allowed. Finite sets have none: what is out of
    /// bounds has been taken out of them.
    at_least: Option<i64>,
    at_most: Option<i64>,
    /// How many different values must stay possible for a new node (`minValues` of a NodePool).
    min_values: Option<u32>,
}

/// What a requirement is, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    In,
    NotIn,
    /// Also with bounds.
    Exists,
    DoesNotExist,
}

impl Operator {
    const fn is_negative(self) -> bool {
        matches!(self, Self::NotIn | Self::DoesNotExist)
    }
}

impl Requirement {
    fn new(complement: bool, values: BTreeSet<Box<str>>) -> Self {
        Self { complement, values, at_least: None, at_most: None, min_values: None }
    }

    /// `In`: one of these values.
    pub fn one_of<V: Into<Box<str>>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::new(false, values.into_iter().map(Into::into).collect())
    }

    /// `NotIn`: anything but these values, or no such label.
    pub fn none_of<V: Into<Box<str>>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::new(true, values.into_iter().map(Into::into).collect())
    }

    pub fn exists() -> Self {
        Self::new(true, BTreeSet::new())
    }

    pub fn does_not_exist() -> Self {
        Self::new(false, BTreeSet::new())
    }

    /// `Gte`.
    pub fn at_least(bound: i64) -> Self {
        Self { at_least: Some(bound), ..Self::exists() }
    }

    /// `Lte`.
    pub fn at_most(bound: i64) -> Self {
        Self { at_most: Some(bound), ..Self::exists() }
    }

    /// `Gt`.
    pub fn greater_than(bound: i64) -> Self {
        bound.checked_add(1).map_or_else(Self::does_not_exist, Self::at_least)
    }

    /// `Lt`.
    pub fn less_than(bound: i64) -> Self {
        bound.checked_sub(1).map_or_else(Self::does_not_exist, Self::at_most)
    }

    /// The same with a `minValues`.
    pub fn with_min_values(self, min_values: u32) -> Self {
        Self { min_values: Some(min_values), ..self }
    }

    pub fn min_values(&self) -> Option<u32> {
        self.min_values
    }

    /// The values of `In` or `NotIn`, sorted.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| &**value)
    }

    /// The only value that is allowed, if there is only one.
    pub fn single(&self) -> Option<&str> {
        if self.complement || self.values.len() != 1 { None } else { self.values().next() }
    }

    /// A value that is allowed: the first by name, or the least number where all but some are. Karpenter takes any
    /// (`Requirement.Any`). `None` if none is allowed.
    pub fn any(&self) -> Option<String> {
        if !self.complement {
            return self.values().next().map(str::to_owned);
        }
        let first = self.at_least.unwrap_or(0);
        (first..=self.at_most.unwrap_or(i64::MAX)).map(|n| n.to_string()).find(|value| self.allows(value))
    }

    pub fn operator(&self) -> Operator {
        match (self.complement, self.values.is_empty()) {
            (false, false) => Operator::In,
            (false, true) => Operator::DoesNotExist,
            (true, false) => Operator::NotIn,
            (true, true) => Operator::Exists,
        }
    }

    /// Whether a label with this value is allowed.
    pub fn allows(&self, value: &str) -> bool {
        self.values.contains(value) != self.complement && within(value, self.at_least, self.at_most)
    }

    /// What both sides allow. `minValues` is the larger one.
    pub fn intersection(&self, other: &Self) -> Self {
        let complement = self.complement && other.complement;
        let (at_least, at_most) = self.bounds_with(other);
        let min_values = self.min_values.max(other.min_values);
        if out_of_order(at_least, at_most) {
            return Self { min_values, ..Self::does_not_exist() };
        }
        let mut values: BTreeSet<Box<str>> = match (self.complement, other.complement) {
            (true, true) => &self.values | &other.values,
            (true, false) => &other.values - &self.values,
            (false, true) => &self.values - &other.values,
            (false, false) => &self.values & &other.values,
        };
        values.retain(|value| within(value, at_least, at_most));
        let (at_least, at_most) = if complement { (at_least, at_most) } else { (None, None) };
        Self { complement, values, at_least, at_most, min_values }
    }

    /// Whether [`Self::intersection`] would allow anything; without building it.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (at_least, at_most) = self.bounds_with(other);
        if out_of_order(at_least, at_most) {
            return false;
        }
        let (finite, against) = match (self.complement, other.complement) {
            (true, true) => return true,
            (false, _) => (self, other),
            (true, false) => (other, self),
        };
        finite.values.iter().any(|value| {
            against.values.contains(value) != against.complement && within(value, at_least, at_most)
        })
    }

    fn bounds_with(&self, other: &Self) -> (Option<i64>, Option<i64>) {
        let at_most = match (self.at_most, other.at_most) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        (self.at_least.max(other.at_least), at_most)
    }
}

/// With bounds, only integers within them are allowed.
fn within(value: &str, at_least: Option<i64>, at_most: Option<i64>) -> bool {
    if at_least.is_none() && at_most.is_none() {
        return true;
    }
    value
        .parse::<i64>()
        .is_ok_and(|n| at_least.is_none_or(|low| low <= n) && at_most.is_none_or(|high| n <= high))
}

fn out_of_order(at_least: Option<i64>, at_most: Option<i64>) -> bool {
    at_least.zip(at_most).is_some_and(|(low, high)| low > high)
}

/// `In [a b]`, `Exists >=4`, `DoesNotExist`.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        write!(f, "{:?}", self.operator())?;
        if !self.values.is_empty() {
            let shown: Vec<&str> = self.values().take(SHOWN).collect();
            write!(f, " [{}", shown.join(" "))?;
            if self.values.len() > SHOWN {
                write!(f, " and {} others", self.values.len() - SHOWN)?;
            }
            write!(f, "]")?;
        }
        if let Some(low) = self.at_least {
            write!(f, " >={low}")?;
        }
        if let Some(high) = self.at_most {
            write!(f, " <={high}")?;
        }
        if let Some(min_values) = self.min_values {
            write!(f, " minValues {min_values}")?;
        }
        Ok(())
    }
}

/// What may be assumed of labels that the asked side does not mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undefined {
    /// Nothing: existing nodes have the labels they have.
    Denied,
    /// Well-known labels may still take any value: nodes and offerings not yet chosen.
    WellKnownAllowed,
}

/// Why two sides do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incompatible<'a> {
    /// Nothing defines this label.
    Unknown { key: &'a str },
    /// No value is left.
    Disjoint { key: &'a str, has: &'a Requirement, wants: &'a Requirement },
}

impl fmt::Display for Incompatible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { key } => write!(f, "label {key} does not have known values"),
            Self::Disjoint { key, has, wants } => write!(f, "label {key}: {wants} is not in {has}"),
        }
    }
}

/// A requirement for each label key that somebody cares about; any value is allowed for the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Requirements(BTreeMap<Box<str>, Requirement>);

impl Requirements {
    /// Adds a requirement to what is already required of its key. Old names of labels count as the new ones.
    pub fn add(&mut self, key: &str, requirement: Requirement) {
        let key = labels::normalized(key);
        match self.0.get_mut(key) {
            Some(existing) => *existing = requirement.intersection(existing),
            None => {
                self.0.insert(key.into(), requirement);
            }
        }
    }

    /// Adds all of `other`'s.
    pub fn merge(&mut self, other: &Self) {
        for (key, requirement) in other.iter() {
            self.add(key, requirement.clone());
        }
    }

    /// Both sides' requirements.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.merge(other);
        both
    }

    /// Forgets what is required of a key.
    pub fn remove(&mut self, key: &str) -> Option<Requirement> {
        self.0.remove(labels::normalized(key))
    }

    /// Replaces the `minValues` of a key that has a requirement (Karpenter's `BestEffort` lowers it).
    pub fn set_min_values(&mut self, key: &str, min_values: Option<u32>) {
        if let Some(requirement) = self.0.get_mut(labels::normalized(key)) {
            requirement.min_values = min_values;
        }
    }

    pub fn get(&self, key: &str) -> Option<&Requirement> {
        self.0.get(key)
    }

    /// By key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Requirement)> {
        self.0.iter().map(|(key, requirement)| (&**key, requirement))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any key has a `minValues`.
    pub fn has_min_values(&self) -> bool {
        self.0.values().any(|requirement| requirement.min_values.is_some())
    }

    /// Whether every key that both sides know has a value left, or is ruled out by both.
    pub fn intersects<'a>(&'a self, wants: &'a Self) -> Result<(), Incompatible<'a>> {
        for (key, wants) in wants.iter() {
            let Some(has) = self.get(key) else { continue };
            let both_negative = wants.operator().is_negative() && has.operator().is_negative();
            if !has.overlaps(wants) && !both_negative {
                return Err(Incompatible::Disjoint { key, has, wants });
            }
        }
        Ok(())
    }

    /// Whether what `wants` asks for can be had here: [`Self::intersects`], and every label that it asks for is
    /// defined here, may be left undefined, or is asked not to be there.
    pub fn compatible<'a>(&'a self, wants: &'a Self, undefined: Undefined) -> Result<(), Incompatible<'a>> {
        for (key, wanted) in wants.iter() {
            let assumed = undefined == Undefined::WellKnownAllowed && labels::is_well_known(key);
            if !assumed && self.get(key).is_none() && !wanted.operator().is_negative() {
                return Err(Incompatible::Unknown { key });
            }
        }
        self.intersects(wants)
    }
}

impl<'k> FromIterator<(&'k str, Requirement)> for Requirements {
    fn from_iter<I: IntoIterator<Item = (&'k str, Requirement)>>(requirements: I) -> Self {
        let mut all = Self::default();
        for (key, requirement) in requirements {
            all.add(key, requirement);
        }
        all
    }
}

#[cfg(test)]
#[path = "requirements_tests.rs"]
mod tests;
