//! What a task's own run is to the cluster, and what its configuration says of its pod.

use super::rows::Rows;
use super::task::Setting;
use crate::import::evidence::PodKey;
use crate::trace::{Column, Trace};
use crate::units::{Cpu, Memory, Time, parse_cpu, parse_memory};

/// Operators that run commands, and so pods where a Docker image is configured.
const COMMANDS: [&str; 3] = ["sh", "py", "rb"];

/// What a task's own run is to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Pod,
    /// It runs a command, but no image is known: a pod only if the export leaves images out altogether.
    Command,
    Control,
    Wait,
}

impl Rows<'_, '_> {
    pub fn role(&mut self, node: u32) -> Role {
        let operator = self.tasks[node as usize].config.0.operator.get().unwrap_or_default();
        if COMMANDS.contains(&operator) {
            if self.setting(node, Setting::Image).is_some() {
                self.estate.has_images = true;
                return Role::Pod;
            }
            return Role::Command;
        }
        let waits = matches!(operator, "require" | "wait")
            || operator.ends_with("_wait")
            || operator.contains("_wait_");
        if waits { Role::Wait } else { Role::Control }
    }

    /// The innermost value of a setting. Expressions that were not evaluated count only where nothing else is.
    fn setting(&self, node: u32, setting: Setting) -> Option<&str> {
        let mut unevaluated = None;
        let mut at = node;
        loop {
            let task = self.tasks.get(at as usize);
            let places =
                task.map(|task| [&task.config.0.local, &task.export_params.0, &task.config.0.export]);
            // A task's own exports hold for itself too.
            for settings in places.into_iter().flatten() {
                match settings.get(setting) {
                    Some(text) if text.contains("${") => unevaluated = unevaluated.or(Some(text)),
                    Some(text) => return Some(text),
                    None => {}
                }
            }
            if task.is_none() {
                break;
            }
            at = self.tree.parent(at);
        }
        self.attempt.settings.iter().find_map(|settings| settings.get(setting)).or(unevaluated)
    }

    /// Sets what is known of the pod of a row, and says how to find more.
    pub fn pod(&mut self, row: usize, node: u32, role: Role, queued: Time, ended: Option<Time>) -> PodKey {
        if !matches!(role, Role::Pod | Role::Command) {
            return PodKey::None;
        }
        let task = &self.tasks[node as usize];
        self.estate.counts.retried += u64::from(task.state_params.0.retries() > 0);
        self.quantity(row, node, Setting::CpuRequest, parse_cpu, |t| &mut t.cpu_request, Cpu::milli);
        self.quantity(row, node, Setting::CpuLimit, parse_cpu, |t| &mut t.cpu_limit, Cpu::milli);
        self.quantity(
            row,
            node,
            Setting::MemoryRequest,
            parse_memory,
            |t| &mut t.memory_request,
            Memory::bytes,
        );
        self.quantity(row, node, Setting::MemoryLimit, parse_memory, |t| &mut t.memory_limit, Memory::bytes);
        self.quantity(
            row,
            node,
            Setting::StorageRequest,
            parse_memory,
            |t| &mut t.ephemeral_storage,
            Memory::bytes,
        );
        if let Some(image) = self.setting(node, Setting::Image) {
            let image = image.to_owned();
            self.draft.word(row, |t| &mut t.image, &image);
        }
        let trace = self.draft.trace();
        if let Some(limit) = task.config.0.retry.limit {
            trace.retry_limit.set(row, limit);
        }
        if let Some(interval) = task.config.0.retry.interval {
            trace.retry_interval.set(row, interval);
        }
        let created = task.state_params.0.pod_created();
        if let Some(created) = created.filter(|time| *time >= queued && ended.is_none_or(|end| *time <= end))
        {
            trace.pod_created_time.set(row, created);
        }
        match task.state_params.0.pod_name() {
            Some(name) => {
                self.draft.word(row, |t| &mut t.pod_name, name);
                PodKey::Name(self.draft.trace().words.intern(name))
            }
            None => PodKey::DigdagTask(task.id.0.unwrap_or_default()),
        }
    }

    fn quantity<T: Copy + Default, E>(
        &mut self,
        row: usize,
        node: u32,
        setting: Setting,
        parse: fn(&str) -> Result<T, E>,
        column: fn(&mut Trace) -> &mut Column<T>,
        number: fn(T) -> i64,
    ) {
        let Some(text) = self.setting(node, setting) else { return };
        match parse(text) {
            // Nothing is asked for.
            Ok(value) if number(value) == 0 => {}
            Ok(value) => column(self.draft.trace()).set(row, value),
            Err(_) => self.estate.counts.no_quantity += 1,
        }
    }
}
