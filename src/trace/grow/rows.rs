//! The rows of a grown trace: their cells, the ids of copies, and what they refer to.

use std::fmt::Write as _;

use super::{Picked, Runs};
use crate::trace::schema::Field;
use crate::trace::times::print_time;
use crate::trace::{Column, Trace, escape_id, split_references};
use crate::units::{Span, Time};

impl Runs<'_> {
    /// What stands between an id and the number of its copy: `~`, or as many as it takes to meet no id of the trace.
    fn mark(&self) -> String {
        let is_taken = |mark: &str| {
            self.list.iter().any(|run| {
                let Some((base, number)) = run.id.rsplit_once(mark) else { return false };
                let number = number.parse::<u64>().ok().filter(|n| *n >= 2 && n.to_string() == number);
                let original = if run.is_lone_pod {
                    self.by_task.get(base).copied()
                } else {
                    self.trace.words.find(base).map(|word| self.by_word[word.index()])
                };
                let copies = original.and_then(|run| self.list.get(run as usize)).map_or(0, |run| run.copies);
                number.is_some_and(|number| number <= copies)
            })
        };
        let mut mark = "~".to_owned();
        while is_taken(&mark) {
            mark.push('~');
        }
        mark
    }

    /// The grown trace.
    pub(super) fn gather(&self, rows: &[Picked]) -> Trace {
        let trace = self.trace;
        let mark = self.mark();
        let mut grown = Trace { files: trace.files.clone(), words: trace.words.clone(), ..Trace::default() };
        let sources: Vec<(u32, Span)> = rows.iter().map(|picked| (picked.row, picked.by)).collect();
        for field in Field::ALL {
            field.gather(trace, &sources, &mut grown);
        }
        grown.unknown = trace
            .unknown
            .iter()
            .map(|(name, column)| {
                let mut gathered = Column::default();
                for (row, (source, _)) in sources.iter().enumerate() {
                    if let Some(word) = column.get(*source as usize) {
                        gathered.set(row, word);
                    }
                }
                (name.clone(), gathered)
            })
            .collect();
        for file in &mut grown.files {
            file.rows = 0;
        }
        for (row, picked) in rows.iter().enumerate() {
            let source = picked.row as usize;
            let place = trace.place.get(source).copied().unwrap_or_default();
            grown.place.push(place);
            if let Some(file) = grown.files.get_mut(place.file as usize) {
                file.rows += 1;
            }
            self.name(&mut grown, row, picked, &mark);
            if let Some(list) = trace.depends_on.get(source) {
                let list = trace.words.get(list);
                if let Some(list) = self.retarget(picked.copy, list, &mark) {
                    let word = grown.words.intern(&list);
                    grown.depends_on.set(row, word);
                }
            }
        }
        self.keep_window(&mut grown);
        grown
    }

    /// The ids of `row`, and the name of its pod.
    fn name(&self, grown: &mut Trace, row: usize, picked: &Picked, mark: &str) {
        let trace = self.trace;
        let task = trace.task_id.get(picked.row as usize);
        if picked.copy == 1 {
            grown.task_id.push(task);
            return;
        }
        let numbered = |id: &str| format!("{id}{mark}{}", picked.copy);
        match grown.run_id.get(row).filter(|run| !run.is_empty()) {
            Some(run) => {
                grown.task_id.push(task);
                let run = grown.words.intern(&numbered(trace.words.get(run)));
                grown.run_id.set(row, run);
            }
            None => grown.task_id.push(&numbered(task)),
        }
        if let Some(pod) = grown.pod_name.get(row).filter(|pod| !pod.is_empty()) {
            let pod = grown.words.intern(&numbered(trace.words.get(pod)));
            grown.pod_name.set(row, pod);
        }
    }

    /// The `depends_on` of a task in copy number `copy` of its run; `None` if it stays as it is.
    fn retarget(&self, copy: u64, list: &str, mark: &str) -> Option<String> {
        let mut changed = false;
        let mut text = String::new();
        for (other, task) in split_references(list) {
            let target = self.target(other.as_deref(), &task);
            let copies = target.map(|target| self.list[target as usize].copies);
            if copies == Some(0) {
                changed = true;
                continue;
            }
            if !text.is_empty() {
                text.push(';');
            }
            let number = copies.filter(|copies| copy > 1 && copy <= *copies).map(|_| format!("{mark}{copy}"));
            changed |= number.is_some();
            let number = number.unwrap_or_default();
            let task = escape_id(&task);
            let _ = match other.as_deref() {
                None => write!(text, "{task}"),
                Some("") => write!(text, "/{task}{number}"),
                Some(other) => write!(text, "{}{number}/{task}", escape_id(other)),
            };
        }
        changed.then_some(text)
    }

    /// A window that no side file states would follow the copies.
    fn keep_window(&self, grown: &mut Trace) {
        let text = |time: Time| {
            let mut text = Vec::new();
            print_time(time, &mut text);
            String::from_utf8(text).ok()
        };
        let (start, end) = self.window;
        if self.list.is_empty() || grown.files.is_empty() {
            return;
        }
        if grown.files.iter().all(|file| file.meta.window_start.is_none()) {
            grown.files[0].meta.window_start = text(start);
        }
        if grown.files.iter().all(|file| file.meta.window_end.is_none()) {
            grown.files[0].meta.window_end = text(end);
        }
    }
}
