//! What teams have, made into traces: exports of orchestrators, of metrics and of Kubernetes itself.
//!
//! Every file is recognised by its content. Each importer puts rows into a [`Draft`], or tells of pods; when all files
//! are read, what they say of the same tasks is joined, and the work of each row is found from the best evidence.
//! Files in cost-sim's own columns go to `trace` as they are.

mod airflow;
mod argo;
mod batch;
mod datadog;
mod detect;
mod digdag;
mod directory;
mod draft;
mod evidence;
mod format;
mod how;
mod joins;
mod kubernetes;
mod lenient;
mod openb;
mod outline;
mod pods;
mod prometheus;
mod redact;
mod side;
mod summary;
mod swf;
mod text;
mod wfformat;

pub use datadog::Mapping;
pub use evidence::{Shift, SourceModel, is_weak, pod_pattern, shifted};
pub use format::Format;
pub use how::{WITH_HOW, how};
pub(crate) use outline::{Outline, Shape};
pub use redact::{default_key, redact};
pub use side::meta_json;
pub use summary::{Summary, summary};

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use draft::Draft;

use crate::error::{Diagnostic, Error, Result};
use crate::trace::open::{self, Content, Progress, Text};
use crate::trace::{Dropped, ReadOptions, SideFile, SourcePlatform, Trace, side_file};

/// Lists of definitions, log files and the like say nothing of runs.
const NOT_ALONE: &str =
    "give the files that say when tasks or pods ran; cost-sim import --how FORMAT says how to get them";

/// What a user may say about files that they do not say themselves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub read: ReadOptions,
    /// The format of all files, instead of what they look like.
    pub from: Option<Format>,
    pub model: SourceModel,
    /// What the pods ran on, where nothing else says it.
    pub source_platform: Option<SourcePlatform>,
    /// How the names of pods say which task they ran, where no built-in rule does; see [`pod_pattern`].
    pub pod_pattern: Option<regex::Regex>,
    /// What the columns of Datadog's tables mean.
    pub columns: Option<datadog::Mapping>,
    /// The metric of answers that do not name theirs.
    pub metric: Option<String>,
}

/// What was read.
#[derive(Debug)]
pub struct Imported {
    pub trace: Trace,
    /// A line each.
    pub warnings: Vec<String>,
}

/// Reads all `inputs` into one trace: files in any of the formats, directories of them, `-` for standard input.
///
/// `progress` is told how many more bytes of the files, as they are on disk, have been read.
pub fn read(inputs: &[PathBuf], options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Imported> {
    if inputs.is_empty() {
        return Err(Error::usage("no trace is given", "give a file, or - for standard input"));
    }
    if inputs.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Error::usage("standard input can be read only once", "give - once"));
    }
    let progress: Progress = RefCell::new(progress);
    let mut draft = Draft::default();
    let list = directory::list(inputs)?;
    draft.notes.extend(list.note());
    for path in list.files {
        let beside = side_file(&path)?;
        let read = open::open(&path, &progress)
            .and_then(|content| file(&path, beside, content, options, &mut draft, &progress));
        draft.collect(read)?;
    }
    finish(draft, options)
}

/// The files that are meant: directories stand for the data files in them, in order of their names.
pub fn files(inputs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    directory::list(inputs).map(|list| list.files)
}

/// The same for files that are in memory: pairs of what stands for the path, and the content.
pub fn read_contents(files: &[(&str, &[u8])], options: &Options) -> Result<Imported> {
    let mut ignored = |_| {};
    let progress: Progress = RefCell::new(&mut ignored);
    let mut draft = Draft::default();
    for (name, content) in files {
        let path = Path::new(name);
        let read = open::of_bytes(path, *content, &progress).and_then(|content| match content {
            // It is read from files only; that of this name may be another one.
            Content::Parquet => Err(Diagnostic::new(*name, "Parquet is read from files only").into()),
            content @ Content::Text(_) => file(path, None, content, options, &mut draft, &progress),
        });
        draft.collect(read)?;
    }
    finish(draft, options)
}

fn file(
    path: &Path,
    beside: Option<SideFile>,
    mut content: Content,
    options: &Options,
    draft: &mut Draft,
    progress: &Progress,
) -> Result<()> {
    if let Content::Text(text) = &mut content
        && is_export(&text.name)
        && text.head(1_024)?.trim_ascii().is_empty()
    {
        return Err(Diagnostic::new(&text.name, "the file is empty")
            .hint("the request that should have written it failed; fetch it again")
            .into());
    }
    let format = match (&mut content, options.from) {
        (Content::Parquet, None | Some(Format::Canonical)) => Format::Canonical,
        (Content::Parquet, Some(format)) => {
            let name = path.display().to_string();
            return Err(Diagnostic::new(name, format!("this is Parquet, which {format} files never are"))
                .hint("leave out --from")
                .into());
        }
        (Content::Text(_), Some(format)) => format,
        (Content::Text(text), None) => detect::detect(&text.name.clone(), &text.head(detect::HEAD)?)?,
    };
    let text = match content {
        Content::Text(text) if format != Format::Canonical => text,
        content => return draft.reading.file(path, beside, content, options.read, progress),
    };
    let mut read = options.read;
    draft.file = draft.reading.source(path, beside, &mut read) as u32;
    let index = draft.file as usize;
    let source = &mut draft.trace().files[index];
    (source.is_native, source.format) = (true, format.name());
    native(format, text, draft, &Options { read, ..options.clone() })
}

/// Written by a request rather than by hand, by its name.
fn is_export(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let extension = Path::new(name).extension().unwrap_or_default();
    ["json", "jsonl", "ndjson", "yaml", "yml"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

fn native(format: Format, text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    match format {
        Format::Canonical => unreachable!("read by `trace`"),
        Format::Digdag => digdag::read(text, draft, options),
        Format::Datadog => datadog::read(text, draft, options),
        Format::Prometheus => prometheus::read(text, draft, options),
        Format::Kubernetes => kubernetes::read(text, draft, options),
        Format::Argo => argo::read(text, draft, options),
        Format::Airflow => airflow::read(text, draft, options),
        Format::AwsBatch => batch::read(text, draft, options),
        Format::WfFormat => wfformat::read(text, draft, options),
        Format::Swf => swf::read(text, draft, options),
        Format::Openb => openb::read(text, draft, options),
    }
}

/// Joins what all files said, and checks every row.
fn finish(mut draft: Draft, options: &Options) -> Result<Imported> {
    if !draft.errors.is_empty() {
        return Err(Error::Input(draft.errors));
    }
    digdag::finish(&mut draft, options)?;
    airflow::finish(&mut draft);
    batch::finish(&mut draft);
    let told = draft.pods.finish();
    draft.notes.extend(told);
    evidence::resolve(&mut draft, options);
    count_rows(draft.trace());
    check(&mut draft, options);
    let Draft { reading, dropped, notes, errors, .. } = draft;
    let (mut trace, mut warnings) = reading.finish();
    let dropped = dropped.into_iter().map(|((format, reason), count)| Dropped {
        format: format.name().to_owned(),
        reason: reason.to_owned(),
        count,
    });
    trace.evidence.dropped = dropped.collect();
    warnings.extend(notes);
    if errors.is_empty() && trace.rows() == 0 {
        let dropped = trace.evidence.dropped.iter();
        let dropped =
            dropped.map(|dropped| format!("{}: {}: {}", dropped.format, dropped.reason, dropped.count));
        let why: Vec<String> = warnings.into_iter().chain(dropped).collect();
        let hint = if why.is_empty() { NOT_ALONE.to_owned() } else { why.join("; ") };
        return Err(Error::usage("nothing in these files is a task or a pod", hint));
    }
    errors.into_result(Imported { trace, warnings })
}

/// Rows of other formats may have come about long after their file was read.
fn count_rows(trace: &mut Trace) {
    for place in &trace.place {
        let file = &mut trace.files[place.file as usize];
        file.rows += u64::from(file.is_native);
    }
}

/// Rows of canonical files were checked as they were read.
fn check(draft: &mut Draft, options: &Options) {
    for row in 0..draft.trace().rows() {
        let place = draft.trace().place[row];
        if !draft.trace().files[place.file as usize].is_native {
            continue;
        }
        if let Err(error) = draft.reading.check(row, options.read) {
            let task = draft.trace().task_id.get(row).to_owned();
            let name = draft.trace().file_of(row).to_owned();
            let message = format!("{} of task {task} {}", error.column(), error.refusal.message);
            let mut diagnostic = Diagnostic::new(name, message);
            diagnostic.line = (place.line > 0).then_some(u64::from(place.line));
            diagnostic.hint = error.refusal.hint;
            draft.error(diagnostic);
        }
    }
}
