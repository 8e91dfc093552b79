use super::*;

#[test]
fn the_embedded_files_are_without_mistakes() {
    Snapshot::embedded().check().unwrap();
}
