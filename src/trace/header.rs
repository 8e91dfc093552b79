//! From a header line to columns: canonical names, aliases, labels, and the misspelt names in between.

use super::Trace;
use super::cell::Refusal;
use super::schema::{Field, Rule};

/// Where the cells of one column of a file go.
#[derive(Clone, Debug)]
pub(super) enum Target {
    TaskId,
    Field(Field, Rule),
    /// A label: index into [`Trace::unknown`].
    Label(usize),
    /// A column that cannot be kept.
    Ignored,
}

impl Target {
    /// The header of a column of the format; for others, words that can stand in its place.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Field(_, rule) => rule.name,
            Self::TaskId => Field::TaskId.name(),
            Self::Label(_) | Self::Ignored => "this label",
        }
    }
}

/// The column of the file that holds `wanted`.
pub(super) fn position(targets: &[Target], wanted: Field) -> Option<usize> {
    targets.iter().position(|target| match target {
        Target::TaskId => wanted == Field::TaskId,
        Target::Field(field, _) => *field == wanted,
        Target::Label(_) | Target::Ignored => false,
    })
}

/// What is wrong with a header; without an index, with the header as a whole.
pub(super) struct HeaderError {
    pub index: Option<usize>,
    pub message: String,
    pub hint: Option<String>,
}

/// Resolves the header of one file. `labels` receives the unknown names.
pub(super) fn resolve(
    names: &[&str],
    trace: &mut Trace,
    labels: &mut dyn FnMut(&str),
) -> Result<Vec<Target>, Vec<HeaderError>> {
    let mut errors = Vec::new();
    let mut targets = Vec::with_capacity(names.len());
    for (index, &name) in names.iter().enumerate() {
        let mut refuse = |refusal: Refusal| {
            let Refusal { message, hint } = refusal;
            errors.push(HeaderError { index: Some(index), message, hint });
        };
        if name.is_empty() {
            refuse(
                Refusal::new(format!("column {} has no name", index + 1))
                    .hint("name it, or remove the comma before it"),
            );
        } else if names[..index].contains(&name) {
            refuse(Refusal::new(format!("column {name} is given twice")));
        } else if let Some((field, quantity)) = Field::find(name) {
            if let Some(other) = other_name(field, quantity).filter(|other| names[..index].contains(other)) {
                refuse(
                    Refusal::new(format!("{name} and {other} are the same column")).hint("keep one of them"),
                );
            }
            targets.push(match field {
                Field::TaskId => Target::TaskId,
                _ => Target::Field(field, field.rule(quantity)),
            });
        } else if let Some(meant) = misspelt(name) {
            refuse(Refusal::new(format!("unknown column {name}")).hint(format!(
                "did you mean {meant}? A label needs a name that is less like a column of the format"
            )));
        } else {
            labels(name);
            let known = trace.unknown.iter().position(|(label, _)| label == name);
            targets.push(Target::Label(known.unwrap_or_else(|| {
                trace.unknown.push((name.to_owned(), super::Column::default()));
                trace.unknown.len() - 1
            })));
        }
    }
    if errors.is_empty() {
        errors.extend(missing(names));
    }
    if errors.is_empty() { Ok(targets) } else { Err(errors) }
}

fn other_name(field: Field, quantity: bool) -> Option<&'static str> {
    if quantity { Some(field.name()) } else { field.alias() }
}

/// The column of the format that `name`, which is none, was probably meant to be.
fn misspelt(name: &str) -> Option<&'static str> {
    let lower = name.trim().to_lowercase();
    Field::ALL
        .iter()
        .flat_map(|field| [Some(field.name()), field.alias()])
        .flatten()
        .map(|known| (strsim::levenshtein(&lower, known), known))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, known)| known)
}

fn missing(names: &[&str]) -> Option<HeaderError> {
    let has = |name: &str| names.contains(&name);
    let mut missing = Vec::new();
    for name in ["task_id", "submit_time"] {
        if !has(name) {
            missing.push(name);
        }
    }
    let has_span = has("start_time") && has("end_time");
    if !has("work_seconds") && !has_span {
        missing.push("work_seconds (or start_time and end_time)");
    }
    if let [name] = names
        && name.contains([';', '\t'])
    {
        return Some(HeaderError {
            index: Some(0),
            message: "the columns are not separated by commas".to_owned(),
            hint: Some("write the file as CSV with commas".to_owned()),
        });
    }
    (!missing.is_empty()).then(|| HeaderError {
        index: None,
        message: format!("required columns are missing: {}", missing.join(", ")),
        hint: Some("docs/trace-format.md lists the columns; the first line must name them".to_owned()),
    })
}
