//! What is written of the command line, held against the command line: every example is one that the program takes.

#![expect(clippy::disallowed_methods, reason = "tests read the documentation")]

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};

use super::Cli;

fn program() -> Command {
    let mut program = Cli::command();
    program.build();
    program
}

/// Calls `visit` with the program and all of its commands, with their names as typed.
fn each(command: &Command, visit: &mut dyn FnMut(&str, &Command)) {
    visit(command.get_bin_name().unwrap_or("cost-sim"), command);
    for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
        each(subcommand, visit);
    }
}

fn examples(command: &Command) -> String {
    let after = command.get_after_long_help().or(command.get_after_help());
    after.map(ToString::to_string).unwrap_or_default()
}

/// The calls of the program in a text: in shell scripts, in examples of help, in workflows of a CI system and in
/// blocks of Markdown, with continued lines joined. Where one stands in a pipe it begins after the `|` and ends
/// before the next.
fn calls(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text
        .split("\\\n")
        .enumerate()
        .map(|(n, part)| if n == 0 { part } else { part.trim_start() })
        .collect();
    let text = parts.concat();
    let commands = text.lines().flat_map(|line| line.split('|').map(str::trim));
    let commands = commands.map(|command| {
        let command = command.trim_start_matches("$ ").trim_start_matches("run: ");
        command
            .strip_prefix("cargo run --release -- ")
            .map_or(command.to_owned(), |args| format!("cost-sim {args}"))
    });
    commands.filter(|command| command.starts_with("cost-sim ")).map(|command| until_shell(&command)).collect()
}

/// Without redirections, remarks and what follows the command.
fn until_shell(command: &str) -> String {
    let ends = [" > ", " >", " <", " 2>", " && ", " || ", " ; ", " # ", "  "];
    let end = ends.iter().filter_map(|end| command.find(end)).min();
    command[..end.unwrap_or(command.len())].to_owned()
}

/// Words as a shell splits them, with quotes taken off. A variable stands for a value where it is quoted or follows a
/// flag, and for flags elsewhere, of which nothing is known.
fn words(call: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in call.split_whitespace() {
        let after_flag = words.last().is_some_and(|last| last.starts_with('-'));
        match word.strip_prefix('$') {
            Some(_) if !after_flag => {}
            Some(_) => words.push("value".to_owned()),
            None if word.starts_with("\"$") => words.push("value".to_owned()),
            None => words.push(word.replace(['"', '\''], "")),
        }
    }
    words
}

/// What stands between fences in Markdown.
fn code(markdown: &str) -> String {
    markdown.split("```").skip(1).step_by(2).collect()
}

#[track_caller]
fn assert_parses(origin: &str, call: &str) {
    if let Err(error) = program().try_get_matches_from(words(call)) {
        // Asking for help or the version is taken, too.
        assert!(!error.use_stderr(), "{origin}: {call}\n{error}");
    }
}

#[test]
fn the_commands_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples_that_it_takes() {
    each(&program(), &mut |name, command| {
        let examples = examples(command);
        let calls = calls(&examples);
        let own = calls.iter().any(|call| call.starts_with(name));
        assert!(own || command.has_subcommands(), "{name} --help has no example of it:\n{examples}");
        for call in &calls {
            assert_parses(name, call);
        }
        let lines = examples.lines().filter(|line| line.trim_start().starts_with("cost-sim ")).count();
        assert!(calls.len() >= lines, "{name}: {lines} examples and {calls:?}");
    });
}

#[test]
fn every_call_in_the_documentation_is_one_that_the_program_takes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut left = ["docs", "examples", ".github"].map(|dir| root.join(dir)).to_vec();
    let mut texts = vec![root.join("README.md"), root.join("pricing/README.md"), root.join(".ci/run")];
    while let Some(dir) = left.pop() {
        for entry in dir.read_dir().into_iter().flatten() {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            match ending {
                _ if path.is_dir() => left.push(path),
                Some("md" | "yml" | "yaml" | "sh") => texts.push(path),
                _ => {}
            }
        }
    }
    texts.sort();
    let mut count = 0;
    for path in texts {
        let text = fs::read_to_string(&path).unwrap();
        let is_markdown = path.extension().is_some_and(|ending| ending == "md");
        for call in calls(&if is_markdown { code(&text) } else { text }) {
            assert_parses(&path.display().to_string(), &call);
            count += 1;
        }
    }
    assert!(count > 20, "there are more than {count}");
}

#[test]
fn calls_are_found_as_a_shell_would() {
    let text = "\
$ cost-sim replay a.csv   # a remark
      run: cost-sim replay b.csv --out \"$OUT\" > log 2>&1
zcat c.csv.gz | cost-sim replay - --format json | jq .finding
cargo run --release -- replay \\
  --example small --jobs 1
In a sentence, cost-sim replays.";
    let expected = [
        "cost-sim replay a.csv",
        "cost-sim replay b.csv --out \"$OUT\"",
        "cost-sim replay - --format json",
        "cost-sim replay --example small --jobs 1",
    ];
    assert_eq!(calls(text), expected);
    assert_eq!(words(&calls(text)[1]), ["cost-sim", "replay", "b.csv", "--out", "value"]);
    assert_eq!(words("cost-sim replay -s $was $all"), ["cost-sim", "replay", "-s", "value"]);
}
