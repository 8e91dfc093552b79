//! Views of a made-up plan.
