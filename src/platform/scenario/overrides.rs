//! Flags over a scenario: a flag always wins over the file.

use super::super::values::*;
use super::super::*;
use super::{Scenario, Variation, candidates, settings};
use crate::error::{Error, Result};

/// What the command line set; `None` leaves what the scenario says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    pub region: Option<String>,
    pub cpu_request: Option<Cpu>,
    pub memory_request: Option<Memory>,
    /// Compressed; a whole number of MiB.
    pub image_size: Option<Memory>,
    pub arch: Option<PodArch>,
    pub seed: Option<u64>,
    pub replay: Option<Replay>,
    /// Exactly these, in this order; empty keeps the scenario's.
    pub platforms: Vec<String>,
    /// Of the platforms that are left.
    pub vary: Vec<Variation>,
}

impl Scenario {
    /// The scenario with the flags put over it.
    pub fn apply(mut self, flags: &Overrides) -> Result<Self> {
        let s = &mut self.settings;
        if let Some(name) = &flags.region {
            let name = settings::region(name).map_err(|e| usage("--region", name, e))?;
            s.region = Region { name, source: RegionSource::Given };
            // A complaint about it must not point into the file.
            self.given.forget("region");
        }
        if let Some(cpu) = flags.cpu_request {
            self.given.choose("defaults.cpuRequest");
            s.defaults.cpu_request = within(cpu, Cpu::from_milli(1), MOST_CPU, cpu_text)
                .map_err(|e| usage("the default CPU request", &cpu_text(cpu), e))?;
        }
        if let Some(memory) = flags.memory_request {
            self.given.choose("defaults.memoryRequest");
            s.defaults.memory_request = within(memory, Memory::from_mib(1), MOST_MEMORY, memory_text)
                .map_err(|e| usage("the default memory request", &memory_text(memory), e))?;
        }
        if let Some(size) = flags.image_size {
            let text = memory_text(size);
            if size != Memory::from_mib(size.mib_ceil()) {
                let refusal = Refusal::new("must be a whole number of MiB").hint("write for example 350Mi");
                return Err(usage("the image size", &text, refusal));
            }
            s.defaults.image_size = within(size, Memory::ZERO, MOST_MEMORY, memory_text)
                .map_err(|e| usage("the image size", &text, e))?;
        }
        if let Some(arch) = flags.arch {
            s.defaults.arch = arch;
        }
        if let Some(seed) = flags.seed {
            s.seed = within(seed, 0, LARGEST_SEED, |n| n.to_string())
                .map_err(|e| usage("the seed", &seed.to_string(), e))?;
        }
        if let Some(replay) = flags.replay {
            s.replay = replay;
        }
        if !flags.platforms.is_empty() {
            self.platforms = pick(&self.platforms, &flags.platforms)?;
            self.given.choose("platforms");
        }
        self.vary(&flags.vary)
    }
}

/// The named platforms of the scenario, and built-in ones that it does not have.
fn pick(own: &[Platform], names: &[String]) -> Result<Vec<Platform>> {
    let mut picked: Vec<Platform> = Vec::new();
    for name in names {
        if picked.iter().any(|p| p.name == *name) {
            return Err(usage("--platform", name, Refusal::new("is there twice")));
        }
        let platform = match own.iter().find(|p| p.name == *name) {
            Some(platform) => platform.clone(),
            None => candidates::named(name).map_err(|refusal| {
                let names: Vec<&str> = own.iter().map(|p| p.name.as_str()).collect();
                let meant = suggest(name, &names).map(|known| format!("did you mean {known}?"));
                let message = format!("--platform {}: {}", name.escape_debug(), refusal.message);
                Error::Usage { message, hint: meant.or(refusal.hint) }
            })?,
        };
        picked.push(platform);
    }
    Ok(picked)
}

fn usage(what: &str, value: &str, refusal: Refusal) -> Error {
    let message = format!("{what} {} {}", value.escape_debug(), refusal.message);
    Error::Usage { message, hint: refusal.hint }
}
