//! Units that answers name, and what they are worth.

use serde::Deserialize;

/// What a metric counts, and so in what its values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    /// Millicores.
    Cpu,
    Bytes,
    Seconds,
    Count,
}

/// The unit of a series: of the number, and of what it is divided by.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Unit {
    pub name: Option<String>,
    pub short_name: Option<String>,
}

/// As answers have it: `null`, or a pair in which either may be `null`.
pub(super) type Units = Option<Vec<Option<Unit>>>;

/// The name of the unit, if the answer says one.
pub(super) fn name(units: &Units) -> Option<&str> {
    let unit = units.as_ref()?.first()?.as_ref()?;
    unit.name.as_deref().or(unit.short_name.as_deref()).filter(|name| !name.is_empty())
}

/// What one of `unit` is in what `quantity` is kept in; none if it is a unit of something else.
pub(super) fn factor(quantity: Quantity, unit: &str) -> Option<f64> {
    let unit = unit.to_ascii_lowercase();
    let unit = if unit.len() > 2 { unit.strip_suffix('s').unwrap_or(&unit) } else { &unit };
    Some(match quantity {
        // A rate of CPU time is a number of cores.
        Quantity::Cpu => match unit {
            "nanocore" | "ncore" | "percent_nano" | "nanosecond" => 1e-6,
            "microcore" | "µcore" | "microsecond" => 1e-3,
            "millicore" | "mcore" | "millisecond" => 1.0,
            "core" | "cpu" | "vcpu" | "second" => 1_000.0,
            "percent" | "%" => 10.0,
            _ => return None,
        },
        Quantity::Bytes => match unit {
            "byte" | "b" => 1.0,
            "kilobyte" | "kb" => 1e3,
            "megabyte" | "mb" => 1e6,
            "gigabyte" | "gb" => 1e9,
            "kibibyte" | "kib" => 1_024.0,
            "mebibyte" | "mib" => 1_048_576.0,
            "gibibyte" | "gib" => 1_073_741_824.0,
            _ => return None,
        },
        Quantity::Seconds => match unit {
            "nanosecond" | "ns" => 1e-9,
            "microsecond" | "µs" | "us" => 1e-6,
            "millisecond" | "ms" => 1e-3,
            "second" | "s" => 1.0,
            "minute" | "min" => 60.0,
            "hour" | "h" | "hr" => 3_600.0,
            "day" | "d" => 86_400.0,
            _ => return None,
        },
        Quantity::Count => 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_become_millicores_bytes_and_seconds() {
        // 250,000,000 nanocores are a quarter of a core; so are 25 % of one.
        assert_eq!(factor(Quantity::Cpu, "nanocore").map(|f| (250_000_000.0 * f).round()), Some(250.0));
        assert_eq!(factor(Quantity::Cpu, "percent"), Some(10.0));
        assert_eq!(factor(Quantity::Cpu, "core"), Some(1_000.0));
        assert_eq!(factor(Quantity::Bytes, "MiB"), Some(1_048_576.0));
        assert_eq!(factor(Quantity::Bytes, "bytes"), Some(1.0));
        assert_eq!(factor(Quantity::Seconds, "ms"), Some(1e-3));
        assert_eq!(factor(Quantity::Bytes, "core"), None);
        assert_eq!(factor(Quantity::Cpu, "byte"), None);
    }
}
