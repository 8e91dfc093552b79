//! Datadog.

use super::draft::Draft;
use super::{Options, Shape};
use crate::error::Result;
use crate::trace::open::Text;

pub(super) fn recognise(_: &Shape) -> std::result::Result<(), String> {
    Err("is not read yet".to_owned())
}

pub(super) fn read(_: Text, _: &mut Draft, _: &Options) -> Result<()> {
    Ok(())
}

/// What to export, as commands.
pub(crate) fn how() -> &'static str {
    "Datadog: see docs/import.md\n"
}
