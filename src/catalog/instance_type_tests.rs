use super::*;
use crate::catalog::{Catalog, Snapshot};

/// Karpenter's own documentation of what it expects nodes to have (AL2023, 7.5 % overhead, root volume 20 GiB).
const GOLDEN: &str = include_str!("../../fixtures/pricing/karpenter_allocatable.csv");

fn catalog() -> Catalog {
    Snapshot::embedded().region("us-east-1").unwrap()
}

#[test]
fn allocatable_agrees_with_karpenters_documentation_for_every_type() {
    let catalog = catalog();
    let settings = NodeSettings::default();
    let mut rows = 0;
    for line in GOLDEN.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [name, cpu, memory, pods] = fields[..] else { panic!("{line}") };
        let kind = catalog.instance_type(catalog.find(name).unwrap_or_else(|| panic!("{name} is not known")));
        let allocatable = kind.allocatable(&settings);
        let found = format!(
            "{name},{},{},{}",
            allocatable.cpu.milli(),
            allocatable.memory.bytes() >> 20,
            allocatable.pods
        );
        assert_eq!(found, format!("{name},{cpu},{memory},{pods}"));
        assert_eq!(allocatable.ephemeral, Memory::from_gib(17), "{name}");
        rows += 1;
    }
    assert_eq!(rows, 1_363);
}

#[test]
fn worked_examples_of_allocatable() {
    let cases = [
        // 8192 − ceil(614.4) = 7577; − (255 + 11 × 29 = 574) − 100. CPU 2000 − 60 − 10.
        ("m5.large", 29, "1930m", 6_903),
        // 16384 − ceil(1228.8) = 15155; − (255 + 11 × 58 = 893) − 100. CPU 4000 − 60 − 10 − 10.
        ("m6i.xlarge", 58, "3920m", 14_162),
        // Arm: (16384 − 64) − 1224 = 15096; − 893 − 100. CPU 8000 − 60 − 10 − 10 − 10.
        ("c7g.2xlarge", 58, "7910m", 14_103),
        // 4096 − ceil(307.2) = 3788; − (255 + 11 × 17 = 442) − 100. CPU 2000 − 60 − 10.
        ("t3.medium", 17, "1930m", 3_246),
    ];
    let catalog = catalog();
    for (name, pods, cpu, memory_mib) in cases {
        let kind = catalog.instance_type(catalog.find(name).unwrap());
        let allocatable = kind.allocatable(&NodeSettings::default());
        assert_eq!(
            (allocatable.pods, allocatable.cpu.to_string().as_str(), allocatable.memory),
            (pods, cpu, Memory::from_mib(memory_mib)),
            "{name}"
        );
    }
}

#[test]
fn settings_change_what_a_node_holds() {
    let catalog = catalog();
    let m5_large = catalog.instance_type(catalog.find("m5.large").unwrap());
    let default = NodeSettings::default();
    let with = |settings: NodeSettings| m5_large.allocatable(&settings);

    // Karpenter keeps reserving for 29 pods when maxPods says 110; the node itself reserves for 110.
    let more = NodeSettings { max_pods: Some(110), ..default };
    assert_eq!((with(more).pods, with(more).memory), (110, Memory::from_mib(6_903)));
    let honest = NodeSettings { kube_reserved_pods: KubeReservedPods::Configured, ..more };
    assert_eq!(with(honest).memory, Memory::from_mib(6_903 - 891));

    assert_eq!(with(NodeSettings { pods_per_core: Some(4), ..default }).pods, 8);
    assert_eq!(
        with(NodeSettings { vm_memory_overhead_per_mille: 0, ..default }).memory,
        Memory::from_mib(7_518)
    );
    // 100 GiB less 1 GiB reserved and 10 % for eviction.
    let large = NodeSettings { root_volume: Memory::from_gib(100), ..default };
    assert_eq!(with(large).ephemeral, Memory::from_gib(89));
    let reserved = Resources { cpu: Cpu::from_milli(30), ..Resources::ZERO };
    assert_eq!(with(NodeSettings { system_reserved: reserved, ..default }).cpu, Cpu::from_milli(1_900));

    let local = catalog.instance_type(catalog.find("m5d.large").unwrap());
    let raid0 = local.capacity(&NodeSettings { raid0: true, ..default });
    assert_eq!(raid0.ephemeral, Memory::from_bytes(75_000_000_000));
    assert_eq!(m5_large.capacity(&NodeSettings { raid0: true, ..default }).ephemeral, Memory::from_gib(20));
}

#[test]
fn a_group_without_nodes_is_imagined_too_large() {
    let catalog = catalog();
    let m5_large = catalog.instance_type(catalog.find("m5.large").unwrap());
    let nominal = m5_large.nominal_capacity();
    assert_eq!((nominal.cpu, nominal.memory, nominal.pods), (Cpu::from_cores(2), Memory::from_gib(8), 110));
}

#[test]
fn names_are_taken_apart_as_karpenter_does() {
    let cases = [
        ("m6i.xlarge", "m6i", "xlarge", "m", Some(6)),
        ("c7i-flex.large", "c7i-flex", "large", "c", Some(7)),
        ("u-6tb1.56xlarge", "u-6tb1", "56xlarge", "u", Some(1)),
        ("u7i-12tb.224xlarge", "u7i-12tb", "224xlarge", "u", Some(7)),
        ("p6-b200.48xlarge", "p6-b200", "48xlarge", "p", Some(6)),
        ("inf2.xlarge", "inf2", "xlarge", "inf", Some(2)),
        ("r8g.metal-48xl", "r8g", "metal-48xl", "r", Some(8)),
    ];
    let catalog = catalog();
    for (name, family, size, category, generation) in cases {
        let kind = catalog.instance_type(catalog.find(name).unwrap());
        assert_eq!(
            (kind.family(), kind.size(), kind.category(), kind.generation()),
            (family, size, category, generation),
            "{name}"
        );
    }
}
