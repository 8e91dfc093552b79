//! What the nodes of each group, NodePool or Fargate part of a platform cost, where there are several kinds of them.

use super::text::{clean, count, hours, money, plural};
use super::{GroupReport, PlatformReport, Report};
use crate::bill::Bill;
use crate::ledger::{Ledger, Role};
use crate::units::Usd;

/// The line of everything that is no machine.
const REST: &str = "cluster and the rest";

/// A row for each name of nodes, in the order of the ledger, and one for the rest, so that they sum to the bill; none where
/// all jobs run on nodes of one name and nothing is always on beside them.
pub(super) fn groups(ledger: &Ledger, bill: Option<&Bill>) -> Vec<GroupReport> {
    let mut rows: Vec<(Role, GroupReport)> = Vec::new();
    let mut row_of_template = Vec::with_capacity(ledger.templates.len());
    for template in &ledger.templates {
        let known = rows.iter().position(|(role, row)| *role == template.role && row.name == template.pool);
        row_of_template.push(known.unwrap_or_else(|| {
            let row = GroupReport {
                name: template.pool.clone(),
                role: word(template.role),
                ..GroupReport::default()
            };
            rows.push((template.role, row));
            rows.len() - 1
        }));
    }
    let of_jobs = rows.iter().filter(|(role, _)| *role == Role::Jobs).count();
    if of_jobs < 2 && rows.iter().all(|(role, _)| *role != Role::System) {
        return Vec::new();
    }
    let mut usd = vec![Usd::ZERO; rows.len()];
    let mut ms = vec![0i128; rows.len()];
    for (index, lease) in ledger.leases.iter().enumerate().filter(|(_, lease)| lease.ran()) {
        let row = row_of_template[lease.template as usize];
        rows[row].1.nodes_launched += 1;
        ms[row] += i128::from((lease.terminated - lease.running).ms().max(0));
        usd[row] += bill.map_or(Usd::ZERO, |bill| bill.leases[index]);
    }
    for run in ledger.runs.iter().filter(|run| run.was_bound()) {
        let lease = &ledger.leases[run.lease as usize];
        rows[row_of_template[lease.template as usize]].1.pods += 1;
    }
    let of_machines: Usd = usd.iter().copied().sum();
    let mut all: Vec<GroupReport> = Vec::with_capacity(rows.len() + 1);
    for ((_, row), (usd, ms)) in rows.into_iter().zip(usd.into_iter().zip(ms)) {
        let usd = bill.map(|_| usd.to_string());
        all.push(GroupReport { usd, node_hours: ms as f64 / 3_600_000.0, ..row });
    }
    all.extend(bill.map(|bill| GroupReport {
        name: REST.to_owned(),
        role: "shared".to_owned(),
        usd: Some((bill.total - of_machines).to_string()),
        ..GroupReport::default()
    }));
    all
}

fn word(role: Role) -> String {
    match role {
        Role::Jobs => "jobs",
        Role::Controllers => "controllers",
        Role::System => "system",
    }
    .to_owned()
}

/// Heads of the table of [`rows`].
pub(super) const HEADS: [&str; 6] = ["group", "for", "cost", "nodes", "node-hours", "pods"];

/// Platforms with groups, and their rows as text.
pub(super) fn rows(report: &Report) -> impl Iterator<Item = (&PlatformReport, Vec<Vec<String>>)> {
    let with_groups = report.platforms.iter().filter(|platform| !platform.groups.is_empty());
    with_groups.map(|platform| (platform, platform.groups.iter().map(cells).collect()))
}

/// The same in a line for each platform.
pub(super) fn lines(report: &Report) -> impl Iterator<Item = String> {
    let one = |group: &GroupReport| {
        let name = clean(&group.name);
        let cost = group.usd.as_deref().map_or_else(|| plural(group.nodes_launched, "node"), money);
        format!("{name} {cost}")
    };
    let with_groups = report.platforms.iter().filter(|platform| !platform.groups.is_empty());
    with_groups.map(move |platform| {
        let groups: Vec<String> = platform.groups.iter().map(one).collect();
        format!("{} by group: {}", clean(&platform.name), groups.join(", "))
    })
}

fn cells(group: &GroupReport) -> Vec<String> {
    let blank = |text: String| if group.role == "shared" { String::new() } else { text };
    vec![
        group.name.clone(),
        group.role.clone(),
        group.usd.as_deref().map(money).unwrap_or_default(),
        blank(count(group.nodes_launched)),
        blank(hours(group.node_hours)),
        blank(count(group.pods)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::NodeTemplate;

    #[test]
    fn a_platform_of_one_group_has_no_table_of_groups() {
        let template = |pool: &str, role| NodeTemplate {
            pool: pool.to_owned(),
            machine: crate::ledger::Machine::Fargate {
                cpu: crate::units::Cpu::from_cores(1),
                memory: crate::units::Memory::from_gib(2),
                ephemeral: crate::units::Memory::ZERO,
            },
            allocatable: crate::units::Resources::ZERO,
            daemons: crate::units::Resources::ZERO,
            root_volume: crate::units::Memory::ZERO,
            auto_mode: false,
            role,
        };
        let names = |templates: &[NodeTemplate]| -> Vec<String> {
            let ledger = Ledger { templates: templates.to_vec(), ..Ledger::default() };
            groups(&ledger, Some(&Bill::default())).into_iter().map(|row| row.name).collect()
        };
        let (a, b) = (template("a", Role::Jobs), template("b", Role::Jobs));
        let home = template("karpenter", Role::Controllers);
        assert_eq!(names(&[a.clone(), a.clone(), home.clone()]), [""; 0]);
        assert_eq!(names(&[a.clone(), b, home]), ["a", "b", "karpenter", REST]);
        assert_eq!(names(&[a, template("engine", Role::System)]), ["a", "engine", REST]);
    }
}
