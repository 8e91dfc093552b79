//! Synthetic traces, for benchmarks and demonstrations. Whatever is made here says that it is synthetic.

pub mod day;
pub mod incident;
pub mod wear;
