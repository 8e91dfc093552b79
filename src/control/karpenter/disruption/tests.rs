//! The controller through the engine.
