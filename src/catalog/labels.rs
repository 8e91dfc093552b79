//! The node labels that Karpenter knows, and which values an instance type has for them.

use super::{Accelerators, CapacityType, InstanceType, Requirement, Requirements};

pub const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
pub const ARCH: &str = "kubernetes.io/arch";
pub const OS: &str = "kubernetes.io/os";
pub const WINDOWS_BUILD: &str = "node.kubernetes.io/windows-build";
pub const HOSTNAME: &str = "kubernetes.io/hostname";
pub const REGION: &str = "topology.kubernetes.io/region";
pub const ZONE: &str = "topology.kubernetes.io/zone";
pub const ZONE_ID: &str = "topology.k8s.aws/zone-id";
pub const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
pub const NODEPOOL: &str = "karpenter.sh/nodepool";

pub const CATEGORY: &str = "karpenter.k8s.aws/instance-category";
pub const FAMILY: &str = "karpenter.k8s.aws/instance-family";
pub const GENERATION: &str = "karpenter.k8s.aws/instance-generation";
pub const SIZE: &str = "karpenter.k8s.aws/instance-size";
pub const CPU: &str = "karpenter.k8s.aws/instance-cpu";
pub const CPU_MANUFACTURER: &str = "karpenter.k8s.aws/instance-cpu-manufacturer";
pub const CPU_CLOCK: &str = "karpenter.k8s.aws/instance-cpu-sustained-clock-speed-mhz";
pub const MEMORY: &str = "karpenter.k8s.aws/instance-memory";
pub const EBS_BANDWIDTH: &str = "karpenter.k8s.aws/instance-ebs-bandwidth";
pub const NETWORK_BANDWIDTH: &str = "karpenter.k8s.aws/instance-network-bandwidth";
pub const LOCAL_NVME: &str = "karpenter.k8s.aws/instance-local-nvme";
pub const HYPERVISOR: &str = "karpenter.k8s.aws/instance-hypervisor";
pub const ENCRYPTION_IN_TRANSIT: &str = "karpenter.k8s.aws/instance-encryption-in-transit-supported";
pub const CAPABILITY_FLEX: &str = "karpenter.k8s.aws/instance-capability-flex";
pub const GPU_NAME: &str = "karpenter.k8s.aws/instance-gpu-name";
pub const GPU_MANUFACTURER: &str = "karpenter.k8s.aws/instance-gpu-manufacturer";
pub const GPU_COUNT: &str = "karpenter.k8s.aws/instance-gpu-count";
pub const GPU_MEMORY: &str = "karpenter.k8s.aws/instance-gpu-memory";
pub const ACCELERATOR_NAME: &str = "karpenter.k8s.aws/instance-accelerator-name";
pub const ACCELERATOR_MANUFACTURER: &str = "karpenter.k8s.aws/instance-accelerator-manufacturer";
pub const ACCELERATOR_COUNT: &str = "karpenter.k8s.aws/instance-accelerator-count";
pub const RESERVATION_ID: &str = "karpenter.k8s.aws/capacity-reservation-id";
pub const RESERVATION_TYPE: &str = "karpenter.k8s.aws/capacity-reservation-type";
pub const RESERVATION_INTERRUPTIBLE: &str = "karpenter.k8s.aws/capacity-reservation-interruptible";
pub const TENANCY: &str = "karpenter.k8s.aws/instance-tenancy";

/// Labels of instances have this prefix under one's own Karpenter,
pub const KARPENTER_AWS: &str = "karpenter.k8s.aws/";
/// and this one under EKS Auto Mode.
pub const AUTO_MODE: &str = "eks.amazonaws.com/";
/// `auto` on every node of EKS Auto Mode.
pub const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";

/// Labels that Karpenter may give any value when nothing says otherwise.
pub const WELL_KNOWN: [&str; 34] = [
    INSTANCE_TYPE,
    ARCH,
    OS,
    WINDOWS_BUILD,
    REGION,
    ZONE,
    ZONE_ID,
    CAPACITY_TYPE,
    NODEPOOL,
    CATEGORY,
    FAMILY,
    GENERATION,
    SIZE,
    CPU,
    CPU_MANUFACTURER,
    CPU_CLOCK,
    MEMORY,
    EBS_BANDWIDTH,
    NETWORK_BANDWIDTH,
    LOCAL_NVME,
    HYPERVISOR,
    ENCRYPTION_IN_TRANSIT,
    CAPABILITY_FLEX,
    GPU_NAME,
    GPU_MANUFACTURER,
    GPU_COUNT,
    GPU_MEMORY,
    ACCELERATOR_NAME,
    ACCELERATOR_MANUFACTURER,
    ACCELERATOR_COUNT,
    RESERVATION_ID,
    RESERVATION_TYPE,
    RESERVATION_INTERRUPTIBLE,
    TENANCY,
];

/// Begins the names of labels that are well known because somebody declared them to be: a provider's own.
pub const DECLARED_WELL_KNOWN: &str = "declared.well-known.invalid/";

/// Whether a NodePool may leave this label undefined and its nodes still be asked for a value of it.
pub fn is_well_known(key: &str) -> bool {
    WELL_KNOWN.contains(&key)
        || key.starts_with(DECLARED_WELL_KNOWN)
        || key.strip_prefix(AUTO_MODE).is_some_and(|name| {
            WELL_KNOWN.iter().any(|known| known.strip_prefix(KARPENTER_AWS) == Some(name))
        })
}

/// How EKS Auto Mode's Karpenter calls a label.
pub fn of_auto_mode(key: &str) -> String {
    key.strip_prefix(KARPENTER_AWS).map_or_else(|| key.to_owned(), |name| format!("{AUTO_MODE}{name}"))
}

/// The present name of a label that also has an older one.
pub fn normalized(key: &str) -> &str {
    match key {
        "beta.kubernetes.io/arch" => ARCH,
        "beta.kubernetes.io/os" => OS,
        "beta.kubernetes.io/instance-type" => INSTANCE_TYPE,
        "failure-domain.beta.kubernetes.io/region" => REGION,
        "failure-domain.beta.kubernetes.io/zone" | "topology.ebs.csi.aws.com/zone" => ZONE,
        _ => key,
    }
}

impl InstanceType {
    /// The labels that a Linux node of this type has or may have, in these zones and as these capacity types.
    ///
    /// As Karpenter's, with three limits of the data: EBS bandwidth is the baseline (Karpenter: the maximum), GPU
    /// memory is left open where there is a GPU, and encryption in transit and zone ids are left open everywhere,
    /// so that a requirement on them excludes nothing.
    pub fn requirements<'z>(
        &self,
        region: &str,
        zones: impl IntoIterator<Item = &'z str>,
        capacity_types: impl IntoIterator<Item = CapacityType>,
    ) -> Requirements {
        let is = |value: &str| Requirement::one_of([value]);
        let number = |value: i64| Requirement::one_of([value.to_string()]);
        let maybe = |value: Option<i64>| value.map_or_else(Requirement::does_not_exist, number);
        let part = |accelerators: &Option<Accelerators>, of: fn(&Accelerators) -> String| {
            accelerators
                .as_ref()
                .map_or_else(Requirement::does_not_exist, |some| Requirement::one_of([of(some)]))
        };
        let mut requirements: Requirements = [
            (INSTANCE_TYPE, is(&self.name)),
            (ARCH, is(self.arch.label())),
            (OS, is("linux")),
            (WINDOWS_BUILD, Requirement::does_not_exist()),
            (REGION, is(region)),
            (ZONE, Requirement::one_of(zones)),
            (CAPACITY_TYPE, Requirement::one_of(capacity_types.into_iter().map(CapacityType::label))),
            (CATEGORY, is(self.category())),
            (FAMILY, is(self.family())),
            (GENERATION, maybe(self.generation().map(i64::from))),
            (SIZE, is(self.size())),
            (CPU, number(self.vcpu)),
            (CPU_MANUFACTURER, is(&self.cpu_manufacturer)),
            (CPU_CLOCK, maybe(self.sustained_clock_mhz)),
            (MEMORY, number(self.memory.mib_ceil())),
            (EBS_BANDWIDTH, maybe(self.ebs_mbps)),
            (NETWORK_BANDWIDTH, number(self.network_mbps)),
            (LOCAL_NVME, maybe((self.local_nvme_gb > 0).then_some(self.local_nvme_gb))),
            (HYPERVISOR, is(&self.hypervisor)),
            (CAPABILITY_FLEX, is(if self.flex { "true" } else { "false" })),
            (GPU_NAME, part(&self.gpu, |gpu| gpu.name.clone())),
            (GPU_MANUFACTURER, part(&self.gpu, |gpu| gpu.manufacturer.clone())),
            (GPU_COUNT, part(&self.gpu, |gpu| gpu.count.to_string())),
            (ACCELERATOR_NAME, part(&self.accelerator, |chip| chip.name.clone())),
            (ACCELERATOR_MANUFACTURER, part(&self.accelerator, |chip| chip.manufacturer.clone())),
            (ACCELERATOR_COUNT, part(&self.accelerator, |chip| chip.count.to_string())),
        ]
        .into_iter()
        .collect();
        if self.gpu.is_none() {
            requirements.add(GPU_MEMORY, Requirement::does_not_exist());
        }
        requirements
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Snapshot, Undefined};

    #[test]
    fn a_type_has_the_labels_that_karpenter_gives_it() {
        let catalog = Snapshot::embedded().region("us-east-1").unwrap();
        let cases = [
            ("m6i.xlarge", CATEGORY, "In [m]"),
            ("m6i.xlarge", GENERATION, "In [6]"),
            ("m6i.xlarge", CPU, "In [4]"),
            ("m6i.xlarge", MEMORY, "In [16384]"),
            ("m6i.xlarge", ZONE, "In [us-east-1a us-east-1b us-east-1c]"),
            ("m6i.xlarge", CAPACITY_TYPE, "In [on-demand spot]"),
            ("m6i.xlarge", HYPERVISOR, "In [nitro]"),
            ("m6i.xlarge", GPU_COUNT, "DoesNotExist"),
            ("m6i.xlarge", LOCAL_NVME, "DoesNotExist"),
            ("m6i.xlarge", CPU_MANUFACTURER, "In [intel]"),
            ("m5.large", NETWORK_BANDWIDTH, "In [750]"),
            ("m7g.large", ARCH, "In [arm64]"),
            ("m7g.large", CPU_MANUFACTURER, "In [aws]"),
            ("c5d.large", LOCAL_NVME, "In [50]"),
            ("g4dn.xlarge", GPU_NAME, "In [t4]"),
            ("g4dn.xlarge", GPU_MANUFACTURER, "In [nvidia]"),
            ("inf2.xlarge", ACCELERATOR_NAME, "In [inferentia2]"),
            ("m7i-flex.large", CAPABILITY_FLEX, "In [true]"),
        ];
        for (name, key, expected) in cases {
            let requirements = catalog.requirements(catalog.find(name).unwrap());
            assert_eq!(requirements.get(key).unwrap().to_string(), expected, "{name} {key}");
        }
    }

    #[test]
    fn auto_mode_has_names_of_its_own() {
        assert_eq!(of_auto_mode(CATEGORY), "eks.amazonaws.com/instance-category");
        assert_eq!(of_auto_mode(ARCH), ARCH);
        for (key, expected) in [
            ("eks.amazonaws.com/instance-category", true),
            ("eks.amazonaws.com/instance-colour", false),
            ("eks.amazonaws.com/nodegroup", false),
        ] {
            assert_eq!(is_well_known(key), expected, "{key}");
        }
    }

    #[test]
    fn a_node_pool_chooses_types_by_their_labels() {
        let catalog = Snapshot::embedded().region("us-east-1").unwrap();
        let pool: Requirements = [
            (CATEGORY, Requirement::one_of(["c", "m", "r"])),
            (GENERATION, Requirement::greater_than(2)),
            (ARCH, Requirement::one_of(["amd64"])),
            (CAPACITY_TYPE, Requirement::one_of(["on-demand"])),
            (GPU_NAME, Requirement::none_of(["t4"])),
        ]
        .into_iter()
        .collect();
        let chosen: Vec<&str> = catalog
            .offered()
            .filter(|id| catalog.requirements(*id).compatible(&pool, Undefined::Denied).is_ok())
            .map(|id| catalog.instance_type(id).name.as_str())
            .collect();
        for (name, expected) in [
            ("m5.large", true),
            ("c7i.2xlarge", true),
            ("r6a.large", true),
            ("m7g.large", false), // arm64
            ("t3.large", false),  // category t
            ("m1.large", false),  // generation 1
        ] {
            assert_eq!(chosen.contains(&name), expected, "{name}");
        }
    }
}
