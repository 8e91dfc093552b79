//! How long is billed: AWS's rules that turn a life span into seconds, and seconds of a monthly price into money.

use crate::units::{Memory, Rate, Span, Time, Usd};

/// EC2 (Linux), EBS and Fargate bill at least this much per launch, volume and pod.
pub const MINIMUM_SECONDS: i64 = 60;

/// AWS's arithmetic for EBS charges a month as 30 days. (Tools that show monthly EC2 totals use 730 h instead.)
pub const SECONDS_PER_STORAGE_MONTH: i64 = 30 * 86_400;

/// The span after an instance's launch in which an interruption by EC2 makes a Spot instance free.
pub const SPOT_FREE_WHEN_INTERRUPTED_WITHIN: Span = Span::from_secs(3_600);

/// The billed seconds of something that ran from `start` to `end`: begun seconds, at least a minute.
///
/// Fargate: from the start of the image pull to the pod's termination. EC2 on-demand: from running (after the
/// launch) to termination, each launch anew. EBS: from the volume's creation to its deletion.
pub fn billed_seconds(start: Time, end: Time) -> i64 {
    (end - start).secs_ceil().max(MINIMUM_SECONDS)
}

/// The billed seconds of a Spot instance. It costs nothing if EC2 (not its user) ended it within the first hour.
pub fn spot_billed_seconds(start: Time, end: Time, interrupted_by_ec2: bool) -> i64 {
    if interrupted_by_ec2 && end - start < SPOT_FREE_WHEN_INTERRUPTED_WITHIN {
        0
    } else {
        billed_seconds(start, end)
    }
}

/// What a volume costs for `billed_seconds`, at a price per GB-month, where a GB is a GiB; sizes
/// count in whole MiB.
pub fn volume_charge(gb_month: Rate, size: Memory, billed_seconds: i64) -> Usd {
    let mib_seconds = i128::from(size.mib_ceil()) * i128::from(billed_seconds);
    gb_month.charge(mib_seconds, 1_024 * i128::from(SECONDS_PER_STORAGE_MONTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Time {
        Time::from_ms(secs * 1_000)
    }

    #[test]
    fn begun_seconds_count_and_a_minute_at_least() {
        let cases =
            [(0, 60), (1, 60), (59_999, 60), (60_000, 60), (60_001, 61), (615_000, 615), (614_100, 615)];
        for (ms, expected) in cases {
            assert_eq!(billed_seconds(at(100), at(100) + Span::from_ms(ms)), expected, "{ms} ms");
        }
    }

    #[test]
    fn on_demand_instances_cost_their_seconds() {
        let m5_large = Rate::parse("0.096").unwrap();
        for (secs, expected) in [(615, "0.0164"), (20, "0.0016")] {
            let charge = m5_large.charge(i128::from(billed_seconds(at(0), at(secs))), 3_600);
            assert_eq!(charge.to_string(), expected);
        }
    }

    #[test]
    fn a_root_volume_costs_by_the_thirty_day_month() {
        let gp3 = Rate::parse("0.08").unwrap();
        let charge = volume_charge(gp3, Memory::from_gib(20), billed_seconds(at(0), at(615)));
        assert_eq!(charge.rounded(8), "0.00037963");
        assert_eq!(volume_charge(gp3, Memory::from_gib(1), SECONDS_PER_STORAGE_MONTH).to_string(), "0.08");
    }

    #[test]
    fn a_spot_instance_is_free_only_if_ec2_takes_it_in_the_first_hour() {
        let m5_large = Rate::parse("0.03264").unwrap();
        // (minutes, interrupted by EC2, USD)
        let cases =
            [(41, true, "0.00"), (75, true, "0.0408"), (41, false, "0.022304"), (60, true, "0.03264")];
        for (minutes, interrupted, expected) in cases {
            let seconds = spot_billed_seconds(at(0), at(minutes * 60), interrupted);
            assert_eq!(m5_large.charge(i128::from(seconds), 3_600).to_string(), expected, "{minutes} min");
        }
    }
}
