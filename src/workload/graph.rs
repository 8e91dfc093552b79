//! The dependency graph in compressed sparse rows, and the proof that it has no cycle.

use super::StepId;

/// Predecessors and successors of every step. Empty when there are no dependencies at all.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    predecessors: Rows,
    successors: Rows,
}

/// Lists of steps end to end: list `i` is `targets[starts[i]..starts[i + 1]]`.
#[derive(Clone, Debug, Default)]
struct Rows {
    starts: Vec<u32>,
    targets: Vec<StepId>,
}

impl Rows {
    fn of(&self, step: StepId) -> &[StepId] {
        match self.starts.get(step as usize..step as usize + 2) {
            Some(&[start, end]) => &self.targets[start as usize..end as usize],
            _ => &[],
        }
    }

    /// Lists the second element of each edge under its first, in the order of the edges.
    fn new(steps: usize, edges: impl Iterator<Item = (StepId, StepId)> + Clone) -> Self {
        let mut starts = vec![0u32; steps + 1];
        for (from, _) in edges.clone() {
            starts[from as usize + 1] += 1;
        }
        for i in 0..steps {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut targets = vec![0; starts[steps] as usize];
        for (from, to) in edges {
            targets[next[from as usize] as usize] = to;
            next[from as usize] += 1;
        }
        Self { starts, targets }
    }
}

impl Graph {
    /// The graph of `(predecessor, successor)` edges, or the steps of one cycle in their order.
    pub fn new(steps: usize, edges: &[(StepId, StepId)]) -> Result<Self, Vec<StepId>> {
        if edges.is_empty() {
            return Ok(Self::default());
        }
        let graph = Self {
            predecessors: Rows::new(steps, edges.iter().map(|(from, to)| (*to, *from))),
            successors: Rows::new(steps, edges.iter().copied()),
        };
        match graph.find_cycle(steps) {
            None => Ok(graph),
            Some(cycle) => Err(cycle),
        }
    }

    /// Whether there are no dependencies at all.
    pub fn is_empty(&self) -> bool {
        self.successors.targets.is_empty()
    }

    pub fn predecessors(&self, step: StepId) -> &[StepId] {
        self.predecessors.of(step)
    }

    pub fn successors(&self, step: StepId) -> &[StepId] {
        self.successors.of(step)
    }

    /// The steps such that each comes after all its predecessors, otherwise in ascending order of levels.
    pub fn topological_order(&self, steps: usize) -> Vec<StepId> {
        let mut open: Vec<u32> =
            (0..steps).map(|step| self.predecessors(step as StepId).len() as u32).collect();
        let mut order: Vec<StepId> = (0..steps as StepId).filter(|step| open[*step as usize] == 0).collect();
        let mut done = 0;
        while done < order.len() {
            for next in self.successors(order[done]) {
                open[*next as usize] -= 1;
                if open[*next as usize] == 0 {
                    order.push(*next);
                }
            }
            done += 1;
        }
        order
    }

    fn find_cycle(&self, steps: usize) -> Option<Vec<StepId>> {
        let order = self.topological_order(steps);
        if order.len() == steps {
            return None;
        }
        let mut ordered = vec![false; steps];
        for step in order {
            ordered[step as usize] = true;
        }
        // Every step left over has a predecessor that is left over: walking back must close a cycle.
        let mut step = (0..steps as StepId).find(|s| !ordered[*s as usize])?;
        let mut position = vec![usize::MAX; steps];
        let mut path = Vec::new();
        while position[step as usize] == usize::MAX {
            position[step as usize] = path.len();
            path.push(step);
            step = *self.predecessors(step).iter().find(|p| !ordered[**p as usize])?;
        }
        let mut cycle = path.split_off(position[step as usize]);
        cycle.reverse();
        Some(cycle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diamond_is_ordered() {
        let graph = Graph::new(4, &[(3, 1), (3, 2), (1, 0), (2, 0)]).unwrap();
        assert_eq!(graph.topological_order(4), [3, 1, 2, 0]);
        assert_eq!(graph.predecessors(0), [1, 2]);
        assert_eq!(graph.successors(3), [1, 2]);
        assert!(graph.successors(0).is_empty());
    }

    #[test]
    fn a_cycle_is_named_in_order() {
        // 0 → 1 → 2 → 3 → 1: the cycle is 1 → 2 → 3, and 0 is not part of it.
        let mut cycle = Graph::new(4, &[(0, 1), (1, 2), (2, 3), (3, 1)]).unwrap_err();
        let smallest = cycle.iter().position(|s| *s == 1).unwrap();
        cycle.rotate_left(smallest);
        assert_eq!(cycle, [1, 2, 3]);
        assert_eq!(Graph::new(1, &[(0, 0)]).unwrap_err(), [0]);
    }
}
