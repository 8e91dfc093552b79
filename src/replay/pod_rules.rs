//! What a platform says of the pods that run on it, in place of the trace.

use crate::platform::{DoNotDisrupt, Kind, Platform};
use crate::workload::{PodClass, Workload};

/// The workload as `platform` has it; `None` where that is as the trace has it.
pub(super) fn workload(workload: &Workload, platform: &Platform) -> Option<Workload> {
    let karpenter = platform.parts().iter().find_map(|part| match &part.kind {
        Kind::Karpenter(karpenter) => Some(karpenter),
        _ => None,
    });
    let rule = karpenter?.do_not_disrupt;
    if rule == DoNotDisrupt::Recorded {
        return None;
    }
    let work = &workload.steps.work;
    Some(workload.reclassified(|step, class| {
        let do_not_disrupt = match rule {
            DoNotDisrupt::Recorded => class.do_not_disrupt,
            DoNotDisrupt::All => true,
            DoNotDisrupt::None => false,
            DoNotDisrupt::LongerThan(span) => work[step as usize] > span,
        };
        PodClass { do_not_disrupt, ..*class }
    }))
}
