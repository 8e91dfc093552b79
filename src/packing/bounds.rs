//! Lower bounds: what no scheduler can undercut.

use crate::units::{Rate, Resources, Span, Usd};

/// The least that running `demand` can cost: work as a fluid that fills the cheapest capacity without a gap.
///
/// `offers` are (hourly rate, allocatable). Of the bounds by CPU and by memory the larger holds; each sums
/// request × run time over all pods first, since a CPU-heavy and a memory-heavy pod can share a node.
pub fn fluid_bound(demand: impl Iterator<Item = (Resources, Span)>, offers: &[(Rate, Resources)]) -> Usd {
    let (mut cpu_ms, mut byte_ms) = (0i128, 0i128);
    for (request, span) in demand {
        cpu_ms += i128::from(request.cpu.milli()) * i128::from(span.ms());
        byte_ms += i128::from(request.memory.bytes()) * i128::from(span.ms());
    }
    let least = |amount: i128, capacity: fn(&Resources) -> i64| {
        offers
            .iter()
            .filter(|(_, allocatable)| capacity(allocatable) > 0)
            .map(|(rate, allocatable)| cost_of_share(*rate, amount, capacity(allocatable)))
            .min()
            .unwrap_or_default()
    };
    least(cpu_ms, |r| r.cpu.milli()).max(least(byte_ms, |r| r.memory.bytes()))
}

/// `amount / capacity` milliseconds at an hourly rate, rounded down so that the bound stays one.
fn cost_of_share(rate: Rate, amount: i128, capacity: i64) -> Usd {
    const MS_PER_HOUR: i128 = 3_600_000;
    // Whole milliseconds of the machine, rounded down: amounts of bytes × ms times a rate would overflow.
    let busy_ms = amount / i128::from(capacity);
    Usd::from_femto(rate.femto() * busy_ms / MS_PER_HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Cpu, Memory};

    #[test]
    fn the_scarcer_resource_decides() {
        let r = |cpu, gib| Resources {
            cpu: Cpu::from_cores(cpu),
            memory: Memory::from_gib(gib),
            ephemeral: Memory::ZERO,
            pods: 1,
        };
        let hour = Span::from_secs(3_600);
        // Two hours of 1 core and 4 GiB. The first offer: 0.10 USD/h for 2 cores and 8 GiB; half of it either way.
        let offers = [(Rate::parse("0.10").unwrap(), r(2, 8))];
        let demand = || [(r(1, 4), hour), (r(1, 4), hour)].into_iter();
        assert_eq!(fluid_bound(demand(), &offers), Usd::parse("0.10").unwrap());
        // A second offer with cheap CPU but dear memory lowers only the CPU bound: memory still costs 0.10.
        let offers = [offers[0], (Rate::parse("0.06").unwrap(), r(2, 1))];
        assert_eq!(fluid_bound(demand(), &offers), Usd::parse("0.10").unwrap());
        assert_eq!(fluid_bound(demand(), &[]), Usd::ZERO);
    }
}
