//! The columns of Cost and Usage Reports that are read, and what a row of them means.
//!
//! Legacy reports write `lineItem/UsageAmount`, Data Exports (CUR 2.0) and Parquet files `line_item_usage_amount`; both
//! are the same columns. Source: AWS's data dictionary of the two.

use super::{Line, LineKind, decimal, time};
use crate::units::{Time, Usd};
use crate::workload::Window;

pub(super) const COUNT: usize = 15;

/// A column, by its place in [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Column {
    LineItemType,
    UsageType,
    UsageAmount,
    UnblendedCost,
    UsageStart,
    UsageEnd,
    ProductCode,
    ProductName,
    Currency,
    Unit,
    PublicCost,
    PlanCost,
    ReservedCost,
    Region,
    SplitParent,
}

use Column::*;

pub(super) const NAMES: [&str; COUNT] = [
    "line_item_line_item_type",
    "line_item_usage_type",
    "line_item_usage_amount",
    "line_item_unblended_cost",
    "line_item_usage_start_date",
    "line_item_usage_end_date",
    "line_item_product_code",
    "product_product_name",
    "line_item_currency_code",
    "pricing_unit",
    "pricing_public_on_demand_cost",
    "savings_plan_savings_plan_effective_cost",
    "reservation_effective_cost",
    "product_region_code",
    "split_line_item_parent_resource_id",
];

const REQUIRED: [Column; 7] =
    [LineItemType, UsageType, UsageAmount, UnblendedCost, UsageStart, UsageEnd, ProductCode];

/// Where each column stands in a file.
#[derive(Clone, Debug)]
pub(super) struct Places(pub [Option<usize>; COUNT]);

impl Places {
    /// Finds the columns by their names; otherwise names those that are missing.
    pub fn find<'n>(names: impl Iterator<Item = &'n str>) -> Result<Self, Vec<&'static str>> {
        let mut places = [None; COUNT];
        for (index, name) in names.enumerate() {
            let name = snake_case(name);
            // Older reports have `product/region`.
            let name = if name == "product_region" { "product_region_code" } else { &name };
            if let Some(column) = NAMES.iter().position(|known| *known == name) {
                places[column].get_or_insert(index);
            }
        }
        // A name for people does for the service where there is no code.
        let is_there = |column: Column| {
            places[column as usize].is_some()
                || (column == ProductCode && places[ProductName as usize].is_some())
        };
        let missing: Vec<&str> =
            REQUIRED.into_iter().filter(|c| !is_there(*c)).map(|column| NAMES[column as usize]).collect();
        if missing.is_empty() { Ok(Self(places)) } else { Err(missing) }
    }
}

/// `lineItem/UsageAmount` as `line_item_usage_amount`.
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    let mut before = '_';
    for c in name.trim().chars() {
        let c = if matches!(c, '/' | ':' | ' ') { '_' } else { c };
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        before = c;
    }
    out
}

/// What is wrong with a cell.
#[derive(Debug)]
pub(super) struct BadCell {
    pub column: Column,
    pub message: String,
    pub hint: Option<&'static str>,
}

/// The cells of one row, empty where the file has no such column.
pub(super) struct Row<'a>(pub [&'a str; COUNT]);

impl<'a> Row<'a> {
    fn get(&self, column: Column) -> &'a str {
        self.0[column as usize]
    }

    /// What the row counts for, and whether it is usage that something covers of which the row does not say the cost.
    pub fn line(&self) -> Result<(Line<'a>, bool), BadCell> {
        let currency = self.get(Currency);
        if !currency.is_empty() && currency != "USD" {
            return Err(BadCell {
                column: Currency,
                message: format!("amounts are in {currency}"),
                hint: Some(
                    "prices and the simulated bill are in USD: only a bill in USD can be compared with them",
                ),
            });
        }
        let kind = self.get(LineItemType);
        let usage_type = self.get(UsageType);
        let of = match kind {
            _ if usage_type.contains("EKS-EC2-") || !self.get(SplitParent).is_empty() => {
                // The same instances again, split by pods.
                LineKind::LeftOut("split cost allocation")
            }
            "Usage" | "SavingsPlanCoveredUsage" | "DiscountedUsage" => LineKind::Usage,
            "EdpDiscount" | "PrivateRateDiscount" | "BundledDiscount" => LineKind::Discount,
            "" => {
                let message = "line_item_line_item_type is empty".to_owned();
                return Err(BadCell {
                    column: LineItemType,
                    message,
                    hint: Some("keep what AWS wrote there"),
                });
            }
            other => LineKind::LeftOut(other),
        };
        let effective = match kind {
            "SavingsPlanCoveredUsage" => Some(PlanCost),
            "DiscountedUsage" => Some(ReservedCost),
            _ => None,
        };
        let known = effective.filter(|column| !self.get(*column).is_empty());
        let (start, end) = (self.time(UsageStart)?, self.time(UsageEnd)?);
        if end < start {
            let message = "line_item_usage_end_date is before line_item_usage_start_date".to_owned();
            return Err(BadCell { column: UsageEnd, message, hint: None });
        }
        let code = self.get(ProductCode);
        let line = Line {
            kind: of,
            service: if code.is_empty() { self.get(ProductName) } else { code },
            region: self.get(Region),
            usage_type,
            unit: self.get(Unit),
            quantity: if of == LineKind::Usage { self.number(UsageAmount)?.unwrap_or(0) } else { 0 },
            usd: Usd::from_femto(self.number(known.unwrap_or(UnblendedCost))?.unwrap_or(0)),
            list_usd: self.number(PublicCost)?.map(Usd::from_femto),
            period: Window { start, end },
        };
        Ok((line, effective.is_some() && known.is_none()))
    }

    fn number(&self, column: Column) -> Result<Option<i128>, BadCell> {
        let text = self.get(column);
        if text.is_empty() {
            return Ok(None);
        }
        decimal::parse(text).map(Some).ok_or_else(|| BadCell {
            column,
            message: format!("{} is not a number", NAMES[column as usize]),
            hint: Some("export the report again, and pass it as AWS wrote it"),
        })
    }

    fn time(&self, column: Column) -> Result<Time, BadCell> {
        time(self.get(column)).ok_or_else(|| BadCell {
            column,
            message: format!("{} is not a time", NAMES[column as usize]),
            hint: Some("times look like 2026-03-02T00:00:00Z"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_the_same_columns() {
        let cases = [
            ("lineItem/UsageAmount", "line_item_usage_amount"),
            ("lineItem/LineItemType", "line_item_line_item_type"),
            ("pricing/publicOnDemandCost", "pricing_public_on_demand_cost"),
            ("savingsPlan/SavingsPlanEffectiveCost", "savings_plan_savings_plan_effective_cost"),
            ("splitLineItem/ParentResourceId", "split_line_item_parent_resource_id"),
            ("product/ProductName", "product_product_name"),
            ("reservation_effective_cost", "reservation_effective_cost"),
        ];
        for (name, expected) in cases {
            assert_eq!(snake_case(name), expected);
        }
        let missing = Places::find(["lineItem/UsageType", "product/ProductName"].into_iter()).unwrap_err();
        assert!(missing.contains(&"line_item_usage_amount") && !missing.contains(&"line_item_product_code"));
    }

    /// A row of Fargate usage with this line type, cost, and cost under a Savings Plan.
    fn row(kind: &'static str, cost: &'static str, plan_cost: &'static str) -> Row<'static> {
        let mut cells = [""; COUNT];
        for (column, text) in [
            (LineItemType, kind),
            (UsageType, "Fargate-GB-Hours"),
            (UsageAmount, "2.5"),
            (UnblendedCost, cost),
            (UsageStart, "2026-03-02T00:00:00Z"),
            (UsageEnd, "2026-03-02T01:00:00.000Z"),
            (ProductCode, "AmazonEKS"),
            (PlanCost, plan_cost),
        ] {
            cells[column as usize] = text;
        }
        Row(cells)
    }

    #[test]
    fn line_types_count_quantities_once_and_what_was_really_paid() {
        const UNIT: i128 = 1_000_000_000_000_000;
        let cases = [
            // type, unblended, under the plan; what it is, quantity, cost, at list
            ("Usage", "10", "", LineKind::Usage, 25 * UNIT / 10, 10, false),
            ("SavingsPlanCoveredUsage", "10", "7", LineKind::Usage, 25 * UNIT / 10, 7, false),
            ("SavingsPlanCoveredUsage", "10", "", LineKind::Usage, 25 * UNIT / 10, 10, true),
            ("SavingsPlanNegation", "-10", "", LineKind::LeftOut("SavingsPlanNegation"), 0, -10, false),
            ("EdpDiscount", "-1", "", LineKind::Discount, 0, -1, false),
            ("Tax", "3", "", LineKind::LeftOut("Tax"), 0, 3, false),
        ];
        for (kind, cost, plan_cost, expected, quantity, usd, at_list) in cases {
            let (line, covered_at_list) = row(kind, cost, plan_cost).line().unwrap();
            let found = (line.kind, line.quantity, line.usd, covered_at_list);
            assert_eq!(found, (expected, quantity, Usd::from_femto(usd * UNIT), at_list), "{kind}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_column() {
        let mut chinese = row("Usage", "1", "");
        chinese.0[Currency as usize] = "CNY";
        assert_eq!(chinese.line().err().map(|bad| bad.column), Some(Currency));
        assert_eq!(row("Usage", "much", "").line().err().map(|bad| bad.column), Some(UnblendedCost));
        assert_eq!(row("", "1", "").line().err().map(|bad| bad.column), Some(LineItemType));
        let mut backwards = row("Usage", "1", "");
        backwards.0[UsageEnd as usize] = "2026-03-01";
        assert_eq!(backwards.line().err().map(|bad| bad.column), Some(UsageEnd));
    }
}
