//! The integration tests: the program as its users meet it, in one binary.

mod scenarios;
mod traces;
