//! What the files said, put over a snapshot: an imported price replaces an observed or inferred one.
//!
//! Rows of all files are compared with one another before any is used, so that the order of the files does not
//! matter.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::sheet::Sheet;
use super::{FargatePart, Findings, Key, Outcome, PriceRow, Reason, TypeRow, spot_merge, word};
use crate::catalog::optional::{HISTORY_COLUMNS, SAVINGS_COLUMNS};
use crate::catalog::read;
use crate::catalog::savings_rate::{FARGATE_GB, FARGATE_VCPU};
use crate::catalog::services::Item;
use crate::catalog::{FILES, OPTIONAL_FILES, PaymentOption, PriceDate, SavingsPlanType, Snapshot};
use crate::error::{Diagnostic, Diagnostics, Result};
use crate::units::Rate;

/// What stands as the source of imported prices.
const PRICE_LIST: &str = "aws-price-list";
const SAVINGS_PLANS: &str = "aws-savings-plans";
const DESCRIBED: &str = "aws-describe-instance-types";
const MAX_PODS: &str = "eni-max-pods";

/// A new snapshot, checked and not yet written.
#[derive(Debug)]
pub struct Imported {
    pub snapshot: Snapshot,
    /// What became of the rows of each file.
    pub files: Vec<Outcome>,
    /// What changed, file by file of the snapshot.
    pub changes: Vec<Change>,
}

/// How one price file differs from the snapshot that was started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub file: &'static str,
    pub rows: u64,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
}

/// The price files while they are changed.
#[derive(Clone)]
pub(super) struct Sheets {
    pub types: Sheet,
    pub on_demand: Sheet,
    pub inferred: Sheet,
    pub spot: Sheet,
    pub fargate: Sheet,
    pub misc: Sheet,
    pub savings: Sheet,
    pub history: Sheet,
}

/// Puts `findings` over `base`, or over nothing but its instance types, for the directory `out`.
pub fn merge(findings: Findings, base: &Snapshot, only_imported: bool, out: &Path) -> Result<Imported> {
    let before = Sheets::of(base, only_imported)?;
    let mut sheets = before.clone();
    let mut merging =
        Merging { files: findings.files, conflicts: Diagnostics::default(), on_demand: BTreeSet::new() };
    merging.types(findings.types, &mut sheets);
    merging.max_pods(findings.max_pods, &mut sheets);
    merging.prices(findings.prices, &mut sheets);
    spot_merge::merge(&mut merging, findings.spot, &findings.names, findings.advice, &mut sheets);
    let Merging { files, conflicts, .. } = merging;
    conflicts.into_result(())?;

    let text = |name: &str| {
        let (sheet, old) = (sheets.by_name(name), before.by_name(name));
        let optional = OPTIONAL_FILES.contains(&name);
        if optional && sheet.len() == 0 {
            return None;
        }
        // A file without a change stays as it is, to the byte.
        let same = if only_imported || sheet != old { None } else { base.text(name) };
        Some(same.map_or_else(|| sheet.text(), str::to_owned))
    };
    let snapshot = Snapshot::unwritten(out, text)?;
    let changes = FILES.into_iter().chain(OPTIONAL_FILES).map(|file| {
        let (added, changed, removed) = sheets.by_name(file).changes_since(before.by_name(file));
        Change { file, rows: sheets.by_name(file).len() as u64, added, changed, removed }
    });
    Ok(Imported { snapshot, files, changes: changes.collect() })
}

impl Sheets {
    /// Those of a snapshot; without anything but instance types if `types_only`.
    fn of(snapshot: &Snapshot, types_only: bool) -> Result<Self> {
        let sheet = |name: &str, columns: &[&str], keys: usize| match snapshot.text(name) {
            Some(text) if !types_only || name == "instance_types.csv" => {
                Sheet::read(name, text, columns, keys)
            }
            _ => Ok(Sheet::empty(columns, keys)),
        };
        Ok(Self {
            types: sheet("instance_types.csv", &read::TYPE_COLUMNS, 1)?,
            on_demand: sheet("on_demand.csv", &read::ON_DEMAND_COLUMNS, 2)?,
            inferred: sheet("on_demand_inferred.csv", &read::INFERRED_COLUMNS, 2)?,
            spot: sheet("spot.csv", &read::SPOT_COLUMNS, 2)?,
            fargate: sheet("fargate.csv", &read::FARGATE_COLUMNS, 1)?,
            misc: sheet("misc_prices.csv", &read::SERVICE_COLUMNS, 2)?,
            savings: sheet("savings_plans.csv", &SAVINGS_COLUMNS, 5)?,
            history: sheet("spot_history.csv", &HISTORY_COLUMNS, 3)?,
        })
    }

    fn by_name(&self, name: &str) -> &Sheet {
        match name {
            "instance_types.csv" => &self.types,
            "on_demand.csv" => &self.on_demand,
            "on_demand_inferred.csv" => &self.inferred,
            "spot.csv" => &self.spot,
            "fargate.csv" => &self.fargate,
            "misc_prices.csv" => &self.misc,
            "savings_plans.csv" => &self.savings,
            _ => &self.history,
        }
    }

    pub fn knows(&self, kind: &str) -> bool {
        self.types.get(&[kind]).is_some()
    }

    /// Whether there is a price of a later day than this. Inferred prices do not count, nobody saw them.
    fn has_later(&self, key: &Key, as_of: PriceDate) -> bool {
        let service = |region: &str, item: Item| {
            // What holds in a region without a row of its own.
            self.misc.get(&[region, item.word()]).or_else(|| self.misc.get(&["*", item.word()]))
        };
        let row = match key {
            Key::OnDemand { region, kind } => self.on_demand.get(&[region, kind]),
            Key::Fargate { region, part } => {
                self.fargate.get(&[region]).filter(|row| !row[1 + *part as usize].is_empty())
            }
            Key::Service { region, item } => service(region, *item),
            Key::ExtendedSupport { region } => service(region, Item::EksClusterExtended),
            Key::Savings { region, plan, years, payment, item } => self.savings.get(&[
                region,
                word(&SavingsPlanType::WORDS, plan),
                &years.to_string(),
                word(&PaymentOption::WORDS, payment),
                item,
            ]),
        };
        // `as_of` stands before `source`, the last column.
        let known = row.and_then(|row| PriceDate::parse(&row[row.len() - 2]));
        known.is_some_and(|known| known > as_of)
    }
}

/// A price, the newest day on which it was seen, and the files of the rows that say so.
type Decided = (Rate, PriceDate, Vec<u32>);

pub(super) struct Merging {
    files: Vec<Outcome>,
    conflicts: Diagnostics,
    /// The regions and types whose on-demand prices were imported.
    pub on_demand: BTreeSet<(String, String)>,
}

impl Merging {
    pub fn used(&mut self, file: u32) {
        self.files[file as usize].used += 1;
    }

    /// Refuses a row that was counted when it was read.
    pub fn refuse(&mut self, file: u32, reason: Reason) {
        *self.files[file as usize].refused.entry(reason).or_default() += 1;
    }

    fn all_used(&mut self, files: &[u32]) {
        for file in files {
            self.used(*file);
        }
    }

    fn refuse_all(&mut self, files: &[u32], reason: Reason) {
        for file in files {
            self.refuse(*file, reason);
        }
    }

    /// Two files, or one, say different things of the same.
    pub fn conflict(&mut self, what: &str, one: (u32, String), other: (u32, String)) {
        let path = |file: u32| self.files[file as usize].path.clone();
        let place =
            if one.0 == other.0 { "in the same file".to_owned() } else { format!("in {}", path(one.0)) };
        let message = format!("{what}: {} here and {} {place}", other.1, one.1);
        let hint = "nothing says which of them holds; import only one of them";
        self.conflicts.push(Diagnostic::new(path(other.0), message).hint(hint));
    }

    fn types(&mut self, rows: Vec<TypeRow>, sheets: &mut Sheets) {
        let mut seen: BTreeMap<String, (u32, Vec<String>)> = BTreeMap::new();
        for TypeRow { file, name, mut cells } in rows {
            if let Some((first, same)) = seen.get(&name) {
                if *same == cells {
                    self.used(file);
                } else {
                    let show = |cells: &[String]| cells.join(" ");
                    self.conflict(&name, (*first, show(same)), (file, show(&cells)));
                }
                continue;
            }
            seen.insert(name.clone(), (file, cells.clone()));
            let old = sheets.types.get(&[&name]);
            if cells[NETWORK].is_empty() {
                let Some(old) = old else {
                    self.refuse(file, Reason::NoNetwork);
                    continue;
                };
                cells[NETWORK].clone_from(&old[NETWORK + 1]);
            }
            self.used(file);
            let row: Vec<String> = [name].into_iter().chain(cells).collect();
            // What is as it was keeps its source.
            if old.is_none_or(|old| old[..row.len()] != row) {
                sheets.types.set_row(row.into_iter().chain([DESCRIBED.to_owned()]).collect());
            }
        }
    }

    fn max_pods(&mut self, rows: Vec<super::MaxPodsRow>, sheets: &mut Sheets) {
        let mut seen: BTreeMap<String, (u32, i64)> = BTreeMap::new();
        for super::MaxPodsRow { file, name, pods } in rows {
            let Some(row) = sheets.types.get(&[&name]) else {
                self.refuse(file, Reason::UnknownType);
                continue;
            };
            let mut row = row.to_vec();
            let (first, said) = *seen.entry(name.clone()).or_insert((file, pods));
            if said != pods {
                let show = |pods: i64| format!("{pods} pods");
                self.conflict(&name, (first, show(said)), (file, show(pods)));
                continue;
            }
            self.used(file);
            if row[PODS] != pods.to_string() {
                row[PODS] = pods.to_string();
                let source = row.last_mut().expect("a row has cells");
                *source = format!("{source}; max_pods: {MAX_PODS}");
                sheets.types.set_row(row);
            }
        }
    }

    fn prices(&mut self, mut rows: Vec<PriceRow>, sheets: &mut Sheets) {
        rows.sort_by(|a, b| {
            let when = |row: &PriceRow| (row.effective, row.as_of);
            a.key.cmp(&b.key).then_with(|| when(b).cmp(&when(a))).then_with(|| a.file.cmp(&b.file))
        });
        let mut partly: BTreeMap<String, [Option<Decided>; 3]> = BTreeMap::new();
        let mut surcharges = Vec::new();
        for group in rows.chunk_by(|a, b| a.key == b.key) {
            let Some((rate, as_of, files)) = self.decide(group, sheets) else { continue };
            if sheets.has_later(&group[0].key, as_of) {
                self.refuse_all(&files, Reason::OlderThanBase);
                continue;
            }
            match &group[0].key {
                Key::OnDemand { region, kind } => {
                    self.on_demand.insert((region.clone(), kind.clone()));
                    sheets.inferred.remove(&[region, kind]);
                    sheets.on_demand.set([
                        region.clone(),
                        kind.clone(),
                        rate.to_string(),
                        as_of.to_string(),
                        PRICE_LIST.to_owned(),
                    ]);
                }
                Key::Fargate { region, part } => {
                    partly.entry(region.clone()).or_default()[*part as usize] = Some((rate, as_of, files));
                    continue;
                }
                Key::ExtendedSupport { region } => {
                    surcharges.push((region.clone(), rate, as_of, files));
                    continue;
                }
                Key::Service { region, item } => service(sheets, region, *item, rate, as_of),
                Key::Savings { region, plan, years, payment, item } => sheets.savings.set([
                    region.clone(),
                    word(&SavingsPlanType::WORDS, plan).to_owned(),
                    years.to_string(),
                    word(&PaymentOption::WORDS, payment).to_owned(),
                    item.clone(),
                    rate.to_string(),
                    as_of.to_string(),
                    SAVINGS_PLANS.to_owned(),
                ]),
            }
            self.all_used(&files);
        }
        for (region, parts) in partly {
            self.fargate(&region, parts, sheets);
        }
        for (region, surcharge, as_of, files) in surcharges {
            let cluster = ["*", &region].map(|region| sheets.misc.get(&[region, Item::EksCluster.word()]));
            let cluster = cluster.into_iter().flatten().last().and_then(|row| Rate::parse(&row[3]));
            match cluster {
                Some(cluster) => {
                    let total = Rate::from_femto(cluster.femto() + surcharge.femto());
                    service(sheets, &region, Item::EksClusterExtended, total, as_of);
                    self.all_used(&files);
                }
                None => self.refuse_all(&files, Reason::NoClusterPrice),
            }
        }
    }

    /// The price that rows of one key agree on, the newest day on which it was seen, and the files of those rows.
    /// Rows are the latest first; what is effective later, or else published later, supersedes the rest.
    fn decide(&mut self, rows: &[PriceRow], sheets: &Sheets) -> Option<Decided> {
        let first = &rows[0];
        let kind = match &first.key {
            Key::OnDemand { kind, .. } => Some(kind),
            Key::Savings { item, .. } => {
                Some(item).filter(|item| !matches!(item.as_str(), FARGATE_VCPU | FARGATE_GB))
            }
            _ => None,
        };
        if kind.is_some_and(|kind| !sheets.knows(kind)) {
            for row in rows {
                self.refuse(row.file, Reason::UnknownType);
            }
            return None;
        }
        let mut files = Vec::new();
        let mut clash = false;
        for row in rows {
            if row.rate == first.rate {
                files.push(row.file);
            } else if (row.effective, row.as_of) == (first.effective, first.as_of) {
                let show = |row: &PriceRow| (row.file, format!("${}", row.rate));
                self.conflict(&row.key.to_string(), show(first), show(row));
                clash = true;
            } else {
                self.refuse(row.file, Reason::Superseded);
            }
        }
        let as_of = rows.iter().filter(|row| row.rate == first.rate).map(|row| row.as_of).max()?;
        (!clash).then_some((first.rate, as_of, files))
    }

    /// A row has one date and one source for three prices: the older date if one of them is not imported.
    fn fargate(&mut self, region: &str, parts: [Option<Decided>; 3], sheets: &mut Sheets) {
        let old = sheets.fargate.get(&[region]).map(<[String]>::to_vec);
        let known = |part: FargatePart| {
            let imported = parts[part as usize].as_ref().map(|(rate, ..)| rate.to_string());
            let old = old.as_ref().map(|row| row[1 + part as usize].clone());
            imported.or(old).filter(|text| !text.is_empty())
        };
        let files: Vec<u32> = parts.iter().flatten().flat_map(|(_, _, files)| files).copied().collect();
        let (Some(vcpu), Some(gb)) = (known(FargatePart::Vcpu), known(FargatePart::Gb)) else {
            self.refuse_all(&files, Reason::HalfFargate);
            return;
        };
        let storage = known(FargatePart::Storage).unwrap_or_default();
        let kept =
            (0..3).any(|i| parts[i].is_none() && old.as_ref().is_some_and(|row| !row[1 + i].is_empty()));
        let dates = parts.iter().flatten().map(|(_, as_of, _)| *as_of);
        let kept = old.filter(|_| kept);
        let kept_date = kept.as_ref().and_then(|row| PriceDate::parse(&row[4]));
        let as_of = dates.chain(kept_date).min().unwrap_or_default().to_string();
        let source =
            kept.map_or_else(|| PRICE_LIST.to_owned(), |row| format!("{PRICE_LIST}; the rest: {}", row[5]));
        self.all_used(&files);
        sheets.fargate.set([region.to_owned(), vcpu, gb, storage, as_of, source]);
    }
}

/// Where `max_pods` stands in a row of instance types, and `network_mbps` in the cells after its name.
const PODS: usize = 4;
const NETWORK: usize = 17;

fn service(sheets: &mut Sheets, region: &str, item: Item, rate: Rate, as_of: PriceDate) {
    sheets.misc.set([
        region.to_owned(),
        item.word().to_owned(),
        item.unit().to_owned(),
        rate.to_string(),
        as_of.to_string(),
        PRICE_LIST.to_owned(),
    ]);
}
