//! Interns pods into classes and images, and fills in what the trace does not say.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::rules::{LabelSets, PodRules, Templates};
use super::{Image, PodClass};
use crate::kube::{Labels, PodSpec};
use crate::platform::Defaults;
use crate::trace::{Trace, Word};
use crate::units::{Cpu, Memory, Resources};

/// How many pods needed a default, for the report's assumptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumed {
    pub cpu_requests: usize,
    pub memory_requests: usize,
    pub image_sizes: usize,
}

/// A request for less memory than this is more likely one without its unit.
const LITTLE_MEMORY: Memory = Memory::from_mib(1);

/// Interns pods into classes and images, filling in defaults.
pub(super) struct Classes<'a> {
    trace: &'a Trace,
    defaults: &'a Defaults,
    pub list: Vec<PodClass>,
    numbers: FxHashMap<PodClass, u32>,
    pub images: Images,
    templates: Templates<'a>,
    labels: LabelSets<'a>,
    pub assumed: Assumed,
    /// Rows that ask for next to no memory.
    pub little_memory: usize,
}

impl<'a> Classes<'a> {
    pub fn new(trace: &'a Trace, rules: PodRules<'a>) -> Self {
        let defaults = rules.defaults;
        let images = Images::new(trace, defaults);
        Self {
            trace,
            defaults,
            templates: Templates::new(rules.templates),
            labels: LabelSets::new(rules.told_apart),
            list: Vec::new(),
            numbers: FxHashMap::default(),
            images,
            assumed: Assumed::default(),
            little_memory: 0,
        }
    }

    pub fn class_of(&mut self, row: usize) -> u32 {
        let trace = self.trace;
        let template = self.templates.of(trace, row);
        let spec = self.templates.spec(template);
        let asked = spec.map_or(Resources::ZERO, |spec| spec.requests.into());
        // The API server sets requests to the limits where only those are given. A template says what the trace does not.
        let cpu = trace.cpu_request.get(row).or(trace.cpu_limit.get(row));
        let cpu = cpu.or((asked.cpu > Cpu::ZERO).then_some(asked.cpu));
        let memory = trace.memory_request.get(row).or(trace.memory_limit.get(row));
        let memory = memory.or((asked.memory > Memory::ZERO).then_some(asked.memory));
        self.assumed.cpu_requests += usize::from(cpu.is_none());
        self.assumed.memory_requests += usize::from(memory.is_none());
        self.little_memory += usize::from(memory.is_some_and(|memory| memory < LITTLE_MEMORY));
        let (image, assumed) = self.images.image_of(trace, row);
        self.assumed.image_sizes += usize::from(assumed);
        let class = PodClass {
            requests: Resources {
                cpu: cpu.unwrap_or(self.defaults.cpu_request),
                memory: memory.unwrap_or(self.defaults.memory_request),
                ephemeral: trace.ephemeral_storage.get(row).unwrap_or(asked.ephemeral),
                pods: 1,
            },
            image,
            arch: trace.arch.get(row).unwrap_or(self.defaults.arch),
            node_selector: trace.word(&trace.node_selector, row),
            tolerations: trace.word(&trace.tolerations, row),
            namespace: self.labels.namespace(trace, row),
            labels: self.labels.of(trace, row),
            template,
            priority: trace.priority.get(row).or(spec.map(|spec| spec.priority)).unwrap_or_default(),
            owner: trace.owner_kind.get(row).unwrap_or_default(),
            do_not_disrupt: trace.do_not_disrupt.get(row).unwrap_or_default(),
            interruptible: trace.interruptible.get(row).unwrap_or(true),
        };
        *self.numbers.entry(class).or_insert_with(|| {
            self.list.push(class);
            self.list.len() as u32 - 1
        })
    }

    /// What classes refer to: templates and sets of labels.
    pub fn shared(&mut self) -> (Vec<Arc<PodSpec>>, Vec<Labels>) {
        (self.templates.specs(), self.labels.take())
    }
}

/// Images by name; pods without one share an image per size.
pub(super) struct Images {
    pub list: Vec<Image>,
    numbers: FxHashMap<(Word, Memory), u32>,
    /// Largest size given for each name.
    sizes: FxHashMap<Word, Memory>,
    default_size: Memory,
    /// Rows that give another size for an image than earlier ones.
    pub conflicting: usize,
}

impl Images {
    fn new(trace: &Trace, defaults: &Defaults) -> Self {
        let mut sizes: FxHashMap<Word, Memory> = FxHashMap::default();
        let mut conflicting = 0;
        if !trace.image.is_empty() && !trace.image_size.is_empty() {
            for row in 0..trace.rows() {
                if let (Some(name), Some(size)) = (trace.image.get(row), trace.image_size.get(row)) {
                    let largest = sizes.entry(name).or_insert(size);
                    conflicting += usize::from(*largest != size);
                    *largest = size.max(*largest);
                }
            }
        }
        Self {
            list: Vec::new(),
            numbers: FxHashMap::default(),
            sizes,
            default_size: defaults.image_size,
            conflicting,
        }
    }

    /// The image of a row, and whether its size is the default.
    fn image_of(&mut self, trace: &Trace, row: usize) -> (u32, bool) {
        let name = trace.word(&trace.image, row);
        let given = if name.is_empty() { trace.image_size.get(row) } else { self.sizes.get(&name).copied() };
        let size = given.unwrap_or(self.default_size);
        let number = *self.numbers.entry((name, size)).or_insert_with(|| {
            self.list.push(Image { name, size });
            self.list.len() as u32 - 1
        });
        (number, given.is_none())
    }
}
