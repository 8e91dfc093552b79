//! Meters leases: which lines a lease is charged to, at which price, and what else is to be paid.

use std::collections::BTreeMap;

use super::commitment::best;
use super::savings_plan::{GroupId, PlanUse, Usage};
use super::{Item, ItemKind, MissingPrice, Quantity, UsedPrice};
use crate::catalog::{
    CapacityType, Catalog, FargateCharge, FargatePrices, FargateSize, InstanceType, Offering, Price,
    PriceSeries, ZoneId, billed_seconds, fargate, spot_billed_seconds, volume_charge,
};
use crate::ledger::{EndReason, Lease, Ledger, Machine, NodeTemplate, Role};
use crate::platform::{Cluster, Committed, PlanScope, SavingsPlan, Support, ppm_text};
use crate::units::{Memory, Rate, Usd};

/// AWS's usage types.
const VOLUME: &str = "EBS:VolumeUsage.gp3";
const FARGATE: [&str; 3] =
    ["Fargate-vCPU-Hours:perCPU", "Fargate-GB-Hours", "Fargate-EphemeralStorage-GB-Hours"];

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
pub(super) enum Meter {
    Instance(InstanceMeter),
    Fargate(FargateMeter),
}

pub(super) struct InstanceMeter {
    price: PriceSeries,
    is_spot: bool,
    line: LineId,
    volume: Memory,
    volume_rate: Rate,
    volume_line: LineId,
    /// EKS Auto Mode's.
    fee: Option<(PriceSeries, LineId)>,
    plan_group: Option<GroupId>,
}

pub(super) struct FargateMeter {
    prices: FargatePrices,
    size: FargateSize,
    /// CPU, memory, storage.
    lines: [LineId; 3],
    after_end_lines: [LineId; 3],
    plan_group: Option<GroupId>,
}

pub(super) struct Biller<'a> {
    catalog: &'a Catalog,
    lines: Vec<Line>,
    prices: BTreeMap<String, UsedPrice>,
    /// What a Savings Plan can cover, where there is one.
    plan_usage: Option<Usage>,
}

impl<'a> Biller<'a> {
    pub fn new(catalog: &'a Catalog, plan_usage: Option<Usage>) -> Self {
        Self { catalog, lines: Vec::new(), prices: BTreeMap::new(), plan_usage }
    }

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

    /// The items in their order, and every price that was used.
    pub fn items(mut self) -> (Vec<Item>, Vec<UsedPrice>) {
        self.lines.retain(|line| line.amount != 0 || line.usd != Usd::ZERO);
        self.lines.sort_by(|a, b| (a.kind, &a.detail).cmp(&(b.kind, &b.detail)));
        let average =
            |line: &Line| Rate::from_femto(line.usd.scaled(line.kind.per_unit(), line.amount.max(1)).femto());
        let items = self
            .lines
            .iter()
            .map(|line| Item {
                kind: line.kind,
                detail: line.detail.clone(),
                quantity: Quantity { amount: line.amount, per_unit: line.kind.per_unit() },
                rate: line.rate.unwrap_or_else(|| average(line)),
                usd: line.usd,
            })
            .collect();
        (items, self.prices.into_values().collect())
    }

    fn missing(&self, what: impl Into<String>) -> MissingPrice {
        MissingPrice { what: what.into(), region: self.catalog.region.clone() }
    }

    /// Notes a price that is billed, from which so many parts per million are taken off already.
    fn used(&mut self, name: &str, unit: &'static str, price: Price, discount_ppm: u32) -> Rate {
        let Price { rate, origin, as_of } = price;
        let name = match discount_ppm {
            0 => name.to_owned(),
            ppm => format!("{name} less {} (private discount)", ppm_text(ppm)),
        };
        self.prices.entry(name).or_insert_with_key(|name| UsedPrice {
            name: name.clone(),
            unit,
            rate,
            origin,
            as_of,
        });
        rate
    }

    pub fn meter(&mut self, lease: &Lease, template: &NodeTemplate) -> Result<Meter, MissingPrice> {
        match &template.machine {
            Machine::Ec2 { instance_type, capacity_type } => {
                self.instance_meter(lease, template, instance_type, *capacity_type).map(Meter::Instance)
            }
            Machine::Fargate { cpu, memory, ephemeral } => {
                let size = FargateSize { cpu: *cpu, memory: *memory, ephemeral: *ephemeral };
                self.fargate_meter(size, template.role).map(Meter::Fargate)
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
        let (kind, offering) = self.offering(lease, instance_type, capacity_type)?;
        let price = offering.price.clone();
        let rate = price.at(lease.running).unwrap_or_default();
        let used = Price { rate, origin: offering.origin, as_of: offering.as_of };
        let is_spot = capacity_type == CapacityType::Spot;
        let (item, usage) = match (template.role, is_spot) {
            (Role::Controllers, _) => (ItemKind::ControllersInstance, "Box"),
            (Role::System, _) => (ItemKind::SystemInstance, "Box"),
            (Role::Jobs, true) => (ItemKind::Ec2Spot, "Spot"),
            (Role::Jobs, false) => (ItemKind::Ec2OnDemand, "Box"),
        };
        let detail = format!("{usage}Usage:{instance_type}");
        let discounts = self.catalog.discounts();
        self.used(&detail, "hour", used, discounts.of_instance(kind.family(), capacity_type));
        let steady = price.points().len() == 1;
        let line = self.line(item, &detail, steady.then_some(rate));
        let volume = template.root_volume;
        let volume_rate = match self.catalog.services.gp3_storage {
            Some(price) if volume > Memory::ZERO => self.used(VOLUME, "GB-month", price, discounts.ebs_ppm),
            None if volume > Memory::ZERO => return Err(self.missing("gp3 volumes")),
            _ => Rate::ZERO,
        };
        let volume_line = self.line(ItemKind::RootVolume, VOLUME, Some(volume_rate));
        let fee = template.auto_mode.then(|| self.auto_mode_fee(lease, kind)).transpose()?;
        let plan = self.plan_usage.as_mut().filter(|_| capacity_type == CapacityType::OnDemand);
        let plan_group = plan.and_then(|usage| usage.family(kind.family()));
        Ok(InstanceMeter { price, is_spot, line, volume, volume_rate, volume_line, fee, plan_group })
    }

    fn offering(
        &self,
        lease: &Lease,
        instance_type: &str,
        capacity_type: CapacityType,
    ) -> Result<(&'a InstanceType, &'a Offering), MissingPrice> {
        let id = self.catalog.find(instance_type);
        id.and_then(|id| {
            let offering = self.catalog.offering(id, ZoneId(lease.zone), capacity_type)?;
            Some((self.catalog.instance_type(id), offering))
        })
        .ok_or_else(|| self.missing(format!("{instance_type} ({capacity_type})")))
    }

    /// The fee follows the on-demand price, whatever the instance is bought as.
    fn auto_mode_fee(
        &mut self,
        lease: &Lease,
        kind: &InstanceType,
    ) -> Result<(PriceSeries, LineId), MissingPrice> {
        let missing = |biller: &Self| biller.missing(format!("EKS Auto Mode's fee on {}", kind.name));
        let (_, on_demand) = self.offering(lease, &kind.name, CapacityType::OnDemand)?;
        let fee_of = |rate: Rate| self.catalog.services.auto_mode_fee_of(kind, rate);
        let points = on_demand.price.points().iter().map(|(time, rate)| Some((*time, fee_of(*rate)?.rate)));
        let series = points.collect::<Option<Vec<_>>>().and_then(PriceSeries::new);
        let price = on_demand.price.at(lease.running).and_then(fee_of);
        let (Some(series), Some(price)) = (series, price) else { return Err(missing(self)) };
        let detail = format!("EKS-Auto:{}", kind.name);
        let rate = self.used(&detail, "hour", price, 0);
        let steady = series.points().len() == 1;
        let line = self.line(ItemKind::AutoModeFee, &detail, steady.then_some(rate));
        Ok((series, line))
    }

    /// An instance with its root volume and its fee.
    pub fn instance(&mut self, lease: &Lease, meter: &InstanceMeter) -> Usd {
        let seconds = if meter.is_spot {
            let interrupted = lease.end_reason == EndReason::Interrupted;
            spot_billed_seconds(lease.running, lease.terminated, interrupted)
        } else {
            billed_seconds(lease.running, lease.terminated)
        };
        let usd = meter.price.charge_seconds(lease.running, seconds);
        self.add(meter.line, i128::from(seconds), usd);
        if let Some((usage, group)) = self.plan_usage.as_mut().zip(meter.plan_group) {
            let first = |seconds| meter.price.charge_seconds(lease.running, seconds);
            usage.add(group, lease.running, seconds, usd, first);
        }
        let lifetime = billed_seconds(lease.running, lease.terminated);
        let volume_usd = volume_charge(meter.volume_rate, meter.volume, lifetime);
        let amount = i128::from(meter.volume.mib_ceil()) * i128::from(lifetime);
        self.add(meter.volume_line, amount, volume_usd);
        let mut fee_usd = Usd::ZERO;
        if let Some((fee, line)) = &meter.fee {
            fee_usd = fee.charge_seconds(lease.running, lifetime);
            self.add(*line, i128::from(lifetime), fee_usd);
        }
        usd + volume_usd + fee_usd
    }

    fn fargate_meter(&mut self, size: FargateSize, role: Role) -> Result<FargateMeter, MissingPrice> {
        use ItemKind::*;
        let prices = self.catalog.fargate.ok_or_else(|| self.missing("Fargate"))?;
        let discount_ppm = self.catalog.discounts().fargate_ppm;
        let mut rates = [
            self.used(FARGATE[0], "vCPU-hour", prices.vcpu_hour, discount_ppm),
            self.used(FARGATE[1], "GB-hour", prices.gb_hour, discount_ppm),
            Rate::ZERO,
        ];
        if size.billed_ephemeral() > Memory::ZERO {
            let price = prices.ephemeral_gb_hour.ok_or_else(|| self.missing("Fargate ephemeral storage"))?;
            rates[2] = self.used(FARGATE[2], "GB-hour", price, discount_ppm);
        }
        let mut lines =
            |kinds: [ItemKind; 3]| [0, 1, 2].map(|i| self.line(kinds[i], FARGATE[i], Some(rates[i])));
        let after_end_lines = lines([FargateAfterEndCpu, FargateAfterEndMemory, FargateAfterEndStorage]);
        let lines = lines(match role {
            Role::Jobs => [FargateCpu, FargateMemory, FargateStorage],
            Role::Controllers => [ControllersCpu, ControllersMemory, FargateStorage],
            Role::System => [SystemCpu, SystemMemory, FargateStorage],
        });
        let plan_group = self.plan_usage.as_mut().and_then(Usage::fargate);
        Ok(FargateMeter { prices, size, lines, after_end_lines, plan_group })
    }

    pub fn fargate(&mut self, lease: &Lease, meter: &FargateMeter, after_end: i64) -> Usd {
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
        if let Some((usage, group)) = self.plan_usage.as_mut().zip(meter.plan_group) {
            let first = |seconds| covered_part(fargate::charge(&meter.prices, size, seconds));
            usage.add(group, lease.running, seconds, covered_part(whole), first);
        }
        whole.total()
    }

    /// What is paid for beside machines: the cluster for the whole window, NAT when configured.
    pub fn surroundings(&mut self, ledger: &Ledger, cluster: Cluster) -> Result<(), MissingPrice> {
        let services = self.catalog.services;
        let discounts = self.catalog.discounts();
        let window_ms = i128::from((ledger.window.end - ledger.window.start).ms());
        let (price, detail) = match cluster.support {
            Support::Standard => (services.eks_cluster, "AmazonEKS-Hours:perCluster"),
            Support::Extended => (services.eks_cluster_extended, "AmazonEKS-Hours:extendedSupport"),
        };
        let price = price.ok_or_else(|| self.missing("the EKS control plane"))?;
        let rate = self.used(detail, "hour", price, discounts.eks_ppm);
        self.hours(ItemKind::ControlPlane, detail, window_ms, rate);
        if cluster.nat_gateways > 0 {
            let price = services.nat_gateway.ok_or_else(|| self.missing("NAT gateways"))?;
            let rate = self.used("NatGateway-Hours", "hour", price, discounts.network_ppm);
            self.hours(
                ItemKind::NatGateway,
                "NatGateway-Hours",
                window_ms * i128::from(cluster.nat_gateways),
                rate,
            );
        }
        if cluster.pull_through_nat {
            let price = services.nat_gateway_processing.ok_or_else(|| self.missing("NAT traffic"))?;
            let rate = self.used("NatGateway-Bytes", "GB", price, discounts.network_ppm);
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

    /// What a Savings Plan can cover; only once.
    pub fn take_plan_usage(&mut self) -> Option<Usage> {
        self.plan_usage.take()
    }

    /// The commitment, and minus what it pays for.
    pub fn savings_plan(&mut self, ledger: &Ledger, plan: &SavingsPlan, usage: &Usage) -> PlanUse {
        let per_hour = match plan.committed {
            Committed::PerHour(rate) => rate,
            Committed::Best => best(usage, ledger.window),
        };
        let settlement = usage.settle(per_hour, ledger.window);
        let window_ms = i128::from((ledger.window.end - ledger.window.start).ms());
        let detail = match &plan.scope {
            PlanScope::Compute { .. } => "SavingsPlanRecurringFee:ComputeSP".to_owned(),
            PlanScope::Ec2 { family, .. } => format!("SavingsPlanRecurringFee:EC2SP:{family}"),
        };
        self.hours(ItemKind::SavingsPlanCommitment, &detail, window_ms, per_hour);
        let kind = ItemKind::SavingsPlanCovered;
        for (group, covered) in settlement.by_group {
            let detail = format!("SavingsPlanNegation:{group}");
            let line = self.line(kind, &detail, Some(Rate::from_femto(kind.per_unit())));
            self.add(line, -covered.femto(), -covered);
        }
        settlement.total
    }
}

/// Of a Fargate pod a plan covers vCPU and memory, not storage.
fn covered_part(charge: FargateCharge) -> Usd {
    charge.cpu + charge.memory
}
