//! The answer of `aws ce get-cost-and-usage`, grouped by service and usage type.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use serde::Deserialize;

use super::{Collector, Line, LineKind, decimal, time};
use crate::error::{Diagnostic, Diagnostics, Result};
use crate::units::Usd;
use crate::workload::Window;

/// The command that gives what is read here.
pub(super) const COMMAND: &str = "aws ce get-cost-and-usage --time-period Start=2026-03-01,End=2026-04-01 \
    --granularity DAILY --metrics UsageQuantity UnblendedCost AmortizedCost \
    --group-by Type=DIMENSION,Key=SERVICE Type=DIMENSION,Key=USAGE_TYPE";

/// What tells how much was really paid comes first: with discounts, then with what commitments cost by the hour.
const COSTS: [&str; 4] = ["NetAmortizedCost", "AmortizedCost", "NetUnblendedCost", "UnblendedCost"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    results_by_time: Option<Vec<Period>>,
    #[serde(default)]
    group_definitions: Option<Vec<Definition>>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    key: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Period {
    time_period: Interval,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    estimated: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Interval {
    start: String,
    end: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    keys: Vec<String>,
    metrics: BTreeMap<String, Metric>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    amount: Option<String>,
    unit: Option<String>,
}

/// Across all files: whether the last page is there, and what came already.
#[derive(Default)]
pub(super) struct Pages {
    answers: usize,
    unfinished: usize,
    seen: BTreeSet<(i64, String, String)>,
}

impl Pages {
    /// All pages but the last one name a next one.
    pub fn check(&self, name: &str) -> Result<()> {
        if self.answers == 0 || self.unfinished < self.answers {
            return Ok(());
        }
        let message = "this answer has a NextPageToken: further pages are missing";
        let hint = "ask for the next page with --next-page-token, and give each page with --bill; or ask for fewer days at once";
        Err(Diagnostic::new(name, message).hint(hint).into())
    }
}

/// Reads one or more answers from a file.
pub(super) fn read(name: &str, input: impl Read, into: &mut Collector, pages: &mut Pages) -> Result<()> {
    let mut found = false;
    for answer in serde_json::Deserializer::from_reader(input).into_iter::<Answer>() {
        let answer = answer.map_err(|error| bad_json(name, &error))?;
        found = true;
        add(name, &answer, into, pages)?;
    }
    if found { Ok(()) } else { Err(Diagnostic::new(name, "the file is empty").hint(asked()).into()) }
}

fn bad_json(name: &str, error: &serde_json::Error) -> Diagnostic {
    let full = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = full.strip_suffix(&place).unwrap_or(&full);
    let hint = if error.is_eof() || error.is_io() {
        "the file ends early or is damaged; ask for it again".to_owned()
    } else {
        asked()
    };
    Diagnostic::new(name, format!("this is not an answer of get-cost-and-usage: {message}"))
        .at(error.line() as u64, error.column() as u64)
        .hint(hint)
}

fn asked() -> String {
    format!("ask for it with: {COMMAND}")
}

fn add(name: &str, answer: &Answer, into: &mut Collector, pages: &mut Pages) -> Result<()> {
    let Some(periods) = &answer.results_by_time else {
        let message = "this is JSON, but no answer of get-cost-and-usage: it has no ResultsByTime";
        return Err(Diagnostic::new(name, message).hint(asked()).into());
    };
    pages.answers += 1;
    pages.unfinished += usize::from(answer.next_page_token.as_ref().is_some_and(|token| !token.is_empty()));
    let order = order(name, answer, periods)?;
    let mut errors = Diagnostics::default();
    for (number, period) in periods.iter().enumerate() {
        let place = format!("ResultsByTime[{number}]");
        let times = [&period.time_period.start, &period.time_period.end].map(|text| time(text));
        let [Some(start), Some(end)] = times else {
            let text = format!("{} to {}", period.time_period.start, period.time_period.end);
            errors.push(Diagnostic::new(name, format!("{place}: TimePeriod is not a period")).text(text));
            continue;
        };
        if end <= start {
            errors.push(Diagnostic::new(name, format!("{place}: TimePeriod ends before it starts")));
            continue;
        }
        let window = Window { start, end };
        into.cover(window);
        if into.is_inside(window) {
            into.bill.estimated |= period.estimated;
        }
        for (nth, group) in period.groups.iter().enumerate() {
            let place = format!("{place}.Groups[{nth}]");
            match line(group, order, window) {
                Ok(line) => {
                    let key = (start.ms(), line.service.to_owned(), line.usage_type.to_owned());
                    if pages.seen.insert(key) {
                        into.add(&line);
                    } else {
                        let message = format!("{place}: this usage type came already for the same period");
                        let hint = "give each page once, and days only with one granularity";
                        errors.push(Diagnostic::new(name, message).text(line.usage_type).hint(hint));
                    }
                }
                Err((message, hint)) => {
                    errors.push(Diagnostic::new(name, format!("{place}: {message}")).hint(hint));
                }
            }
        }
    }
    errors.into_result(())
}

/// Places of service and usage type in the keys of each group.
fn order(name: &str, answer: &Answer, periods: &[Period]) -> Result<[usize; 2]> {
    let grouped =
        |message: String| -> crate::error::Error { Diagnostic::new(name, message).hint(asked()).into() };
    if let Some(definitions) = &answer.group_definitions {
        let keys: Vec<&str> = definitions.iter().map(|d| d.key.as_deref().unwrap_or_default()).collect();
        return match keys[..] {
            ["SERVICE", "USAGE_TYPE"] => Ok([0, 1]),
            ["USAGE_TYPE", "SERVICE"] => Ok([1, 0]),
            [] => Err(grouped("this is not grouped: it says what was paid in all, not for what".to_owned())),
            _ => Err(grouped(format!(
                "this is grouped by {}, not by SERVICE and USAGE_TYPE",
                keys.join(" and ")
            ))),
        };
    }
    // Only usage types have colons in them.
    let groups = || periods.iter().flat_map(|period| &period.groups);
    if groups().next().is_none() {
        return Err(grouped("this is not grouped: it says what was paid in all, not for what".to_owned()));
    }
    if groups().any(|group| group.keys.len() != 2) {
        return Err(grouped("this is not grouped by both SERVICE and USAGE_TYPE".to_owned()));
    }
    Ok(if groups().any(|group| group.keys[0].contains(':')) { [1, 0] } else { [0, 1] })
}

type Complaint = (String, String);

fn line(group: &Group, order: [usize; 2], period: Window) -> std::result::Result<Line<'_>, Complaint> {
    let key = |nth: usize| group.keys.get(order[nth]).map(String::as_str);
    let (Some(service), Some(usage_type)) = (key(0), key(1)) else {
        return Err(("Keys are not a service and a usage type".to_owned(), asked()));
    };
    let number = |name: &str, metric: &Metric| {
        let text = metric.amount.as_deref().unwrap_or_default();
        decimal::parse(text).ok_or_else(|| (format!("{name} is not a number: {text:?}"), asked()))
    };
    let metric = |name: &str| group.metrics.get(name);
    let Some(quantity) = metric("UsageQuantity") else {
        return Err(("there is no metric UsageQuantity".to_owned(), asked()));
    };
    let Some((cost_name, cost)) = COSTS.iter().find_map(|name| Some((*name, metric(name)?))) else {
        return Err(("there is no metric UnblendedCost or AmortizedCost".to_owned(), asked()));
    };
    let currency = cost.unit.as_deref().unwrap_or("USD");
    if currency != "USD" {
        let hint = "prices and the simulated bill are in USD: only a bill in USD can be compared with them";
        return Err((format!("amounts are in {currency}"), hint.to_owned()));
    }
    Ok(Line {
        kind: if service == "Tax" { LineKind::LeftOut("Tax") } else { LineKind::Usage },
        service,
        region: "",
        usage_type,
        unit: quantity.unit.as_deref().unwrap_or_default(),
        quantity: number("UsageQuantity", quantity)?,
        usd: Usd::from_femto(number(cost_name, cost)?),
        list_usd: None,
        period,
    })
}
