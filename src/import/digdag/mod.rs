//! Digdag.

use super::draft::Draft;
use super::{Options, Shape};
use crate::error::Result;
use crate::trace::open::Text;

/// Attempts and tasks, as far as files told of them.
#[derive(Debug, Default)]
pub(super) struct Estate {}

pub(super) fn recognise(_: &Shape) -> std::result::Result<(), String> {
    Err("is not read yet".to_owned())
}

pub(super) fn read(_: Text, _: &mut Draft, _: &Options) -> Result<()> {
    Ok(())
}

/// Puts attempts and their tasks together.
pub(super) fn finish(_: &mut Draft, _: &Options) -> Result<()> {
    Ok(())
}

/// What to export, as commands.
pub(super) fn how() -> &'static str {
    "Digdag: see docs/import.md\n"
}
