//! plan
mod candidate;
mod front;
mod judge;
mod search;
mod space;
