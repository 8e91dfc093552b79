//! `cost-sim pack`: one situation, one decision.
//!
//! The deciders of the simulation ([`crate::decide`]) are asked without a simulation, so that their answers can be held
//! against those of the real Karpenter, Cluster Autoscaler and kube-scheduler, which are given the same input.
//! docs/pack.md describes what is read and printed. Cases do not know of each other: they are decided in parallel, and
//! printed in their order.

mod case;
mod cluster_autoscaler;
mod consolidate;
mod instance_type;
mod karpenter;
mod node_class;
mod node_pool;
mod objects;
mod output;
mod reading;
mod requirement;
mod resources;
mod score;
mod settings;
mod solve;
mod well_known;

use rayon::prelude::*;
use serde_json::Value;

use crate::error::{Diagnostic, Result};
pub use case::{Case, Mode};
use output::line;

/// Reads cases, one a line; empty lines are passed over. The first mistake ends it: later cases may make no sense.
pub fn read(file: &str, text: &str) -> Result<Vec<Case>> {
    let lines: Vec<(usize, &str)> =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    let read = |(index, line): &(usize, &str)| -> std::result::Result<Case, Box<Diagnostic>> {
        let number = *index as u64 + 1;
        let value: Value =
            serde_json::from_str(line).map_err(|error| not_json(file, number, line, &error))?;
        Ok(Case::read(&value).map_err(|wrong| {
            let text = wrong.text.clone().unwrap_or_else(|| (*line).to_owned());
            let hint =
                wrong.hint.clone().unwrap_or_else(|| "docs/pack.md says what can stand here".to_owned());
            Diagnostic::new(file, wrong.to_string()).line(number).text(text).hint(hint)
        })?)
    };
    // Of several mistakes the first in the file, whichever was found first.
    let all: Vec<std::result::Result<Case, Box<Diagnostic>>> = lines.par_iter().map(read).collect();
    all.into_iter().collect::<std::result::Result<_, _>>().map_err(|diagnostic| (*diagnostic).into())
}

fn not_json(file: &str, line: u64, text: &str, error: &serde_json::Error) -> Diagnostic {
    let column = error.column().max(1);
    let around: String = text.chars().skip(column.saturating_sub(21)).take(40).collect();
    let message = error.to_string();
    let message = message.rsplit_once(" at line").map_or(message.as_str(), |(message, _)| message);
    Diagnostic::new(file, format!("this is not JSON: {message}"))
        .at(line, column as u64)
        .text(around)
        .hint("write each case as one JSON object on a line of its own")
}

/// What is decided in each case, a line each.
pub fn decide(cases: &[Case]) -> String {
    let lines: Vec<String> = cases.par_iter().map(one).collect();
    lines.into_iter().map(|line| line + "\n").collect()
}

fn one(case: &Case) -> String {
    match case.mode {
        Mode::Solve => line(&solve::solve(case).in_order()),
        Mode::Score => line(&score::score(case)),
        Mode::Consolidate => line(&consolidate::consolidate(case)),
        Mode::ClusterAutoscaler => line(&cluster_autoscaler::once(case)),
    }
}
