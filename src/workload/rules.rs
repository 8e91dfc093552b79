//! What a scenario says of the pods of a trace: values that the trace does not have, templates, and by which labels pods
//! have to be told apart at all. Labels that nobody selects by would make a class of every pod.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::kube::{Labels, PodSpec};
use crate::platform::{Defaults, PodTemplate, matches_wildcards};
use crate::trace::{Trace, Word, split_list};

/// What stands in for what the trace does not say of pods.
#[derive(Clone, Copy)]
pub struct PodRules<'a> {
    pub defaults: &'a Defaults,
    /// The first one that matches a pod completes it.
    pub templates: &'a [PodTemplate],
    pub told_apart: &'a ToldApart,
}

impl<'a> From<&'a Defaults> for PodRules<'a> {
    fn from(defaults: &'a Defaults) -> Self {
        static NOTHING: ToldApart = ToldApart { namespaces: false, labels: BTreeSet::new() };
        Self { defaults, templates: &[], told_apart: &NOTHING }
    }
}

/// By what, besides their shape, pods have to be told apart: what budgets, profiles and affinities select by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldApart {
    pub namespaces: bool,
    /// Keys, with `*` and `?` as wildcards.
    pub labels: BTreeSet<String>,
}

/// The label of that key in a cell of the column `labels`.
fn label<'t>(cell: &'t str, key: &str) -> Option<&'t str> {
    // Keys and values of labels have no character that would be escaped.
    cell.split(';').find_map(|item| item.split_once('=').filter(|(k, _)| *k == key).map(|(_, value)| value))
}

/// Finds the template of each pod.
pub(super) struct Templates<'a> {
    templates: &'a [PodTemplate],
    known: FxHashMap<[Word; 5], u16>,
}

impl<'a> Templates<'a> {
    pub fn new(templates: &'a [PodTemplate]) -> Self {
        Self { templates, known: FxHashMap::default() }
    }

    /// From 1 on; 0 for a pod that none matches.
    pub fn of(&mut self, trace: &Trace, row: usize) -> u16 {
        if self.templates.is_empty() {
            return 0;
        }
        let columns = [&trace.workflow, &trace.task_name, &trace.image, &trace.namespace, &trace.labels];
        let key = columns.map(|column| trace.word(column, row));
        let [workflow, task, image, namespace, labels] = key.map(|word| trace.words.get(word));
        let find = |task: &str| {
            let matches = |template: &PodTemplate| {
                template.applies_to.matches([workflow, task, image, namespace], |key| label(labels, key))
            };
            self.templates.iter().position(matches).map_or(0, |index| index as u16 + 1)
        };
        // Ids are many, and mean something only where tasks have no names.
        if task.is_empty() && self.templates.iter().any(|template| template.applies_to.task.is_some()) {
            return find(trace.task_id.get(row));
        }
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let found = find(task);
        self.known.insert(key, found);
        found
    }

    pub fn spec(&self, template: u16) -> Option<&'a PodSpec> {
        let index = (template as usize).checked_sub(1)?;
        self.templates.get(index).map(|template| &*template.spec)
    }

    pub fn specs(&self) -> Vec<Arc<PodSpec>> {
        self.templates.iter().map(|template| Arc::clone(&template.spec)).collect()
    }
}

/// The different sets of labels by which pods are told apart.
pub(super) struct LabelSets<'a> {
    told_apart: &'a ToldApart,
    sets: Vec<Labels>,
    numbers: BTreeMap<Labels, u32>,
    known: FxHashMap<Word, u32>,
}

impl<'a> LabelSets<'a> {
    pub fn new(told_apart: &'a ToldApart) -> Self {
        let numbers = BTreeMap::from([(Labels::new(), 0)]);
        Self { told_apart, sets: vec![Labels::new()], numbers, known: FxHashMap::default() }
    }

    pub fn namespace(&self, trace: &Trace, row: usize) -> Word {
        if self.told_apart.namespaces { trace.word(&trace.namespace, row) } else { Word::EMPTY }
    }

    pub fn of(&mut self, trace: &Trace, row: usize) -> u32 {
        if self.told_apart.labels.is_empty() {
            return 0;
        }
        let cell = trace.word(&trace.labels, row);
        if let Some(known) = self.known.get(&cell) {
            return *known;
        }
        let labels: Labels = split_list(trace.words.get(cell))
            .filter_map(|item| item.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
            .filter(|(key, _)| self.told_apart.labels.iter().any(|known| matches_wildcards(known, key)))
            .collect();
        let number = self.numbers.get(&labels).copied().unwrap_or_else(|| {
            self.sets.push(labels.clone());
            let number = self.sets.len() as u32 - 1;
            self.numbers.insert(labels, number);
            number
        });
        self.known.insert(cell, number);
        number
    }

    pub fn take(&mut self) -> Vec<Labels> {
        std::mem::take(&mut self.sets)
    }
}
