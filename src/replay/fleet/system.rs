//! What is always on beside the jobs (`system` of a scenario): machines for the whole window, the same on every platform.

use super::super::Setup;
use super::home;
use crate::ledger::{EndReason, Lease, Ledger, NodeTemplate, Role, TemplateId};
use crate::units::Memory;

/// The machines, and how many of each.
pub(in crate::replay) fn standing(setup: &Setup) -> Vec<(NodeTemplate, u32)> {
    let system = &setup.settings.system;
    system.iter().flat_map(|part| home(setup, &part.name, Role::System, &part.home)).collect()
}

/// Adds them to what happened. No pod of the trace runs there, so nothing else changes.
pub(in crate::replay) fn add(setup: &Setup, ledger: &mut Ledger) {
    let window = ledger.window;
    for (template, machines) in standing(setup) {
        let kind = ledger.templates.len() as TemplateId;
        ledger.templates.push(template);
        let zones = setup.catalog.zones.len().max(1);
        ledger.leases.extend((0..machines as usize).map(|machine| Lease {
            template: kind,
            zone: (machine % zones) as u8,
            end_reason: EndReason::WindowEnd,
            requested: window.start,
            running: window.start,
            ready: window.start,
            terminated: window.end,
            shared_us: 0,
            pulled: Memory::ZERO,
        }));
    }
}
