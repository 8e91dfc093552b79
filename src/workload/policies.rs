//! What pods are allowed, decided by rule instead of by the trace: "what if only jobs of more than half an hour were
//! protected?"

use rustc_hash::FxHashMap;

use super::{ClassId, PodClass, StepId, Workload};

impl Workload {
    /// The workload whose pods have the class that `of` makes of theirs. Classes that no pod has any more stay.
    #[must_use]
    pub fn reclassified(&self, of: impl Fn(StepId, &PodClass) -> PodClass) -> Self {
        let mut changed = self.clone();
        let mut numbers: FxHashMap<PodClass, ClassId> = FxHashMap::default();
        for (class, number) in self.classes.iter().zip(0..) {
            numbers.entry(*class).or_insert(number);
        }
        for step in self.steps.pods() {
            let class = of(step, &self.classes[self.steps.class[step as usize] as usize]);
            let number = *numbers.entry(class).or_insert_with(|| {
                changed.classes.push(class);
                changed.classes.len() as ClassId - 1
            });
            changed.steps.class[step as usize] = number;
        }
        changed
    }
}
