//! The Savings Plan of a scenario: what is committed, and what it takes off.
//!
//! There are no default discounts, and none may be left out that the plan has: a platform whose usage were silently
//! not covered would look too dear beside the others.

use super::super::fields::{Reader, Section};
use super::super::tree::{Entry, Node, Value};
use super::super::values::*;
use super::super::*;

#[derive(Clone, Copy)]
enum Type {
    Compute,
    Ec2,
}

const TYPES: [(&str, Type); 2] = [("compute", Type::Compute), ("ec2", Type::Ec2)];
/// The commitment that would have cost least.
pub(super) const BEST: &str = "best";
const BOTH: &str = "a Compute Savings Plan covers Fargate and EC2: write discounts: {fargate: 20%, ec2: 27%} with \
                    the plan's own rates";
const OWN: &str = "write discounts: {ec2: 28%} with the plan's own rate";
const LEAVE_OR_EC2: &str = "leave it out, or write type: ec2";
const LEAVE_OR_COMPUTE: &str = "leave it out, or write type: compute";

/// The discounts as they were written.
struct Discounts {
    fargate: Option<u32>,
    ec2: Option<u32>,
    families: Vec<(String, u32)>,
}

pub(super) fn read(reader: &mut Reader, root: &mut Section) -> Option<SavingsPlan> {
    let entry = root.entry(reader, "savingsPlan");
    let mut section = root.section(reader, "savingsPlan");
    let kind = section.optional(reader, "type", |t| choice(t, &TYPES));
    let own_family = section.optional(reader, "family", family);
    let committed = section.optional(reader, "commitmentPerHour", |text| match text {
        BEST => Ok(Committed::Best),
        _ => usd_per_hour(text).map(Committed::PerHour),
    });
    let mut written = section.section(reader, "discounts");
    let discounts = Discounts {
        fargate: written.optional(reader, "fargate", discount),
        ec2: written.optional(reader, "ec2", discount),
        families: families(reader, &mut written, discount),
    };
    written.finish(reader);
    section.finish(reader);
    let entry = entry.filter(|entry| matches!(entry.value.value, Value::Map(_)))?;
    need(reader, entry, "type", "write type: compute, or type: ec2 with a family");
    need(
        reader,
        entry,
        "commitmentPerHour",
        "write for example commitmentPerHour: 1.50, or best for the one that would have been",
    );
    let scope = match kind? {
        Type::Compute => compute(reader, entry, discounts),
        Type::Ec2 => ec2(reader, entry, own_family, discounts),
    };
    Some(SavingsPlan { committed: committed?, scope: scope? })
}

fn compute(reader: &mut Reader, entry: &Entry, discounts: Discounts) -> Option<PlanScope> {
    refuse(reader, "savingsPlan.family", "a plan of type compute covers every family", LEAVE_OR_EC2);
    need_discount(reader, entry, "fargate", BOTH);
    need_discount(reader, entry, "ec2", BOTH);
    let Discounts { fargate, ec2, families } = discounts;
    Some(PlanScope::Compute { fargate_ppm: fargate?, ec2_ppm: ec2?, families })
}

fn ec2(
    reader: &mut Reader,
    entry: &Entry,
    own_family: Option<String>,
    discounts: Discounts,
) -> Option<PlanScope> {
    refuse(
        reader,
        "savingsPlan.discounts.fargate",
        "a plan of type ec2 does not cover Fargate",
        LEAVE_OR_COMPUTE,
    );
    need(reader, entry, "family", "a plan of type ec2 covers one family: write for example family: m5");
    let family = own_family?;
    for (other, _) in discounts.families.iter().filter(|(name, _)| *name != family) {
        let path = format!("savingsPlan.discounts.families.{other}");
        refuse(
            reader,
            &path,
            &format!("a plan of type ec2 covers its own family only, {family}"),
            LEAVE_OR_COMPUTE,
        );
    }
    let own = discounts.families.iter().find(|(name, _)| *name == family).map(|(_, ppm)| *ppm);
    // The discount of a family stands for the one of all EC2, as under type compute.
    let families = entry.value.get("discounts").and_then(|node| node.get("families"));
    if families.and_then(|node| node.get(&family)).is_none() {
        need_discount(reader, entry, "ec2", OWN);
    }
    Some(PlanScope::Ec2 { discount_ppm: own.or(discounts.ec2)?, family })
}

/// A complaint about a field that has no place in this type of plan.
fn refuse(reader: &mut Reader, path: &str, why: &str, hint: &str) {
    if let Some(place) = reader.given.place(path) {
        let text = path.rsplit('.').next().unwrap_or(path).to_owned();
        reader.problem(place, &text, Refusal::new(format!("{path}: {why}")).hint(hint));
    }
}

fn need(reader: &mut Reader, entry: &Entry, name: &str, hint: &str) {
    if entry.value.get(name).is_none() {
        let refusal = Refusal::new(format!("savingsPlan has no {name}")).hint(hint);
        reader.problem(entry.key_place, &entry.key, refusal);
    }
}

fn need_discount(reader: &mut Reader, entry: &Entry, name: &str, hint: &str) {
    let discounts: Option<&Node> = entry.value.get("discounts");
    if discounts.and_then(|node| node.get(name)).is_none() {
        let refusal = Refusal::new(format!("savingsPlan.discounts has no {name}")).hint(hint);
        reader.problem(entry.key_place, &entry.key, refusal);
    }
}

/// Discounts by family, each as `parse` reads it.
pub(super) fn families(
    reader: &mut Reader,
    section: &mut Section,
    parse: fn(&str) -> Parsed<u32>,
) -> Vec<(String, u32)> {
    let Some(entry) = section.entry(reader, "families") else { return Vec::new() };
    let path = section.path("families");
    let Value::Map(entries) = &entry.value.value else {
        let message = format!("{path} must be a mapping, not {}", entry.value.shape());
        let refusal = Refusal::new(message).hint("write families: {m5: 28%}");
        reader.problem(entry.key_place, "families", refusal);
        return Vec::new();
    };
    let mut families = Vec::new();
    for item in entries {
        if let Err(refusal) = family(&item.key) {
            let message = format!("{path}: {} {}", item.key.escape_debug(), refusal.message);
            reader.problem(item.key_place, &item.key, Refusal { message, ..refusal });
        }
        let path = format!("{path}.{}", item.key);
        reader.mark(path.clone(), &item.value);
        let discount = reader.scalar(&path, &item.value, parse);
        families.extend(discount.map(|ppm| (item.key.clone(), ppm)));
    }
    families
}

/// Whether it looks like a family of instance types; whether there is one, the catalog knows.
fn family(text: &str) -> Parsed<String> {
    let is_sound = text.len() <= 16
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.bytes().any(|b| b.is_ascii_digit());
    if is_sound {
        return Ok(text.to_owned());
    }
    let refusal = Refusal::new("is not a family of instance types");
    Err(match text.split_once('.') {
        Some((of, _)) if family(of).is_ok() => {
            refusal.hint(format!("this is an instance type; its family is {of}"))
        }
        _ => refusal.hint("write for example m5"),
    })
}
