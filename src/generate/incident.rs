//! A week of nightly jobs in which consolidation meets long ones: `cost-sim generate incident`.
//!
//! What it is for: the question "which setting keeps consolidation from killing our long jobs, and what does that cost?",
//! asked of a week in which it matters. Every night ten bursts of short jobs want many nodes at once, and a dozen long
//! jobs, started among them, still run when the bursts are over: nodes are then nearly empty, and worth consolidating to
//! everybody but the long jobs, which begin anew whenever they are moved. By day there is little.
//!
//! Integer arithmetic only, so that the same parameters give the same bytes on any machine.

use std::io::{self, Write};

use super::day::SplitMix64;

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    pub days: u32,
    pub seed: u64,
}

/// Raised when the same parameters give other rows.
const GENERATOR_VERSION: u32 = 1;
const HOUR: u64 = 3_600;
/// From the start of a night, 20:00 UTC, on.
const BURSTS: u64 = 10;
const JOBS_OF_BURST: u64 = 60;
const LONG_JOBS: u64 = 12;
const JOBS_OF_HOUR: u64 = 6;
/// A job that was evicted is started again so often.
const RETRIES: u32 = 20;

/// vCPU in millicores and memory in MiB, with how many of a hundred draws fall on it or before it.
const SIZES: [(u64, (u32, u32)); 4] =
    [(40, (250, 512)), (70, (500, 1_024)), (90, (1_000, 2_048)), (100, (2_000, 4_096))];
const LONG_SIZES: [(u64, (u32, u32)); 2] = [(60, (1_000, 4_096)), (100, (2_000, 8_192))];

struct Job {
    /// Seconds after the start of the week.
    at: u64,
    name: String,
    secs: u64,
    size: (u32, u32),
}

fn jobs(params: &Params) -> Vec<Job> {
    let mut random = SplitMix64(params.seed);
    let mut jobs = Vec::new();
    for day in 0..u64::from(params.days) {
        let midnight = day * 24 * HOUR;
        // By day, a few an hour: half a minute to five.
        for hour in 6..20 {
            for n in 0..JOBS_OF_HOUR {
                let at = midnight + hour * HOUR + random.below(HOUR);
                let size = random.pick_of(100, &SIZES);
                jobs.push(Job { at, name: format!("day-{}", n + 1), secs: 30 + random.below(270), size });
            }
        }
        let night = midnight + 20 * HOUR;
        for burst in 0..BURSTS {
            // Within two minutes of the hour: half a minute to ten.
            for n in 0..JOBS_OF_BURST {
                let at = night + burst * HOUR + random.below(120);
                let size = random.pick_of(100, &SIZES);
                jobs.push(Job { at, name: format!("short-{}", n + 1), secs: 30 + random.below(570), size });
            }
        }
        for n in 0..LONG_JOBS {
            // Two to six hours, started with one of the first six bursts.
            let at = night + random.below(6) * HOUR + random.below(120);
            let secs = 2 * HOUR + random.below(4 * HOUR);
            let size = random.pick_of(100, &LONG_SIZES);
            jobs.push(Job { at, name: format!("long-{}", n + 1), secs, size });
        }
    }
    jobs.sort_by_key(|job| job.at);
    jobs
}

/// Writes the canonical trace, sorted by arrival. Pods are numbered from 0 in that order.
pub fn write(params: &Params, out: impl Write) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    writeln!(
        out,
        "task_id,workflow,task_name,submit_time,work_seconds,cpu_request_milli,memory_request_mib,owner_kind,retry_limit,\
         retry_interval_seconds"
    )?;
    for (id, job) in jobs(params).iter().enumerate() {
        let workflow = job.name.split('-').next().unwrap_or_default();
        let (day, of_day) = (job.at / (24 * HOUR), job.at % (24 * HOUR));
        let (hour, minute, second) = (of_day / HOUR, of_day / 60 % 60, of_day % 60);
        let (milli, mib) = job.size;
        writeln!(
            out,
            "{id},{workflow},{},{}T{hour:02}:{minute:02}:{second:02}Z,{},{milli},{mib},Job,{RETRIES},10",
            job.name,
            date(day),
            job.secs
        )?;
    }
    out.flush()
}

/// The day of that number, from Monday, 2024-01-01, on.
fn date(day: u64) -> String {
    let first = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default();
    first.checked_add_days(chrono::Days::new(day)).unwrap_or_default().to_string()
}

/// The text of the trace's side file.
pub fn meta_json(params: &Params) -> String {
    let meta = serde_json::json!({
        "schema": "cost-sim-trace/v1",
        "synthetic": true,
        "source": "cost-sim generate incident",
        "window_start": "2024-01-01T00:00:00Z",
        "window_end": format!("{}T12:00:00Z", date(u64::from(params.days))),
        "timezone": "UTC",
        "generator": {
            "name": "cost-sim generate incident",
            "version": GENERATOR_VERSION,
            "seed": params.seed,
            "params": { "days": params.days },
        },
    });
    format!("{meta:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_jobs_outlive_the_bursts_that_they_start_in() {
        let jobs = jobs(&Params { days: 7, seed: 42 });
        let (long, short): (Vec<&Job>, Vec<&Job>) = jobs.iter().partition(|job| job.name.starts_with("long"));
        // A week: 7 nights with 10 bursts of 60 and 12 long jobs, 7 days with 14 hours of 6.
        assert_eq!((long.len(), short.len()), (7 * 12, 7 * (600 + 84)));
        assert!(long.iter().all(|job| (2 * HOUR..6 * HOUR).contains(&job.secs)));
        assert!(short.iter().all(|job| job.secs < 600));
    }

    #[test]
    fn a_generated_week_is_canonical_and_synthetic() {
        let params = Params { days: 2, seed: 7 };
        let mut out = Vec::new();
        write(&params, &mut out).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("week.csv");
        #[expect(clippy::disallowed_methods, reason = "a test writes its input")]
        {
            std::fs::write(&path, &out).unwrap();
            std::fs::write(dir.path().join("week.meta.json"), meta_json(&params)).unwrap();
        }
        let (trace, warnings) = crate::trace::read(
            std::slice::from_ref(&path),
            &crate::trace::ReadOptions::default(),
            &mut |_| {},
        )
        .unwrap();
        assert!(trace.files[0].meta.synthetic);
        assert_eq!(warnings, [""; 0]);
    }
}
