//! Fragments of YAML to paste: what each task or image should ask for.
//!
//! Names come from traces. Keys are plain where nothing can be misread and double-quoted with escapes otherwise;
//! comments hold numbers only, so that no name can end one.

#[path = "yaml_digdag.rs"]
mod digdag;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::words;
use crate::report::text::clean;
use crate::rightsize::{Measured, TaskSize};

/// For whom the fragments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `_export` of `kubernetes.Pod.resources`, as Digdag's Kubernetes command executor reads it, nested as the tasks are.
    Digdag,
    /// `resources` of a container.
    Kubernetes,
}

const ABOUT: &str = "\
# Requests by measured usage, written by cost-sim rightsize. They are of whole pods: where a pod has several
# containers, what the others ask for is part of them.
";

/// Every task that has new requests: a document for each workflow, which is a file of Digdag's, or one of all images.
pub fn yaml(tasks: &[TaskSize], dialect: Dialect) -> String {
    let mut out = ABOUT.to_owned();
    if !tasks.iter().any(is_sized) {
        out.push_str("# Nothing is known well enough.\n{}\n");
        return out;
    }
    match dialect {
        Dialect::Digdag => digdag::write(&mut out, tasks),
        Dialect::Kubernetes => kubernetes(&mut out, tasks),
    }
    out
}

fn is_sized(task: &TaskSize) -> bool {
    task.cpu.is_some() || task.memory.is_some()
}

fn kubernetes(out: &mut String, tasks: &[TaskSize]) {
    let mut groups: BTreeMap<Option<&str>, BTreeMap<&str, &TaskSize>> = BTreeMap::new();
    for task in tasks.iter().filter(|task| is_sized(task)) {
        let name = task.task.as_deref().or(task.image.as_deref()).unwrap_or_default();
        groups.entry(task.workflow.as_deref()).or_default().insert(name, task);
    }
    for (workflow, tasks) in groups {
        let mut depth = 0;
        if let Some(workflow) = workflow {
            line(out, 0, &format!("{}:", key(workflow)));
            depth = 1;
        }
        for (name, task) in tasks {
            for comment in comments(task) {
                line(out, depth, &format!("# {comment}"));
            }
            line(out, depth, &format!("{}:", key(name)));
            line(out, depth + 1, "resources:");
            amounts(out, depth + 2, task);
        }
    }
}

/// Requests and limits.
fn amounts(out: &mut String, depth: usize, task: &TaskSize) {
    // A request that is kept is one that somebody wrote, or an assumed one: neither belongs here.
    let amounts = [
        ("requests:", [("cpu", &task.cpu), ("memory", &task.memory)]),
        ("limits:", [("cpu", &task.cpu_limit), ("memory", &task.memory_limit)]),
    ];
    for (title, amounts) in amounts {
        let amounts: Vec<_> =
            amounts.into_iter().filter_map(|(name, amount)| Some((name, amount.as_ref()?))).collect();
        if amounts.is_empty() {
            continue;
        }
        line(out, depth, title);
        for (name, amount) in amounts {
            // A bare `2` would be a number, which not every reader takes for a quantity.
            let amount = if amount.bytes().all(|b| b.is_ascii_digit()) {
                format!("\"{amount}\"")
            } else {
                amount.clone()
            };
            line(out, depth + 1, &format!("{name}: {amount}"));
        }
    }
}

/// What the requests rest on.
fn comments(task: &TaskSize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut one = |what: &str, before: &str, of: &str, known: Option<&Measured>| {
        if let Some(known) = known {
            let used = known.used.round();
            lines.push(format!("{what}: {before} before; {used}{of}, by {}", words::evidence(Some(known))));
        }
    };
    one(
        "CPU",
        &task.cpu_before,
        "m at the chosen percentile",
        task.cpu_usage.as_ref().filter(|_| task.cpu.is_some()),
    );
    one(
        "memory",
        &words::memory(&task.memory_before),
        "Mi at the peak",
        task.memory_usage.as_ref().filter(|_| task.memory.is_some()),
    );
    let flags = words::flags(task);
    if !flags.is_empty() {
        lines.push(flags.join("; "));
    }
    lines
}

fn line(out: &mut String, depth: usize, text: &str) {
    let _ = writeln!(out, "{}{text}", "  ".repeat(depth));
}

/// A key that reads back as `name`.
fn key(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { quoted(name) }
}

/// Letters, digits and a few signs, beginning with a letter (after Digdag's `+`), and no word of YAML's own.
fn is_plain(name: &str) -> bool {
    const RESERVED: [&str; 8] = ["null", "true", "false", "yes", "no", "on", "off", "nan"];
    let rest = name.strip_prefix('+').unwrap_or(name);
    let begins = rest.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let inside = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+./".contains(&b));
    let is_word = RESERVED.iter().any(|word| rest.eq_ignore_ascii_case(word))
        || ["y", "n", "inf", "infinity"].iter().any(|word| rest.eq_ignore_ascii_case(word));
    begins && inside && !is_word && name.len() < 128
}

/// Double-quoted; whatever could steer a terminal or break a line is escaped.
fn quoted(name: &str) -> String {
    let mut out = String::from("\"");
    for c in name.chars() {
        let mut bytes = [0; 4];
        let text = c.encode_utf8(&mut bytes);
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if clean(text) != *text => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_as_the_names_they_are() {
        let names = [
            "+extract",
            "a/b-c.d",
            "",
            "yes",
            "+1",
            "123",
            "a: b",
            "- x",
            "#",
            "a\nb",
            "a\"b\\c",
            "{{x}}",
            "*a",
            "&a",
            "!t",
            "日本",
            "a\u{202e}b",
            "\u{85}",
            "\u{7f}",
            "\u{feff}",
            "null",
            "~",
            "x #y",
            " x",
            "x ",
            "'",
            "?",
            "---",
            "${a}",
            "%",
            "@",
            "`",
            "1e3",
            "+.inf",
            "\u{10ffff}",
        ];
        for name in names {
            let text = format!("{}: 1\n", key(name));
            assert_eq!(text.lines().count(), 1, "{text:?}");
            let read: BTreeMap<String, i32> =
                serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(read.keys().collect::<Vec<_>>(), [name], "{text:?}");
        }
        assert_eq!([key("+extract"), key("batch:1"), key("no")], ["+extract", "\"batch:1\"", "\"no\""]);
    }
}
