//! What the tasks of a WfFormat file wait for, from what they say of their parents and of their children.

use std::collections::BTreeSet;

use super::super::lenient::Wrong;
use super::object::Task;
use crate::units::Span;

/// Parents of every task, by position. Files that give both ends of each dependency must give the same ones; many old
/// files give one end only.
pub(super) fn parents(tasks: &[Task]) -> Result<Vec<Vec<usize>>, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let mut downwards = BTreeSet::new();
    let mut upwards = BTreeSet::new();
    for (position, task) in tasks.iter().enumerate() {
        for (list, name) in [(&task.parents, "parent"), (&task.children, "child")] {
            for other in list {
                match other {
                    Ok(other) if name == "parent" => drop(upwards.insert((*other, position))),
                    Ok(other) => drop(downwards.insert((position, *other))),
                    Err(unknown) => {
                        let message =
                            format!("task {:?} has the {name} {unknown:?}, which is no task", task.id);
                        wrong.push(
                            Wrong::new(message)
                                .hint("parents and children are ids of tasks of the same file"),
                        );
                    }
                }
            }
        }
    }
    if !upwards.is_empty() && !downwards.is_empty() {
        for (parent, child) in upwards.symmetric_difference(&downwards) {
            let (parent_id, child_id) = (&tasks[*parent].id, &tasks[*child].id);
            let message = if upwards.contains(&(*parent, *child)) {
                format!("task {child_id:?} has the parent {parent_id:?}, which does not have it as a child")
            } else {
                format!("task {parent_id:?} has the child {child_id:?}, which does not have it as a parent")
            };
            wrong.push(
                Wrong::new(message).hint("parents and children must agree, or one of them must be left out"),
            );
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut parents = vec![Vec::new(); tasks.len()];
    for (parent, child) in upwards.union(&downwards) {
        parents[*child].push(*parent);
    }
    Ok(parents)
}

/// How long the longest chain of tasks takes; none if there is a cycle, which is refused elsewhere.
pub(super) fn critical_path(parents: &[Vec<usize>], works: &[Span]) -> Option<Span> {
    let mut children = vec![Vec::new(); parents.len()];
    let mut waiting: Vec<usize> = parents.iter().map(Vec::len).collect();
    for (child, list) in parents.iter().enumerate() {
        for parent in list {
            children[*parent].push(child);
        }
    }
    let mut ready: Vec<usize> = (0..parents.len()).filter(|task| waiting[*task] == 0).collect();
    let mut starts = vec![Span::ZERO; parents.len()];
    let (mut done, mut longest) = (0, Span::ZERO);
    while let Some(task) = ready.pop() {
        done += 1;
        let end = starts[task] + works[task];
        longest = longest.max(end);
        for child in &children[task] {
            starts[*child] = starts[*child].max(end);
            waiting[*child] -= 1;
            if waiting[*child] == 0 {
                ready.push(*child);
            }
        }
    }
    (done == parents.len()).then_some(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_critical_path_is_the_longest_chain() {
        let seconds = |list: &[i64]| list.iter().map(|s| Span::from_secs(*s)).collect::<Vec<_>>();
        // a (10) before b (20) and c (5); d (7) after both: 10 + 20 + 7 = 37, and not 10 + 5 + 7 = 22.
        let diamond = [vec![], vec![0], vec![0], vec![1, 2]];
        assert_eq!(critical_path(&diamond, &seconds(&[10, 20, 5, 7])), Some(Span::from_secs(37)));
        // A long task of its own decides: 50 > 37.
        let with_loner = [vec![], vec![0], vec![0], vec![1, 2], vec![]];
        assert_eq!(critical_path(&with_loner, &seconds(&[10, 20, 5, 7, 50])), Some(Span::from_secs(50)));
        assert_eq!(critical_path(&[vec![1], vec![0]], &seconds(&[1, 1])), None, "a cycle");
    }
}
