//! Pods that are alike to Karpenter, and how a pod's demands are relaxed step by step.
//!
//! Whatever is decided for one pod holds for every pod of its shape, so failures are remembered by shape.

use rustc_hash::FxHashMap;

use crate::catalog::{CapacityType, Requirement, Requirements, labels};
use crate::sim::kube_scheduler::{NodeLabels, ZONE_LABEL, admits};
use crate::trace::{PodArch, Words, split_list};
use crate::units::Resources;
use crate::workload::{ClassId, PodClass};

/// Index of a [`Shape`].
pub type ShapeId = u32;
/// Index of a [`Constraint`].
pub type ConstraintId = u32;

/// What decides where a pod fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub requests: Resources,
    pub constraint: ConstraintId,
    /// The same pod with one demand less, to be tried when nothing can be found for this one.
    pub relaxed: Option<ShapeId>,
}

/// What a pod asks of its node besides room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// Node selector, architecture, and for pods that must not be interrupted: no Spot.
    pub requirements: Requirements,
    arch: PodArch,
    node_selector: String,
    tolerations: String,
    interruptible: bool,
    /// Taints with the effect `PreferNoSchedule` repel a pod until that is relaxed.
    tolerates_preferences: bool,
}

impl Constraint {
    fn new(pod: &PodClass, words: &Words) -> Self {
        let node_selector = words.get(pod.node_selector).to_owned();
        let mut requirements = Requirements::default();
        for item in split_list(&node_selector) {
            let (key, value) = item.split_once('=').unwrap_or((&item, ""));
            requirements.add(key, Requirement::one_of([value]));
        }
        match pod.arch {
            PodArch::Any => {}
            PodArch::Amd64 => requirements.add(labels::ARCH, Requirement::one_of(["amd64"])),
            PodArch::Arm64 => requirements.add(labels::ARCH, Requirement::one_of(["arm64"])),
        }
        if !pod.interruptible {
            let no_spot = Requirement::none_of([CapacityType::Spot.label()]);
            requirements.add(labels::CAPACITY_TYPE, no_spot);
        }
        Self {
            requirements,
            arch: pod.arch,
            node_selector,
            tolerations: words.get(pod.tolerations).to_owned(),
            interruptible: pod.interruptible,
            tolerates_preferences: false,
        }
    }

    /// Whether the pod tolerates the taints of `node`, whatever its labels.
    pub fn tolerates(&self, taints: &[crate::platform::Taint]) -> bool {
        if taints.is_empty() {
            return true;
        }
        let node = NodeLabels { taints: taints.to_vec(), ..NodeLabels::default() };
        self.avoided(admits(&node, PodArch::Any, "", &self.tolerations))
    }

    /// Whether the pod may run on a node with these labels and taints in `zone`, as kube-scheduler sees it.
    pub fn admitted(&self, node: &NodeLabels, zone: Option<&String>) -> bool {
        if node.is_spot && !self.interruptible {
            return false;
        }
        let answer = match zone {
            Some(zone) if !self.node_selector.is_empty() => {
                let mut labelled = node.clone();
                labelled.labels.insert(ZONE_LABEL.to_owned(), zone.clone());
                admits(&labelled, self.arch, &self.node_selector, &self.tolerations)
            }
            _ => admits(node, self.arch, &self.node_selector, &self.tolerations),
        };
        self.avoided(answer)
    }

    fn avoided(&self, taints: Option<u32>) -> bool {
        taints.is_some_and(|avoided| avoided == 0 || self.tolerates_preferences)
    }

    /// Whether a node with these labels has all that the node selector asks for, its zone apart. Says no where
    /// Karpenter would hope for a label that the data does not have.
    pub fn selects(&self, node: &NodeLabels) -> bool {
        split_list(&self.node_selector).all(|item| {
            let (key, value) = item.split_once('=').unwrap_or((&item, ""));
            labels::normalized(key) == labels::ZONE
                || node.labels.get(labels::normalized(key)).is_some_and(|label| label == value)
        })
    }
}

/// All shapes of a workload.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    shapes: Vec<Shape>,
    constraints: Vec<Constraint>,
    of_class: Vec<ShapeId>,
}

impl Shapes {
    /// The shapes of `classes`. `prefers` says that some pool has a `PreferNoSchedule` taint, in which case a pod that
    /// fits nowhere is tried again as if it tolerated all of those (`pkg/controllers/provisioning/scheduling:
    /// Preferences.Relax`).
    pub fn new(classes: &[PodClass], words: &Words, prefers: bool) -> Self {
        let mut all = Self::default();
        let mut constraints = FxHashMap::default();
        let mut shapes = FxHashMap::default();
        for pod in classes {
            let key = (pod.arch, pod.node_selector, pod.tolerations, pod.interruptible);
            let constraint = *constraints.entry(key).or_insert_with(|| {
                let strict = Constraint::new(pod, words);
                let relaxed = prefers.then(|| Constraint { tolerates_preferences: true, ..strict.clone() });
                all.constraints.push(strict);
                all.constraints.extend(relaxed);
                all.constraints.len() as ConstraintId - 1 - ConstraintId::from(prefers)
            });
            let shape = *shapes.entry((pod.requests, constraint)).or_insert_with(|| {
                let id = all.shapes.len() as ShapeId;
                let shape = Shape { requests: pod.requests, constraint, relaxed: None };
                all.shapes.push(Shape { relaxed: prefers.then_some(id + 1), ..shape });
                if prefers {
                    all.shapes.push(Shape { constraint: constraint + 1, ..shape });
                }
                id
            });
            all.of_class.push(shape);
        }
        all
    }

    pub fn of_class(&self, class: ClassId) -> ShapeId {
        self.of_class[class as usize]
    }

    pub fn get(&self, shape: ShapeId) -> &Shape {
        &self.shapes[shape as usize]
    }

    pub fn constraint(&self, constraint: ConstraintId) -> &Constraint {
        &self.constraints[constraint as usize]
    }

    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }
}
