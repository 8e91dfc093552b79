//! DescribeInstanceTypes: a type's row of `instance_types.csv`, all columns but the source.
//!
//! Pod limits follow the formula of the VPC CNI: ENIs of the default card × (IPv4 addresses each − 1) + 2, where the
//! first address of each ENI is its own and two pods use the host's network. With prefix delegation (Nitro only)
//! each address is 16, and Amazon EKS advises at most 110 pods up to 30 vCPUs and 250 beyond.

use serde::Deserialize;

use super::refused::Reason;
use super::{Sink, TypeRow};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Described {
    instance_type: Option<String>,
    current_generation: Option<bool>,
    bare_metal: bool,
    burstable_performance_supported: bool,
    hypervisor: Option<String>,
    #[serde(rename = "VCpuInfo")]
    cpus: Cpus,
    memory_info: MemoryInfo,
    processor_info: Processor,
    network_info: Network,
    ebs_info: Ebs,
    instance_storage_info: Storage,
    gpu_info: Gpus,
    inference_accelerator_info: Chips,
    neuron_info: Neuron,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cpus {
    #[serde(rename = "DefaultVCpus")]
    vcpus: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MemoryInfo {
    #[serde(rename = "SizeInMiB")]
    mib: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Processor {
    manufacturer: Option<String>,
    supported_architectures: Vec<String>,
    #[serde(rename = "SustainedClockSpeedInGhz")]
    clock: Option<serde_json::Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Network {
    default_network_card_index: i64,
    maximum_network_interfaces: Option<u32>,
    ipv4_addresses_per_interface: Option<u32>,
    network_cards: Vec<Card>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Card {
    network_card_index: i64,
    maximum_network_interfaces: Option<u32>,
    #[serde(rename = "BaselineBandwidthInGbps")]
    baseline: Option<serde_json::Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Ebs {
    ebs_optimized_info: EbsOptimized,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EbsOptimized {
    #[serde(rename = "BaselineBandwidthInMbps")]
    baseline: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Storage {
    #[serde(rename = "TotalSizeInGB")]
    total: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Gpus {
    gpus: Vec<Chip>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Chips {
    accelerators: Vec<Chip>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Neuron {
    neuron_devices: Vec<Chip>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Chip {
    count: u32,
    manufacturer: Option<String>,
    name: Option<String>,
}

pub(super) fn json(described: &Described, sink: &mut Sink) {
    match cells(described) {
        Ok((name, cells)) => {
            sink.row();
            let file = sink.file();
            sink.findings.types.push(TypeRow { file, name, cells });
        }
        Err(reason) => sink.refuse(reason),
    }
}

/// The name and the cells between name and source. That of the network is empty where AWS only says "Moderate".
fn cells(d: &Described) -> Result<(String, Vec<String>), Reason> {
    let name = d.instance_type.clone().ok_or(Reason::Incomplete)?;
    let has = |name: &str| d.processor_info.supported_architectures.iter().any(|arch| arch == name);
    let arch = match (has("arm64"), has("x86_64")) {
        (true, _) => "arm64",
        (false, true) => "amd64",
        // 32 bits, or macOS.
        (false, false) => return Err(Reason::NoLinux),
    };
    let vcpus = i64::from(d.cpus.vcpus.filter(|n| *n > 0).ok_or(Reason::Incomplete)?);
    let memory = d.memory_info.mib.filter(|n| *n > 0).ok_or(Reason::Incomplete)?;
    let nitro = d.bare_metal || d.hypervisor.as_deref() == Some("nitro");
    let addresses = addresses(&d.network_info).ok_or(Reason::Incomplete)?;
    let most = if vcpus <= 30 { 110 } else { 250 };
    let prefixes = if nitro { (addresses * 16 + 2).min(most).to_string() } else { String::new() };
    let chips = if d.inference_accelerator_info.accelerators.is_empty() {
        &d.neuron_info.neuron_devices
    } else {
        &d.inference_accelerator_info.accelerators
    };
    let optional =
        |number: Option<i64>| number.filter(|n| *n > 0).map_or_else(String::new, |n| n.to_string());
    let clock = d.processor_info.clock.as_ref().and_then(thousandths);
    let maker = d.processor_info.manufacturer.as_deref().ok_or(Reason::Incomplete)?;
    let mut row =
        vec![arch.to_owned(), vcpus.to_string(), memory.to_string(), (addresses + 2).to_string(), prefixes];
    row.extend(accelerators(&d.gpu_info.gpus)?);
    row.extend(accelerators(chips)?);
    row.extend([
        d.burstable_performance_supported.to_string(),
        name.contains("-flex.").to_string(),
        d.bare_metal.to_string(),
        d.hypervisor.clone().unwrap_or_else(|| "none".to_owned()),
        maker.to_ascii_lowercase(),
        optional(clock),
        optional(network_mbps(&d.network_info)),
        optional(d.ebs_info.ebs_optimized_info.baseline.map(i64::from)),
        d.instance_storage_info.total.to_string(),
        d.current_generation.ok_or(Reason::Incomplete)?.to_string(),
    ]);
    Ok((name, row))
}

/// Addresses for pods on the default network card.
fn addresses(network: &Network) -> Option<i64> {
    let default = network.default_network_card_index;
    let card = network.network_cards.iter().find(|card| card.network_card_index == default);
    let enis = card.and_then(|card| card.maximum_network_interfaces).or(network.maximum_network_interfaces)?;
    let each = i64::from(network.ipv4_addresses_per_interface?) - 1;
    (enis > 0 && each >= 0).then(|| i64::from(enis) * each)
}

fn network_mbps(network: &Network) -> Option<i64> {
    let cards = network.network_cards.iter().map(|card| card.baseline.as_ref().and_then(thousandths));
    cards.sum()
}

/// A number such as 0.781 in thousandths. It is read as text, because money and sizes are never floats here.
fn thousandths(number: &serde_json::Number) -> Option<i64> {
    crate::units::parse_decimal(&number.to_string(), 3).ok().filter(|n| (0..=1_000_000_000).contains(n))
}

/// Count, manufacturer and name of chips, in the words of Karpenter's labels.
fn accelerators(chips: &[Chip]) -> Result<[String; 3], Reason> {
    let count: u64 = chips.iter().map(|chip| u64::from(chip.count)).sum();
    let Some(first) = chips.first().filter(|_| count > 0) else {
        return Ok(["0".to_owned(), String::new(), String::new()]);
    };
    let label = |text: &Option<String>| {
        let text = text.as_deref().filter(|text| !text.is_empty()).ok_or(Reason::Incomplete)?;
        Ok(text.to_lowercase().replace(' ', "-"))
    };
    Ok([count.to_string(), label(&first.manufacturer)?, label(&first.name)?])
}
