//! Rounds worked out by hand.
