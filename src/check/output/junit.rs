//! A check as JUnit XML, which CI systems show as tests: a suite per platform, a case per limit.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::check::CheckReport;

/// Deterministic: it has no times and no random ids.
pub fn junit(check: &CheckReport) -> String {
    let mut report = Report::new("cost-sim check");
    for platform in &check.platforms {
        let mut suite = TestSuite::new(platform.name.as_str());
        for verdict in &platform.verdicts {
            let message = format!("{}, allowed {}", verdict.actual, verdict.allowed);
            let status = match (verdict.exceeded, verdict.judged) {
                (true, _) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(message).set_type("limit exceeded");
                    status
                }
                (false, true) => TestCaseStatus::success(),
                (false, false) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(verdict.actual.clone());
                    status
                }
            };
            let mut case = TestCase::new(verdict.limit.as_str(), status);
            case.set_classname(platform.name.as_str());
            suite.add_test_case(case);
        }
        if platform.verdicts.is_empty() {
            let (name, status) = match platform.status.as_str() {
                "gone" => ("not simulated today", TestCaseStatus::skipped()),
                _ => ("no limit", TestCaseStatus::success()),
            };
            let mut case = TestCase::new(name, status);
            case.set_classname(platform.name.as_str());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string().expect("writing to memory cannot fail")
}
