use super::row::Notes;
use super::*;
use std::fs::File;
pub(super) struct Source<'a> {
    pub name: &'a str,
    pub index: u32,
    pub options: &'a ReadOptions,
}
pub(super) fn read(
    _source: &Source,
    _file: File,
    _trace: &mut Trace,
    _notes: &mut Notes,
) -> crate::error::Result<u64> {
    Ok(0)
}
pub fn write(_trace: &Trace, _path: &std::path::Path) -> crate::error::Result<()> {
    Ok(())
}
