//! A platform of EKS Auto Mode: its NodePools, built-in ones by name and own ones as documents.

use super::super::fields::{Reader, Section};
use super::super::values::*;
use super::super::*;
use super::candidates;
use super::documents::Pasted;

pub(super) fn read(reader: &mut Reader, platform: &mut Section, pasted: &mut Pasted) -> AutoMode {
    let path = platform.path("nodePools");
    let Some(items) = platform.list(reader, "nodePools") else { return AutoMode::default() };
    let mut node_pools: Vec<NodePool> = Vec::new();
    if let Some(place) = reader.given.place(&path).filter(|_| items.is_empty()) {
        let refusal = Refusal::new(format!("{path} is empty")).hint(format!(
            "leave the line out for {}, or name NodePool documents of this file",
            all_of(&AutoMode::BUILT_IN_POOLS)
        ));
        reader.problem(place, "nodePools", refusal);
    }
    for (index, node) in items.iter().enumerate() {
        let pool = reader.scalar(&format!("{path}[{index}]"), node, |text| {
            candidates::name(text)?;
            // A document of that name may be how the built-in one was printed.
            let built_in = AutoMode::built_in_pool(text).filter(|_| !pasted.has_pool(text));
            let pool = built_in.map_or_else(|| pasted.pool(text), Ok)?;
            if node_pools.iter().any(|other| other.name == pool.name) {
                return Err(Refusal::new("is there twice"));
            }
            if pool.auto_mode {
                return Ok(pool);
            }
            Err(Refusal::new(
                "is a NodePool of one's own Karpenter: its nodeClassRef is not of EKS Auto Mode",
            )
            .hint("write nodeClassRef: {group: eks.amazonaws.com, kind: NodeClass, name: default}"))
        });
        node_pools.extend(pool);
    }
    AutoMode { node_pools }
}
