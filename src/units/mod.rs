//! The quantities everything else is made of: resources, time and money.
//!
//! Why newtypes: a millicore is never added to a byte, a rate is never added to an amount, and nothing
//! here is a float. Sums of integers are associative, so totals are the same on one thread and on 64.

mod money;
mod quantity;
mod resources;
mod time;

pub use money::{Rate, Usd, largest_remainder};
pub use quantity::{QuantityError, parse_cpu, parse_decimal, parse_duration, parse_memory, parse_scaled};
pub use resources::{Cpu, Memory, Resources};
pub use time::{Span, Time};
