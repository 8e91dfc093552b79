//! Rules that some have built into their Karpenter, and stock Karpenter does not have: when to hold back, and when to give
//! an expensive node back. With the defaults every one of them lets stock Karpenter's decision stand.
//!
//! They come from public talks and threads: a scale-in threshold on utilisation, holding scale-out back for pods that a
//! node is already on its way for, replacing a Spot node at its interruption notice, and on-demand nodes as a temporary
//! stand-in for Spot (SmartNews on Karpenter, AWS Summit Japan; kubernetes-sigs/karpenter #992,
//! aws/karpenter-provider-aws #6459, #5429, #1718 and #3480).

use crate::units::{Resources, Span, Time};

/// All of a node, in parts per million.
pub const WHOLE: u32 = 1_000_000;

/// Whether a node is used so little that its pods may be moved: the larger of the shares of CPU and memory that are
/// requested, those of DaemonSets included, is below the threshold. At one, stock Karpenter looks at every node; at zero,
/// only empty nodes go.
pub fn may_scale_in(requested: Resources, allocatable: Resources, threshold_ppm: u32) -> bool {
    let is_below = |part: i64, whole: i64| {
        i128::from(part) * i128::from(WHOLE) < i128::from(whole) * i128::from(threshold_ppm)
    };
    threshold_ppm >= WHOLE
        || is_below(requested.cpu.milli(), allocatable.cpu.milli())
            && is_below(requested.memory.bytes(), allocatable.memory.bytes())
}

/// Whether a pod that has waited so long is launched for, or a node that is there may still become free for it.
pub fn is_worth_a_node(waited: Span, scale_out_delay: Span) -> bool {
    waited >= scale_out_delay
}

/// Whether a launch was for this pod and is recent enough to count on, although its node now seems to be full.
pub fn is_promised_a_node(launched: Option<Time>, now: Time, hold_back: Span) -> bool {
    launched.is_some_and(|launched| now - launched < hold_back)
}

/// Whether on-demand nodes may stand in for Spot that cannot be had, for pods of which one has waited so long.
pub fn may_fall_back(longest_wait: Span, fallback_after: Span) -> bool {
    longest_wait >= fallback_after
}

/// How long a node may live that stands in for Spot.
pub fn fallback_lifetime(expire_after: Option<Span>, fallback_ttl: Option<Span>) -> Option<Span> {
    [expire_after, fallback_ttl].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Cpu, Memory};

    fn of(milli: i64, gib: i64) -> Resources {
        Resources { cpu: Cpu::from_milli(milli), memory: Memory::from_gib(gib), ..Resources::ZERO }
    }

    #[test]
    fn the_larger_share_is_below_the_threshold() {
        // Of 4 vCPU and 16 GiB.
        for (milli, gib, threshold_ppm, expected) in [
            (1_999, 4, 500_000, true),
            (2_000, 4, 500_000, false), // Half of the CPU is not below one half.
            (1_000, 8, 500_000, false), // Nor is half of the memory.
            (4_000, 16, WHOLE, true),   // Stock: a full node is a candidate, too.
            (4_000, 16, 999_999, false),
            (0, 0, 0, false), // Nothing is below zero: emptiness alone removes nodes.
            (0, 0, 1, true),
        ] {
            assert_eq!(
                may_scale_in(of(milli, gib), of(4_000, 16), threshold_ppm),
                expected,
                "{milli} {gib} {threshold_ppm}"
            );
        }
    }

    #[test]
    fn by_default_nothing_is_held_back() {
        let now = Time::from_ms(60_000);
        assert!(is_worth_a_node(Span::ZERO, Span::ZERO));
        assert!(!is_promised_a_node(Some(now), now, Span::ZERO));
        assert!(may_fall_back(Span::ZERO, Span::ZERO));
        assert_eq!(
            fallback_lifetime(Some(Span::from_secs(720 * 3_600)), None),
            Some(Span::from_secs(720 * 3_600))
        );
    }

    #[test]
    fn what_is_held_back_is_let_go_after_its_time() {
        let (t, s) = (|secs: i64| Time::from_ms(secs * 1_000), Span::from_secs);
        assert!(!is_worth_a_node(s(29), s(30)) && is_worth_a_node(s(30), s(30)));
        assert!(
            is_promised_a_node(Some(t(100)), t(129), s(30))
                && !is_promised_a_node(Some(t(100)), t(130), s(30))
        );
        assert!(!is_promised_a_node(None, t(100), s(30)));
        assert!(!may_fall_back(s(59), s(60)) && may_fall_back(s(60), s(60)));
        assert_eq!(fallback_lifetime(Some(s(900)), Some(s(600))), Some(s(600)));
        assert_eq!(fallback_lifetime(None, Some(s(600))), Some(s(600)));
    }
}
