//! What runs beside the jobs on every platform (`system`): the workflow engine, say.

use super::super::fields::{Reader, Section};
use super::super::values::*;
use super::super::*;
use super::{candidates, home};

const EXAMPLE: &str = "write {name: workflow-engine, instanceType: m6i.large, nodes: 2}";

pub(super) fn read(reader: &mut Reader, root: &mut Section, system: &mut Vec<System>) {
    let (path, generic) = (root.path("system"), root.generic("system[]"));
    for (index, node) in root.list(reader, "system").unwrap_or_default().iter().enumerate() {
        let path = format!("{path}[{index}]");
        let mut section = Section::new(reader, path.clone(), generic.clone(), node);
        let name = section.optional(reader, "name", |text| {
            if system.iter().any(|other| other.name == text) {
                return Err(Refusal::new("is there twice"));
            }
            candidates::name(text)
        });
        if node.get("name").is_none() {
            reader.problem(node.place, "", Refusal::new(format!("{path} has no name")).hint(EXAMPLE));
        }
        let path = name.as_ref().map_or(path, |name| format!("system[{name}]"));
        section.rename(path, generic.clone());
        let home = home::machines(reader, &mut section, node);
        section.finish(reader);
        system.extend(name.zip(home).map(|(name, home)| System { name, home }));
    }
}
