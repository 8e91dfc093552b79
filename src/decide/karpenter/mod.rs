//! Karpenter 1.14 (and 1.13 where it differs): which nodes to launch, and which to remove or replace.

pub mod benchmark;
pub mod bits;
pub mod disruption;
pub mod launch;
pub mod model;
pub mod policies;
pub mod price;
pub mod solve;

/// Which Karpenter's rules apply where they changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    V1_13,
    #[default]
    V1_14,
}
