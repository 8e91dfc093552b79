//! AWS's own files, made into price files: Price List offers and products, Spot prices over time, the Spot Advisor's
//! figures, instance types, pod limits and Savings Plan rates.
//!
//! What a file is, its content says, never its name. Every row that is seen is either used or refused for a reason
//! that is counted; two rows that say different things of the same price, with nothing to decide between them, are an
//! error. Reading ([`read`]) collects what the files say; [`merge`] puts that over a snapshot.

mod document;
mod eni_max_pods;
mod instance_type;
mod merge;
mod offers;
mod product;
mod read;
mod refused;
mod region;
mod savings_plans;
mod sheet;
mod spot_advisor;
mod spot_history;
mod spot_merge;

use std::collections::BTreeMap;
use std::fmt;

use rustc_hash::FxHashMap;
use serde::Serialize;

pub use merge::{Change, Imported, merge};
pub use read::read;
pub use refused::Reason;
pub(crate) use region::{region_of_usage, without_prefix};

use super::services::Item;
use super::{PaymentOption, PriceDate, SavingsPlanType};
use crate::units::{Rate, Time};

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    PriceListOffers,
    PriceListProducts,
    SpotPriceHistory,
    InstanceTypes,
    SpotAdvisor,
    EniMaxPods,
    SavingsPlanRates,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PriceListOffers => "Price List offer file",
            Self::PriceListProducts => "Price List products",
            Self::SpotPriceHistory => "Spot price history",
            Self::InstanceTypes => "instance types",
            Self::SpotAdvisor => "Spot Advisor data",
            Self::EniMaxPods => "pods by instance type",
            Self::SavingsPlanRates => "Savings Plan rates",
        })
    }
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub path: String,
    pub format: Format,
    /// Rows seen: products and reserved terms, prices, types.
    pub rows: u64,
    pub used: u64,
    /// The rest of the rows.
    pub refused: BTreeMap<Reason, u64>,
}

/// What all files said, not yet compared with one another.
#[derive(Debug, Default)]
pub struct Findings {
    files: Vec<Outcome>,
    names: Names,
    prices: Vec<PriceRow>,
    spot: Vec<SpotRow>,
    advice: Vec<AdviceRow>,
    types: Vec<TypeRow>,
    max_pods: Vec<MaxPodsRow>,
}

/// A part of Fargate's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FargatePart {
    Vcpu,
    Gb,
    Storage,
}

/// What a price is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    OnDemand {
        region: String,
        kind: String,
    },
    Fargate {
        region: String,
        part: FargatePart,
    },
    Service {
        region: String,
        item: Item,
    },
    /// What extended support costs on top of the cluster.
    ExtendedSupport {
        region: String,
    },
    Savings {
        region: String,
        plan: SavingsPlanType,
        years: u8,
        payment: PaymentOption,
        item: String,
    },
}

impl FargatePart {
    /// In plain words, for messages.
    const fn words(self) -> &'static str {
        match self {
            Self::Vcpu => "vCPU",
            Self::Gb => "memory",
            Self::Storage => "ephemeral storage",
        }
    }
}

/// The word of a price file for a value.
fn word<T: PartialEq, const N: usize>(words: &[(&'static str, T); N], value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnDemand { region, kind } => write!(f, "{kind} in {region}"),
            Self::Fargate { region, part } => write!(f, "Fargate ({}) in {region}", part.words()),
            Self::Service { region, item } => write!(f, "{} in {region}", item.word()),
            Self::ExtendedSupport { region } => write!(f, "extended support in {region}"),
            Self::Savings { region, plan, years, payment, item } => {
                let plan = word(&SavingsPlanType::WORDS, plan);
                let payment = word(&PaymentOption::WORDS, payment);
                let s = if *years == 1 { "" } else { "s" };
                write!(f, "{item} in {region} under a Savings Plan ({plan}, {years} year{s}, {payment})")
            }
        }
    }
}

#[derive(Debug)]
struct PriceRow {
    file: u32,
    key: Key,
    rate: Rate,
    /// Since when, where AWS says so.
    effective: Option<Time>,
    as_of: PriceDate,
}

#[derive(Clone, Copy, Debug)]
struct SpotRow {
    file: u32,
    zone: Name,
    kind: Name,
    time: Time,
    rate: Rate,
}

#[derive(Debug)]
struct AdviceRow {
    file: u32,
    region: String,
    kind: String,
    /// Whole percent, 0 to 99.
    savings: u8,
    /// The Advisor's own index, 0 to 4.
    bucket: u8,
    as_of: PriceDate,
}

#[derive(Debug)]
struct TypeRow {
    file: u32,
    name: String,
    /// The cells of `instance_types.csv` after the name and before the source.
    cells: Vec<String>,
}

#[derive(Debug)]
struct MaxPodsRow {
    file: u32,
    name: String,
    pods: i64,
}

/// A text of [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Name(u32);

/// Texts that repeat a million times, each kept once.
#[derive(Debug, Default)]
struct Names {
    numbers: FxHashMap<String, Name>,
    texts: Vec<String>,
}

impl Names {
    fn number(&mut self, text: &str) -> Name {
        if let Some(name) = self.numbers.get(text) {
            return *name;
        }
        let name = Name(self.texts.len() as u32);
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), name);
        name
    }

    fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }
}

/// Where the reader of one file puts what it finds.
struct Sink<'f> {
    findings: &'f mut Findings,
    /// The day of a file that does not say its own.
    as_of: Option<PriceDate>,
    /// Whether a row had no day at all.
    undated: bool,
}

impl Sink<'_> {
    fn file(&self) -> u32 {
        self.findings.files.len() as u32 - 1
    }

    fn outcome(&mut self) -> &mut Outcome {
        self.findings.files.last_mut().expect("a sink belongs to the last file")
    }

    /// Counts a row that is not used.
    fn refuse(&mut self, reason: Reason) {
        self.refuse_some(reason, 1);
    }

    fn refuse_some(&mut self, reason: Reason, rows: u64) {
        if rows > 0 {
            let outcome = self.outcome();
            outcome.rows += rows;
            *outcome.refused.entry(reason).or_default() += rows;
        }
    }

    /// Counts a row that may be used, or is refused when it is compared with others.
    fn row(&mut self) {
        self.outcome().rows += 1;
    }

    /// The day of a row: what its file says, or else what the user says.
    fn day(&mut self, own: Option<PriceDate>) -> PriceDate {
        let day = own.or(self.as_of);
        self.undated |= day.is_none();
        day.unwrap_or_default()
    }

    fn price(&mut self, key: Key, rate: Rate, effective: Option<Time>, own: Option<PriceDate>) {
        self.row();
        let (file, as_of) = (self.file(), self.day(own));
        self.findings.prices.push(PriceRow { file, key, rate, effective, as_of });
    }
}

/// A price that a snapshot can hold.
fn price(text: &str) -> Result<Rate, Reason> {
    let rate = Rate::parse(text).filter(|rate| *rate <= super::table::LARGEST_PRICE);
    match rate {
        None => Err(Reason::NotAPrice),
        Some(Rate::ZERO) => Err(Reason::Zero),
        Some(rate) => Ok(rate),
    }
}

#[cfg(test)]
mod tests;
