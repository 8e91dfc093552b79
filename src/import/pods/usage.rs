//! Usage of a pod in numbers.

/// Each where it is known. CPU in millicores and seconds, memory in MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::import) struct Usage {
    pub cpu_avg: Option<f64>,
    pub cpu_p95: Option<f64>,
    pub cpu_max: Option<f64>,
    /// Of its whole life, from counters.
    pub cpu_seconds: Option<f64>,
    pub memory_avg: Option<f64>,
    pub memory_max: Option<f64>,
}

impl Usage {
    /// Average, 95th percentile (nearest rank: the smallest that 95 % of the points do not exceed) and maximum of CPU,
    /// average and maximum of memory.
    pub fn of(cpu: &[f64], memory: &[f64]) -> Self {
        Self {
            cpu_avg: average(cpu),
            cpu_p95: percentile(cpu, 95),
            cpu_max: maximum(cpu),
            cpu_seconds: None,
            memory_avg: average(memory),
            memory_max: maximum(memory),
        }
    }

    /// Takes from `other` what is not known here.
    pub fn or(self, other: Self) -> Self {
        Self {
            cpu_avg: self.cpu_avg.or(other.cpu_avg),
            cpu_p95: self.cpu_p95.or(other.cpu_p95),
            cpu_max: self.cpu_max.or(other.cpu_max),
            cpu_seconds: self.cpu_seconds.or(other.cpu_seconds),
            memory_avg: self.memory_avg.or(other.memory_avg),
            memory_max: self.memory_max.or(other.memory_max),
        }
    }
}

fn average(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn maximum(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(f64::total_cmp)
}

fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_95th_percentile_is_of_nearest_rank() {
        // 20 values: the 19th is the first that 95 % do not exceed. 21 values: 19.95, so the 20th.
        let values: Vec<f64> = (1..=21).map(f64::from).collect();
        assert_eq!(Usage::of(&values[..20], &[]).cpu_p95, Some(19.0));
        assert_eq!(Usage::of(&values, &[]).cpu_p95, Some(20.0));
        let one = Usage::of(&[7.0], &[3.0, 5.0]);
        assert_eq!((one.cpu_avg, one.cpu_p95, one.cpu_max), (Some(7.0), Some(7.0), Some(7.0)));
        assert_eq!((one.memory_avg, one.memory_max), (Some(4.0), Some(5.0)));
        assert_eq!(Usage::of(&[], &[]), Usage::default());
    }
}
