//! Karpenter in the engine: timelines of whole simulations.
