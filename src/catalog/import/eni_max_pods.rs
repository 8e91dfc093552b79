//! `eni-max-pods.txt` of the VPC CNI: how many pods get an address on a node of a type.

use super::{MaxPodsRow, Sink};

/// Whether a line of text is of this format.
pub(super) fn is_line(line: &str) -> bool {
    parse(line).is_some()
}

/// Reads a line; an error says what is wrong with it.
pub(super) fn line(line: &str, sink: &mut Sink) -> Result<(), &'static str> {
    let (name, pods) = parse(line).ok_or("this is not an instance type and a number of pods")?;
    sink.row();
    let file = sink.file();
    sink.findings.max_pods.push(MaxPodsRow { file, name: name.to_owned(), pods });
    Ok(())
}

fn parse(line: &str) -> Option<(&str, i64)> {
    let mut words = line.split_whitespace();
    let (name, pods) = (words.next()?, words.next()?);
    let (family, size) = name.split_once('.')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let digits = pods.len() <= 6 && pods.bytes().all(|b| b.is_ascii_digit());
    let pods = pods.parse().ok().filter(|pods| *pods > 0)?;
    (plain(family) && plain(size) && digits && words.next().is_none()).then_some((name, pods))
}
