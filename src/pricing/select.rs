//! Which instance types a user means by a name: the type itself, a family, or how names begin.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, InstanceType, TypeId, nearest};
use crate::error::{Error, Result};

/// The types with a price in the region that `names` mean, each once: by family, then by size.
///
/// A name is a type (`m6i.large`), else a family (`m6i`), else how names begin (`m6`). One that means nothing is
/// refused with the nearest that does.
pub fn select(catalog: &Catalog, names: &[String]) -> Result<Vec<TypeId>> {
    let mut chosen = BTreeSet::new();
    for name in names {
        let of_name = matching(catalog, name);
        if of_name.is_empty() {
            return Err(unknown(catalog, name));
        }
        chosen.extend(of_name);
    }
    let mut chosen: Vec<TypeId> = chosen.into_iter().collect();
    chosen.sort_by_key(|id| {
        let instance = catalog.instance_type(*id);
        (instance.family(), instance.vcpu, instance.memory, instance.bare_metal, *id)
    });
    Ok(chosen)
}

fn matching(catalog: &Catalog, name: &str) -> Vec<TypeId> {
    let offered = |is_meant: &dyn Fn(TypeId) -> bool| -> Vec<TypeId> {
        catalog.offered().filter(|id| is_meant(*id)).collect()
    };
    if catalog.find(name).is_some() {
        return offered(&|id| catalog.instance_type(id).name == name);
    }
    let family = offered(&|id| catalog.instance_type(id).family() == name);
    if family.is_empty() && !name.is_empty() {
        return offered(&|id| catalog.instance_type(id).name.starts_with(name));
    }
    family
}

fn unknown(catalog: &Catalog, name: &str) -> Error {
    let region = &catalog.region;
    if catalog.find(name).is_some() {
        return Error::usage(
            format!("no price is known for {name} in {region}"),
            "give a snapshot that has it with --prices, or another --region",
        );
    }
    let types = catalog.offered().map(|id| catalog.instance_type(id));
    let near = if name.contains('.') {
        nearest(name, types.map(|instance| instance.name.as_str()))
    } else {
        nearest(name, types.map(InstanceType::family))
    };
    let guess = near.map_or_else(String::new, |near| format!("did you mean {near}? "));
    Error::usage(
        format!("no instance type in {region} is named {name:?}, nor begins so"),
        format!("{guess}Write a type such as m6i.large, a family such as m6i, or how names begin"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Snapshot;

    fn selected(names: &[&str]) -> std::result::Result<Vec<String>, String> {
        let catalog = Snapshot::embedded().region("us-east-1").unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let ids = select(&catalog, &names).map_err(|error| error.render())?;
        Ok(ids.iter().map(|id| catalog.instance_type(*id).name.clone()).collect())
    }

    #[test]
    fn a_name_is_a_type_a_family_or_a_beginning() {
        assert_eq!(selected(&["m6i.large"]).unwrap(), ["m6i.large"]);
        assert_eq!(selected(&["a1", "a1.large"]).unwrap()[..3], ["a1.medium", "a1.large", "a1.xlarge"]);
        // A family is not its longer-named relatives: m5 is not m5a.
        assert!(selected(&["m5"]).unwrap().iter().all(|name| name.starts_with("m5.")));
        assert_eq!(selected(&["m5a.2"]).unwrap(), ["m5a.2xlarge", "m5a.24xlarge"]);
        assert!(selected(&["c7"]).unwrap().contains(&"c7gn.large".to_owned()));
    }

    #[test]
    fn what_means_nothing_is_answered_with_the_nearest() {
        let hint = |name: &str| selected(&[name]).unwrap_err();
        assert!(hint("m6i.lagre").contains("did you mean m6i.large?"));
        assert!(hint("m6j").contains("did you mean m6"));
        assert!(hint("").contains("named \"\""));
        assert!(hint("quantum.large").contains("hint: Write a type such as m6i.large"));
    }
}
