//! Karpenter 1.14 (and 1.13 where it differs): which nodes to launch, and which to remove or replace.

pub mod benchmark;
pub mod bits;
pub mod gosort;
pub mod model;
pub mod price;
pub mod solve;
