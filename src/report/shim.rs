use super::Report;
use std::path::{Path, PathBuf};
pub struct PlatformRecords<'a> { pub name: &'a str, pub ledger: &'a crate::ledger::Ledger, pub bill: Option<&'a crate::bill::Bill> }
pub fn schema() -> String { String::new() }
pub fn prepare(_: &Path) -> crate::error::Result<()> { Ok(()) }
pub fn write_all(_: &Path, _: &Report, _: &[PlatformRecords], _: &crate::trace::Trace, _: &crate::workload::Workload, _: &[String]) -> crate::error::Result<Vec<PathBuf>> { Ok(vec![]) }
pub fn json(r: &Report) -> String { serde_json::to_string_pretty(r).unwrap() }
pub fn table(r: &Report, _: usize, _: bool) -> String { let mut r = r.clone(); r.inputs.assumptions.clear(); r.scenario.clear(); for p in &mut r.platforms { p.workflows.truncate(3); p.capacity.by_instance_type.truncate(4)}; json(&r) }
pub fn markdown(r: &Report) -> String { json(r) }
pub fn summary_csv(r: &Report) -> String { json(r) }
