//! One cell of a trace: text to value, value to text, and why a text is refused.
//!
//! Numbers are read digit by digit into integers. A float appears only where the schema has one: in observed
//! usage, which no bill depends on.

use chrono_tz::Tz;

use super::numbers::{cut_places, integer, number_refusal, or_quantity, or_too_much, plain_decimal, within};
use super::schema::{Rule, Store};
use super::times::{pad, parse_time, print_time};
use super::{Kind, OwnerKind, PodArch, SourcePlatform, State, Word, Words, WorkMethod};
use crate::units::{Cpu, Memory, QuantityError, Span, Time, parse_cpu, parse_decimal, parse_memory};

/// Why a cell is refused: `message` follows the name of the column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    pub hint: Option<String>,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What reading a cell needs besides its text.
pub(super) struct Context<'a> {
    pub words: &'a mut Words,
    /// For times without an offset.
    pub zone: Option<Tz>,
}

/// A type of cell.
pub(super) trait Cell: Copy + Default {
    const STORE: Store = Store::Text;

    fn read(text: &str, rule: &Rule, context: &mut Context) -> Result<Self, Refusal>;
    /// Appends what [`Cell::read`] reads as the same value.
    fn print(self, quantity: bool, words: &Words, out: &mut Vec<u8>);

    /// The value in a Parquet column of integers, times or booleans.
    fn integer(self, _quantity: bool) -> i64 {
        0
    }

    /// The value in a Parquet column of floats.
    fn number(self) -> f64 {
        0.0
    }

    /// The value in a row that happens `by` later: points in time move, everything else stays.
    fn moved(self, _by: Span) -> Self {
        self
    }
}

impl Cell for Word {
    fn read(text: &str, _: &Rule, context: &mut Context) -> Result<Self, Refusal> {
        Ok(context.words.intern(text))
    }

    fn print(self, _: bool, words: &Words, out: &mut Vec<u8>) {
        out.extend_from_slice(words.get(self).as_bytes());
    }
}

impl Cell for Time {
    const STORE: Store = Store::Time;

    fn read(text: &str, _: &Rule, context: &mut Context) -> Result<Self, Refusal> {
        parse_time(text, context.zone)
    }

    fn print(self, _: bool, _: &Words, out: &mut Vec<u8>) {
        print_time(self, out);
    }

    fn integer(self, _: bool) -> i64 {
        self.ms()
    }

    fn moved(self, by: Span) -> Self {
        self + by
    }
}

impl Cell for Span {
    const STORE: Store = Store::Number;

    fn read(text: &str, rule: &Rule, _: &mut Context) -> Result<Self, Refusal> {
        let ms = match plain_decimal(text.as_bytes()) {
            Some(ms) => ms,
            None => or_too_much(parse_decimal(&cut_places(text), 3))
                .map_err(|error| number_refusal(text, error, "a decimal number of seconds"))?,
        };
        within(ms, rule, || {
            let limit = |ms: i64| format!("{} s", Span::from_ms(ms).secs_f64());
            format!("between {} and {}", limit(rule.min), limit(rule.max))
        })
        .map(Self::from_ms)
    }

    fn print(self, _: bool, _: &Words, out: &mut Vec<u8>) {
        pad(out, self.ms() / 1_000, 1);
        let mut ms = self.ms() % 1_000;
        if ms != 0 {
            let mut places = 3;
            while ms % 10 == 0 {
                ms /= 10;
                places -= 1;
            }
            out.push(b'.');
            pad(out, ms, places);
        }
    }

    /// Exact: within the limits, the shortest decimal of the nearest float is the number of milliseconds.
    fn number(self) -> f64 {
        self.secs_f64()
    }
}

impl Cell for Cpu {
    const STORE: Store = Store::Integer;

    fn read(text: &str, rule: &Rule, _: &mut Context) -> Result<Self, Refusal> {
        let limits = || format!("at most {} cores", Self::from_milli(rule.max));
        if rule.quantity {
            let milli = or_too_much(parse_cpu(text).map(Self::milli))
                .map_err(|error| number_refusal(text, error, "a CPU quantity such as 500m or 2"))?;
            return within(milli, rule, limits).map(Self::from_milli);
        }
        let milli = integer(text).map_err(|refusal| or_quantity(refusal, text, rule))?;
        within(milli, rule, limits).map(Self::from_milli)
    }

    fn print(self, _: bool, _: &Words, out: &mut Vec<u8>) {
        pad(out, self.milli(), 1);
    }

    fn integer(self, _: bool) -> i64 {
        self.milli()
    }
}

impl Cell for Memory {
    const STORE: Store = Store::Integer;

    fn read(text: &str, rule: &Rule, _: &mut Context) -> Result<Self, Refusal> {
        let limits = || format!("at most {}", Self::from_bytes(rule.max));
        if rule.quantity {
            let bytes = or_too_much(parse_memory(text).map(Self::bytes))
                .map_err(|error| number_refusal(text, error, "a memory quantity such as 512Mi or 1Gi"))?;
            return within(bytes, rule, limits).map(Self::from_bytes);
        }
        let mib = integer(text).map_err(|refusal| or_quantity(refusal, text, rule))?;
        // What overflows in bytes is out of range anyway.
        within(mib.saturating_mul(1 << 20), rule, limits).map(Self::from_bytes)
    }

    /// Whole MiB, or bytes in a column of quantities.
    fn print(self, quantity: bool, _: &Words, out: &mut Vec<u8>) {
        pad(out, self.integer(quantity), 1);
    }

    fn integer(self, quantity: bool) -> i64 {
        if quantity { self.bytes() } else { self.bytes() >> 20 }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Cell for $type {
            const STORE: Store = Store::Integer;

            fn read(text: &str, rule: &Rule, _: &mut Context) -> Result<Self, Refusal> {
                let value = match text.strip_prefix('-') {
                    Some(digits) if rule.min < 0 && !digits.starts_with(['-', '+']) => -integer(digits)?,
                    _ => integer(text)?,
                };
                let value = within(value, rule, || format!("between {} and {}", rule.min, rule.max))?;
                // The limits of every rule are within the type.
                Self::try_from(value).map_err(|_| Refusal::new("is out of range"))
            }

            fn print(self, _: bool, _: &Words, out: &mut Vec<u8>) {
                let value = i64::from(self);
                if value < 0 {
                    out.push(b'-');
                }
                pad(out, value, 1);
            }

            fn integer(self, _: bool) -> i64 {
                i64::from(self)
            }
        }
    )*};
}
integers!(u32, i32, i64);

impl Cell for f64 {
    const STORE: Store = Store::Number;

    fn read(text: &str, rule: &Rule, _: &mut Context) -> Result<Self, Refusal> {
        let value: Self =
            text.parse().map_err(|_| number_refusal(text, QuantityError::Malformed, "a decimal number"))?;
        if !value.is_finite() {
            Err(Refusal::new("is not finite").hint("leave the cell empty if it is unknown"))
        } else if value < 0.0 {
            Err(Refusal::new("is negative"))
        } else if value > rule.max as Self {
            Err(Refusal::new("is out of range").hint(format!("it must be at most {}", rule.max)))
        } else {
            // Not the negative zero.
            Ok(value.abs())
        }
    }

    fn print(self, _: bool, _: &Words, out: &mut Vec<u8>) {
        // The shortest text that reads back as the same number.
        out.extend_from_slice(self.to_string().as_bytes());
    }

    fn number(self) -> f64 {
        self
    }
}

impl Cell for bool {
    const STORE: Store = Store::Boolean;

    fn read(text: &str, _: &Rule, _: &mut Context) -> Result<Self, Refusal> {
        match text {
            "true" | "True" | "TRUE" | "1" => Ok(true),
            "false" | "False" | "FALSE" | "0" => Ok(false),
            _ => Err(Refusal::new("is neither true nor false").hint("write true or false")),
        }
    }

    fn print(self, _: bool, _: &Words, out: &mut Vec<u8>) {
        out.extend_from_slice(if self { b"true" } else { b"false" });
    }

    fn integer(self, _: bool) -> i64 {
        i64::from(self)
    }
}

macro_rules! choices {
    ($($type:ident { $($variant:ident $name:literal),* })*) => {$(
        impl $type {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word for it in a trace.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl Cell for $type {
            fn read(text: &str, _: &Rule, _: &mut Context) -> Result<Self, Refusal> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(unknown_choice(text, &[$($name),*])),
                }
            }

            fn print(self, _: bool, _: &Words, out: &mut Vec<u8>) {
                out.extend_from_slice(self.name().as_bytes());
            }
        }
    )*};
}

choices! {
    Kind { Pod "pod", Control "control", Wait "wait" }
    State {
        Succeeded "succeeded", Failed "failed", Canceled "canceled",
        Running "running", Pending "pending", Skipped "skipped"
    }
    WorkMethod {
        Measured "measured", PodStatus "pod_status", MetricBounds "metric_bounds",
        ModelSubtracted "model_subtracted", ScheduledToDeleted "scheduled_to_deleted", RawSpan "raw_span"
    }
    PodArch { Amd64 "amd64", Arm64 "arm64", Any "any" }
    OwnerKind { None "none", Job "Job" }
    SourcePlatform { Fargate "fargate", Ec2 "ec2", Spot "spot", Ecs "ecs", Other "other" }
}

fn unknown_choice(text: &str, names: &[&str]) -> Refusal {
    let lower = text.to_ascii_lowercase();
    let nearest = names
        .iter()
        .map(|name| (strsim::levenshtein(&lower, &name.to_ascii_lowercase()), name))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let refusal = Refusal::new("has an unknown value");
    match nearest {
        Some((_, name)) => refusal.hint(format!("did you mean {name}?")),
        None => refusal.hint(format!("use one of {}", names.join(", "))),
    }
}

#[cfg(test)]
#[path = "cell_tests.rs"]
mod tests;
