//! What an account pays less than the public prices: discounts that it has agreed with AWS (private pricing).
//!
//! Controllers do not know of them: Karpenter reads the public price list (`pkg/providers/pricing` of
//! karpenter-provider-aws calls `GetProducts`), and EC2 chooses Spot pools by the market's prices. So a run has two
//! catalogs: a public one to decide by, and a discounted one to bill by.

use super::{CapacityType, Catalog, Price, PriceSeries};
use crate::units::Rate;

/// Parts per million that are taken off the public prices, each less than all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discounts {
    /// On-demand instances of the families without a discount of their own.
    pub ec2_ppm: u32,
    /// Spot instances of all families.
    pub spot_ppm: u32,
    /// vCPU, memory and storage of Fargate.
    pub fargate_ppm: u32,
    /// Volumes.
    pub ebs_ppm: u32,
    /// The control plane.
    pub eks_ppm: u32,
    /// NAT gateways, interface endpoints, addresses and traffic.
    pub network_ppm: u32,
    /// On-demand instances of some families, in place of `ec2_ppm`.
    pub families: Vec<(String, u32)>,
}

impl Discounts {
    /// Whether everything costs what it costs the public.
    pub fn is_none(&self) -> bool {
        let Self { ec2_ppm, spot_ppm, fargate_ppm, ebs_ppm, eks_ppm, network_ppm, families } = self;
        [ec2_ppm, spot_ppm, fargate_ppm, ebs_ppm, eks_ppm, network_ppm].into_iter().all(|ppm| *ppm == 0)
            && families.iter().all(|(_, ppm)| *ppm == 0)
    }

    /// What is taken off an instance's hourly price.
    pub fn of_instance(&self, family: &str, capacity_type: CapacityType) -> u32 {
        match capacity_type {
            CapacityType::Spot => self.spot_ppm,
            CapacityType::OnDemand | CapacityType::Reserved => {
                let own = self.families.iter().find(|(name, _)| name == family);
                own.map_or(self.ec2_ppm, |(_, ppm)| *ppm)
            }
        }
    }
}

impl Catalog {
    /// The same catalog at the prices of an account with these discounts. Each rate is rounded once, half to even, to
    /// 10⁻¹⁵ USD. Origins and dates stay those of the public prices.
    ///
    /// EKS Auto Mode's fee is a share of the on-demand price and would follow its discount; no platform has it yet.
    #[must_use]
    pub fn discounted(&self, discounts: &Discounts) -> Self {
        let mut catalog = self.clone();
        catalog.discounts = discounts.clone();
        for index in 0..catalog.types.len() {
            let range = catalog.starts[index] as usize..catalog.starts[index + 1] as usize;
            let family = catalog.types[index].family();
            for offering in &mut catalog.offerings[range] {
                let ppm = discounts.of_instance(family, offering.capacity_type);
                offering.price = less_series(&offering.price, ppm);
            }
        }
        if let Some(fargate) = &mut catalog.fargate {
            let ppm = discounts.fargate_ppm;
            let prices = [&mut fargate.vcpu_hour, &mut fargate.gb_hour];
            prices.into_iter().chain(&mut fargate.ephemeral_gb_hour).for_each(|price| take_off(price, ppm));
        }
        let services = &mut catalog.services;
        for (ppm, prices) in [
            (
                discounts.ebs_ppm,
                &mut [&mut services.gp3_storage, &mut services.gp3_iops, &mut services.gp3_throughput][..],
            ),
            (discounts.eks_ppm, &mut [&mut services.eks_cluster, &mut services.eks_cluster_extended][..]),
            (
                discounts.network_ppm,
                &mut [
                    &mut services.nat_gateway,
                    &mut services.nat_gateway_processing,
                    &mut services.cross_az_transfer,
                    &mut services.public_ipv4,
                    &mut services.interface_endpoint,
                    &mut services.interface_endpoint_processing,
                ][..],
            ),
        ] {
            prices.iter_mut().filter_map(|price| price.as_mut()).for_each(|price| take_off(price, ppm));
        }
        catalog
    }

    /// What these prices are less than the public ones: nothing, unless this is the catalog that
    /// [`Self::discounted`] gave.
    pub fn discounts(&self) -> &Discounts {
        &self.discounts
    }
}

const WHOLE: i128 = 1_000_000;

fn less(rate: Rate, ppm: u32) -> Rate {
    rate.scaled(WHOLE - i128::from(ppm), WHOLE)
}

fn take_off(price: &mut Price, ppm: u32) {
    price.rate = less(price.rate, ppm);
}

fn less_series(series: &PriceSeries, ppm: u32) -> PriceSeries {
    if ppm == 0 {
        return series.clone();
    }
    series.map(|rate| less(rate, ppm))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Snapshot, ZoneId};

    fn public() -> Catalog {
        Snapshot::embedded().region("us-east-1").unwrap()
    }

    fn rate(catalog: &Catalog, name: &str, capacity_type: CapacityType) -> String {
        let id = catalog.find(name).unwrap();
        let offering = catalog.offering(id, ZoneId(2), capacity_type).unwrap();
        offering.price.at(crate::units::Time::from_ms(0)).unwrap().to_string()
    }

    #[test]
    fn a_family_of_its_own_goes_before_ec2_and_spot_is_apart() {
        let discounts = Discounts {
            ec2_ppm: 100_000,
            spot_ppm: 10_000,
            families: vec![("m6i".into(), 120_000), ("c6i".into(), 0)],
            ..Discounts::default()
        };
        let catalog = public().discounted(&discounts);
        let cases = [
            ("m5.large", CapacityType::OnDemand, "0.0864"),   // 0.096 × 0.90
            ("m6i.large", CapacityType::OnDemand, "0.08448"), // 0.096 × 0.88
            ("m6i.large", CapacityType::Spot, "0.0351648"),   // 0.03552 × 0.99
            ("c6i.large", CapacityType::OnDemand, "0.085"),   // its own discount is none
            ("m6id.large", CapacityType::OnDemand, "0.106785"), // 0.11865 × 0.90: m6id is not m6i
        ];
        for (name, capacity_type, expected) in cases {
            assert_eq!(rate(&catalog, name, capacity_type), expected, "{name} {capacity_type}");
        }
    }

    #[test]
    fn services_have_their_own_discounts() {
        let discounts = Discounts {
            fargate_ppm: 50_000,
            ebs_ppm: 30_000,
            eks_ppm: 200_000,
            network_ppm: 333_333,
            ..Discounts::default()
        };
        let (catalog, public) = (public().discounted(&discounts), public());
        let fargate = catalog.fargate.unwrap();
        // 0.04048 × 0.95, 0.004445 × 0.95, 0.000111 × 0.95.
        assert_eq!(fargate.vcpu_hour.rate.to_string(), "0.038456");
        assert_eq!(fargate.gb_hour.rate.to_string(), "0.00422275");
        assert_eq!(fargate.ephemeral_gb_hour.unwrap().rate.to_string(), "0.00010545");
        // 0.08 × 0.97, 0.10 × 0.80, 0.045 × 0.666667.
        assert_eq!(catalog.services.gp3_storage.unwrap().rate.to_string(), "0.0776");
        assert_eq!(catalog.services.eks_cluster.unwrap().rate.to_string(), "0.08");
        assert_eq!(catalog.services.nat_gateway.unwrap().rate.to_string(), "0.030000015");
        assert_eq!(catalog.services.auto_mode_fee, public.services.auto_mode_fee);
        assert_eq!(catalog.services.nat_gateway.unwrap().as_of, public.services.nat_gateway.unwrap().as_of);
        assert_eq!(rate(&catalog, "m5.large", CapacityType::OnDemand), "0.096");
    }

    #[test]
    fn a_rate_is_rounded_half_to_even() {
        // Half of 1, 3 and 5 units: 0.5 → 0, 1.5 → 2, 2.5 → 2.
        for (femto, expected) in [(1, 0), (3, 2), (5, 2)] {
            assert_eq!(less(Rate::from_femto(femto), 500_000).femto(), expected);
        }
    }

    #[test]
    fn nothing_off_is_no_discount() {
        assert!(Discounts::default().is_none());
        assert!(Discounts { families: vec![("m5".into(), 0)], ..Discounts::default() }.is_none());
        assert!(!Discounts { families: vec![("m5".into(), 1)], ..Discounts::default() }.is_none());
        assert!(!Discounts { network_ppm: 1, ..Discounts::default() }.is_none());
    }
}
