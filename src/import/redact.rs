//! Names taken out of a trace, so that it can be shown to others: who knows the key finds them again, nobody else does.
//!
//! The same name becomes the same pseudonym wherever it stands, so groups, paths, runs and dependencies stay as they
//! were; times and sizes stay themselves.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::trace::{
    Column, Text, Trace, Word, canonical_order, escape_id, sha256, split_list, split_references,
};

/// Hexadecimal digits of a pseudonym: a million names have no two alike.
const DIGITS: usize = 12;
/// Domains whose keys of labels say nothing of a team, and mean something to a scheduler.
const KNOWN_DOMAINS: [&str; 5] =
    ["kubernetes.io/", "k8s.io/", "karpenter.sh/", "karpenter.k8s.aws/", "eks.amazonaws.com/"];
/// Labels that the import itself puts there.
const OWN_LABELS: [&str; 1] = ["leftover=true"];

/// The key when none is given: of the trace's content, so that it is the same for the same files, and nobody can try
/// names without having them.
pub fn default_key(trace: &Trace) -> String {
    sha256(trace, &canonical_order(trace))
}

/// Replaces every name in `trace` by a pseudonym that depends on `key`.
pub fn redact(trace: &mut Trace, key: &str) {
    let pseudonyms = Pseudonyms { key };
    ids(trace, &pseudonyms);
    let columns: [(Texts, Rename); 12] = [
        (|t| &mut t.depends_on, &|text| references(text, &pseudonyms)),
        (|t| &mut t.workflow, &|text| pseudonyms.of("workflow", text)),
        (|t| &mut t.project, &|text| pseudonyms.of("project", text)),
        (|t| &mut t.namespace, &|text| pseudonyms.of("namespace", text)),
        (|t| &mut t.pod_name, &|text| pseudonyms.of("pod", text)),
        (|t| &mut t.image, &|text| pseudonyms.of("image", text)),
        (|t| &mut t.retry_group, &|text| pseudonyms.of("group", text)),
        (|t| &mut t.task_name, &|text| path(text, &pseudonyms)),
        (|t| &mut t.source_node, &|text| node(text, &pseudonyms)),
        (|t| &mut t.exit_reason, &|text| reason(text, &pseudonyms)),
        (|t| &mut t.labels, &|text| labels(text, &pseudonyms)),
        (|t| &mut t.node_selector, &|text| labels(text, &pseudonyms)),
    ];
    for (column, rename) in columns {
        words(trace, column, rename);
    }
    words(trace, |t| &mut t.tolerations, &|text| labels(text, &pseudonyms));
    words(trace, |t| &mut t.run_id, &|text| pseudonyms.id("run", text));
    // Columns that nobody knows may hold anything.
    trace.unknown.clear();
    for file in &mut trace.files {
        let meta = &mut file.meta;
        (meta.source, meta.notes, meta.generator, meta.defaults, meta.overheads) =
            (None, None, None, None, None);
    }
    for entry in &mut trace.evidence.start_up {
        if !entry.image.is_empty() {
            entry.image = pseudonyms.of("image", &entry.image);
        }
    }
}

/// What a text becomes.
type Rename<'a> = &'a dyn Fn(&str) -> String;
/// A column of texts.
type Texts = fn(&mut Trace) -> &mut Column<Word>;

struct Pseudonyms<'a> {
    key: &'a str,
}

impl Pseudonyms<'_> {
    /// `workflow-3f9a0c1b2d4e`.
    fn of(&self, what: &str, name: &str) -> String {
        format!("{what}-{}", self.digits(what, name))
    }

    /// A number says nothing of anybody, and is what people look for in their own system.
    fn id(&self, what: &str, id: &str) -> String {
        if id.bytes().all(|b| b.is_ascii_digit()) { id.to_owned() } else { self.of(what, id) }
    }

    fn digits(&self, what: &str, name: &str) -> String {
        let mut hash = Sha256::new();
        // Lengths first: no two sets of texts are the same bytes.
        for text in [self.key, what, name] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        let mut digits = format!("{:x}", hash.finalize());
        digits.truncate(DIGITS);
        digits
    }
}

fn ids(trace: &mut Trace, pseudonyms: &Pseudonyms) {
    let mut renamed = Text::default();
    for row in 0..trace.rows() {
        renamed.push(&pseudonyms.id("task", trace.task_id.get(row)));
    }
    trace.task_id = renamed;
}

fn words(trace: &mut Trace, column: fn(&mut Trace) -> &mut Column<Word>, rename: &dyn Fn(&str) -> String) {
    let mut known: BTreeMap<Word, Word> = BTreeMap::new();
    for row in 0..trace.rows() {
        let Some(word) = column(trace).get(row) else { continue };
        let renamed = if let Some(renamed) = known.get(&word) {
            *renamed
        } else {
            let text = trace.words.get(word).to_owned();
            let renamed = if text.is_empty() { word } else { trace.words.intern(&rename(&text)) };
            known.insert(word, renamed);
            renamed
        };
        column(trace).set(row, renamed);
    }
}

fn references(list: &str, pseudonyms: &Pseudonyms) -> String {
    let one = |(run, task): (Option<std::borrow::Cow<str>>, std::borrow::Cow<str>)| {
        let task = pseudonyms.id("task", &task);
        match run {
            Some(run) => format!("{}/{}", escape_id(&pseudonyms.id("run", &run)), escape_id(&task)),
            None => escape_id(&task).into_owned(),
        }
    };
    split_references(list).map(one).collect::<Vec<_>>().join(";")
}

/// `+load^sub+each-7` keeps its marks and its depth: `+a^b+c`, each part by itself.
fn path(path: &str, pseudonyms: &Pseudonyms) -> String {
    let mut renamed = String::with_capacity(path.len());
    let mut rest = path;
    while !rest.is_empty() {
        let end = rest.find(['+', '^', '/']).unwrap_or(rest.len());
        if end > 0 {
            renamed.push('t');
            renamed.push_str(&pseudonyms.digits("path", &rest[..end]));
        }
        renamed.extend(rest[end..].chars().next());
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    renamed
}

/// The domain of a node of AWS says the region, and nothing else.
fn node(name: &str, pseudonyms: &Pseudonyms) -> String {
    let (host, domain) = name.split_once('.').unwrap_or((name, ""));
    let is_aws = domain.ends_with("compute.internal") || domain == "ec2.internal";
    let host = pseudonyms.of("node", if is_aws { host } else { name });
    if is_aws { format!("{host}.{domain}") } else { host }
}

/// Kubernetes' own reasons are single words; what people write is not.
fn reason(reason: &str, pseudonyms: &Pseudonyms) -> String {
    let is_plain = reason.len() <= 32 && reason.bytes().all(|b| b.is_ascii_alphabetic());
    if is_plain { reason.to_owned() } else { pseudonyms.of("reason", reason) }
}

fn labels(list: &str, pseudonyms: &Pseudonyms) -> String {
    let one = |item: &str| {
        if OWN_LABELS.contains(&item) || is_known(item) {
            return item.to_owned();
        }
        match item.split_once('=') {
            Some((key, value)) => {
                format!("{}={}", pseudonyms.of("label", key), pseudonyms.of("value", value))
            }
            None => pseudonyms.of("label", item),
        }
    };
    split_list(list).map(|item| one(&item)).collect::<Vec<_>>().join(";")
}

fn is_known(item: &str) -> bool {
    let key = item.split(['=', ':']).next().unwrap_or_default();
    let Some((domain, _)) = key.split_once('/') else { return false };
    KNOWN_DOMAINS.iter().any(|known| {
        known.strip_suffix('/').is_some_and(|known| domain == known || domain.ends_with(&format!(".{known}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Defaults;
    use crate::trace::{ReadOptions, read_embedded};
    use crate::units::Span;
    use crate::workload::{build, recorded_timeline};

    fn embedded() -> Trace {
        read_embedded(&crate::examples::Example::of_name("small").unwrap().trace, &ReadOptions::default())
            .unwrap()
            .0
    }

    fn csv(trace: &Trace) -> String {
        let mut out = Vec::new();
        crate::trace::write_csv(trace, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Recorded makespans in order of length.
    fn makespans(trace: &Trace) -> Vec<Span> {
        let order = canonical_order(trace);
        let built = build(trace, &order, &Defaults::default(), (None, None)).unwrap();
        let mut runs = vec![None; built.workload.runs.len()];
        for (step, times) in recorded_timeline(&built.workload).iter().enumerate() {
            let run = &mut runs[built.workload.steps.run[step] as usize];
            let (first, last) = run.unwrap_or((times.eligible, times.observed));
            *run = Some((first.min(times.eligible), last.max(times.observed)));
        }
        let mut spans: Vec<Span> = runs.into_iter().flatten().map(|(first, last)| last - first).collect();
        spans.sort_unstable();
        spans
    }

    #[test]
    fn the_same_key_gives_the_same_names_and_the_graph_stays() {
        let (before, mut a, mut b, mut other) = (embedded(), embedded(), embedded(), embedded());
        redact(&mut a, "k");
        redact(&mut b, "k");
        redact(&mut other, "another");
        assert_eq!(csv(&a), csv(&b));
        assert_ne!(csv(&a), csv(&other));
        assert!(!makespans(&before).is_empty());
        assert_eq!(makespans(&a), makespans(&before));
        for row in 0..before.rows() {
            for column in [&before.workflow, &before.task_name, &before.pod_name, &before.image] {
                let name = before.words.get(before.word(column, row));
                assert!(name.is_empty() || !csv(&a).contains(&format!(",{name},")), "{name}");
            }
        }
    }

    #[test]
    fn what_is_kept_is_what_says_nothing() {
        let p = Pseudonyms { key: "k" };
        let same = path("+daily+load+load^sub+each-7", &p);
        let parts: Vec<&str> = same.split(['+', '^']).collect();
        assert_eq!(parts.len(), 6);
        assert_eq!((parts[2], same.starts_with('+'), same.contains("^t")), (parts[3], true, true));
        assert_eq!(p.id("task", "4711"), "4711");
        assert_ne!(p.of("task", "a"), p.of("run", "a"));
        let node = node("ip-10-0-0-1.ap-northeast-1.compute.internal", &p);
        assert!(node.starts_with("node-") && node.ends_with(".ap-northeast-1.compute.internal"), "{node}");
        assert_eq!(reason("OOMKilled", &p), "OOMKilled");
        assert!(reason("table wear_users is missing", &p).starts_with("reason-"));
        let labels = labels("leftover=true;team=payroll;topology.kubernetes.io/zone=a", &p);
        assert!(labels.starts_with("leftover=true;label-") && !labels.contains("payroll"), "{labels}");
        assert!(labels.ends_with(";topology.kubernetes.io/zone=a"), "{labels}");
        // The same task in a list of predecessors, here and in another run.
        let task = p.id("task", "a;b");
        assert_eq!(references("a\\;b;r/a\\;b", &p), format!("{task};{}/{task}", p.id("run", "r")));
    }
}
