//! How far a result holds if the start-up times that were subtracted from estimated work are wrong by half.

use super::{PlatformRun, Setup, Study};
use crate::error::{Error, Result};
use crate::import::{Shift, shifted};
use crate::platform::Scenario;
use crate::report::{Cheapest, PlatformReport, PlatformSensitivity, Sensitivity};
use crate::trace;
use crate::units::Usd;
use crate::workload;

impl Study {
    /// Replays `resolved`'s platforms, of which `runs` are the results, with half and with one and a half of the start-up
    /// that was subtracted, calling `done` after each platform. `None` where no cost rests on estimated work.
    ///
    /// # Errors
    ///
    /// The changed trace makes no workload; one that did before does so again.
    pub fn sensitivity(
        &self,
        resolved: &Scenario,
        runs: &[PlatformRun],
        done: &(dyn Fn() + Sync),
    ) -> Result<Option<Sensitivity>> {
        if !Self::needs_sensitivity(runs) {
            return Ok(None);
        }
        let base: Vec<PlatformReport> = runs.iter().map(|run| run.report.clone()).collect();
        let half = self.with(Shift::Half, resolved, done)?;
        let one_and_half = self.with(Shift::OneAndAHalf, resolved, done)?;
        Ok(Some(sensitivity(&base, &half, &one_and_half)))
    }

    /// Whether any platform's cost rests on estimated work.
    pub fn needs_sensitivity(runs: &[PlatformRun]) -> bool {
        let weak = |run: &PlatformRun| run.report.evidence.as_ref().and_then(|e| Usd::parse(&e.weak_usd));
        runs.iter().any(|run| weak(run).is_some_and(|usd| usd > Usd::ZERO))
    }

    fn with(
        &self,
        shift: Shift,
        resolved: &Scenario,
        done: &(dyn Fn() + Sync),
    ) -> Result<Vec<PlatformReport>> {
        let trace = shifted(&self.trace, shift);
        let order = trace::canonical_order(&trace);
        let window = self.workload.window;
        let told_apart = self.scenario.told_apart();
        let rules = self.scenario.pod_rules(&told_apart);
        let built = workload::build(&trace, &order, rules, (Some(window.start), Some(window.end)))
            .map_err(|problems| Error::Input(trace::locate(&trace, problems)))?;
        let setup = Setup { trace: &trace, workload: &built.workload, ..self.setup() };
        let runs = setup.run(&resolved.platforms, 1, done);
        Ok(runs.into_iter().map(|run| run.report).collect())
    }
}

fn sensitivity(
    base: &[PlatformReport],
    half: &[PlatformReport],
    one_and_half: &[PlatformReport],
) -> Sensitivity {
    let platforms = base.iter().zip(half).zip(one_and_half).filter_map(|((base, half), more)| {
        let (of_base, half, more) = (base.total()?, half.total()?, more.total()?);
        Some(PlatformSensitivity {
            name: base.name.clone(),
            low_usd: of_base.min(half).min(more).to_string(),
            base_usd: of_base.to_string(),
            high_usd: of_base.max(half).max(more).to_string(),
        })
    });
    let cheapest =
        Cheapest { half: cheapest(half), base: cheapest(base), one_and_half: cheapest(one_and_half) };
    let finding_changes = cheapest.half != cheapest.base || cheapest.one_and_half != cheapest.base;
    Sensitivity { platforms: platforms.collect(), cheapest, finding_changes }
}

/// Which platform the finding is about.
fn cheapest(platforms: &[PlatformReport]) -> Option<String> {
    let candidates = platforms.iter().filter(|platform| platform.kind != "recorded");
    let costs = candidates.filter_map(|platform| Some((platform.comparable()?, platform)));
    costs.min_by_key(|(usd, _)| *usd).map(|(_, platform)| platform.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Snapshot;
    use crate::import::{Options, read_contents};
    use crate::report::sample;

    fn costing(name: &str, usd: &str) -> PlatformReport {
        let mut platform = sample::report().platforms.remove(0);
        name.clone_into(&mut platform.name);
        platform.cost.as_mut().unwrap().total_usd = usd.to_owned();
        platform
    }

    #[test]
    fn the_finding_changes_where_another_platform_becomes_cheapest() {
        let base = [costing("a", "10"), costing("b", "11")];
        // a pays for the seconds, b for the pods: with less work subtracted a is dearer.
        let half = [costing("a", "12"), costing("b", "11.5")];
        let more = [costing("a", "8"), costing("b", "10.5")];
        let found = sensitivity(&base, &half, &more);
        assert!(found.finding_changes);
        assert_eq!(found.cheapest.half.as_deref(), Some("b"));
        assert_eq!(found.cheapest.one_and_half.as_deref(), Some("a"));
        let a = &found.platforms[0];
        let cents = [&a.low_usd, &a.base_usd, &a.high_usd].map(|usd| Usd::parse(usd).unwrap().rounded(2));
        assert_eq!(cents, ["8.00", "10.00", "12.00"]);
        assert!(!sensitivity(&base, &base, &more).finding_changes);
    }

    /// Ten pods a minute apart, each created at :00 and running from :40 to 4:00; how that is known is `method`.
    fn study(method: &str) -> (Study, Vec<PlatformRun>, Scenario) {
        let mut csv = "task_id,submit_time,pod_created_time,start_time,end_time,work_seconds_method,cpu_request,memory_request\n".to_owned();
        for minute in 0..10 {
            let at = |second: i64| format!("2024-01-01T00:{:02}:{:02}Z", minute + second / 60, second % 60);
            let times = [at(0), at(0), at(40), at(240)].join(",");
            csv.extend(
                [&format!("t{minute},"), &times, ",", method, ",1,2Gi\n"].map(|part: &str| part.to_owned()),
            );
        }
        let imported = read_contents(&[("t.csv", csv.as_bytes())], &Options::default()).unwrap();
        let read = (imported.trace, imported.warnings);
        let platform = crate::platform::Platform::built_in("fargate").unwrap();
        let scenario = Scenario { platforms: vec![platform], ..Scenario::default() };
        let study = Study::new(scenario, Snapshot::embedded(), read, false).unwrap();
        let resolved = study.resolve().unwrap();
        let runs = study.setup().run(&resolved.platforms, 1, &|| {});
        (study, runs, resolved)
    }

    #[test]
    fn more_subtracted_costs_less_and_less_subtracted_more() {
        let (study, runs, resolved) = study("model_subtracted");
        let found =
            study.sensitivity(&resolved, &runs, &|| {}).unwrap().expect("its cost rests on estimates");
        let platform = &found.platforms[0];
        let [low, base, high] =
            [&platform.low_usd, &platform.base_usd, &platform.high_usd].map(|usd| Usd::parse(usd).unwrap());
        assert!(low < base && base < high, "{platform:?}");
        // Ten pods with 20 s more or less of a vCPU at $0.04048 an hour are $0.00225, besides memory and the control
        // plane, which is paid until the last pod's end.
        let least = Usd::parse("0.00224").unwrap();
        assert!(high - base > least && base - low > least, "{platform:?}");
        let evidence = runs[0].report.evidence.clone().unwrap();
        assert!((evidence.weak_share - 1.0).abs() < 1e-12);
        assert_eq!(
            Some(evidence.weak_usd.as_str()),
            runs[0].report.cost.as_ref().map(|cost| &*cost.allocation.pods_usd)
        );
    }

    #[test]
    fn what_was_measured_needs_no_other_replay() {
        let (study, runs, resolved) = study("pod_status");
        assert_eq!(study.sensitivity(&resolved, &runs, &|| panic!("nothing is replayed")).unwrap(), None);
        assert_eq!(runs[0].report.evidence, None);
    }
}
