use super::*;
use crate::catalog::Arch;

/// Every field of a type is compared: a type with all of them different differs in all facts.
#[test]
fn facts_say_everything_of_a_type() {
    let chips = |name: &str| Some(Accelerators { count: 1, manufacturer: "aws".into(), name: name.into() });
    let one = InstanceType {
        name: "a1.large".into(),
        arch: Arch::Amd64,
        vcpu: 1,
        memory: crate::units::Memory::from_mib(1),
        max_pods: 1,
        max_pods_prefix_delegation: None,
        gpu: None,
        accelerator: None,
        burstable: false,
        flex: false,
        bare_metal: false,
        hypervisor: "nitro".into(),
        cpu_manufacturer: "aws".into(),
        sustained_clock_mhz: None,
        network_mbps: 1,
        ebs_mbps: None,
        local_nvme_gb: 0,
        current_generation: true,
    };
    let other = InstanceType {
        name: "a1.large".into(),
        arch: Arch::Arm64,
        vcpu: 2,
        memory: crate::units::Memory::from_mib(2),
        max_pods: 2,
        max_pods_prefix_delegation: Some(2),
        gpu: chips("gpu"),
        accelerator: chips("chip"),
        burstable: true,
        flex: true,
        bare_metal: true,
        hypervisor: String::new(),
        cpu_manufacturer: "amd".into(),
        sustained_clock_mhz: Some(2),
        network_mbps: 2,
        ebs_mbps: Some(2),
        local_nvme_gb: 2,
        current_generation: false,
    };
    for (one, other) in facts(&one).into_iter().zip(facts(&other)) {
        assert_eq!(one.0, other.0);
        assert_ne!(one.1, other.1, "{}", one.0);
    }
    // Literals of the type, so that a field added to it must be given here, and facts counted again.
    assert_eq!(facts(&one).len(), 17);
}
