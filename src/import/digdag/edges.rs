//! Which row waits for which: from containment and siblings, as Digdag has them, to edges between rows.
//!
//! A task begins when its upstreams are done and its parent lets its children begin; a parent is done when all its
//! children are. Only the last rows of what is waited for become edges: what these wait for themselves is implied.
//! What has no row (groups, resumed tasks, tasks that never started) is looked through.
//!
//! Children of one parent are run in phases: those of its first try; what Digdag makes up when these are done
//! (`^error`, `^check`, `^failure-alert`); the copies for a retry of the group; and so on. Each phase waits for the end
//! of the one before it.
//!
//! A thousand tasks waiting for a thousand others would be a million edges: where there would be more than [`MANY`], a
//! row that takes no time stands between.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::super::joins::MANY;
use super::task::Task;
use super::tree::{Problem, Tree};
use crate::units::Time;

/// Rows, ascending.
pub(super) type Set = Rc<[u32]>;

/// Where rows go.
pub(super) trait Emit {
    /// The task's own run, if it had one, as a row after `after`.
    fn task(&mut self, node: u32, after: &[u32]) -> Option<u32>;
    /// A row that ends when the last of `after` does. `place` is unique among an attempt's.
    fn join(&mut self, node: u32, place: &'static str, after: &[u32]) -> u32;
    /// When the end of a row was noticed.
    fn noticed(&self, row: u32) -> Option<Time>;
}

/// Emits the rows of all tasks, each after those it waits for; gives the last ones.
pub(super) fn walk(tree: &Tree, tasks: &[Task], emit: &mut impl Emit) -> Result<Set, Problem> {
    let mut walk = Walk { tree, tasks, outs: vec![None; tasks.len()], uses: vec![0; tasks.len()] };
    let mut open = vec![walk.enter(tree.top(), Rc::new([]))];
    loop {
        let frame = open.last_mut().expect("the loop ends with the first frame");
        if let Some((node, own)) = walk.step(frame, emit)? {
            if tree.children(node).is_empty() {
                walk.outs[node as usize] = Some(own);
            } else {
                let inner = walk.enter(node, own);
                open.push(inner);
            }
            continue;
        }
        let node = frame.node;
        let out = walk.end_of_phase(frame);
        open.pop();
        if open.is_empty() {
            return Ok(out);
        }
        walk.outs[node as usize] = Some(out);
    }
}

struct Walk<'w, 't> {
    tree: &'w Tree,
    tasks: &'w [Task<'t>],
    /// The last rows of each node that is done with.
    outs: Vec<Option<Set>>,
    /// How many different sets of siblings wait for a node.
    uses: Vec<u32>,
}

/// How many siblings of a phase wait for the same ones, and for which rows that is.
type Classes<'w> = FxHashMap<(u32, &'w [u32]), (u32, Option<Set>)>;

/// A node whose children are being gone through.
struct Frame<'w> {
    node: u32,
    /// (phase, child), in the order in which they are taken.
    order: Vec<(u32, u32)>,
    next: usize,
    /// Where the current phase begins in `order`.
    phase_start: usize,
    /// What the first tasks of the current phase wait for.
    base: Set,
    classes: Classes<'w>,
}

impl<'w> Walk<'w, '_> {
    fn enter(&mut self, node: u32, base: Set) -> Frame<'w> {
        let order = self.phases(node);
        let mut classes = Classes::default();
        for (phase, child) in &order {
            let upstreams = self.tree.upstreams(*child);
            let class = classes.entry((*phase, upstreams)).or_default();
            class.0 += 1;
            if class.0 == 1 {
                for upstream in upstreams {
                    self.uses[*upstream as usize] += 1;
                }
            }
        }
        Frame { node, order, next: 0, phase_start: 0, base, classes }
    }

    /// Numbers the phases: tries of the group, found by names that come again, and what follows each.
    fn phases(&self, node: u32) -> Vec<(u32, u32)> {
        let children = self.tree.children(node);
        let mut tries: FxHashMap<&str, u32> = FxHashMap::default();
        let mut current = 0;
        let mut order: Vec<(u32, u32)> = Vec::with_capacity(children.len());
        for child in children {
            let task = &self.tasks[*child as usize];
            let follows = matches!(task.generated(), Some("error" | "check" | "failure-alert"));
            let phase = if follows {
                current * 2 + 1
            } else if children.len() == 1 {
                0
            } else {
                let tries = tries.entry(&task.full_name.0).or_default();
                let phase = *tries * 2;
                current = current.max(*tries);
                *tries += 1;
                phase
            };
            order.push((phase, *child));
        }
        order.sort_by_key(|(phase, _)| *phase);
        order
    }

    /// Takes the next child: gives it, and the rows that its own children wait for.
    fn step(&mut self, frame: &mut Frame<'w>, emit: &mut impl Emit) -> Result<Option<(u32, Set)>, Problem> {
        let Some((phase, child)) = frame.order.get(frame.next).copied() else { return Ok(None) };
        if frame.next > 0 && frame.order[frame.next - 1].0 != phase {
            let out = self.end_of_phase(frame);
            frame.phase_start = frame.next;
            frame.base = self.that_ended_before(frame, &out, emit);
        }
        frame.next += 1;
        let after = self.waits_for(frame, phase, child, emit)?;
        let own = match emit.task(child, &after) {
            Some(row) => Rc::new([row]),
            None => after,
        };
        Ok(Some((child, own)))
    }

    /// The last rows of the current phase.
    fn end_of_phase(&self, frame: &Frame) -> Set {
        let phase = &frame.order[frame.phase_start..frame.next];
        if phase.is_empty() {
            return Rc::clone(&frame.base);
        }
        // Siblings wait for one another only within a phase, or for what is before it.
        let mut awaited: Vec<u32> =
            phase.iter().flat_map(|(_, child)| self.tree.upstreams(*child)).copied().collect();
        awaited.sort_unstable();
        let last = phase.iter().filter(|(_, child)| awaited.binary_search(child).is_err());
        union(last.filter_map(|(_, child)| self.outs[*child as usize].as_ref()))
    }

    /// Of `rows`, those that ended before anything of the current phase began: whatever else it is, it is no cause.
    fn that_ended_before(&self, frame: &Frame, rows: &Set, emit: &impl Emit) -> Set {
        let (phase, _) = frame.order[frame.next];
        let children = frame.order[frame.next..].iter().take_while(|(other, _)| *other == phase);
        let Some(first) = children.filter_map(|(_, child)| self.tree.earliest(*child)).min() else {
            return Rc::clone(rows);
        };
        let ended = |row: &u32| emit.noticed(*row).is_some_and(|noticed| noticed <= first);
        if rows.iter().all(ended) {
            return Rc::clone(rows);
        }
        let ended: Vec<u32> = rows.iter().copied().filter(ended).collect();
        if ended.is_empty() { Rc::clone(&frame.base) } else { ended.into() }
    }

    fn waits_for(
        &mut self,
        frame: &mut Frame<'w>,
        phase: u32,
        child: u32,
        emit: &mut impl Emit,
    ) -> Result<Set, Problem> {
        let upstreams = self.tree.upstreams(child);
        let (count, known) = &frame.classes[&(phase, upstreams)];
        if let Some(set) = known {
            return Ok(Rc::clone(set));
        }
        let count = *count as usize;
        let mut set = if upstreams.is_empty() {
            Rc::clone(&frame.base)
        } else {
            for upstream in upstreams {
                self.join_out(*upstream, child, emit)?;
            }
            union(upstreams.iter().filter_map(|upstream| self.outs[*upstream as usize].as_ref()))
        };
        if count > 1 && set.len() > 1 && count * set.len() > MANY {
            set = Rc::new([emit.join(child, "after", &set)]);
        }
        frame.classes.insert((phase, upstreams), (count as u32, Some(Rc::clone(&set))));
        Ok(set)
    }

    /// Many rows that several sets of siblings wait for are joined once.
    fn join_out(&mut self, upstream: u32, child: u32, emit: &mut impl Emit) -> Result<(), Problem> {
        let Some(out) = &self.outs[upstream as usize] else {
            let id = |node: u32| self.tasks[node as usize].id.0.unwrap_or_default();
            return Err(Problem {
                message: format!(
                    "task {} ({}) waits for task {}, which begins only later",
                    id(child),
                    self.tasks[child as usize].full_name.0,
                    id(upstream)
                ),
                hint: "tasks wait for earlier ones: export all tasks of the attempt as Digdag has them",
            });
        };
        let uses = self.uses[upstream as usize] as usize;
        if uses > 1 && out.len() > 1 && uses * out.len() > MANY {
            self.outs[upstream as usize] = Some(Rc::new([emit.join(upstream, "end", out)]));
        }
        Ok(())
    }
}

fn union<'s>(mut sets: impl Iterator<Item = &'s Set>) -> Set {
    let Some(first) = sets.next() else { return Rc::new([]) };
    let Some(second) = sets.next() else { return Rc::clone(first) };
    let mut rows: Vec<u32> = first.iter().chain(second.iter()).copied().collect();
    for set in sets {
        rows.extend_from_slice(set);
    }
    rows.sort_unstable();
    rows.dedup();
    rows.into()
}
