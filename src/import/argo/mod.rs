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
use super::text::{Origin, whole};
use super::{Options, Shape};
use crate::error::{Diagnostic, Error, Result};
use crate::trace::open::Text;
use object::Object;

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

pub(super) fn read(text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let origin = Origin::of(&text);
    let text = whole(text)?;
    let mut workflows = Vec::new();
    for object in objects(&origin, &text)? {
        object.workflows(&mut workflows);
    }
    drop(text);
    if workflows.is_empty() {
        return Err(origin.diagnostic("there is no Workflow in this file").into());
    }
    let (mut rows, mut without) = (0, 0);
    for workflow in &workflows {
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
            without += 1;
        } else if let Err(wrong) = rows::add(workflow, draft, options).map(|count| rows += count) {
            draft.error(Diagnostic { hint: wrong.hint, ..origin.diagnostic(wrong.message) });
        }
    }
    if without > 0 && without == workflows.len() {
        let hint = "a submitted workflow has status.nodes: export it from the cluster";
        return Err(origin.diagnostic("the workflows have no status: they never ran").hint(hint).into());
    }
    if without > 0 {
        draft.notes.push(format!("{without} workflows of {} have no nodes: they never ran", origin.name));
    }
    Ok(())
}

/// All documents of the file.
fn objects(origin: &Origin, text: &str) -> Result<Vec<Object>> {
    if text.trim_start().starts_with(['{', '[']) {
        let all = serde_json::Deserializer::from_str(text).into_iter::<OneOrMany>();
        let mut objects = Vec::new();
        for one in all {
            match one.map_err(|error| origin.bad_json(1, error))? {
                OneOrMany::One(object) => objects.push(*object),
                OneOrMany::Many(many) => objects.extend(many),
            }
        }
        return Ok(objects);
    }
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

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Object>),
    One(Box<Object>),
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
