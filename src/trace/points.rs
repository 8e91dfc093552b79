//! Single measurements of usage, for right-sizing: what metric exports have and the canonical columns sum up.
//!
//! They are kept beside the rows while a program runs and are not part of the canonical form: of a trace that was
//! written and read again, only average, 95th percentile and maximum of each pod are left.

use std::collections::BTreeMap;

/// Measured usage of rows, in order of time. Rows without any take no memory.
#[derive(Clone, Debug, Default)]
pub struct UsagePoints {
    cpu: BTreeMap<u32, Box<[f64]>>,
    memory: BTreeMap<u32, Box<[f64]>>,
}

impl UsagePoints {
    pub fn is_empty(&self) -> bool {
        self.cpu.is_empty() && self.memory.is_empty()
    }

    /// Sum over the pod's containers, in millicores.
    pub fn cpu(&self, row: usize) -> &[f64] {
        of(&self.cpu, row)
    }

    /// Sum over the pod's containers, in MiB.
    pub fn memory(&self, row: usize) -> &[f64] {
        of(&self.memory, row)
    }

    pub fn set_cpu(&mut self, row: usize, milli: impl Into<Box<[f64]>>) {
        self.cpu.insert(row as u32, milli.into());
    }

    pub fn set_memory(&mut self, row: usize, mib: impl Into<Box<[f64]>>) {
        self.memory.insert(row as u32, mib.into());
    }
}

fn of(points: &BTreeMap<u32, Box<[f64]>>, row: usize) -> &[f64] {
    u32::try_from(row).ok().and_then(|row| points.get(&row)).map_or(&[], |points| &points[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_measurements_have_none() {
        let mut points = UsagePoints::default();
        assert!(points.is_empty());
        points.set_cpu(7, vec![1.0, 2.0]);
        assert!(!points.is_empty());
        assert_eq!((points.cpu(7), points.cpu(6), points.memory(7)), (&[1.0, 2.0][..], &[][..], &[][..]));
    }
}
