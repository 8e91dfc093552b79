//! The integration tests: the program as its users meet it, in one binary.

mod cli;
mod scenarios;
mod traces;
