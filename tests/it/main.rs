//! The integration tests: the program as its users meet it, in one binary.

mod billing;
mod flowbench;
mod scenarios;
mod support;
mod traces;
