//! From what happened to what it cost: a pure function of ledger and prices.
//!
//! Each lease is charged as AWS meters it and each charge is rounded once; items and totals add charges, so they
//! agree to the last digit. Rules and sources: `catalog::billed_seconds` and its neighbours, `docs/model.md`.

mod allocation;

pub use allocation::Allocation;

use std::collections::BTreeMap;

use crate::catalog::{
    self, CapacityType, Catalog, FargatePrices, FargateSize, Price, PriceDate, PriceOrigin, PriceSeries,
    ZoneId, billed_seconds, fargate, spot_billed_seconds, volume_charge,
};
use crate::ledger::{EndReason, Lease, Ledger, Machine, NodeTemplate};
use crate::platform::{Cluster, Support};
use crate::units::{Memory, Rate, Usd};

/// What one platform cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Every dollar, in the order of [`ItemKind`], then detail.
    pub items: Vec<Item>,
    pub total: Usd,
    /// What each lease cost with its volume, by lease.
    pub leases: Vec<Usd>,
    /// The part of their leases that pods are allocated, by pod run.
    pub runs: Vec<Usd>,
    pub allocation: Allocation,
    /// Every price that was used.
    pub prices: Vec<UsedPrice>,
}

/// A line of the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub kind: ItemKind,
    /// AWS's usage type, and what else tells lines of a kind apart.
    pub detail: String,
    pub quantity: Quantity,
    /// Price per unit; the average where it changed over time.
    pub rate: Rate,
    pub usd: Usd,
}

/// What is paid for, in the order of the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    FargateCpu,
    FargateMemory,
    FargateStorage,
    /// The same for pods whose work had ended but which were not deleted yet.
    FargateAfterEndCpu,
    FargateAfterEndMemory,
    FargateAfterEndStorage,
    Ec2OnDemand,
    Ec2Spot,
    RootVolume,
    ControlPlane,
    NatGateway,
    NatTraffic,
}

impl ItemKind {
    /// As it is called in reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::FargateCpu => "Fargate vCPU",
            Self::FargateMemory => "Fargate memory",
            Self::FargateStorage => "Fargate storage",
            Self::FargateAfterEndCpu => "Fargate vCPU after the pod's end",
            Self::FargateAfterEndMemory => "Fargate memory after the pod's end",
            Self::FargateAfterEndStorage => "Fargate storage after the pod's end",
            Self::Ec2OnDemand => "EC2 on-demand",
            Self::Ec2Spot => "EC2 Spot",
            Self::RootVolume => "EBS root volumes",
            Self::ControlPlane => "EKS control plane",
            Self::NatGateway => "NAT gateways",
            Self::NatTraffic => "NAT traffic of image pulls",
        }
    }

    pub const fn unit(self) -> &'static str {
        match self {
            Self::FargateCpu | Self::FargateAfterEndCpu => "vCPU-hours",
            Self::FargateMemory | Self::FargateStorage => "GB-hours",
            Self::FargateAfterEndMemory | Self::FargateAfterEndStorage => "GB-hours",
            Self::Ec2OnDemand | Self::Ec2Spot | Self::ControlPlane | Self::NatGateway => "hours",
            Self::RootVolume => "GB-months",
            Self::NatTraffic => "GB",
        }
    }

    /// How many of the integers that quantities are counted in make one unit.
    const fn per_unit(self) -> i128 {
        match self {
            // Millicore-seconds.
            Self::FargateCpu | Self::FargateAfterEndCpu => 1_000 * 3_600,
            // MiB-seconds.
            Self::FargateMemory | Self::FargateStorage => 1_024 * 3_600,
            Self::FargateAfterEndMemory | Self::FargateAfterEndStorage => 1_024 * 3_600,
            // Seconds.
            Self::Ec2OnDemand | Self::Ec2Spot => 3_600,
            // Milliseconds.
            Self::ControlPlane | Self::NatGateway => 3_600_000,
            Self::RootVolume => 1_024 * catalog::SECONDS_PER_STORAGE_MONTH as i128,
            // Bytes.
            Self::NatTraffic => 1 << 30,
        }
    }
}

/// An exact amount of what is billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantity {
    pub amount: i128,
    pub per_unit: i128,
}

impl Quantity {
    /// In units; for display.
    pub fn to_f64(self) -> f64 {
        self.amount as f64 / self.per_unit as f64
    }
}

/// A price that a bill rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedPrice {
    pub name: String,
    pub unit: &'static str,
    pub rate: Rate,
    pub origin: PriceOrigin,
    pub as_of: PriceDate,
}

/// A price that is needed and not known; completes "no price for …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no price for {what} in {region}")]
pub struct MissingPrice {
    pub what: String,
    pub region: String,
}

/// Bills everything in `ledger`.
pub fn bill(ledger: &Ledger, catalog: &Catalog, cluster: &Cluster) -> Result<Bill, MissingPrice> {
    let mut biller = Biller { catalog, lines: Vec::new(), prices: BTreeMap::new() };
    let after_end = after_end_seconds(ledger);
    let mut meters = BTreeMap::new();
    for lease in &ledger.leases {
        if !meters.contains_key(&(lease.template, lease.zone)) {
            let meter = biller.meter(lease, &ledger.templates[lease.template as usize])?;
            meters.insert((lease.template, lease.zone), meter);
        }
    }
    let mut leases = Vec::with_capacity(ledger.leases.len());
    for (index, lease) in ledger.leases.iter().enumerate() {
        leases.push(match &meters[&(lease.template, lease.zone)] {
            Meter::Instance(meter) => biller.instance(lease, meter),
            Meter::Fargate(meter) => biller.fargate(lease, meter, after_end.get(index).copied().unwrap_or(0)),
        });
    }
    let leased: Usd = leases.iter().copied().sum();
    biller.surroundings(ledger, cluster)?;
    let items = biller.items();
    let total: Usd = items.iter().map(|item| item.usd).sum();
    let (runs, allocation) = allocation::allocate(ledger, &leases, total - leased);
    let prices = biller.prices.into_values().collect();
    Ok(Bill { items, total, leases, runs, allocation, prices })
}

/// Seconds between a Fargate pod's end and the end of its lease, by lease.
fn after_end_seconds(ledger: &Ledger) -> Vec<i64> {
    let mut seconds = Vec::new();
    for run in ledger.runs.iter().filter(|run| run.was_bound()) {
        let lease = &ledger.leases[run.lease as usize];
        if !matches!(ledger.templates[lease.template as usize].machine, Machine::Fargate { .. }) {
            continue;
        }
        let after =
            billed_seconds(lease.running, lease.terminated) - billed_seconds(lease.running, run.ended);
        seconds.resize(ledger.leases.len(), 0);
        seconds[run.lease as usize] = after.max(0);
    }
    seconds
}

/// One line in the making.
#[derive(Clone, Debug)]
struct Line {
    kind: ItemKind,
    detail: String,
    amount: i128,
    usd: Usd,
    /// `None` where the price changed over time.
    rate: Option<Rate>,
}

/// Index into [`Biller::lines`].
type LineId = usize;

/// How the leases of one template in one zone are charged, and to which lines.
enum Meter {
    Instance(InstanceMeter),
    Fargate(FargateMeter),
}

struct InstanceMeter {
    price: PriceSeries,
    is_spot: bool,
    line: LineId,
    volume: Memory,
    volume_rate: Rate,
    volume_line: LineId,
}

struct FargateMeter {
    prices: FargatePrices,
    size: FargateSize,
    /// CPU, memory, storage.
    lines: [LineId; 3],
    after_end_lines: [LineId; 3],
}

struct Biller<'a> {
    catalog: &'a Catalog,
    lines: Vec<Line>,
    prices: BTreeMap<String, UsedPrice>,
}

impl Biller<'_> {
    fn line(&mut self, kind: ItemKind, detail: &str, rate: Option<Rate>) -> LineId {
        let known = self.lines.iter().position(|line| line.kind == kind && line.detail == detail);
        known.unwrap_or_else(|| {
            self.lines.push(Line { kind, detail: detail.to_owned(), amount: 0, usd: Usd::ZERO, rate });
            self.lines.len() - 1
        })
    }

    fn add(&mut self, line: LineId, amount: i128, usd: Usd) {
        self.lines[line].amount += amount;
        self.lines[line].usd += usd;
    }

    fn items(&mut self) -> Vec<Item> {
        self.lines.retain(|line| line.amount != 0 || line.usd != Usd::ZERO);
        self.lines.sort_by(|a, b| (a.kind, &a.detail).cmp(&(b.kind, &b.detail)));
        let average =
            |line: &Line| Rate::from_femto(line.usd.scaled(line.kind.per_unit(), line.amount.max(1)).femto());
        self.lines
            .iter()
            .map(|line| Item {
                kind: line.kind,
                detail: line.detail.clone(),
                quantity: Quantity { amount: line.amount, per_unit: line.kind.per_unit() },
                rate: line.rate.unwrap_or_else(|| average(line)),
                usd: line.usd,
            })
            .collect()
    }

    fn missing(&self, what: impl Into<String>) -> MissingPrice {
        MissingPrice { what: what.into(), region: self.catalog.region.clone() }
    }

    fn used(&mut self, name: &str, unit: &'static str, price: Price) -> Rate {
        let Price { rate, origin, as_of } = price;
        self.prices.entry(name.to_owned()).or_insert_with_key(|name| UsedPrice {
            name: name.clone(),
            unit,
            rate,
            origin,
            as_of,
        });
        rate
    }

    fn meter(&mut self, lease: &Lease, template: &NodeTemplate) -> Result<Meter, MissingPrice> {
        match &template.machine {
            Machine::Ec2 { instance_type, capacity_type } => {
                self.instance_meter(lease, template, instance_type, *capacity_type).map(Meter::Instance)
            }
            Machine::Fargate { cpu, memory, ephemeral } => {
                let size = FargateSize { cpu: *cpu, memory: *memory, ephemeral: *ephemeral };
                self.fargate_meter(size).map(Meter::Fargate)
            }
        }
    }

    fn instance_meter(
        &mut self,
        lease: &Lease,
        template: &NodeTemplate,
        instance_type: &str,
        capacity_type: CapacityType,
    ) -> Result<InstanceMeter, MissingPrice> {
        let offering = self
            .catalog
            .find(instance_type)
            .and_then(|id| self.catalog.offering(id, ZoneId(lease.zone), capacity_type))
            .ok_or_else(|| self.missing(format!("{instance_type} ({capacity_type})")))?;
        let price = offering.price.clone();
        let rate = price.at(lease.running).unwrap_or_default();
        let used = Price { rate, origin: offering.origin, as_of: offering.as_of };
        let is_spot = capacity_type == CapacityType::Spot;
        let (kind, usage) =
            if is_spot { (ItemKind::Ec2Spot, "Spot") } else { (ItemKind::Ec2OnDemand, "Box") };
        let detail = format!("{usage}Usage:{instance_type}");
        self.used(&detail, "hour", used);
        let steady = price.points().len() == 1;
        let line = self.line(kind, &detail, steady.then_some(rate));
        const VOLUME: &str = "EBS:VolumeUsage.gp3";
        let volume = template.root_volume;
        let volume_rate = match self.catalog.services.gp3_storage {
            Some(price) if volume > Memory::ZERO => self.used(VOLUME, "GB-month", price),
            None if volume > Memory::ZERO => return Err(self.missing("gp3 volumes")),
            _ => Rate::ZERO,
        };
        let volume_line = self.line(ItemKind::RootVolume, VOLUME, Some(volume_rate));
        Ok(InstanceMeter { price, is_spot, line, volume, volume_rate, volume_line })
    }

    /// An instance with its root volume.
    fn instance(&mut self, lease: &Lease, meter: &InstanceMeter) -> Usd {
        let seconds = if meter.is_spot {
            let interrupted = lease.end_reason == EndReason::Interrupted;
            spot_billed_seconds(lease.running, lease.terminated, interrupted)
        } else {
            billed_seconds(lease.running, lease.terminated)
        };
        let usd = meter.price.charge_seconds(lease.running, seconds);
        self.add(meter.line, i128::from(seconds), usd);
        let volume_seconds = billed_seconds(lease.running, lease.terminated);
        let volume_usd = volume_charge(meter.volume_rate, meter.volume, volume_seconds);
        let amount = i128::from(meter.volume.mib_ceil()) * i128::from(volume_seconds);
        self.add(meter.volume_line, amount, volume_usd);
        usd + volume_usd
    }

    fn fargate_meter(&mut self, size: FargateSize) -> Result<FargateMeter, MissingPrice> {
        let prices = self.catalog.fargate.ok_or_else(|| self.missing("Fargate"))?;
        const DETAILS: [&str; 3] =
            ["Fargate-vCPU-Hours:perCPU", "Fargate-GB-Hours", "Fargate-EphemeralStorage-GB-Hours"];
        let mut rates = [
            self.used(DETAILS[0], "vCPU-hour", prices.vcpu_hour),
            self.used(DETAILS[1], "GB-hour", prices.gb_hour),
            Rate::ZERO,
        ];
        if size.billed_ephemeral() > Memory::ZERO {
            let price = prices.ephemeral_gb_hour.ok_or_else(|| self.missing("Fargate ephemeral storage"))?;
            rates[2] = self.used(DETAILS[2], "GB-hour", price);
        }
        let mut lines =
            |kinds: [ItemKind; 3]| [0, 1, 2].map(|i| self.line(kinds[i], DETAILS[i], Some(rates[i])));
        use ItemKind::*;
        let after_end_lines = lines([FargateAfterEndCpu, FargateAfterEndMemory, FargateAfterEndStorage]);
        let lines = lines([FargateCpu, FargateMemory, FargateStorage]);
        Ok(FargateMeter { prices, size, lines, after_end_lines })
    }

    fn fargate(&mut self, lease: &Lease, meter: &FargateMeter, after_end: i64) -> Usd {
        let size = meter.size;
        let seconds = billed_seconds(lease.running, lease.terminated);
        let whole = fargate::charge(&meter.prices, size, seconds);
        let work = fargate::charge(&meter.prices, size, seconds - after_end);
        let per_second = [size.cpu.milli(), size.memory.mib_ceil(), size.billed_ephemeral().mib_ceil()];
        let worked = [work.cpu, work.memory, work.storage];
        let all = [whole.cpu, whole.memory, whole.storage];
        for i in 0..3 {
            let amount = |seconds: i64| i128::from(per_second[i]) * i128::from(seconds);
            self.add(meter.lines[i], amount(seconds - after_end), worked[i]);
            self.add(meter.after_end_lines[i], amount(after_end), all[i] - worked[i]);
        }
        whole.total()
    }

    /// What is paid for beside machines: the cluster for the whole window, NAT when configured.
    fn surroundings(&mut self, ledger: &Ledger, cluster: &Cluster) -> Result<(), MissingPrice> {
        let services = self.catalog.services;
        let window_ms = i128::from((ledger.window.end - ledger.window.start).ms());
        let (price, detail) = match cluster.support {
            Support::Standard => (services.eks_cluster, "AmazonEKS-Hours:perCluster"),
            Support::Extended => (services.eks_cluster_extended, "AmazonEKS-Hours:extendedSupport"),
        };
        let price = price.ok_or_else(|| self.missing("the EKS control plane"))?;
        let rate = self.used(detail, "hour", price);
        self.hours(ItemKind::ControlPlane, detail, window_ms, rate);
        if cluster.nat_gateways > 0 {
            let price = services.nat_gateway.ok_or_else(|| self.missing("NAT gateways"))?;
            let rate = self.used("NatGateway-Hours", "hour", price);
            self.hours(
                ItemKind::NatGateway,
                "NatGateway-Hours",
                window_ms * i128::from(cluster.nat_gateways),
                rate,
            );
        }
        if cluster.pull_through_nat {
            let price = services.nat_gateway_processing.ok_or_else(|| self.missing("NAT traffic"))?;
            let rate = self.used("NatGateway-Bytes", "GB", price);
            let bytes: i128 = ledger.leases.iter().map(|lease| i128::from(lease.pulled.bytes())).sum();
            let line = self.line(ItemKind::NatTraffic, "NatGateway-Bytes", Some(rate));
            self.add(line, bytes, rate.charge(bytes, ItemKind::NatTraffic.per_unit()));
        }
        Ok(())
    }

    fn hours(&mut self, kind: ItemKind, detail: &str, ms: i128, rate: Rate) {
        let line = self.line(kind, detail, Some(rate));
        self.add(line, ms, rate.charge(ms, kind.per_unit()));
    }
}
