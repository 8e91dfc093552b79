//! The fragments as they stand in a `.dig` file: a workflow is the file itself, its tasks are nested by their path.
//!
//! What a task made while it ran (`+each^sub+for-*+run`) is not in the file under that name: it comes from the `_do:` of
//! `for_each>` and `loop>`, from another file with `call>`, from code with `py>`. An `_export` at the task that makes them
//! reaches all of them wherever they come from, so it stands there, with the most that any of them asks for.

use std::collections::BTreeMap;

use super::{amounts, comments, is_sized, key, line};
use crate::report::plural;
use crate::rightsize::TaskSize;
use crate::rightsize::groups::GENERATED;
use crate::units::{parse_cpu, parse_memory};

/// A task of a file: what is sized at it, and the tasks inside.
#[derive(Default)]
struct Node<'t> {
    own: Vec<&'t TaskSize>,
    /// Made by it while it ran, sized or not.
    generated: Vec<&'t TaskSize>,
    inside: BTreeMap<&'t str, Node<'t>>,
}

pub(super) fn write(out: &mut String, tasks: &[TaskSize]) {
    let mut files: BTreeMap<&str, Node> = BTreeMap::new();
    for task in tasks {
        let (workflow, name) =
            (task.workflow.as_deref().unwrap_or_default(), task.task.as_deref().unwrap_or_default());
        place(files.entry(workflow).or_default(), workflow, name, task);
    }
    files.retain(|_, file| file.is_sized());
    let several = files.len() > 1;
    for (workflow, file) in files {
        // The same path in two files would be the same key twice.
        if several {
            line(out, 0, "---");
        }
        line(out, 0, &format!("# {}.dig", key(workflow)));
        file.write(out, 0);
    }
}

fn place<'t>(file: &mut Node<'t>, workflow: &str, name: &'t str, task: &'t TaskSize) {
    let (path, generated) = name.split_once(GENERATED).map_or((name, false), |(path, _)| (path, true));
    // A full name begins with the workflow, which is the file.
    let inside = path.strip_prefix('+').and_then(|path| path.strip_prefix(workflow));
    let path = match inside {
        Some("") if generated => "",
        Some(rest) if rest.starts_with('+') => rest,
        _ => path,
    };
    let mut node = file;
    for part in parts(path) {
        node = node.inside.entry(part).or_default();
    }
    if generated { &mut node.generated } else { &mut node.own }.push(task);
}

/// `+load+a` is `+load` and `+a`; what is no path of Digdag's is one part.
fn parts(path: &str) -> Vec<&str> {
    if path.is_empty() {
        return Vec::new();
    }
    let mut starts: Vec<usize> = path.match_indices('+').map(|(at, _)| at).collect();
    let is_path = starts.first() == Some(&0) && !path.contains("++") && !path.ends_with('+');
    if !is_path {
        return vec![path];
    }
    starts.push(path.len());
    starts.windows(2).map(|ends| &path[ends[0]..ends[1]]).collect()
}

impl Node<'_> {
    fn is_sized(&self) -> bool {
        self.sized().next().is_some() || self.inside.values().any(Node::is_sized)
    }

    fn sized(&self) -> impl Iterator<Item = &TaskSize> {
        self.own.iter().chain(&self.generated).copied().filter(|task| is_sized(task))
    }

    fn write(&self, out: &mut String, depth: usize) {
        self.export(out, depth);
        for (name, node) in self.inside.iter().filter(|(_, node)| node.is_sized()) {
            line(out, depth, &format!("{}:", key(name)));
            node.write(out, depth + 1);
        }
    }

    fn export(&self, out: &mut String, depth: usize) {
        let sized: Vec<&TaskSize> = self.sized().collect();
        let Some(largest) = largest(&sized) else { return };
        for task in sized {
            for comment in comments(task) {
                line(out, depth, &format!("# {comment}"));
            }
        }
        for comment in self.shared() {
            line(out, depth, &format!("# {comment}"));
        }
        for (step, text) in ["_export:", "kubernetes:", "Pod:", "resources:"].iter().enumerate() {
            line(out, depth + step, text);
        }
        amounts(out, depth + 4, &largest);
    }

    /// To know of an `_export` that is for tasks made here.
    fn shared(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let sized = self.generated.iter().filter(|task| is_sized(task)).count() as u64;
        if sized > 0 {
            let tasks = plural(sized, "task");
            lines.push(format!(
                "of {tasks} made here while it runs (_do:, call>): this reaches whatever is made"
            ));
        }
        let kept = self.generated.len() as u64 - sized;
        if sized > 0 && kept > 0 {
            lines.push(format!("also {} of which too little is known", plural(kept, "task")));
        }
        if self.sized().nth(1).is_some() {
            lines.push("the most that any of them asks for".to_owned());
        }
        lines
    }
}

/// The largest of each amount. A limit is one for all only where all have one: a pod without is not to get one.
fn largest(tasks: &[&TaskSize]) -> Option<TaskSize> {
    let cpu = |text: &String| parse_cpu(text).ok();
    let memory = |text: &String| parse_memory(text).ok();
    let all_cpu = tasks.iter().all(|task| task.cpu_limit.is_some() || task.cpu.is_none());
    let all_memory = tasks.iter().all(|task| task.memory_limit.is_some() || task.memory.is_none());
    let each = || tasks.iter();
    Some(TaskSize {
        cpu: each().filter_map(|task| task.cpu.clone()).max_by_key(cpu),
        cpu_limit: each().filter_map(|task| task.cpu_limit.clone()).filter(|_| all_cpu).max_by_key(cpu),
        memory: each().filter_map(|task| task.memory.clone()).max_by_key(memory),
        memory_limit: each()
            .filter_map(|task| task.memory_limit.clone())
            .filter(|_| all_memory)
            .max_by_key(memory),
        ..(*tasks.first()?).clone()
    })
}
