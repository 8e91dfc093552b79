//! The words of a scenario for the choices it offers: Kubernetes' and AWS' own where they have one.

use super::*;

/// A choice and its words, in the order in which they are offered.
pub trait Words: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];

    /// The word for this choice.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }

    /// The choice of that word.
    fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
    }
}

impl Words for Scoring {
    const WORDS: &'static [(&'static str, Self)] =
        &[("LeastAllocated", Self::LeastAllocated), ("MostAllocated", Self::MostAllocated)];
}

impl Words for BalancedAllocation {
    const WORDS: &'static [(&'static str, Self)] =
        &[("Improvement", Self::Improvement), ("Absolute", Self::Absolute)];
}

impl Words for Support {
    const WORDS: &'static [(&'static str, Self)] =
        &[("standard", Self::Standard), ("extended", Self::Extended)];
}

impl Words for Replay {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("closed", Self::Closed), ("open", Self::Open)];
}

impl Words for BillUntil {
    const WORDS: &'static [(&'static str, Self)] =
        &[("podDeleted", Self::PodDeleted), ("podFinished", Self::PodFinished)];
}

impl Words for CapacityType {
    const WORDS: &'static [(&'static str, Self)] = &[("ON_DEMAND", Self::OnDemand), ("SPOT", Self::Spot)];
}

impl Words for TaintEffect {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("NoSchedule", Self::NoSchedule),
        ("PreferNoSchedule", Self::PreferNoSchedule),
        ("NoExecute", Self::NoExecute),
    ];
}

impl Words for PodArch {
    const WORDS: &'static [(&'static str, Self)] =
        &[("amd64", Self::Amd64), ("arm64", Self::Arm64), ("any", Self::Any)];
}

/// EC2's own words (`SpotOptions.AllocationStrategy`).
impl Words for SpotAllocation {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("price-capacity-optimized", Self::PriceCapacityOptimized),
        ("lowest-price", Self::LowestPrice),
        ("capacity-optimized", Self::CapacityOptimized),
    ];
}

impl Words for Expander {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("least-waste", Self::LeastWaste),
        ("most-pods", Self::MostPods),
        ("least-nodes", Self::LeastNodes),
        ("priority", Self::Priority),
        ("random", Self::Random),
    ];
}

impl Words for KarpenterVersion {
    const WORDS: &'static [(&'static str, Self)] = &[("1.14", Self::V1_14), ("1.13", Self::V1_13)];
}

impl Words for ControllerSpeed {
    const WORDS: &'static [(&'static str, Self)] =
        &[("measured", Self::Measured), ("unlimited", Self::Unlimited)];
}

impl Words for ConsolidationPolicy {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("WhenEmpty", Self::WhenEmpty),
        ("WhenEmptyOrUnderutilized", Self::WhenEmptyOrUnderutilized),
        ("Balanced", Self::Balanced),
    ];
}

impl Words for DisruptionReason {
    const WORDS: &'static [(&'static str, Self)] =
        &[("Empty", Self::Empty), ("Underutilized", Self::Underutilized), ("Drifted", Self::Drifted)];
}

impl Words for RequirementOperator {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("In", Self::In),
        ("NotIn", Self::NotIn),
        ("Exists", Self::Exists),
        ("DoesNotExist", Self::DoesNotExist),
        ("Gt", Self::Gt),
        ("Lt", Self::Lt),
        ("Gte", Self::Gte),
        ("Lte", Self::Lte),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_all<T: Words + std::fmt::Debug>(all: &[T]) {
        assert_eq!(T::WORDS.len(), all.len());
        for value in all {
            assert_eq!(T::of_word(value.word()), Some(*value));
        }
    }

    #[test]
    fn every_choice_has_a_word() {
        has_all(&[Scoring::LeastAllocated, Scoring::MostAllocated]);
        has_all(&[BalancedAllocation::Improvement, BalancedAllocation::Absolute]);
        has_all(&[Support::Standard, Support::Extended]);
        has_all(&[Replay::Auto, Replay::Closed, Replay::Open]);
        has_all(&[BillUntil::PodDeleted, BillUntil::PodFinished]);
        has_all(&[CapacityType::OnDemand, CapacityType::Spot]);
        has_all(&[PodArch::Amd64, PodArch::Arm64, PodArch::Any]);
        has_all(&[
            SpotAllocation::PriceCapacityOptimized,
            SpotAllocation::LowestPrice,
            SpotAllocation::CapacityOptimized,
        ]);
        has_all(&[
            Expander::LeastWaste,
            Expander::MostPods,
            Expander::LeastNodes,
            Expander::Priority,
            Expander::Random,
        ]);
        has_all(&[KarpenterVersion::V1_13, KarpenterVersion::V1_14]);
        has_all(&[ControllerSpeed::Measured, ControllerSpeed::Unlimited]);
        has_all(&[
            ConsolidationPolicy::WhenEmpty,
            ConsolidationPolicy::WhenEmptyOrUnderutilized,
            ConsolidationPolicy::Balanced,
        ]);
        has_all(&DisruptionReason::ALL);
        has_all(&[
            RequirementOperator::In,
            RequirementOperator::NotIn,
            RequirementOperator::Exists,
            RequirementOperator::DoesNotExist,
            RequirementOperator::Gt,
            RequirementOperator::Lt,
            RequirementOperator::Gte,
            RequirementOperator::Lte,
        ]);
        has_all(&[TaintEffect::NoSchedule, TaintEffect::PreferNoSchedule, TaintEffect::NoExecute]);
    }
}
