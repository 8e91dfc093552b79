//! Single values of a scenario: how each kind is read, bounded and written back.
//!
//! Every `…_text` function writes what its reader takes back to the same value, exactly. The bounds are wide
//! enough for any real cluster and narrow enough that sums over a trace stay far from overflow.

use std::fmt::Write;

use crate::kube::BudgetNodes;
use crate::units::{
    Cpu, Memory, QuantityError, Rate, Span, parse_cpu, parse_decimal, parse_duration, parse_memory,
};

/// Why a value was refused: completes "`field` …".
#[derive(Debug)]
pub(super) struct Refusal {
    pub message: String,
    pub hint: Option<String>,
}

pub(super) type Parsed<T> = Result<T, Refusal>;

impl Refusal {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The longest of a pod's or node's steps that is taken seriously.
pub(super) const DAY: Span = Span::from_secs(86_400);
pub(super) const YEAR: Span = Span::from_secs(366 * 86_400);
pub(super) const MOST_CPU: Cpu = Cpu::from_cores(1_000_000);
pub(super) const MOST_MEMORY: Memory = Memory::from_gib(1 << 20);
/// The largest integer that every JSON reader keeps exact, so that a seed survives a report.
pub(super) const LARGEST_SEED: u64 = (1 << 53) - 1;
/// Parts per million.
const WHOLE: u32 = 1_000_000;
const MOST_PERCENT: u32 = 1_000;

/// The `nodes` of a NodePool's budget.
pub(super) fn budget_nodes_text(nodes: BudgetNodes) -> String {
    match nodes {
        BudgetNodes::Count(count) => count.to_string(),
        BudgetNodes::Percent(percent) => format!("{percent}%"),
    }
}

fn quantity(what: &str, example: &str, error: QuantityError) -> Refusal {
    Refusal::new(format!("is not {what}: {error}")).hint(format!("write for example {example}"))
}

pub(super) fn within<T: PartialOrd + Copy>(
    value: T,
    least: T,
    most: T,
    text: impl Fn(T) -> String,
) -> Parsed<T> {
    if value < least || value > most {
        return Err(Refusal::new(format!("must be between {} and {}", text(least), text(most))));
    }
    Ok(value)
}

/// A CPU quantity from `least` on.
pub(super) fn cpu(text: &str, least: Cpu) -> Parsed<Cpu> {
    let value = parse_cpu(text).map_err(|e| quantity("a CPU quantity", "500m or 2", e))?;
    within(value, least, MOST_CPU, cpu_text)
}

/// A memory or storage quantity between two bounds.
pub(super) fn memory(text: &str, least: Memory, most: Memory) -> Parsed<Memory> {
    let value = parse_memory(text).map_err(|e| quantity("a quantity of bytes", "512Mi or 1Gi", e))?;
    within(value, least, most, memory_text)
}

/// Bytes per second.
pub(super) fn rate(text: &str) -> Parsed<Memory> {
    let value =
        parse_memory(text).map_err(|e| quantity("a quantity of bytes per second", "25M or 100Mi", e))?;
    within(value, Memory::from_bytes(1_000), Memory::from_bytes(1_000_000_000_000), memory_text)
}

/// Whole MiB, 0 included: an image of 0 MiB needs no pull.
pub(super) fn mib(text: &str) -> Parsed<Memory> {
    whole(text, 0, 1 << 20).map(|mib| Memory::from_mib(mib as i64))
}

pub(super) fn duration(text: &str, most: Span) -> Parsed<Span> {
    duration_from(text, Span::ZERO, most)
}

/// A duration between two bounds.
pub(super) fn duration_from(text: &str, least: Span, most: Span) -> Parsed<Span> {
    let value = parse_duration(text).map_err(|e| {
        let problem = match e {
            QuantityError::Malformed if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
                "it has no unit".to_owned()
            }
            QuantityError::Malformed => "it is not a number with one of the units ms, s, m, h, d".to_owned(),
            other => other.to_string(),
        };
        Refusal::new(format!("is not a duration: {problem}")).hint("write for example 90s, 1h30m or 250ms")
    })?;
    within(value, least, most, duration_text)
}

/// A whole number between two bounds.
pub(super) fn whole(text: &str, least: u64, most: u64) -> Parsed<u64> {
    let sound = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(value) if sound && (least..=most).contains(&value) => Ok(value),
        _ => Err(Refusal::new(format!("must be a whole number between {least} and {most}"))),
    }
}

/// A decimal with at most one place, in tenths.
pub(super) fn tenths(text: &str, least: i64, most: i64) -> Parsed<i64> {
    let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let bounds = format!("must be a number between {} and {}", tenths_text(least), tenths_text(most));
    match parse_decimal(text, 1) {
        Ok(value) if (least..=most).contains(&value) && places <= 1 => Ok(value),
        Ok(value) if (least..=most).contains(&value) => {
            Err(Refusal::new("has more than one decimal, which is finer than what is modelled"))
        }
        _ => Err(Refusal::new(bounds)),
    }
}

/// `5%` or `0.25%` in parts per million, exact.
fn ppm(text: &str, most_percent: u32) -> Parsed<u32> {
    let Some(number) = text.strip_suffix('%') else {
        return Err(Refusal::new("is not a percentage").hint("write for example 5% or 0.5%"));
    };
    let places = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let value = parse_decimal(number, 4).map_err(|e| {
        let problem = match e {
            QuantityError::Malformed => "it is not a decimal number".to_owned(),
            other => other.to_string(),
        };
        Refusal::new(format!("is not a percentage: {problem}")).hint("write for example 5% or 0.5%")
    })?;
    if places > 4 {
        return Err(Refusal::new("is finer than 0.0001%"));
    }
    let most = most_percent * (WHOLE / 100);
    match u32::try_from(value) {
        Ok(value) if value <= most => Ok(value),
        _ => Err(Refusal::new(format!("must be between 0% and {most_percent}%"))),
    }
}

/// Whole per mille of something, up to ten times it: `100%`, `12.5%`.
pub(super) fn permille(text: &str) -> Parsed<u32> {
    match ppm(text, MOST_PERCENT)? {
        ppm if ppm % 1_000 == 0 => Ok(ppm / 1_000),
        _ => Err(Refusal::new("is finer than 0.1%")),
    }
}

/// A part of a whole, up to 100%.
pub(super) fn share(text: &str) -> Parsed<u32> {
    ppm(text, 100)
}

/// A part of a price that is taken off: some of it, but not all.
pub(super) fn discount(text: &str) -> Parsed<u32> {
    match ppm(text, 100)? {
        0 => Err(Refusal::new("takes nothing off")),
        WHOLE => Err(Refusal::new("leaves nothing to pay")),
        ppm => Ok(ppm),
    }
}

/// A part of a price that is taken off, or nothing, but not all of it.
pub(super) fn private_discount(text: &str) -> Parsed<u32> {
    match ppm(text, 100)? {
        WHOLE => Err(Refusal::new("leaves nothing to pay")),
        ppm => Ok(ppm),
    }
}

/// USD an hour, more than nothing.
pub(super) fn usd_per_hour(text: &str) -> Parsed<Rate> {
    const MOST: i64 = 1_000_000;
    let most = Rate::parse(&MOST.to_string()).unwrap_or_default();
    match Rate::parse(text) {
        Some(rate) if rate > Rate::ZERO && rate <= most => Ok(rate),
        Some(_) => Err(Refusal::new(format!("must be more than 0 and at most {MOST} USD"))),
        None => Err(Refusal::new("is not an amount of USD")
            .hint("write a decimal number without a sign or a currency, for example 1.50")),
    }
}

/// An increase that a limit allows.
pub(super) fn increase(text: &str) -> Parsed<u32> {
    ppm(text, MOST_PERCENT)
}

/// `0.5` in parts per million, from 0 to 1.
pub(super) fn fraction(text: &str) -> Parsed<u32> {
    let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    match parse_decimal(text, 6) {
        Ok(value) if (0..=i64::from(WHOLE)).contains(&value) && places <= 6 => Ok(value as u32),
        Ok(value) if (0..=i64::from(WHOLE)).contains(&value) => {
            Err(Refusal::new("has more than six decimals"))
        }
        _ => Err(Refusal::new("must be a number between 0 and 1").hint("write for example 0.5")),
    }
}

/// A duration as the fields of Kubernetes objects have it: whole numbers with the units `h`, `m` and `s`.
pub(super) fn kubernetes_duration(text: &str) -> Parsed<Span> {
    let units = text.split_inclusive(|c: char| !c.is_ascii_digit()).all(|part| {
        let unit = part.trim_start_matches(|c: char| c.is_ascii_digit());
        part.len() > unit.len() && matches!(unit, "h" | "m" | "s")
    });
    if text.is_empty() || !units {
        return Err(Refusal::new("is not a duration as Kubernetes writes it")
            .hint("write whole hours, minutes and seconds, for example 30s, 1h30m or 720h"));
    }
    duration(text, Span::from_secs(10 * 366 * 86_400))
}

/// The same, or `None` for `Never`.
pub(super) fn kubernetes_duration_or_never(text: &str) -> Parsed<Option<Span>> {
    if text == "Never" { Ok(None) } else { kubernetes_duration(text).map(Some) }
}

pub(super) fn boolean(text: &str) -> Parsed<bool> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Refusal::new("must be true or false")),
    }
}

/// One of a few words.
pub(super) fn choice<T: Copy>(text: &str, words: &[(&str, T)]) -> Parsed<T> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let refusal = Refusal::new(format!("must be {}", one_of(&all)));
    Err(match suggest(text, &all) {
        Some(word) => refusal.hint(format!("did you mean {word}?")),
        None => refusal,
    })
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn one_of(words: &[&str]) -> String {
    joined(words, "or")
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn all_of(words: &[&str]) -> String {
    joined(words, "and")
}

fn joined(words: &[&str], last_word: &str) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} {last_word} {last}", first.join(", ")),
    }
}

/// The candidate that was probably meant: the same but for case and separators, a slip or two away, or one
/// that the word begins.
pub(super) fn suggest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let plain = |s: &str| -> String {
        s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(64).collect()
    };
    let wanted = plain(word);
    if wanted.is_empty() {
        return None;
    }
    let distance = |candidate: &str| {
        let candidate = plain(candidate);
        let begun = wanted.len() >= 3 && (candidate.starts_with(&wanted) || wanted.starts_with(&candidate));
        let typos = strsim::damerau_levenshtein(&wanted, &candidate);
        if begun { typos.min(1) } else { typos }
    };
    // A short word is soon two slips away from anything.
    let most = if wanted.chars().count() <= 4 { 1 } else { 2 };
    candidates
        .iter()
        .map(|c| (distance(c), *c))
        .filter(|(d, _)| *d <= most)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

pub(super) fn cpu_text(cpu: Cpu) -> String {
    cpu.to_string()
}

/// The shorter of the exact binary and the exact decimal notation: `20Gi`, `25M`.
pub(super) fn memory_text(memory: Memory) -> String {
    let binary = memory.to_string();
    let bytes = memory.bytes();
    let decimal = [("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("k", 1_000)]
        .into_iter()
        .find(|(_, unit)| bytes != 0 && bytes % unit == 0)
        .map(|(suffix, unit)| format!("{}{suffix}", bytes / unit));
    match decimal {
        Some(decimal) if decimal.len() < binary.len() => decimal,
        _ => binary,
    }
}

/// Exact and as people write it: `0s`, `1.5s`, `90s`, `1h30m`, `250ms`.
pub(super) fn duration_text(span: Span) -> String {
    let ms = span.ms();
    if ms < 1_000 && ms != 0 {
        return format!("{ms}ms");
    }
    let seconds = |ms: i64| match ms % 1_000 {
        0 => format!("{}s", ms / 1_000),
        part => format!("{}.{}s", ms / 1_000, format!("{part:03}").trim_end_matches('0')),
    };
    if ms <= 120_000 && ms % 60_000 != 0 || ms == 0 {
        return seconds(ms);
    }
    let mut text = String::new();
    let mut rest = ms;
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)] {
        if rest >= length {
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if rest > 0 {
        text.push_str(&seconds(rest));
    }
    text
}

/// What [`kubernetes_duration`] reads: `720h`, `1m30s`, `0s`. Parts of seconds are left out.
pub(super) fn kubernetes_duration_text(span: Span) -> String {
    let mut text = String::new();
    let mut rest = span.ms() / 1_000;
    for (unit, length) in [("h", 3_600), ("m", 60), ("s", 1)] {
        if rest >= length || (unit == "s" && text.is_empty()) {
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    text
}

pub(super) fn never_or(span: Option<Span>) -> String {
    span.map_or_else(|| "Never".to_owned(), kubernetes_duration_text)
}

/// What [`fraction`] reads.
/// As `--expander` has them.
pub(super) fn expanders_text(expanders: &[super::Expander]) -> String {
    use super::Words as _;
    expanders.iter().map(|expander| expander.word()).collect::<Vec<_>>().join(",")
}

pub(super) fn fraction_text(ppm: u32) -> String {
    let (whole, part) = (ppm / WHOLE, ppm % WHOLE);
    if part == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{}", format!("{part:06}").trim_end_matches('0'))
    }
}

pub(super) fn tenths_text(tenths: i64) -> String {
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        part => format!("{}.{part}", tenths / 10),
    }
}

pub(crate) fn ppm_text(ppm: u32) -> String {
    let (percent, part) = (ppm / 10_000, ppm % 10_000);
    if part == 0 {
        format!("{percent}%")
    } else {
        format!("{percent}.{}%", format!("{part:04}").trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(ms in 0..=YEAR.ms(), bytes in 0..=MOST_MEMORY.bytes(), n in 0u32..=1_000_000) {
            let span = Span::from_ms(ms);
            prop_assert_eq!(duration(&duration_text(span), YEAR).unwrap(), span);
            for bytes in [bytes, bytes / 1_000_000 * 1_000_000, bytes >> 20 << 20] {
                let value = Memory::from_bytes(bytes);
                prop_assert_eq!(memory(&memory_text(value), Memory::ZERO, MOST_MEMORY).unwrap(), value);
            }
            prop_assert_eq!(share(&ppm_text(n)).unwrap(), n);
            prop_assert_eq!(fraction(&fraction_text(n)).unwrap(), n);
            let whole = Span::from_secs(ms / 1_000);
            prop_assert_eq!(kubernetes_duration(&kubernetes_duration_text(whole)).unwrap(), whole);
            let n = i64::from(n);
            prop_assert_eq!(tenths(&tenths_text(n), 0, 1_000_000).unwrap(), n);
            let milli = Cpu::from_milli(n);
            prop_assert_eq!(cpu(&cpu_text(milli), Cpu::ZERO).unwrap(), milli);
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "\\PC{0,24}") {
            let _ = (duration(&text, DAY), share(&text), tenths(&text, 1, 10), whole(&text, 1, 5), mib(&text));
            let _ = (kubernetes_duration(&text), fraction(&text), permille(&text));
            let _ = (rate(&text), cpu(&text, Cpu::ZERO), boolean(&text), suggest(&text, &["cpuRequest"]));
        }
    }

    #[test]
    fn texts_are_short() {
        for text in ["0s", "90s", "1.5s", "250ms", "1m", "2m", "1h30m", "6h", "1d", "10m2.25s"] {
            assert_eq!(duration_text(parse_duration(text).unwrap()), text);
        }
        for text in ["25M", "20Gi", "125M", "1Ki", "0", "1500"] {
            assert_eq!(memory_text(parse_memory(text).unwrap()), text);
        }
        assert_eq!(
            (ppm_text(5_000), ppm_text(50_000), ppm_text(1)),
            ("0.5%".into(), "5%".into(), "0.0001%".into())
        );
        assert_eq!((tenths_text(25), tenths_text(30)), ("2.5".into(), "3".into()));
    }

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let fields = ["cpuRequest", "memoryRequest", "imageSizeMiB"];
        assert_eq!(suggest("cpu_request", &fields), Some("cpuRequest"));
        assert_eq!(suggest("memoryRequst", &fields), Some("memoryRequest"));
        assert_eq!(suggest("imageSize", &fields), Some("imageSizeMiB"));
        assert_eq!(suggest("colour", &fields), None);
        assert_eq!(suggest("", &fields), None);
    }
}
