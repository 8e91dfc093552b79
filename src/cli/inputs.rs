//! What several commands take: traces, the assumptions under which they are replayed, and limits.

use std::path::{Path, PathBuf};

use clap::Args;
use regex::Regex;

use super::printer::Printer;
use crate::catalog::Snapshot;
use crate::error::{Error, Result};
use crate::examples::Example;
use crate::import::{self, Format, Mapping, Options, SourceModel};
use crate::platform::{
    self, Limits, Overrides, PodArch, RegionSource, Replay, Scenario, Variation, Words as _,
};
use crate::replay::Study;
use crate::report::plural;
use crate::trace::{self, ReadOptions, SourcePlatform, Trace};
use crate::units::{Cpu, Memory, Span, Usd, parse_cpu, parse_duration, parse_memory};

/// The scenario that is used when none is named.
const SCENARIO: &str = "cost-sim.yaml";

/// Which trace, and how it is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trace")]
pub struct TraceArgs {
    /// Trace files: cost-sim's own (CSV, Parquet), or exports of Digdag, Datadog, Kubernetes and others; directories of
    /// them; `-` for standard input. Several are one trace.
    #[arg(required_unless_present = "example", value_name = "TRACE", help_heading = None::<&str>)]
    pub traces: Vec<PathBuf>,
    /// Use a trace that comes with the program instead: wear, flowbench, incident or small.
    #[arg(long, value_name = "NAME", conflicts_with = "traces", value_parser = example)]
    pub example: Option<&'static Example>,
    #[command(flatten)]
    pub options: ReadArgs,
}

/// How traces are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trace")]
pub struct ReadArgs {
    /// IANA zone of times without an offset, such as Asia/Tokyo.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Format of the files, instead of what their content looks like.
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    from: Option<Format>,
    /// Leave out rows that ask for a GPU instead of refusing the trace.
    #[arg(long)]
    drop_gpu: bool,
    /// What the pods ran on, where the files do not say it.
    #[arg(long, value_name = "fargate|ec2|spot|ecs|other", value_parser = source_platform)]
    source_platform: Option<SourcePlatform>,
    /// How long a task waited for an agent before its pod was created, where the files do not say it.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    source_agent_wait: Span,
    /// From the creation of a pod to its container running, where nobody measured it.
    ///
    /// Without it, the value is fitted to the trace, image by image, or is that of --source-platform.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    source_start_up: Option<Span>,
    /// From the end of a container to the orchestrator noticing it.
    #[arg(long, value_name = "DURATION", default_value = "6s", value_parser = duration)]
    source_detection_lag: Span,
    /// Regular expression for names of pods that says which task they ran.
    ///
    /// With the group task_id, or task_name, and if needed attempt_id and workflow. Digdag's own names are known.
    #[arg(long, value_name = "REGEX", value_parser = import::pod_pattern)]
    pod_pattern: Option<Regex>,
    /// What the columns of a Datadog table mean, such as time=Date,pod=pod_name,value=Value,unit=nanocore.
    #[arg(long, value_name = "ROLE=COLUMN,…", value_parser = Mapping::parse)]
    columns: Option<Mapping>,
    /// The metric of Datadog or Prometheus answers that do not name theirs.
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
}

/// Platforms and assumptions.
#[derive(Debug, Args)]
#[command(next_help_heading = "Platforms and assumptions")]
pub struct ScenarioArgs {
    /// Scenario file (YAML): platforms and assumptions.
    ///
    /// Without it, cost-sim.yaml of the working directory is used if there is one. Flags win over what the file says.
    #[arg(short, long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Kubernetes and eksctl manifests (YAML or JSON), also as `kubectl get -o yaml` prints them.
    ///
    /// NodePools, EC2NodeClasses, a ClusterConfig, PodDisruptionBudgets, PriorityClasses, Cluster Autoscaler's Deployment
    /// and what makes pods. Where the scenario names no platforms, those of the manifests are compared as `own`.
    #[arg(long, value_name = "FILE")]
    manifests: Vec<PathBuf>,
    /// Use no scenario, even if there is a cost-sim.yaml.
    #[arg(long, conflicts_with = "scenario")]
    no_scenario: bool,
    /// Use only these platforms, of the scenario or built in.
    ///
    /// Built in are recorded, fargate, node-group, node-group-spot, karpenter, karpenter-spot, karpenter-graviton,
    /// karpenter-consolidate and auto-mode. The first one is what the others are compared with.
    #[arg(short, long = "platform", value_name = "NAME")]
    platforms: Vec<String>,
    /// Take every platform that has this field once for each of these values.
    ///
    /// FIELD is a field of a platform or of its NodePools as a scenario calls it, such as consolidateAfter or
    /// scale-down-unneeded-time; more of its path (limits.cpu) where it has several of one name, and the platform's name
    /// before it (karpenter.consolidateAfter) where only that one is meant. Given several times, every combination is taken.
    #[arg(long, value_name = "FIELD=VALUE,…", value_parser = Variation::parse)]
    vary: Vec<Variation>,
    /// AWS region, such as ap-northeast-1.
    #[arg(long)]
    region: Option<String>,
    /// Directory of another price snapshot, with the files of the embedded one.
    #[arg(long, value_name = "DIR")]
    prices: Option<PathBuf>,
    /// Seed of all random draws.
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Whether tasks wait for their predecessors in the simulation (closed) or start as recorded (open).
    #[arg(long, value_name = "auto|closed|open", value_parser = replay_mode)]
    replay: Option<Replay>,
    /// CPU request of pods for which the trace has none, such as 500m.
    #[arg(long, value_name = "QUANTITY", value_parser = cpu, allow_negative_numbers = true)]
    cpu_request: Option<Cpu>,
    /// Memory request of pods for which the trace has none, such as 1Gi.
    #[arg(long, value_name = "QUANTITY", value_parser = memory, allow_negative_numbers = true)]
    memory_request: Option<Memory>,
    /// Compressed image size where the trace has none, such as 350Mi.
    #[arg(long, value_name = "QUANTITY", value_parser = memory, allow_negative_numbers = true)]
    image_size: Option<Memory>,
    /// What the images of pods are built for, where the trace does not say.
    #[arg(long, value_name = "amd64|arm64|any", value_parser = arch)]
    arch: Option<PodArch>,
    /// Refuse an assumed region, inferred prices and default requests.
    #[arg(long)]
    pub strict: bool,
}

/// What may not be exceeded; flags win over the scenario's `limits`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Increase of cost, such as 5%.
    #[arg(long, allow_hyphen_values = true, value_name = "PERCENT", value_parser = Limits::parse_increase)]
    max_cost_increase: Option<u32>,
    /// Cost of 730 hours in USD.
    #[arg(long, allow_hyphen_values = true, value_name = "USD", value_parser = Limits::parse_usd)]
    max_usd_per_month: Option<Usd>,
    /// Increase of the mean makespan of workflow runs.
    #[arg(long, allow_hyphen_values = true, value_name = "PERCENT", value_parser = Limits::parse_increase)]
    max_makespan_increase: Option<u32>,
    /// Increase of the 99th percentile of makespans.
    #[arg(long, allow_hyphen_values = true, value_name = "PERCENT", value_parser = Limits::parse_increase)]
    max_p99_makespan_increase: Option<u32>,
    /// Increase of the 99th percentile of start delays.
    #[arg(long, allow_hyphen_values = true, value_name = "PERCENT", value_parser = Limits::parse_increase)]
    max_p99_start_delay_increase: Option<u32>,
    /// 99th percentile of start delays (pod created until its container runs), such as 90s.
    #[arg(long, allow_hyphen_values = true, value_name = "DURATION", value_parser = Limits::parse_delay)]
    max_p99_start_delay: Option<Span>,
    /// Pods that find no capacity.
    #[arg(long, allow_hyphen_values = true, value_name = "N")]
    max_unschedulable: Option<u64>,
    /// Tasks that are started again after their pod was taken away.
    #[arg(long, allow_hyphen_values = true, value_name = "N")]
    max_tasks_restarted: Option<u64>,
}

impl LimitArgs {
    pub fn limits(&self) -> Limits {
        Limits {
            max_cost_increase_ppm: self.max_cost_increase,
            max_usd_per_month: self.max_usd_per_month,
            max_makespan_increase_ppm: self.max_makespan_increase,
            max_p99_makespan_increase_ppm: self.max_p99_makespan_increase,
            max_p99_start_delay_increase_ppm: self.max_p99_start_delay_increase,
            max_p99_start_delay: self.max_p99_start_delay,
            max_unschedulable: self.max_unschedulable,
            max_tasks_restarted: self.max_tasks_restarted,
        }
    }
}

impl TraceArgs {
    pub fn read(&self, printer: &Printer) -> Result<(Trace, Vec<String>)> {
        match self.example {
            Some(example) => trace::read_embedded(&example.trace, &self.options.options()?),
            None => self.options.read(&self.traces, printer),
        }
    }
}

impl ReadArgs {
    fn options(&self) -> Result<ReadOptions> {
        let timezone = self.timezone.as_deref().map(timezone).transpose()?;
        Ok(ReadOptions { timezone, drop_gpu: self.drop_gpu })
    }

    fn import(&self) -> Result<Options> {
        Ok(Options {
            read: self.options()?,
            from: self.from,
            model: SourceModel {
                agent_wait: self.source_agent_wait,
                start_up: self.source_start_up,
                detection_lag: self.source_detection_lag,
            },
            source_platform: self.source_platform,
            pod_pattern: self.pod_pattern.clone(),
            columns: self.columns.clone(),
            metric: self.metric.clone(),
        })
    }

    /// Reads several files as one trace.
    pub fn read(&self, traces: &[PathBuf], printer: &Printer) -> Result<(Trace, Vec<String>)> {
        let options = self.import()?;
        let files = import::files(traces)?;
        let bytes = files.iter().filter_map(|path| path.metadata().ok()).map(|m| m.len()).sum();
        let bar = printer.progress(bytes, "reading    {bar:30} {bytes}/{total_bytes}");
        let read = import::read(traces, &options, &mut |read| bar.inc(read));
        bar.finish_and_clear();
        read.map(|imported| (imported.trace, imported.warnings))
    }
}

impl ScenarioArgs {
    /// The scenario with the flags over it.
    pub fn scenario(&self, printer: &Printer) -> Result<Scenario> {
        self.scenario_or(Scenario::default(), printer)
    }

    /// The same where something else than the defaults stands in for a scenario that nobody named.
    pub fn scenario_or(&self, unnamed: Scenario, printer: &Printer) -> Result<Scenario> {
        let found = Path::new(SCENARIO);
        let scenario = match &self.scenario {
            Some(path) => {
                printer.detail(|| format!("reading the scenario {}", path.display()));
                Some(path.as_path())
            }
            None if !self.no_scenario && found.exists() => {
                printer.note(&format!("using the scenario {SCENARIO} of this directory"));
                Some(found)
            }
            None => None,
        };
        let files: Vec<&Path> =
            scenario.into_iter().chain(self.manifests.iter().map(PathBuf::as_path)).collect();
        let scenario = if files.is_empty() { unnamed } else { read_scenario(&files)? };
        scenario.apply(&self.overrides())
    }

    /// Whether no flag says anything.
    pub fn is_unsaid(&self) -> bool {
        self.scenario.is_none()
            && self.manifests.is_empty()
            && self.prices.is_none()
            && !self.strict
            && self.overrides() == Overrides::default()
    }

    pub fn overrides(&self) -> Overrides {
        Overrides {
            region: self.region.clone(),
            cpu_request: self.cpu_request,
            memory_request: self.memory_request,
            image_size: self.image_size,
            arch: self.arch,
            seed: self.seed,
            replay: self.replay,
            platforms: self.platforms.clone(),
            vary: self.vary.clone(),
        }
    }

    pub fn snapshot(&self) -> Result<Snapshot> {
        snapshot(self.prices.as_deref())
    }

    /// Everything that a run needs. What is wrong is said before the long run, not after it.
    pub fn study(&self, trace: &TraceArgs, printer: &Printer) -> Result<Study> {
        let scenario = self.scenario(printer)?;
        let snapshot = self.snapshot()?;
        let read = trace.read(printer)?;
        let study = Study::new(scenario, snapshot, read, self.strict)?;
        self.say(&study, printer);
        Ok(study)
    }

    /// What a run begins with, for who asked for details.
    fn say(&self, study: &Study, printer: &Printer) {
        for trace in &study.traces {
            printer.detail(|| {
                format!("read {}: {}, sha256 {}", trace.path, plural(trace.rows, "row"), trace.sha256)
            });
        }
        printer.detail(|| {
            let steps = &study.workload.steps;
            let how = if study.setup().closed() { "closed" } else { "open" };
            format!("to replay: {}, {how}", plural(steps.pods().count() as u64, "pod"))
        });
        printer.detail(|| {
            let region = &study.setup().settings.region;
            let who = match region.source {
                RegionSource::Given => "given",
                RegionSource::Trace => "named by the trace",
                RegionSource::Assumed => "assumed",
            };
            format!("region {}, {who}", region.name)
        });
        printer.detail(|| {
            let from = self.prices.as_ref().map_or("embedded".into(), |dir| dir.display().to_string());
            format!("prices: {from}, sha256 {}", study.snapshot.sha256())
        });
    }
}

/// The scenario that files make together.
pub fn read_scenario(files: &[&Path]) -> Result<Scenario> {
    let texts: Vec<String> = files.iter().map(|path| read_text(path)).collect::<Result<_>>()?;
    let files: Vec<(&Path, &str)> = files.iter().copied().zip(texts.iter().map(String::as_str)).collect();
    platform::read_all(&files)
}

/// A file that the user named, as text.
pub fn read_text(path: &Path) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "the user named this file")]
    let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
    utf8(path, bytes)
}

/// The embedded prices, or those of a directory.
pub fn snapshot(prices: Option<&Path>) -> Result<Snapshot> {
    let Some(dir) = prices else { return Ok(Snapshot::embedded()) };
    // One message about the directory instead of one about each file that is not in it.
    dir.read_dir().map_err(|error| Error::io("open the price directory", dir, error))?;
    Snapshot::load(dir)
}

fn cpu(text: &str) -> std::result::Result<Cpu, String> {
    parse_cpu(text).map_err(|error| format!("{error}; write for example 500m or 2"))
}

fn memory(text: &str) -> std::result::Result<Memory, String> {
    parse_memory(text).map_err(|error| format!("{error}; write for example 512Mi or 2Gi"))
}

fn replay_mode(text: &str) -> std::result::Result<Replay, String> {
    Replay::of_word(text).ok_or_else(|| "use auto, closed or open".to_owned())
}

fn arch(text: &str) -> std::result::Result<PodArch, String> {
    PodArch::of_word(text).ok_or_else(|| "use amd64, arm64 or any".to_owned())
}

fn duration(text: &str) -> std::result::Result<Span, String> {
    parse_duration(text).map_err(|error| format!("{error}; write for example 45s or 1m30s"))
}

fn source_platform(text: &str) -> std::result::Result<SourcePlatform, String> {
    SourcePlatform::ALL
        .iter()
        .copied()
        .find(|platform| platform.name() == text)
        .ok_or_else(|| "use fargate, ec2, spot, ecs or other".to_owned())
}

pub(super) fn format(name: &str) -> std::result::Result<Format, String> {
    Format::of_name(name).ok_or_else(|| {
        let lines = Format::ALL.iter().map(|format| format!("\n  {:<11} {}", format.name(), format.about()));
        format!("the formats are:{}", lines.collect::<String>())
    })
}

fn example(name: &str) -> std::result::Result<&'static Example, String> {
    Example::of_name(name).ok_or_else(|| {
        let lines = Example::ALL.iter().map(|example| format!("\n  {:<10} {}", example.name, example.about));
        format!("the examples are:{}", lines.collect::<String>())
    })
}

pub fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|b| *b == b'\n').count() as u64;
        crate::error::Diagnostic::new(path.display().to_string(), "this is not UTF-8 text")
            .line(line)
            .hint("save the file as UTF-8")
            .into()
    })
}

fn timezone(name: &str) -> Result<chrono_tz::Tz> {
    name.parse().map_err(|_| {
        let distance = |zone: &&str| strsim::damerau_levenshtein(&zone.to_lowercase(), &name.to_lowercase());
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let nearest = names.min_by_key(distance).filter(|zone| distance(zone) <= 1 + name.len() / 4);
        let hint = match nearest {
            Some(zone) => format!("did you mean {zone}?"),
            None => "write the zone's IANA name, such as Asia/Tokyo".to_owned(),
        };
        Error::usage(format!("unknown time zone {name:?}"), hint)
    })
}
