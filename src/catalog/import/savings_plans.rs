//! DescribeSavingsPlansOfferingRates: what usage costs an hour under each Savings Plan that is offered.

use serde::Deserialize;

use super::refused::Reason;
use super::region::{region_of, without_prefix};
use super::{Key, Sink, price};
use crate::catalog::savings_rate::{FARGATE_GB, FARGATE_VCPU};
use crate::catalog::{PaymentOption, SavingsPlanType};
use crate::units::Rate;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OfferingRate {
    savings_plan_offering: Offering,
    rate: Option<String>,
    unit: Option<String>,
    product_type: Option<String>,
    usage_type: Option<String>,
    operation: Option<String>,
    properties: Vec<Property>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Offering {
    payment_option: Option<String>,
    plan_type: Option<String>,
    duration_seconds: Option<i64>,
    currency: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Property {
    name: Option<String>,
    value: Option<String>,
}

const YEAR_SECONDS: i64 = 31_536_000;

pub(super) fn json(row: &OfferingRate, sink: &mut Sink) {
    match read(row) {
        Ok((key, rate)) => sink.price(key, rate, None, None),
        Err(reason) => sink.refuse(reason),
    }
}

fn read(row: &OfferingRate) -> Result<(Key, Rate), Reason> {
    let usage_type = row.usage_type.as_deref().ok_or(Reason::Incomplete)?;
    let usage = without_prefix(usage_type);
    let item = match row.product_type.as_deref() {
        Some("EC2") => instance(row, usage)?,
        Some("Fargate") => match usage {
            "Fargate-vCPU-Hours:perCPU" => FARGATE_VCPU.to_owned(),
            "Fargate-GB-Hours" => FARGATE_GB.to_owned(),
            _ if usage.starts_with("Fargate-Windows") => return Err(Reason::FargateWindows),
            _ if usage.starts_with("Fargate-ARM") => return Err(Reason::FargateArm),
            _ => return Err(Reason::OtherProduct),
        },
        Some(_) => return Err(Reason::OtherProduct),
        None => return Err(Reason::Incomplete),
    };
    let region = region_of(property(row, "region"), None, Some(usage_type))?;
    let offering = &row.savings_plan_offering;
    let plan = match offering.plan_type.as_deref() {
        Some("Compute") => SavingsPlanType::Compute,
        Some("EC2Instance") if row.product_type.as_deref() == Some("EC2") => SavingsPlanType::Ec2Instance,
        Some(_) => return Err(Reason::OtherProduct),
        None => return Err(Reason::Incomplete),
    };
    let payment = match offering.payment_option.as_deref() {
        Some("No Upfront") => PaymentOption::NoUpfront,
        Some("Partial Upfront") => PaymentOption::PartialUpfront,
        Some("All Upfront") => PaymentOption::AllUpfront,
        _ => return Err(Reason::Incomplete),
    };
    let years = match offering.duration_seconds {
        Some(seconds) if seconds == YEAR_SECONDS => 1,
        Some(seconds) if seconds == 3 * YEAR_SECONDS => 3,
        _ => return Err(Reason::PlanTerm),
    };
    if offering.currency.as_deref() != Some("USD") {
        return Err(Reason::Currency);
    }
    if !row.unit.as_deref().is_some_and(|unit| matches!(unit, "Hrs" | "Hours" | "hours")) {
        return Err(Reason::Unit);
    }
    let rate = price(row.rate.as_deref().ok_or(Reason::Incomplete)?)?;
    Ok((Key::Savings { region, plan, years, payment, item }, rate))
}

/// The instance type of a rate for Linux without software on shared tenancy.
fn instance(row: &OfferingRate, usage: &str) -> Result<String, Reason> {
    if property(row, "tenancy").is_some_and(|tenancy| tenancy != "shared") {
        return Err(Reason::Tenancy);
    }
    let system = property(row, "productDescription").ok_or(Reason::Incomplete)?;
    if !matches!(system, "Linux/UNIX" | "Linux/UNIX (Amazon VPC)") {
        return Err(Reason::OperatingSystem);
    }
    if row.operation.as_deref() != Some("RunInstances") {
        return Err(Reason::Operation);
    }
    // Dedicated instances and unused reservations have usage types of their own.
    let named = if usage == "BoxUsage" {
        "m1.small"
    } else {
        usage.strip_prefix("BoxUsage:").ok_or(Reason::Tenancy)?
    };
    Ok(property(row, "instanceType").unwrap_or(named).to_owned())
}

fn property<'r>(row: &'r OfferingRate, name: &str) -> Option<&'r str> {
    row.properties.iter().find(|property| property.name.as_deref() == Some(name))?.value.as_deref()
}
