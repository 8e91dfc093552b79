//! The private discounts of a scenario (`discounts`). Whether there is such a family, the catalog knows.

use super::super::fields::{Reader, Section};
use super::super::values::*;
use super::super::*;
use super::print::{Yaml, field, text};
use super::savings_plan::families;

pub(super) fn read(reader: &mut Reader, root: &mut Section) -> Discounts {
    let mut discounts = Discounts::default();
    let d = &mut discounts;
    let mut section = root.section(reader, "discounts");
    for (name, ppm) in [
        ("ec2", &mut d.ec2_ppm),
        ("spot", &mut d.spot_ppm),
        ("fargate", &mut d.fargate_ppm),
        ("ebs", &mut d.ebs_ppm),
        ("eks", &mut d.eks_ppm),
        ("network", &mut d.network_ppm),
    ] {
        section.set(reader, name, ppm, private_discount);
    }
    d.families = families(reader, &mut section, private_discount);
    section.finish(reader);
    discounts
}

/// Nothing where all prices are public.
pub(super) fn print(discounts: &Discounts) -> Option<(String, Yaml)> {
    if discounts.is_none() && discounts.families.is_empty() {
        return None;
    }
    let percent = |name: &str, ppm: u32| field(name, text(ppm_text(ppm)));
    let mut fields = vec![
        percent("ec2", discounts.ec2_ppm),
        percent("spot", discounts.spot_ppm),
        percent("fargate", discounts.fargate_ppm),
        percent("ebs", discounts.ebs_ppm),
        percent("eks", discounts.eks_ppm),
        percent("network", discounts.network_ppm),
    ];
    if !discounts.families.is_empty() {
        let own = discounts.families.iter().map(|(family, ppm)| percent(family, *ppm)).collect();
        fields.push(field("families", Yaml::Inline(own)));
    }
    Some(field("discounts", Yaml::Map(fields)))
}
