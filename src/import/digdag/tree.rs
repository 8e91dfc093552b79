//! The tasks of one attempt as a tree, with what each waits for among its siblings. What is no tree is refused here, so
//! that nothing later has to be careful.

use rustc_hash::FxHashMap;

use super::task::Task;
use crate::units::Time;

/// What is wrong with the tasks of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub message: String,
    pub hint: &'static str,
}

const WHOLE: &str = "export all tasks of the attempt as Digdag has them";

/// Indices are those of the list of tasks; [`Tree::top`] is above the roots.
#[derive(Debug)]
pub(super) struct Tree {
    /// Children of each node by ascending id, the nodes' ranges, and the range of the top.
    children: Vec<u32>,
    child_ranges: Vec<(u32, u32)>,
    upstreams: Vec<u32>,
    upstream_ranges: Vec<(u32, u32)>,
    /// When the first task at or below a node started.
    earliest: Vec<Option<Time>>,
    parents: Vec<u32>,
}

impl Tree {
    pub fn new(tasks: &[Task]) -> Result<Self, Problem> {
        let top = tasks.len();
        let index = ids(tasks)?;
        let mut parents = Vec::with_capacity(top);
        for task in tasks {
            let parent = match task.parent_id.0 {
                None => top as u32,
                Some(parent) => *index.get(&parent).ok_or_else(|| {
                    problem(task, format_args!("has the parent {parent}, which the attempt does not have"))
                })?,
            };
            parents.push(parent);
        }
        let (children, child_ranges) = group(tasks, &parents, top);
        let top_down = reachable(&children, &child_ranges, top);
        if top_down.len() <= top {
            let mut seen = vec![false; top + 1];
            for node in top_down {
                seen[node as usize] = true;
            }
            let lost = (0..top).find(|node| !seen[*node]).unwrap_or_default();
            return Err(problem(&tasks[lost], format_args!("is inside itself: parents form a cycle")));
        }
        let (upstreams, upstream_ranges) = upstreams(tasks, &index, &parents)?;
        let mut earliest: Vec<_> = tasks.iter().map(|task| task.started_at.0).collect();
        earliest.push(None);
        for node in top_down.iter().rev().filter(|node| **node as usize != top) {
            let parent = parents[*node as usize] as usize;
            earliest[parent] = earliest[parent].into_iter().chain(earliest[*node as usize]).min();
        }
        Ok(Self { children, child_ranges, upstreams, upstream_ranges, earliest, parents })
    }

    pub fn top(&self) -> u32 {
        self.child_ranges.len() as u32 - 1
    }

    /// The top for roots.
    pub fn parent(&self, node: u32) -> u32 {
        self.parents[node as usize]
    }

    pub fn children(&self, node: u32) -> &[u32] {
        let (start, end) = self.child_ranges[node as usize];
        &self.children[start as usize..end as usize]
    }

    /// The siblings that `node` waits for, ascending.
    pub fn upstreams(&self, node: u32) -> &[u32] {
        let (start, end) = self.upstream_ranges[node as usize];
        &self.upstreams[start as usize..end as usize]
    }

    /// When the first task at or below `node` started.
    pub fn earliest(&self, node: u32) -> Option<Time> {
        self.earliest[node as usize]
    }

    /// When the first task below `node` started.
    pub fn first_child_start(&self, node: u32) -> Option<Time> {
        self.children(node).iter().filter_map(|child| self.earliest(*child)).min()
    }
}

fn problem(task: &Task, what: std::fmt::Arguments) -> Problem {
    let id = task.id.0.unwrap_or_default();
    let name = task.full_name.0.chars().take(80).collect::<String>();
    Problem { message: format!("task {id} ({name}) {what}"), hint: WHOLE }
}

fn ids(tasks: &[Task]) -> Result<FxHashMap<u64, u32>, Problem> {
    let mut index = FxHashMap::with_capacity_and_hasher(tasks.len(), rustc_hash::FxBuildHasher);
    for (at, task) in (0..).zip(tasks) {
        let Some(id) = task.id.0 else {
            return Err(Problem { message: format!("task {at} of the attempt has no id"), hint: WHOLE });
        };
        if task.full_name.get().is_none() {
            return Err(problem(task, format_args!("has no fullName")));
        }
        if task.state().is_none() {
            return Err(problem(task, format_args!("has the unknown state {:?}", task.state.0)));
        }
        if index.insert(id, at).is_some() {
            return Err(problem(task, format_args!("stands in the attempt twice")));
        }
    }
    Ok(index)
}

/// Children by parent, and by id within it.
fn group(tasks: &[Task], parents: &[u32], top: usize) -> (Vec<u32>, Vec<(u32, u32)>) {
    let mut children: Vec<u32> = (0..tasks.len() as u32).collect();
    children.sort_unstable_by_key(|node| (parents[*node as usize], tasks[*node as usize].id.0));
    let mut ranges = vec![(0, 0); top + 1];
    let mut start = 0;
    for run in children.chunk_by(|a, b| parents[*a as usize] == parents[*b as usize]) {
        let end = start + run.len() as u32;
        ranges[parents[run[0] as usize] as usize] = (start, end);
        start = end;
    }
    (children, ranges)
}

/// The nodes that hang under the top, each after its parent.
fn reachable(children: &[u32], ranges: &[(u32, u32)], top: usize) -> Vec<u32> {
    let mut found = vec![top as u32];
    let mut next = 0;
    while let Some(node) = found.get(next) {
        let (start, end) = ranges[*node as usize];
        found.extend_from_slice(&children[start as usize..end as usize]);
        next += 1;
    }
    found
}

type Lists = (Vec<u32>, Vec<(u32, u32)>);

fn upstreams(tasks: &[Task], index: &FxHashMap<u64, u32>, parents: &[u32]) -> Result<Lists, Problem> {
    let mut all: Vec<u32> = Vec::new();
    let mut ranges = Vec::with_capacity(tasks.len());
    for (task, parent) in tasks.iter().zip(parents) {
        let start = all.len();
        for id in &task.upstreams.0 {
            let Some(upstream) = index.get(id) else {
                let what = format_args!("waits for task {id}, which the attempt does not have");
                return Err(problem(task, what));
            };
            if parents[*upstream as usize] != *parent {
                let what = format_args!("waits for task {id}, which is in another group");
                return Err(problem(task, what));
            }
            all.push(*upstream);
        }
        all[start..].sort_unstable();
        ranges.push((start as u32, all.len() as u32));
    }
    Ok((all, ranges))
}
