//! `minValues`: how many different values of a label the types of a NodeClaim must still offer.

use std::collections::BTreeSet;

use super::super::model::InstanceType;
use crate::catalog::Requirements;

/// Labels of which some types offer fewer values than `requirements` want, and how many they do
/// (`InstanceTypes.SatisfiesMinValues`). `places` are indices of `types`.
pub fn unsatisfied(
    types: &[InstanceType],
    places: impl Iterator<Item = usize>,
    requirements: &Requirements,
) -> Vec<(String, u32)> {
    let wanted = requirements.iter().filter_map(|(key, one)| Some((key, one.min_values()?)));
    let wanted: Vec<(&str, u32)> = wanted.collect();
    let mut values: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); wanted.len()];
    let mut any = false;
    for place in places {
        any = true;
        for ((key, _), values) in wanted.iter().zip(&mut values) {
            values.extend(types[place].requirements.get(key).iter().flat_map(|one| one.values()));
        }
    }
    let lacking = wanted.iter().zip(&values).filter(|((_, least), values)| values.len() < *least as usize);
    let lacking = lacking.map(|((key, _), values)| ((*key).to_owned(), values.len() as u32));
    // Of no types nothing is asked.
    lacking.filter(|_| any).collect()
}
