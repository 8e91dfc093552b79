//! Lists inside one cell: `;` between items, `/` between a run and its task, `\` before either inside an id.

use std::borrow::Cow;

/// The items of a `;`-separated list, unescaped. Empty items are left out.
///
/// For `depends_on` use [`split_references`]: an unescaped item no longer shows which `/` was escaped.
pub fn split_list(list: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pieces(list, b';').filter(|item| !item.is_empty()).map(unescape)
}

/// The items of a `depends_on` cell, each as (run, task), unescaped; no run means the row's own.
pub fn split_references(list: &str) -> impl Iterator<Item = (Option<Cow<'_, str>>, Cow<'_, str>)> {
    pieces(list, b';').filter(|item| !item.is_empty()).map(split_reference)
}

/// Splits one still escaped reference, `task` or `run/task`, at its first `/` that is not escaped.
pub fn split_reference(reference: &str) -> (Option<Cow<'_, str>>, Cow<'_, str>) {
    let first = pieces(reference, b'/').next().unwrap_or_default();
    match reference.get(first.len() + 1..) {
        Some(task) => (Some(unescape(first)), unescape(task)),
        None => (None, unescape(reference)),
    }
}

/// An id as it must stand in `depends_on`: `;`, `/` and `\` with a backslash before them.
pub fn escape_id(id: &str) -> Cow<'_, str> {
    const SPECIAL: [char; 3] = ['\\', ';', '/'];
    if !id.contains(SPECIAL) {
        return Cow::Borrowed(id);
    }
    let mut escaped = String::with_capacity(id.len() + 4);
    for c in id.chars() {
        if SPECIAL.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    Cow::Owned(escaped)
}

/// The parts of `text` between `separator`s that no backslash precedes, still escaped.
fn pieces(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let bytes = current.as_bytes();
        let mut at = 0;
        while at < bytes.len() && bytes[at] != separator {
            at += if bytes[at] == b'\\' && is_special(bytes.get(at + 1)) { 2 } else { 1 };
        }
        // Only ASCII bytes are stepped over in pairs or stopped at, so `at` is between characters.
        rest = current.get(at + 1..);
        Some(&current[..at.min(current.len())])
    })
}

/// A backslash before anything else is itself: Windows paths need no escapes.
fn is_special(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b';' | b'/' | b'\\'))
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let escaped = is_special(rest.as_bytes().get(at + 1));
        let kept = if escaped { at + 1 } else { at };
        plain.push_str(&rest[kept..=kept]);
        rest = &rest[kept + 1..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_split_at_bare_semicolons() {
        let split = |list| split_list(list).collect::<Vec<_>>();
        assert_eq!(split("a;b"), ["a", "b"]);
        assert_eq!(split(r"a\;b;c\/d;e\\;f"), ["a;b", "c/d", r"e\", "f"]);
        assert_eq!(split(";a;;b;"), ["a", "b"]);
        assert_eq!(split(r"C:\x;y\"), [r"C:\x", r"y\"]);
        assert_eq!(split("é;ü"), ["é", "ü"]);
        assert!(split("").is_empty());
    }

    #[test]
    fn references_name_a_run_before_a_bare_slash() {
        let cases = [
            ("t", None, "t"),
            ("r/t", Some("r"), "t"),
            (r"a\/b", None, "a/b"),
            (r"r\/1/t\;2", Some("r/1"), "t;2"),
            ("r/a/b", Some("r"), "a/b"),
            ("/t", Some(""), "t"),
        ];
        for (text, run, task) in cases {
            let (got_run, got_task) = split_reference(text);
            assert_eq!((got_run.as_deref(), &*got_task), (run, task), "{text}");
        }
    }

    proptest! {
        #[test]
        fn escaped_ids_come_back(ids in prop::collection::vec((r"[a;/\\é ]{1,6}", r"[b;/\\ü.]{1,6}"), 1..5)) {
            let list: Vec<String> =
                ids.iter().map(|(run, task)| format!("{}/{}", escape_id(run), escape_id(task))).collect();
            let list = list.join(";");
            let back: Vec<(String, String)> = split_references(&list)
                .map(|(run, task)| (run.unwrap_or_default().into_owned(), task.into_owned()))
                .collect();
            prop_assert_eq!(back, ids);
        }
    }
}
