use super::*;

fn trace() -> Trace {
    let mut trace = Trace::default();
    for (row, name) in ["daily load", "report", "report"].into_iter().enumerate() {
        trace.task_id.push("t");
        let word = trace.words.intern(name);
        trace.workflow.set(row, word);
    }
    trace
}

fn read(text: &str) -> std::result::Result<Growth, String> {
    Growth::read("growth.csv", text, &trace()).map_err(|error| error.render())
}

#[test]
fn factors_are_written_in_several_ways() {
    let cases = [
        ("2", Ok(2_000_000)),
        ("x2", Ok(2_000_000)),
        ("×1.5", Ok(1_500_000)),
        ("0.000001", Ok(1)),
        ("1000", Ok(1_000_000_000)),
        ("0", Err("more than 0")),
        ("0.0000001", Err("more than 0")),
        ("-1", Err("not negative")),
        ("1000.1", Err("at most 1000")),
        ("", Err("not a factor")),
        ("x", Err("not a factor")),
        ("twice", Err("not a factor")),
        ("NaN", Err("not a factor")),
    ];
    for (text, expected) in cases {
        match (Growth::parse_factor(text), expected) {
            (Ok(factor), Ok(ppm)) => assert_eq!(factor.ppm(), ppm, "{text}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
            (result, _) => panic!("{text}: {result:?}"),
        }
    }
}

#[test]
fn copies_accumulate_the_fraction() {
    // (factor, copies of runs 0, 1, 2, …)
    let cases: [(&str, [u64; 6]); 5] = [
        ("1", [1, 1, 1, 1, 1, 1]),
        ("2", [2, 2, 2, 2, 2, 2]),
        ("1.5", [1, 2, 1, 2, 1, 2]),
        ("0.5", [0, 1, 0, 1, 0, 1]),
        ("2.4", [2, 2, 3, 2, 3, 2]), // ⌊2.4⌋, ⌊4.8⌋, ⌊7.2⌋, ⌊9.6⌋, ⌊12⌋, ⌊14.4⌋ = 2, 4, 7, 9, 12, 14
    ];
    for (text, expected) in cases {
        let factor = Growth::parse_factor(text).unwrap();
        let copies: Vec<u64> = (0..6).map(|index| factor.copies(index)).collect();
        assert_eq!(copies, expected, "{text}");
    }
}

#[test]
fn a_file_names_workflows_and_a_default() {
    let growth = read("\u{feff}factor,workflow\r\n\r\n2,*\r\n1.5,\"daily load\"\r\n").unwrap();
    let ppm = ["daily load", "report", ""].map(|name| growth.factor(name).ppm());
    assert_eq!(ppm, [1_500_000, 2_000_000, 2_000_000]);
    assert_eq!(read("workflow,factor\n").unwrap(), Growth::of(Factor::ONE));
}

#[test]
fn mistakes_in_a_file_are_shown_in_their_place() {
    let cases = [
        ("", "growth.csv: the file is empty"),
        ("workflow,times\n*,2\n", "growth.csv:1: there is no column factor"),
        ("workflow,factor,note\n*,2,\n", "growth.csv:1:17: this column means nothing here"),
        ("workflow,factor\nreprot,2\n", "hint: did you mean report?"),
        ("workflow,factor\n\n*,2\nnobody at all,2\n", "growth.csv:4:1: the trace has no such workflow"),
        ("workflow,factor\nreport,-2\n", "growth.csv:2:8: a factor is not negative\n  2 | -2\n"),
        ("workflow,factor\n\"report\",0\n", "growth.csv:2:10: a factor is more than 0"),
        ("workflow,factor\nreport,\n", "growth.csv:2:8: this is not a factor"),
        ("workflow,factor\nreport,2\n*,1\nreport,3\n", "growth.csv:4:1: stands already in line 2"),
        ("workflow,factor\nreport\n", "growth.csv:2: the row has 1 fields, the header has 2"),
    ];
    for (text, expected) in cases {
        let message = read(text).expect_err(text);
        assert!(message.contains(expected), "{text:?} gives:\n{message}");
    }
}
