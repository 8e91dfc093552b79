//! One run of the program before and after the simulation: a trace, a scenario and prices become a [`Setup`];
//! results become a [`Report`].
//!
//! What nobody said is settled here (region, today's platform, default platforms) and put into the report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{PlatformRun, Setup, allowed_types, types, warnings};
use crate::bill::UsedPrice;
use crate::catalog::{Catalog, NodeSettings, Snapshot};
use crate::error::{Error, Result};
use crate::platform::{self, Platform, RegionSource, Scenario};
use crate::report::{
    self, DateRange, Defaulted, Inputs, PriceInput, PriceUsed, Report, Tool, TraceInput, WindowText, finding,
};
use crate::trace::{self, RowProblem, SourcePlatform, Trace};
use crate::units::{Resources, Time};
use crate::workload::{self, Assumed, Workload};

pub struct Study {
    pub trace: Arc<Trace>,
    pub workload: Workload,
    pub catalog: Catalog,
    /// The catalog at this account's prices, where they are not the public ones.
    discounted: Option<Catalog>,
    pub(super) scenario: Scenario,
    pub snapshot: Snapshot,
    /// What was read, as the report says it.
    pub traces: Vec<TraceInput>,
    trace_sha256: String,
    tasks_sha256: String,
    pub(super) assumed: Assumed,
    pub(super) source: Option<SourcePlatform>,
    pub(super) described_groups: BTreeSet<String>,
    pub(super) warnings: Vec<String>,
    strict: bool,
}

impl Study {
    /// The warning about requests that the trace lacks; `None` where it has them all.
    pub fn assumed_requests(&self) -> Option<String> {
        warnings::defaults(self)
    }

    /// Why a simulation costs less than the record, where that is seen from the trace.
    pub fn why_record_costs_more(&self) -> Option<&'static str> {
        warnings::leftovers(self).map(|_| "with leftover pods")
    }

    /// Puts a run together. With `strict`, assumed regions and default requests are refused.
    pub fn new(
        scenario: Scenario,
        snapshot: Snapshot,
        read: (Trace, Vec<String>),
        strict: bool,
    ) -> Result<Self> {
        let (trace, warnings) = read;
        Self::shared(scenario, &snapshot, (Arc::new(trace), warnings), strict)
    }

    /// The same for a trace that other studies use too.
    pub fn shared(
        scenario: Scenario,
        snapshot: &Snapshot,
        read: (Arc<Trace>, Vec<String>),
        strict: bool,
    ) -> Result<Self> {
        let (trace, warnings) = read;
        let study = Self::of(scenario, snapshot, &trace, warnings, strict)?;
        refuse_impossible_requests(&study.trace, &study.workload, &study.catalog)?;
        types::check_discounts(&study.setup())?;
        Ok(study)
    }

    /// The same where the prices may be a part only of what a region sells, and say nothing of what is possible there.
    pub fn of(
        mut scenario: Scenario,
        snapshot: &Snapshot,
        trace: &Arc<Trace>,
        mut warnings: Vec<String>,
        strict: bool,
    ) -> Result<Self> {
        if scenario.settings.region.source == RegionSource::Assumed
            && let Some(region) = region_of(trace)
        {
            scenario.settings.region = platform::Region { name: region, source: RegionSource::Trace };
        }
        if strict && scenario.settings.region.source == RegionSource::Assumed {
            return Err(Error::usage(
                "nobody says in which region this runs, and --strict refuses an assumed one",
                "give --region, or `region` in the scenario",
            ));
        }
        let zones: Vec<&str> = scenario.settings.zones.iter().map(String::as_str).collect();
        let region = &scenario.settings.region;
        let catalog = snapshot
            .region_in(&region.name, &zones)
            .map_err(|error| say_who_named_the_region(error, &scenario))?;
        let order = trace::canonical_order(trace);
        let window = window_of(trace);
        let told_apart = scenario.told_apart();
        let built = workload::build(trace, &order, scenario.pod_rules(&told_apart), window)
            .map_err(|problems| Error::Input(trace::locate(trace, problems)))?;
        warnings.extend(built.warnings);
        if built.workload.steps.pods().next().is_none() {
            return Err(Error::usage(
                "the trace has no pod to replay",
                "its rows are all control steps, pending or skipped; pods are rows of kind `pod`",
            ));
        }
        let assumed = built.assumed;
        if strict {
            refuse_defaults(&scenario, assumed)?;
        }
        let described_groups =
            scenario.platforms.iter().filter(|p| is_described(p)).map(|p| p.name.clone()).collect();
        let traces = trace_inputs(trace, &order);
        let discounts = &scenario.settings.discounts;
        let mut study = Self {
            described_groups,
            source: source_of(trace),
            workload: built.workload,
            discounted: (!discounts.is_none()).then(|| catalog.discounted(discounts)),
            catalog,
            snapshot: snapshot.clone(),
            trace_sha256: match &traces[..] {
                [only] => only.sha256.clone(),
                _ => trace::sha256(trace, &order),
            },
            tasks_sha256: trace::tasks_sha256(trace, &order),
            traces,
            trace: Arc::clone(trace),
            scenario,
            assumed,
            warnings,
            strict,
        };
        study.add_default_platforms();
        Ok(study)
    }

    /// What was asked for, before anything was chosen for the trace and the prices.
    pub fn asked(&self) -> &Scenario {
        &self.scenario
    }

    /// Of the canonical content of all traces together.
    pub fn trace_sha256(&self) -> &str {
        &self.trace_sha256
    }

    /// Of which tasks there are, whatever they ask for.
    pub fn tasks_sha256(&self) -> &str {
        &self.tasks_sha256
    }

    /// What bills cover at least.
    pub fn window(&self) -> WindowText {
        let window = self.workload.window;
        WindowText { start: rfc3339(window.start), end: rfc3339(window.end) }
    }

    pub fn setup(&self) -> Setup<'_> {
        Setup {
            trace: &self.trace,
            workload: &self.workload,
            catalog: &self.catalog,
            billing: self.discounted.as_ref().unwrap_or(&self.catalog),
            settings: &self.scenario.settings,
            given: &self.scenario.given,
            source: self.source,
            described_groups: &self.described_groups,
        }
    }

    /// Without a choice of platforms, what really happened is shown too where the trace knows it.
    fn add_default_platforms(&mut self) {
        let is_default = self.scenario.platforms == Platform::defaults() && !self.scenario.chose_platforms();
        if is_default && self.workload.has_recorded_delays {
            self.scenario.platforms.extend(Platform::built_in("recorded"));
        }
    }

    /// The scenario with nothing left open.
    pub fn resolve(&self) -> Result<Scenario> {
        let platforms = self.setup().resolve(&self.scenario.platforms)?;
        Ok(Scenario { platforms, ..self.scenario.clone() })
    }

    /// The scenario with one resolved platform instead of its own.
    pub fn resolve_with(&self, platform: Platform) -> Scenario {
        Scenario { platforms: vec![platform], ..self.scenario.clone() }
    }

    /// Under `--strict`, prices that nobody observed decide nothing.
    pub fn refuse_inferred<'r>(&self, runs: impl IntoIterator<Item = &'r PlatformRun>) -> Result<()> {
        let inferred = inferred_prices(&used_prices(runs));
        if !self.strict || inferred.is_empty() {
            return Ok(());
        }
        Err(Error::usage(
            format!(
                "prices of {} are inferred, not observed, and --strict refuses them",
                inferred.join(", ")
            ),
            "give a snapshot that has them with --prices, or leave the platform out",
        ))
    }

    /// Puts the results of `resolved`'s platforms into a report.
    pub fn report(&self, resolved: &Scenario, runs: &[PlatformRun]) -> Result<Report> {
        self.refuse_inferred(runs)?;
        let used = used_prices(runs);
        let inferred = inferred_prices(&used);
        let platforms: Vec<_> = runs.iter().map(|run| run.report.clone()).collect();
        let warnings = warnings::all(self, &used, &inferred);
        Ok(Report {
            schema_version: report::SCHEMA_VERSION,
            tool: Tool {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            inputs: self.inputs(&used, inferred),
            scenario: resolved.to_yaml(),
            asked: self.scenario.to_yaml(),
            catalog: self.price_files(resolved),
            prices: used.iter().map(|price| price_used(price)).collect(),
            finding: finding(&platforms),
            sensitivity: None,
            warnings,
            platforms,
            backtest: None,
            no_backtest: None,
            bill_comparison: None,
        })
    }

    /// The price files as far as the platforms, with or without the choices made for them, may need them.
    pub fn price_files(&self, resolved: &Scenario) -> BTreeMap<String, String> {
        let platforms = self.scenario.platforms.iter().chain(&resolved.platforms);
        let allowed = platforms.flat_map(|platform| allowed_types(&self.catalog, platform).instances);
        let mut types: BTreeSet<&str> =
            allowed.map(|(id, _)| self.catalog.instance_type(id).name.as_str()).collect();
        let settings = &self.scenario.settings;
        types.extend(settings.spot.events.iter().filter_map(|event| event.instance_type.as_deref()));
        self.snapshot.part(&settings.region.name, &types)
    }

    /// Runs that have a name and a step that is replayed.
    fn workflow_runs(&self) -> u64 {
        let runs = self.workload.runs.iter().zip(self.workload.replayed_runs());
        runs.filter(|(run, replayed)| *replayed && !run.id.is_empty()).count() as u64
    }

    fn inputs(&self, used: &[&UsedPrice], inferred: Vec<String>) -> Inputs {
        let settings = &self.scenario.settings;
        let dates = || used.iter().map(|price| price.as_of);
        Inputs {
            traces: self.traces.clone(),
            trace_sha256: self.trace_sha256.clone(),
            tasks_sha256: self.tasks_sha256.clone(),
            pods: self.workload.steps.pods().count() as u64,
            workflow_runs: self.workflow_runs(),
            window: self.window(),
            region: settings.region.name.clone(),
            region_source: match settings.region.source {
                RegionSource::Given => "given",
                RegionSource::Trace => "trace",
                RegionSource::Assumed => "assumed",
            }
            .to_owned(),
            synthetic: self.trace.files.iter().any(|file| file.meta.synthetic),
            replay: if self.setup().closed() { "closed" } else { "open" }.to_owned(),
            seed: settings.seed,
            prices: PriceInput {
                as_of: dates().min().zip(dates().max()).map(|(oldest, newest)| DateRange {
                    oldest: oldest.to_string(),
                    newest: newest.to_string(),
                }),
                sha256: self.snapshot.sha256(),
                inferred,
            },
            defaulted: Defaulted {
                cpu_requests: self.assumed.cpu_requests as u64,
                memory_requests: self.assumed.memory_requests as u64,
                image_sizes: self.assumed.image_sizes as u64,
            },
            evidence: Some(report::evidence(&self.trace)).filter(|evidence| !evidence.is_plain()),
            assumptions: platform::assumptions(settings, &self.scenario.platforms)
                .into_iter()
                .map(|a| report::Assumption {
                    name: a.name.to_string(),
                    value: a.value,
                    default: a.default,
                    source: a.source.to_string(),
                })
                .collect(),
        }
    }
}

/// Every price that bills rest on, once, by name.
fn used_prices<'r>(runs: impl IntoIterator<Item = &'r PlatformRun>) -> Vec<&'r UsedPrice> {
    let bills = runs.into_iter().filter_map(|run| run.bill.as_ref().ok());
    let mut used: Vec<&UsedPrice> = bills.flat_map(|bill| &bill.prices).collect();
    used.sort_by(|a, b| a.name.cmp(&b.name));
    used.dedup_by(|a, b| a.name == b.name);
    used
}

fn inferred_prices(used: &[&UsedPrice]) -> Vec<String> {
    used.iter().filter(|price| price.origin.is_inferred()).map(|price| price.name.clone()).collect()
}

/// Defaults that nobody chose decide nothing under `--strict`.
fn refuse_defaults(scenario: &Scenario, assumed: Assumed) -> Result<()> {
    let lacking = [
        (assumed.cpu_requests, "defaults.cpuRequest", "CPU"),
        (assumed.memory_requests, "defaults.memoryRequest", "memory"),
    ];
    let lacking: Vec<String> = lacking
        .into_iter()
        .filter(|(pods, path, _)| *pods > 0 && !scenario.given.is_chosen(path))
        .map(|(pods, _, what)| format!("the {what} request of {}", warnings::pods(pods)))
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(Error::usage(
        format!("the trace lacks {}, and --strict refuses defaults that nobody chose", lacking.join(" and ")),
        "add cpu_request_milli and memory_request_mib to the trace, or give --cpu-request and --memory-request",
    ))
}

/// Whether the scenario says what the node group is made of, and of how many nodes.
fn is_described(platform: &Platform) -> bool {
    let platform::Kind::NodeGroups(groups) = &platform.kind else { return false };
    groups
        .groups
        .iter()
        .all(|group| group.instance_type.is_some() && !matches!(group.size, platform::GroupSize::HoldPeak))
}

fn price_used(price: &UsedPrice) -> PriceUsed {
    PriceUsed {
        name: price.name.clone(),
        unit: price.unit.to_owned(),
        usd_per_unit: price.rate.to_string(),
        as_of: price.as_of.to_string(),
        inferred_by: match price.origin {
            crate::catalog::PriceOrigin::Observed => None,
            crate::catalog::PriceOrigin::Inferred(method) => Some(method.to_string()),
        },
    }
}

fn rfc3339(time: Time) -> String {
    chrono::DateTime::from_timestamp_millis(time.ms())
        .map_or_else(|| time.ms().to_string(), |t| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

/// The region that the trace names: in its side file, or by the names of its nodes.
pub(crate) fn region_of(trace: &Trace) -> Option<String> {
    let from_files = trace.files.iter().find_map(|file| file.meta.source_region.clone());
    from_files.or_else(|| {
        (0..trace.rows()).filter_map(|row| trace.source_node.get(row)).find_map(|word| {
            let node = trace.words.get(word);
            let domain = node.strip_suffix(".compute.internal");
            // us-east-1 has a domain of its own.
            let us_east = node.ends_with(".ec2.internal").then(|| "us-east-1".to_owned());
            domain.and_then(|name| name.rsplit_once('.')).map(|(_, region)| region.to_owned()).or(us_east)
        })
    })
}

/// A region without prices is a mistake of whoever named it: the scenario file, the trace or a flag.
fn say_who_named_the_region(error: Error, scenario: &Scenario) -> Error {
    let Error::Usage { message, hint } = error else { return error };
    match scenario.settings.region.source {
        RegionSource::Given if scenario.given.contains("region") => {
            let mut diagnostic = scenario.given.complaint("region", message);
            diagnostic.hint = hint;
            diagnostic.into()
        }
        RegionSource::Trace => {
            let message = format!("{message}, which the trace names as its own");
            Error::Usage { message, hint: hint.map(|hint| format!("give --region. {hint}")) }
        }
        RegionSource::Given | RegionSource::Assumed => Error::Usage { message, hint },
    }
}

/// What all pods ran on, if every row says the same.
fn source_of(trace: &Trace) -> Option<SourcePlatform> {
    let mut all = (0..trace.rows())
        .filter(|row| trace.kind.get(*row).unwrap_or_default() == trace::Kind::Pod)
        .map(|row| trace.source_platform.get(row));
    let first = all.next()??;
    (first != SourcePlatform::Other && all.all(|platform| platform == Some(first))).then_some(first)
}

/// The earliest start and the latest end that side files give.
fn window_of(trace: &Trace) -> (Option<Time>, Option<Time>) {
    let windows: Vec<_> = trace.files.iter().map(trace::SourceFile::window).collect();
    (windows.iter().filter_map(|w| w.0).min(), windows.iter().filter_map(|w| w.1).max())
}

fn trace_inputs(trace: &Trace, order: &[u32]) -> Vec<TraceInput> {
    let of_file = |index: usize| -> Vec<u32> {
        order.iter().copied().filter(|row| trace.place[*row as usize].file as usize == index).collect()
    };
    trace
        .files
        .iter()
        .enumerate()
        .map(|(index, file)| TraceInput {
            path: file.path.clone(),
            sha256: if trace.files.len() == 1 {
                trace::sha256(trace, order)
            } else {
                trace::sha256(trace, &of_file(index))
            },
            rows: file.rows,
        })
        .collect()
}

/// A request that no machine of the region can hold is a mistake of units before it is a large pod.
fn refuse_impossible_requests(trace: &Trace, workload: &Workload, catalog: &Catalog) -> Result<()> {
    let nodes: Vec<Resources> =
        catalog.offered().map(|id| catalog.instance_type(id).allocatable(&NodeSettings::default())).collect();
    let most_cpu = nodes.iter().map(|node| node.cpu).max().unwrap_or_default();
    let most_memory = nodes.iter().map(|node| node.memory).max().unwrap_or_default();
    let here = format!("in {}", catalog.region);
    let impossible: Vec<Option<(&'static str, String)>> = workload
        .classes
        .iter()
        .map(|class| {
            let request = &class.requests;
            if request.cpu > most_cpu {
                Some((
                    "cpu_request_milli",
                    format!("{} CPU is more than the largest node {here} has ({most_cpu})", request.cpu),
                ))
            } else if request.memory > most_memory {
                let message = format!(
                    "{} of memory is more than the largest node {here} has ({most_memory})",
                    request.memory
                );
                Some(("memory_request_mib", message))
            } else {
                None
            }
        })
        .collect();
    if impossible.iter().all(Option::is_none) {
        return Ok(());
    }
    let steps = &workload.steps;
    let mut problems: Vec<RowProblem> = steps
        .pods()
        .filter_map(|step| {
            let (field, message) = impossible[steps.class[step as usize] as usize].clone()?;
            Some(RowProblem {
                row: steps.row[step as usize],
                field,
                message,
                text: None,
                hint: Some(
                    "check the unit: cpu_request_milli counts thousandths of a vCPU, memory_request_mib counts MiB"
                        .to_owned(),
                ),
            })
        })
        .collect();
    problems.sort_by_key(|problem| problem.row);
    Err(Error::Input(trace::locate(trace, problems)))
}
