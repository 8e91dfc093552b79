//! Tests of cells, apart from the code for its length.

use proptest::prelude::*;

use super::*;
use crate::trace::schema::Field;

fn read<T: Cell>(field: Field, text: &str) -> Result<T, String> {
    let mut words = Words::default();
    let mut context = Context { words: &mut words, zone: None };
    let quantity = field.alias().is_some() && text.contains(|c: char| c.is_ascii_alphabetic());
    T::read(text, &field.rule(quantity), &mut context).map_err(|refusal| refusal.message)
}

fn print<T: Cell>(value: T, quantity: bool) -> String {
    let mut out = Vec::new();
    value.print(quantity, &Words::default(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn seconds_are_rounded_half_even_to_milliseconds() {
    let cases = [
        ("0", 0),
        ("60", 60_000),
        ("1.5", 1_500),
        ("0.001", 1),
        (".5", 500),
        ("5.", 5_000),
        ("+2", 2_000),
        ("0.0005", 0),
        ("0.0015", 2),
        ("0.00050000000000000000000001", 1),
        ("0.30000000000000004", 300),
        ("0.00012345678901234567", 0),
        ("34560000", 34_560_000_000),
    ];
    for (text, ms) in cases {
        assert_eq!(read(Field::Work, text), Ok(Span::from_ms(ms)), "{text}");
    }
}

#[test]
fn whole_numbers_may_carry_the_point_of_a_data_frame() {
    assert_eq!(read(Field::MemoryRequest, "512.0"), Ok(Memory::from_mib(512)));
    assert_eq!(read(Field::Attempt, "3.00"), Ok(3u32));
    assert_eq!(read::<u32>(Field::Attempt, "3.01"), Err("is not a whole number".to_owned()));
    assert_eq!(read(Field::Priority, "-7"), Ok(-7i32));
    assert_eq!(read::<u32>(Field::RetryLimit, "-7"), Err("is negative".to_owned()));
}

#[test]
fn requests_are_read_as_quantities_under_their_alias() {
    assert_eq!(read(Field::CpuRequest, "1500m"), Ok(Cpu::from_milli(1_500)));
    assert_eq!(read(Field::CpuRequest, "1500"), Ok(Cpu::from_milli(1_500)));
    assert_eq!(read(Field::MemoryRequest, "1G"), Ok(Memory::from_bytes(1_000_000_000)));
    assert_eq!(read(Field::MemoryRequest, "1024"), Ok(Memory::from_gib(1)));
}

#[test]
fn usage_is_a_finite_number_that_is_not_negative() {
    assert_eq!(read(Field::CpuSeconds, "1e-05"), Ok(1e-5));
    assert_eq!(read(Field::CpuSeconds, "-0.0").map(f64::to_bits), Ok(0));
    for text in ["nan", "-inf", "-1", "1e13", "abc"] {
        assert!(read::<f64>(Field::CpuSeconds, text).is_err(), "{text}");
    }
}

#[test]
fn choices_come_with_a_suggestion() {
    let hint = |text| unknown_choice(text, &["succeeded", "failed"]).hint;
    assert_eq!(hint("Failed").as_deref(), Some("did you mean failed?"));
    assert_eq!(hint("sucessful").as_deref(), Some("use one of succeeded, failed"));
}

proptest! {
    #[test]
    fn the_fast_path_of_seconds_is_the_exact_one(text in "[0-9]{0,9}[.]?[0-9]{0,4}") {
        if let Some(ms) = plain_decimal(text.as_bytes()) {
            prop_assert_eq!(Ok(ms), parse_decimal(&text, 3));
        }
    }

    #[test]
    fn printed_cells_read_as_the_same(
        ms in 0i64..=34_560_000_000, milli in 0i64..=10_000_000, mib in 0i64..=(1 << 30),
        number in 0.0f64..=1e12, priority: i32,
    ) {
        let span = Span::from_ms(ms);
        prop_assert_eq!(read(Field::Work, &print(span, false)), Ok(span));
        // As Parquet holds it.
        prop_assert_eq!(read(Field::Work, &span.number().to_string()), Ok(span));
        let cpu = Cpu::from_milli(milli);
        prop_assert_eq!(read(Field::CpuRequest, &print(cpu, false)), Ok(cpu));
        let memory = Memory::from_mib(mib);
        prop_assert_eq!(read(Field::MemoryRequest, &print(memory, false)), Ok(memory));
        prop_assert_eq!(read(Field::CpuSeconds, &print(number, false)), Ok(number));
        prop_assert_eq!(read(Field::Priority, &print(priority, false)), Ok(priority));
    }
}
