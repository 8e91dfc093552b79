//! The Spot market of a scenario: how EC2 chooses pools, and when it takes instances back.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::{instance_type, settings};

const EXAMPLE: &str = "write {at: 6h, instanceType: m6i.large, zone: b, reclaims: 100%, shortage: 30m}";

/// `zones` are the letters of the scenario's zones.
pub(super) fn read(reader: &mut Reader, root: &mut Section, zones: &[String], spot: &mut Spot) {
    let mut section = root.section(reader, "spot");
    section.set(reader, "allocationStrategy", &mut spot.allocation, |t| choice(t, SpotAllocation::WORDS));
    section.set(reader, "depthWeight", &mut spot.depth_weight_ppm, share);
    section.set(reader, "interruptionRate", &mut spot.hazard_permille, permille);
    section.set(reader, "poolLoss", &mut spot.pool_loss_ppm, |text| match share(text)? {
        0 => Err(Refusal::new("must be more than 0%")
            .hint("an event takes something; write interruptionRate: 0% for no interruptions")),
        ppm => Ok(ppm),
    });
    settings::step(reader, &mut section, "shortage", &mut spot.shortage);
    section.set(reader, "asgRetry", &mut spot.asg_retry, |t| duration_from(t, Span::from_secs(1), DAY));
    section.set(reader, "rebalanceLead", &mut spot.rebalance_lead, |t| duration(t, DAY));
    for (index, node) in section.list(reader, "events").unwrap_or_default().iter().enumerate() {
        spot.events.extend(event(reader, format!("spot.events[{index}]"), node, zones));
    }
    section.finish(reader);
}

fn event(reader: &mut Reader, path: String, node: &Node, zones: &[String]) -> Option<SpotEvent> {
    if !matches!(node.value, Value::Map(_)) {
        let refusal = Refusal::new(format!("{path} must be a mapping, not {}", node.shape())).hint(EXAMPLE);
        reader.problem(node.place, node.scalar().unwrap_or_default(), refusal);
        return None;
    }
    let mut section = Section::new(reader, path.clone(), "spot.events[]".into(), node);
    let at = section.optional(reader, "at", |t| duration(t, YEAR));
    let mut event = SpotEvent {
        at: at.unwrap_or_default(),
        instance_type: section.optional(reader, "instanceType", instance_type::name),
        zone: section.optional(reader, "zone", |text| {
            if zones.iter().any(|zone| zone == text) {
                return Ok(text.to_owned());
            }
            let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
            Err(Refusal::new("is none of the scenario's zones").hint(format!("they are {}", all_of(&zones))))
        }),
        reclaims_ppm: 1_000_000,
        shortage: Span::ZERO,
    };
    section.set(reader, "reclaims", &mut event.reclaims_ppm, share);
    section.set(reader, "shortage", &mut event.shortage, |t| duration(t, YEAR));
    section.finish(reader);
    if node.get("at").is_none() {
        reader.problem(node.place, "", Refusal::new(format!("{path} has no at")).hint(EXAMPLE));
    }
    at.map(|_| event)
}
