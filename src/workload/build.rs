//! From the rows of a trace to a [`Workload`]: steps, runs, the graph, and every check that needs more than one
//! row.
//!
//! Problems are reported by row and column name; turning them into a file, line and column is the business of
//! the module that knows the files.

use super::classes::{Assumed, Classes};
use super::tasks::Tasks;
use super::{Ending, Graph, PodRules, Run, StepId, StepKind, Steps, Window, Workload};
use crate::rng::key_of;
use crate::trace::{self, Kind, RowProblem, State, Trace, Word};
use crate::units::{Span, Time};

#[derive(Clone, Debug)]
pub struct Built {
    pub workload: Workload,
    pub assumed: Assumed,
    pub warnings: Vec<String>,
}

/// Builds the workload of `trace`, whose rows in canonical order are `order`. `window` is what the side file says
/// of the time that the trace covers; by default it runs from the first to the last recorded instant. What the trace
/// does not say of pods, `rules` do: the defaults alone, or with templates of pods.
pub fn build<'a>(
    trace: &'a Trace,
    order: &[u32],
    rules: impl Into<PodRules<'a>>,
    window: (Option<Time>, Option<Time>),
) -> Result<Built, Vec<RowProblem>> {
    let mut builder = Builder {
        trace,
        steps: Steps::default(),
        runs: Vec::new(),
        run_of_word: vec![u32::MAX; trace.words.len()],
        classes: Classes::new(trace, rules.into()),
        problems: Vec::new(),
        notes: Notes::default(),
    };
    for row in order {
        builder.add(*row as usize);
    }
    builder.refuse_duplicates();
    if !builder.problems.is_empty() {
        return Err(builder.problems);
    }
    let graph = builder.graph();
    if !builder.problems.is_empty() {
        return Err(builder.problems);
    }
    builder.settle_never_ran(&graph);
    builder.infer_trigger_delays(&graph);
    let Builder { steps, runs, mut classes, notes, .. } = builder;
    let (templates, labels) = classes.shared();
    let has_recorded_delays = notes.recorded_pods == notes.pods && notes.pods > 0;
    let window = notes.window(window);
    let warnings = notes.warnings(&classes);
    let workload = Workload {
        has_dependencies: !graph.is_empty(),
        steps,
        graph,
        runs,
        classes: classes.list,
        images: classes.images.list,
        templates,
        labels,
        window,
        has_recorded_delays,
    };
    Ok(Built { workload, assumed: classes.assumed, warnings })
}

/// What the passes over the rows noticed.
#[derive(Default)]
struct Notes {
    pods: usize,
    recorded_pods: usize,
    not_replayed: usize,
    censored: usize,
    created_before_submit: usize,
    before_predecessors: usize,
    after_failures: usize,
    first: Option<Time>,
    last: Option<Time>,
}

struct Builder<'a> {
    trace: &'a Trace,
    steps: Steps,
    runs: Vec<Run>,
    /// Run of each word, `u32::MAX` where there is none yet.
    run_of_word: Vec<u32>,
    classes: Classes<'a>,
    problems: Vec<RowProblem>,
    notes: Notes,
}

impl Builder<'_> {
    fn add(&mut self, row: usize) {
        let trace = self.trace;
        let step = self.steps.len();
        let state = trace.state.get(row);
        let kind = match (state, trace.kind.get(row).unwrap_or_default()) {
            (Some(State::Pending | State::Skipped), _) => StepKind::NotReplayed,
            (_, Kind::Pod) => StepKind::Pod,
            (_, Kind::Control | Kind::Wait) => StepKind::Control,
        };
        let ending = match state {
            Some(State::Failed) => Ending::Failed,
            Some(State::Canceled) => Ending::Canceled,
            _ => Ending::Succeeded,
        };
        let submit = trace.submit_time.get(row).expect("the reader refuses rows without submit_time");
        let (run_word, task) = (trace.word(&trace.run_id, row), trace.task_id.get(row));
        let attempt = trace.attempt.get(row).unwrap_or(1);
        self.steps.row.push(row as u32);
        let run = self.run_of(run_word, row, submit);
        self.steps.run.push(run);
        self.steps.kind.push(kind);
        self.steps.ending.push(ending);
        // Without evidence of a run of its own, a step behind a failure did not run. Settled when edges are known.
        self.steps.never_ran.push(state.is_none() && trace.start_time.get(row).is_none());
        self.steps.class.push(if kind == StepKind::Pod { self.classes.class_of(row) } else { 0 });
        self.steps.work.push(trace.work.get(row).unwrap_or_default());
        self.steps.submit.push(submit);
        self.steps.key.push(key_of(&[trace.words.get(run_word), task], u64::from(attempt)));
        self.add_recorded_times(step, row, submit);
        self.add_retries(step, row);
        self.notes.not_replayed += usize::from(kind == StepKind::NotReplayed);
        self.notes.censored += usize::from(state == Some(State::Running));
        if kind == StepKind::Pod {
            self.notes.pods += 1;
            self.notes.recorded_pods += usize::from(self.steps.start_delay.get(step).is_some());
        }
    }

    fn run_of(&mut self, word: Word, row: usize, submit: Time) -> u32 {
        let new = self.runs.len() as u32;
        let known = &mut self.run_of_word[word.index()];
        if !word.is_empty() && *known != u32::MAX {
            return *known; // Rows come in order of submit time: the first one's is the run's.
        }
        *known = new;
        self.runs.push(Run { id: word, workflow: self.trace.word(&self.trace.workflow, row), submit });
        new
    }

    /// Splits what was recorded of a step into the delays of the orchestrator, which are kept, and those of the
    /// source platform, which only the platform `recorded` replays.
    fn add_recorded_times(&mut self, step: usize, row: usize, submit: Time) {
        let trace = self.trace;
        let created = trace.pod_created_time.get(row);
        let (start, end) = (trace.start_time.get(row), trace.end_time.get(row));
        let observed = trace.finish_observed_time.get(row);
        if let Some(created) = created {
            self.notes.created_before_submit += usize::from(created < submit);
            self.steps.dispatch.set(step, (created - submit).max(Span::ZERO));
        }
        let durations = [&trace.queue, &trace.provision, &trace.image_pull].map(|c| c.get(row));
        if let Some(start) = start {
            self.steps.start_delay.set(step, (start - created.unwrap_or(submit)).max(Span::ZERO));
        } else if durations.iter().any(Option::is_some) {
            self.steps.start_delay.set(step, durations.iter().flatten().copied().sum());
        }
        if let (Some(start), Some(end)) = (start, end)
            && end - start != self.steps.work[step]
        {
            self.steps.recorded_run.set(step, end - start);
        }
        if let (Some(end), Some(observed)) = (end, observed) {
            self.steps.detection.set(step, (observed - end).max(Span::ZERO));
        }
        let earliest = created.map_or(submit, |c| c.min(submit));
        let latest = [Some(submit), created, start, end, observed].into_iter().flatten().max();
        self.notes.first = self.notes.first.into_iter().chain([earliest]).min();
        self.notes.last = self.notes.last.into_iter().chain(latest).max();
    }

    fn add_retries(&mut self, step: usize, row: usize) {
        let trace = self.trace;
        if let Some(limit) = trace.retry_limit.get(row) {
            self.steps.retry_limit.set(step, limit);
        }
        if let Some(interval) = trace.retry_interval.get(row) {
            self.steps.retry_interval.set(step, interval);
        }
        if let Some(interval) = trace.checkpoint_interval.get(row) {
            self.steps.checkpoint_interval.set(step, interval);
        }
    }

    /// Two rows of one (run, task, attempt) cannot both be right. Found by sorting keys: no table of strings.
    fn refuse_duplicates(&mut self) {
        let mut keys: Vec<(u64, StepId)> = self.steps.key.iter().copied().zip(0..).collect();
        keys.sort_unstable();
        for pair in keys.windows(2) {
            let [(a, first), (b, second)] = [pair[0], pair[1]];
            let (first, second) = (self.steps.row[first as usize], self.steps.row[second as usize]);
            if a == b && self.same_attempt(first as usize, second as usize) {
                let (first, second) = (first.min(second), first.max(second));
                let (place, other) = (self.trace.place[first as usize], self.trace.place[second as usize]);
                let file = if place.file == other.file {
                    String::new()
                } else {
                    format!(" of {}", self.trace.file_of(first as usize))
                };
                let task = self.trace.task_id.get(second as usize);
                self.problem(
                    second,
                    "task_id",
                    format!("this attempt of task {task:?} stands already in line {}{file}", place.line),
                    Some(task.to_owned()),
                    "give each further try of a task its own `attempt` number, and each file only once",
                );
            }
        }
        self.problems.sort_by_key(|p| p.row);
    }

    fn same_attempt(&self, a: usize, b: usize) -> bool {
        let t = self.trace;
        t.word(&t.run_id, a) == t.word(&t.run_id, b)
            && t.task_id.get(a) == t.task_id.get(b)
            && t.attempt.get(a).unwrap_or(1) == t.attempt.get(b).unwrap_or(1)
    }

    fn problem(&mut self, row: u32, field: &'static str, message: String, text: Option<String>, hint: &str) {
        self.problems.push(RowProblem { row, field, message, text, hint: Some(hint.to_owned()) });
    }

    /// Resolves `depends_on` and tries into edges, and proves that there is no cycle.
    fn graph(&mut self) -> Graph {
        let trace = self.trace;
        let has_tries = (0..trace.rows()).any(|row| trace.attempt.get(row).is_some_and(|a| a > 1));
        if trace.depends_on.is_empty() && !has_tries {
            return Graph::default();
        }
        let rows = self.steps.row.clone();
        let tasks = Tasks::new(trace, &rows);
        let mut edges = Vec::new();
        for step in 0..self.steps.len() as StepId {
            let row = self.steps.row[step as usize] as usize;
            let run = trace.word(&trace.run_id, row);
            if let Some(previous) = tasks.previous_try(run, trace.task_id.get(row), step) {
                self.steps.never_ran[step as usize] = false;
                edges.push((previous, step));
                continue;
            }
            let list = trace.words.get(trace.word(&trace.depends_on, row));
            for (other_run, task) in trace::split_references(list) {
                match self.resolve(&tasks, run, other_run.as_deref(), &task) {
                    Ok(predecessor) => edges.push((predecessor, step)),
                    Err((message, hint)) => {
                        self.problem(row as u32, "depends_on", message, Some(list.to_owned()), &hint);
                    }
                }
            }
        }
        edges.sort_unstable();
        edges.dedup();
        if !self.problems.is_empty() {
            return Graph::default();
        }
        self.notes.after_failures = edges
            .iter()
            .filter(|(before, after)| {
                self.steps.ending[*before as usize] != Ending::Succeeded
                    && !self.steps.never_ran[*after as usize]
                    && self.steps.kind[*after as usize] != StepKind::NotReplayed
                    && trace.task_id.get(self.steps.row[*before as usize] as usize)
                        != trace.task_id.get(self.steps.row[*after as usize] as usize)
            })
            .count();
        Graph::new(self.steps.len(), &edges).unwrap_or_else(|cycle| {
            self.refuse_cycle(&cycle);
            Graph::default()
        })
    }

    fn resolve(
        &self,
        tasks: &Tasks,
        run: Word,
        other_run: Option<&str>,
        task: &str,
    ) -> Result<StepId, (String, String)> {
        let trace = self.trace;
        let run_word = match other_run {
            None => Some(run),
            Some(other) => trace.words.find(other),
        };
        let found = run_word.and_then(|run| tasks.last_try(run, task));
        found.ok_or_else(|| match other_run {
            None => (
                format!("unknown dependency {task:?} in run {:?}", trace.words.get(run)),
                "`depends_on` names task ids of the same run; write `run/task` for another run, and `\\;` or \
                 `\\/` for these characters inside an id"
                    .to_owned(),
            ),
            Some(other) => (
                format!("unknown dependency {task:?} in run {other:?}"),
                "both the run and the task must be rows of this trace; a `/` inside an id is written `\\/`".to_owned(),
            ),
        })
    }

    fn refuse_cycle(&mut self, cycle: &[StepId]) {
        const NAMED: usize = 6;
        let row_of = |step: &StepId| self.steps.row[*step as usize];
        let row = cycle.iter().map(row_of).min().expect("a cycle has a step");
        let first = cycle.iter().position(|s| row_of(s) == row).expect("the smallest is one of them");
        let mut names: Vec<&str> = cycle[first..]
            .iter()
            .chain(&cycle[..first])
            .map(|s| self.trace.task_id.get(row_of(s) as usize))
            .collect();
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let ellipsis = if more > 0 { format!(" → ({more} more)") } else { String::new() };
        let message = format!("dependency cycle: {}{ellipsis} → {}", names.join(" → "), names[0]);
        let text = self.trace.words.get(self.trace.word(&self.trace.depends_on, row as usize)).to_owned();
        self.problem(
            row,
            "depends_on",
            message,
            Some(text),
            "a task cannot wait for itself, directly or through others",
        );
    }

    /// Of the steps without evidence of a run, those did not run that stand behind a failure, directly or through
    /// others that did not run.
    fn settle_never_ran(&mut self, graph: &Graph) {
        if graph.is_empty() {
            self.steps.never_ran.fill(false);
            return;
        }
        for step in graph.topological_order(self.steps.len()) {
            let behind_failure = graph.predecessors(step).iter().any(|before| {
                self.steps.never_ran[*before as usize]
                    || self.steps.ending[*before as usize] != Ending::Succeeded
            });
            self.steps.never_ran[step as usize] &= behind_failure;
        }
    }

    /// Where the trace does not give the orchestrator's wait after the last predecessor, it is what lies between
    /// that predecessor's noticed end and this step's becoming eligible.
    fn infer_trigger_delays(&mut self, graph: &Graph) {
        let trace = self.trace;
        for step in 0..self.steps.len() {
            let row = self.steps.row[step] as usize;
            if let Some(delay) = trace.trigger_delay.get(row) {
                self.steps.trigger_delay.set(step, delay);
                continue;
            }
            let predecessors = graph.predecessors(step as StepId);
            if predecessors.is_empty() || self.steps.kind[step] == StepKind::NotReplayed {
                continue;
            }
            let ends = predecessors
                .iter()
                .map(|p| trace.finish_observed_time.get(self.steps.row[*p as usize] as usize))
                .collect::<Option<Vec<Time>>>();
            if let Some(last) = ends.and_then(|ends| ends.into_iter().max()) {
                let gap = self.steps.submit[step] - last;
                self.notes.before_predecessors += usize::from(gap < Span::ZERO);
                if gap > Span::ZERO {
                    self.steps.trigger_delay.set(step, gap);
                }
            }
        }
    }
}

impl Notes {
    fn window(&self, given: (Option<Time>, Option<Time>)) -> Window {
        let (first, last) = (self.first.unwrap_or_default(), self.last.unwrap_or_default());
        let (start, end) = (given.0.unwrap_or(first), given.1.unwrap_or(last));
        Window { start: start.min(first), end: end.max(start) }
    }

    fn warnings(&self, classes: &Classes) -> Vec<String> {
        let all = [
            (self.not_replayed, "not replayed, since they never ran (pending, skipped or dropped)"),
            (self.censored, "cut where the trace ended, since they were still running"),
            (self.created_before_submit, "created before their submit_time, taken as created at once"),
            (
                self.before_predecessors,
                "eligible before a predecessor was seen to end; in closed loop they wait for it",
            ),
            (self.after_failures, "run although a predecessor had failed, replayed as recorded"),
            (
                classes.images.conflicting,
                "giving another size for an image than earlier rows; the largest is used",
            ),
            (
                classes.little_memory,
                "asking for less than 1 MiB of memory (write 512Mi where 512 MiB are meant)",
            ),
        ];
        let line = |(count, what): (usize, &str)| {
            let rows = if count == 1 { "row" } else { "rows" };
            (count > 0).then(|| format!("{what}: {count} {rows}"))
        };
        all.into_iter().filter_map(line).collect()
    }
}
