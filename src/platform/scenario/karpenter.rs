//! A platform of Karpenter: which NodePools it has, and what is set on the controller itself.

use super::super::fields::{Reader, Section};
use super::super::tree::Value;
use super::super::values::*;
use super::super::*;
use super::documents::Pasted;
use super::{candidates, home};

pub(super) fn read(reader: &mut Reader, platform: &mut Section, pasted: &mut Pasted) -> Karpenter {
    let mut k = Karpenter::default();
    if let Some(pools) = node_pools(reader, platform, pasted) {
        k.node_pools = pools;
    }
    let span = |text: &str| duration_from(text, Span::from_ms(1), Span::from_secs(3_600));
    platform.set(reader, "batchIdleDuration", &mut k.batch_idle_duration, span);
    platform.set(reader, "batchMaxDuration", &mut k.batch_max_duration, span);
    platform.set(reader, "karpenterVersion", &mut k.version, |t| choice(t, KarpenterVersion::WORDS));
    platform.set(reader, "interruptionHandling", &mut k.interruption_handling, boolean);
    platform.set(reader, "spotToSpotConsolidation", &mut k.spot_to_spot_consolidation, boolean);
    drift(reader, platform, &mut k);
    platform.set(reader, "controllerSpeed", &mut k.controller_speed, |t| choice(t, ControllerSpeed::WORDS));
    do_not_disrupt(reader, platform, &mut k.do_not_disrupt);
    policies(reader, platform, &mut k.policies);
    home::read(reader, platform, &mut k.home);
    k
}

fn policies(reader: &mut Reader, platform: &mut Section, p: &mut Policies) {
    let threshold = &mut p.scale_in_utilization_threshold_ppm;
    platform.set(reader, "scaleInUtilizationThreshold", threshold, fraction);
    platform.set(reader, "scaleOutDelay", &mut p.scale_out_delay, |t| duration(t, DAY));
    platform.set(reader, "scaleOutHoldBack", &mut p.scale_out_hold_back, |t| duration(t, DAY));
    platform.set(reader, "replaceAtNotice", &mut p.replace_at_notice, boolean);
    platform.set(reader, "onDemandFallbackAfter", &mut p.on_demand_fallback_after, |t| duration(t, DAY));
    platform.set(reader, "onDemandFallbackTtl", &mut p.on_demand_fallback_ttl, |text| match text {
        "Never" => Ok(None),
        _ => duration_from(text, Span::from_secs(1), YEAR).map(Some),
    });
}

/// A word, or `{longerThan: 30m}`, for which `30m` may be written.
fn do_not_disrupt(reader: &mut Reader, platform: &mut Section, which: &mut DoNotDisrupt) {
    const NAME: &str = "doNotDisrupt";
    let Some(entry) = platform.entry(reader, NAME) else { return };
    if matches!(entry.value.value, Value::Map(_)) {
        let mut section = platform.section(reader, NAME);
        let longer = section.optional(reader, "longerThan", |text| duration(text, YEAR));
        section.finish(reader);
        // It is one field, in either form.
        platform.entry(reader, NAME);
        match longer {
            Some(span) => *which = DoNotDisrupt::LongerThan(span),
            None if entry.value.len() == 0 => {
                let refusal = Refusal::new(format!("{} is empty", platform.path(NAME)))
                    .hint("write {longerThan: 30m}, recorded, all or none");
                reader.problem(entry.key_place, NAME, refusal);
            }
            None => {}
        }
        return;
    }
    platform.set(reader, NAME, which, |text| match text {
        // As the annotation itself would be written.
        "true" => Ok(DoNotDisrupt::All),
        "false" => Ok(DoNotDisrupt::None),
        _ if text.starts_with(|c: char| c.is_ascii_digit()) => {
            duration(text, YEAR).map(DoNotDisrupt::LongerThan)
        }
        _ => choice(text, &DO_NOT_DISRUPT),
    });
}

pub(super) const DO_NOT_DISRUPT: [(&str, DoNotDisrupt); 3] =
    [("recorded", DoNotDisrupt::Recorded), ("all", DoNotDisrupt::All), ("none", DoNotDisrupt::None)];

/// When nodes drift, which is told of pools that the platform has.
fn drift(reader: &mut Reader, platform: &mut Section, k: &mut Karpenter) {
    const EXAMPLE: &str = "write {at: 2d, nodePool: general}";
    let (path, generic) = (platform.path("drift"), platform.generic("drift[]"));
    for (index, node) in platform.list(reader, "drift").unwrap_or_default().iter().enumerate() {
        let path = format!("{path}[{index}]");
        if !matches!(node.value, Value::Map(_)) {
            let refusal =
                Refusal::new(format!("{path} must be a mapping, not {}", node.shape())).hint(EXAMPLE);
            reader.problem(node.place, node.scalar().unwrap_or_default(), refusal);
            continue;
        }
        let mut section = Section::new(reader, path.clone(), generic.clone(), node);
        let at = section.optional(reader, "at", |t| duration(t, YEAR));
        let node_pool = section.optional(reader, "nodePool", |text| {
            if k.node_pools.iter().any(|pool| pool.name == text) {
                return Ok(text.to_owned());
            }
            let pools: Vec<&str> = k.node_pools.iter().map(|pool| pool.name.as_str()).collect();
            Err(Refusal::new("is none of the platform's NodePools")
                .hint(format!("they are {}", all_of(&pools))))
        });
        section.finish(reader);
        if node.get("at").is_none() {
            reader.problem(node.place, "", Refusal::new(format!("{path} has no at")).hint(EXAMPLE));
        }
        k.drift.extend(at.map(|at| Drift { at, node_pool }));
    }
}

/// Names of NodePool documents; `None` keeps the built-in pool.
fn node_pools(reader: &mut Reader, platform: &mut Section, pasted: &mut Pasted) -> Option<Vec<NodePool>> {
    let path = platform.path("nodePools");
    let items = platform.list(reader, "nodePools")?;
    let mut pools: Vec<NodePool> = Vec::new();
    if let Some(place) = reader.given.place(&path).filter(|_| items.is_empty()) {
        let refusal = Refusal::new(format!("{path} is empty"))
            .hint("leave the line out for the built-in NodePool, or name NodePool documents of this file");
        reader.problem(place, "nodePools", refusal);
    }
    for (index, node) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if matches!(node.value, Value::Map(_)) {
            let refusal = Refusal::new(format!("{path} must be the name of a NodePool, not a mapping"))
                .hint("paste the NodePool as a document of its own, below a line ---, and name it here");
            reader.problem(node.place, "", refusal);
            continue;
        }
        let pool = reader.scalar(&path, node, |text| {
            candidates::name(text)?;
            let pool = pasted.pool(text)?;
            if pools.iter().any(|other| other.name == pool.name) {
                return Err(Refusal::new("is there twice"));
            }
            if pool.auto_mode {
                return Err(Refusal::new("is a NodePool of EKS Auto Mode")
                    .hint("name it in a platform of the kind auto-mode, or refer to an EC2NodeClass"));
            }
            Ok(pool)
        });
        pools.extend(pool);
    }
    Some(pools)
}
