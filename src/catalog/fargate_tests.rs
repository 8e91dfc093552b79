use super::*;
use crate::catalog::{InferredBy, PriceOrigin, Snapshot, billed_seconds};
use crate::units::{Rate, Span, Time, parse_cpu, parse_memory};

fn prices(region: &str) -> FargatePrices {
    Snapshot::embedded().region(region).unwrap().fargate.unwrap()
}

fn request(cpu: &str, memory: &str) -> Resources {
    Resources {
        cpu: parse_cpu(cpu).unwrap(),
        memory: parse_memory(memory).unwrap(),
        ephemeral: Memory::ZERO,
        pods: 1,
    }
}

fn size(cpu: &str, memory: &str) -> FargateSize {
    let pod = request(cpu, memory);
    FargateSize::for_request(pod.cpu, pod.memory, pod.ephemeral).unwrap()
}

fn shown(size: FargateSize) -> String {
    format!("{} {}", size.cpu, size.memory)
}

#[test]
fn sizes_round_cpu_and_memory_jointly() {
    let cases = [
        // (request, size)
        ("0", "0", "250m 512Mi"),
        ("250m", "256Mi", "250m 512Mi"),
        ("250m", "257Mi", "250m 1Gi"),
        ("250m", "268435457", "250m 1Gi"), // one byte more than 256 MiB
        ("250m", "769Mi", "250m 2Gi"),
        ("250m", "1792Mi", "250m 2Gi"),
        ("250m", "1793Mi", "500m 3Gi"), // 0.25 vCPU ends at 2 GB
        ("251m", "0", "500m 1Gi"),
        ("500m", "3841Mi", "1 5Gi"),
        ("1", "0", "1 2Gi"),
        ("1", "7936Mi", "1 8Gi"),
        ("1", "8Gi", "2 9Gi"), // AWS's own example
        ("2", "16Gi", "4 17Gi"),
        ("4", "30Gi", "8 32Gi"), // 8 vCPU goes in steps of 4 GB
        ("8", "16Gi", "8 20Gi"),
        ("8", "60Gi", "16 64Gi"), // 16 vCPU goes in steps of 8 GB
        ("16", "122624Mi", "16 120Gi"),
        ("100m", "100Gi", "16 104Gi"),
    ];
    for (cpu, memory, expected) in cases {
        assert_eq!(shown(size(cpu, memory)), expected, "{cpu} {memory}");
    }
}

#[test]
fn what_fargate_cannot_run_is_refused_not_cut() {
    let refused = |cpu: &str, memory: &str, ephemeral: &str| {
        let pod = request(cpu, memory);
        FargateSize::for_request(pod.cpu, pod.memory, parse_memory(ephemeral).unwrap())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused("16001m", "1Gi", "0"), "it asks for 16001m vCPU; Fargate's largest size has 16");
    assert_eq!(
        refused("1", "122625Mi", "0"),
        "it asks for 122625Mi of memory; Fargate's largest size has 120Gi, of which a pod can have 122624Mi"
    );
    assert_eq!(
        refused("1", "1Gi", "176Gi"),
        "it asks for 176Gi of ephemeral storage; Fargate gives at most 175Gi"
    );
    let huge = FargateSize::for_request(Cpu::ZERO, Memory::from_bytes(i64::MAX), Memory::ZERO);
    assert!(matches!(huge, Err(FargateRefusal::Memory(_))));

    assert_eq!(supports(Arch::Amd64, 0), Ok(()));
    assert_eq!(supports(Arch::Arm64, 0), Err(FargateRefusal::Arm64));
    assert_eq!(supports(Arch::Amd64, 1), Err(FargateRefusal::Gpu));
}

#[test]
fn storage_beyond_twenty_gib_is_provisioned_with_room_to_spare() {
    let cases = [
        ("0", 20),
        ("20Gi", 20),
        ("21Gi", 29), // 23.1 + 5
        ("50Gi", 60),
        ("100Gi", 115),
        ("175Gi", 198), // 192.5 + 5
    ];
    for (request, gib) in cases {
        let size = FargateSize::for_request(Cpu::ZERO, Memory::ZERO, parse_memory(request).unwrap()).unwrap();
        assert_eq!(size.ephemeral, Memory::from_gib(gib), "{request}");
        assert_eq!(size.billed_ephemeral(), Memory::from_gib(gib - 20), "{request}");
    }
}

#[test]
fn a_pod_asks_for_its_containers_or_its_largest_init_container() {
    let containers = [request("400m", "1Gi"), request("500m", "614Mi")];
    let init = [request("500m", "2Gi"), request("100m", "64Mi")];
    assert_eq!(pod_request(&containers, &init), request("900m", "2Gi"));
    assert_eq!(pod_request(&containers, &[]), request("900m", "1638Mi"));
    assert_eq!(pod_request(&[], &[]), request("0", "0"));
}

/// us-east-1, checked by hand, to the precision given.
#[test]
fn worked_examples_of_fargate_bills() {
    let case_a = pod_request(&[request("400m", "1Gi"), request("500m", "0.6Gi")], &[request("500m", "2Gi")]);
    let cases = [
        ("A: init container counts", case_a, 95_000, "1 3Gi", 8, "0.00142012"),
        ("B: 8 GiB need 2 vCPU", request("1", "8Gi"), 3_600_000, "2 9Gi", 6, "0.120965"),
        ("C: a minute at least", request("100m", "128Mi"), 20_000, "250m 512Mi", 8, "0.00020571"),
        ("D: exactly 512 MiB", request("250m", "256Mi"), 3_600_000, "250m 512Mi", 7, "0.0123425"),
        ("D': one MiB more", request("250m", "257Mi"), 3_600_000, "250m 1Gi", 6, "0.014565"),
        // Pull started 16:36:31.2, stopped 16:37:19.3.
        ("F: a real task", request("500m", "1.75Gi"), 48_100, "500m 2Gi", 7, "0.0004855"),
    ];
    let prices = prices("us-east-1");
    for (case, pod, ms, expected_size, places, expected) in cases {
        let size = FargateSize::for_request(pod.cpu, pod.memory, pod.ephemeral).unwrap();
        assert_eq!(shown(size), expected_size, "{case}");
        let pulled = Time::from_ms(1_700_000_000_000);
        let charge = charge(&prices, size, billed_seconds(pulled, pulled + Span::from_ms(ms)));
        assert_eq!(charge.total().rounded(places), expected, "{case}");
        assert_eq!(charge.storage, Usd::ZERO, "{case}");
    }
}

#[test]
fn worked_example_of_ephemeral_storage() {
    // E: 100 GiB asked for, 115 GiB provisioned, 95 GiB billed.
    let size = FargateSize::for_request(Cpu::ZERO, Memory::ZERO, Memory::from_gib(100)).unwrap();
    assert_eq!(charge(&prices("us-east-1"), size, 3_600).storage.to_string(), "0.010545");
}

#[test]
fn rounding_costs_up_to_almost_three_times_the_request() {
    // (request, billed, cost ratio, billed with a sidecar of 0.1 vCPU and 192 MiB, cost ratio)
    let cases = [
        ("100m", "0.25Gi", "250m 512Mi", "2.39", "250m 1Gi", "2.82"),
        ("250m", "0.25Gi", "250m 512Mi", "1.10", "500m 1Gi", "2.20"),
        ("250m", "0.5Gi", "250m 1Gi", "1.18", "500m 1Gi", "2.00"),
        ("500m", "1Gi", "500m 2Gi", "1.18", "1 2Gi", "2.00"),
        ("1", "2Gi", "1 3Gi", "1.09", "2 4Gi", "2.00"),
        ("1", "8Gi", "2 9Gi", "1.59", "2 9Gi", "1.59"),
        ("2", "4Gi", "2 5Gi", "1.05", "4 8Gi", "2.00"),
        ("4", "16Gi", "4 17Gi", "1.02", "8 20Gi", "1.77"),
    ];
    let prices = prices("us-east-1");
    let cost = |size: FargateSize| charge(&prices, size, 3_600_000).total();
    for (cpu, memory, alone, alone_ratio, with_sidecar, sidecar_ratio) in cases {
        let asked = request(cpu, memory);
        let asked_cost =
            cost(FargateSize { cpu: asked.cpu, memory: asked.memory, ephemeral: FREE_EPHEMERAL });
        let ratio =
            |size| Usd::from_femto(1_000_000_000_000_000).scaled(cost(size).femto(), asked_cost.femto());
        let billed = size(cpu, memory);
        assert_eq!((shown(billed).as_str(), ratio(billed).rounded(2).as_str()), (alone, alone_ratio));

        let both = pod_request(&[asked, request("100m", "192Mi")], &[]);
        let billed = FargateSize::for_request(both.cpu, both.memory, both.ephemeral).unwrap();
        assert_eq!(
            (shown(billed).as_str(), ratio(billed).rounded(2).as_str()),
            (with_sidecar, sidecar_ratio)
        );
    }
}

#[test]
fn tokyo_prices_give_the_published_monthly_figures() {
    // 732 hours at 110 yen a dollar, as a published table has them (yen, rounded down).
    let cases = [
        ("250m", "0.5Gi", 1_240),
        ("500m", "1Gi", 2_480),
        ("1", "2Gi", 4_961),
        ("2", "4Gi", 9_923),
        ("4", "16Gi", 23_408),
        ("4", "30Gi", 29_642),
    ];
    let prices = prices("ap-northeast-1");
    for (cpu, memory, yen) in cases {
        let given = request(cpu, memory);
        let size = FargateSize { cpu: given.cpu, memory: given.memory, ephemeral: FREE_EPHEMERAL };
        let month = charge(&prices, size, 732 * 3_600).total().scaled(110, 1);
        assert_eq!(month.femto() / 1_000_000_000_000_000, yen, "{cpu} {memory}");
    }
}

#[test]
fn a_large_bill_is_exact() {
    // 200 tasks of 4 vCPU and 16 GB for 720 hours at 0.04656 and 0.00511.
    let size =
        FargateSize { cpu: Cpu::from_cores(4), memory: Memory::from_gib(16), ephemeral: FREE_EPHEMERAL };
    let charge = charge(&prices("ap-northeast-2"), size, 200 * 720 * 3_600);
    assert_eq!((charge.cpu.to_string(), charge.memory.to_string()), ("26818.56".into(), "11773.44".into()));
}

#[test]
fn an_unknown_storage_price_is_us_east_1s_and_marked() {
    let own = prices("ap-northeast-1").ephemeral_gb_hour.unwrap();
    assert_eq!((own.rate, own.origin), (Rate::parse("0.000133").unwrap(), PriceOrigin::Observed));
    let lent = prices("us-west-2").ephemeral_gb_hour.unwrap();
    let origin = PriceOrigin::Inferred(InferredBy::UsEast1Price);
    assert_eq!((lent.rate, lent.origin), (Rate::parse("0.000111").unwrap(), origin));
    assert_eq!(Snapshot::embedded().region("ap-northeast-3").unwrap().fargate, None);
}
