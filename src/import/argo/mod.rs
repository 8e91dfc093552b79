//! Argo Workflows: Workflow objects with their status, one or many, as JSON or YAML.
//!
//! Only nodes of type Pod are pods; DAG, Steps, Retry and the like say how pods hang together. A node's `startedAt` is
//! when the controller created it, so `finishedAt - startedAt` has the wait for a node and the pull of the image in it:
//! how long the container itself ran is found by `evidence`.

mod graph;
mod object;
mod requests;
mod rows;

use super::draft::Draft;
use super::text::{Origin, json_documents, whole};
use super::{Options, Shape};
use crate::error::{Diagnostic, Error, Result};
use crate::trace::open::Text;
use object::{Document, Object};
use serde::de::DeserializeSeed as _;

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    let document = shape.document().ok_or("is neither JSON nor YAML")?;
    for prefix in ["", "items[].", "[]."] {
        let at = |name: &str| format!("{prefix}{name}");
        let is_argo =
            document.text(&at("apiVersion")).is_none_or(|version| version.starts_with("argoproj.io/"));
        let is_workflow = document.text(&at("kind")) == Some("Workflow");
        let looks_so = ["status.nodes", "spec.entrypoint", "spec.workflowTemplateRef"].map(at);
        if is_argo && (is_workflow || looks_so.iter().any(|path| document.has(path))) {
            return Ok(());
        }
    }
    if document.text("kind") == Some("WorkflowList") {
        return Ok(());
    }
    Err("has no object of kind Workflow".to_owned())
}

pub(super) fn read(mut text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let origin = Origin::of(&text);
    let mut seen = Seen::default();
    let is_json = {
        let head = text.head(4_096)?;
        matches!(head.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
    };
    if is_json {
        // Workflow after workflow: exports of a cluster are larger than memory.
        json_documents(text, |json, mark| {
            let mut each = |object: Object| {
                mark.record();
                add(object, &origin, &mut seen, draft, options);
            };
            Document(&mut each).deserialize(json)
        })?;
    } else {
        for object in yaml(&origin, text)? {
            add(object, &origin, &mut seen, draft, options);
        }
    }
    if seen.workflows == 0 {
        return Err(origin.diagnostic("there is no Workflow in this file").into());
    }
    if seen.without == seen.workflows {
        let hint = "a submitted workflow has status.nodes: export it from the cluster";
        return Err(origin.diagnostic("the workflows have no status: they never ran").hint(hint).into());
    }
    if seen.without > 0 {
        let Seen { without, .. } = seen;
        draft.notes.push(format!("{without} workflows of {} have no nodes: they never ran", origin.name));
    }
    Ok(())
}

/// Workflows of a file.
#[derive(Default)]
struct Seen {
    workflows: usize,
    /// Those that never ran.
    without: usize,
}

fn add(object: Object, origin: &Origin, seen: &mut Seen, draft: &mut Draft, options: &Options) {
    let mut workflows = Vec::new();
    object.workflows(&mut workflows);
    for workflow in &workflows {
        seen.workflows += 1;
        if workflow.status.nodes.is_empty() && !workflow.status.compressed_nodes.is_empty() {
            let message = format!("the nodes of workflow {:?} are compressed", workflow.metadata.name());
            let hint =
                "export it with argo get -o json, or from the API of the Argo server, which decompress them";
            draft.error(origin.diagnostic(message).hint(hint));
        } else if workflow.status.nodes.is_empty() && !workflow.status.offload_node_status_version.is_empty()
        {
            let message =
                format!("the nodes of workflow {:?} are kept in Argo's database", workflow.metadata.name());
            let hint =
                "export it with argo get -o json, or from the API of the Argo server, which fetch them";
            draft.error(origin.diagnostic(message).hint(hint));
        } else if workflow.status.nodes.is_empty() {
            seen.without += 1;
        } else if let Err(wrong) = rows::add(workflow, draft, options) {
            draft.error(Diagnostic { hint: wrong.hint, ..origin.diagnostic(wrong.message) });
        }
    }
}

/// All documents of a file of YAML, which is one record.
fn yaml(origin: &Origin, text: Text) -> Result<Vec<Object>> {
    let text = &whole(text).map_err(|error| match error {
        Error::Input(found) => match found.list().first() {
            Some(first) if first.message.contains("256 MiB") => {
                let hint = "YAML is read whole: export with -o json, which is read workflow by workflow";
                Diagnostic::clone(first).hint(hint).into()
            }
            _ => Error::Input(found),
        },
        other => other,
    })?;
    // Exports are large, and repeat nothing: limits are those of a file, not of what one writes by hand.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: 50_000_000,
            max_events: 150_000_000,
            max_documents: 100_000,
            max_total_scalar_bytes: 300 << 20,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_merge_keys: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 20_000 },
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options::<Object>(text, options)
        .map_err(|error| bad_yaml(origin, &error))
}

fn bad_yaml(origin: &Origin, error: &serde_saphyr::Error) -> Error {
    let text = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let place = error.location().filter(|place| *place != serde_saphyr::Location::UNKNOWN);
    let Some(place) = place else {
        return origin.diagnostic(format!("this cannot be read as YAML: {text}")).into();
    };
    let suffix = format!(" at line {}, column {}", place.line(), place.column());
    let text = text.strip_suffix(&suffix).unwrap_or(&text);
    origin.diagnostic(format!("this cannot be read as YAML: {text}")).at(place.line(), place.column()).into()
}
