//! Scenario files as users write them: the good ones are read and printed, and of the bad ones the whole
//! message is compared. Beside every file of `fixtures/scenarios` is what comes of it; to write that anew,
//! run with `INSTA_UPDATE=always`.

use std::path::{Path, PathBuf};

use cost_sim::catalog::Snapshot;
use cost_sim::examples::Example;
use cost_sim::platform::{self, Platform, Region, RegionSource, Scenario};
use cost_sim::replay::Study;
use cost_sim::report;
use cost_sim::trace::{self, ReadOptions};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scenarios").join(folder)
}

/// The name and content of every scenario in a folder, by name.
fn files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fixtures(folder).read_dir().expect("the fixtures are part of the repository") {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            files.push((name, read_file(&path)));
        }
    }
    files.sort();
    files
}

#[expect(clippy::disallowed_methods, reason = "tests read fixtures")]
fn read_file(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn compare(folder: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(fixtures(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn read(name: &str, text: &str) -> cost_sim::error::Result<Scenario> {
    platform::read(Path::new(&format!("{name}.yaml")), text)
}

#[test]
fn bad_scenarios_are_refused_with_the_place_and_a_hint() {
    let files = files("bad");
    assert!(files.len() >= 40, "some bad scenarios are missing");
    for (name, text) in files {
        match read(&name, &text) {
            Ok(_) => panic!("{name}.yaml was accepted"),
            Err(error) => compare("bad", &name, &error.render()),
        }
    }
}

#[test]
fn good_scenarios_are_read_and_print_what_ran() {
    for (name, text) in files("good") {
        let scenario = read(&name, &text).unwrap_or_else(|e| panic!("{}", e.render()));
        let printed = scenario.to_yaml();
        compare("good", &name, &printed);
        let again = read(&name, &printed).unwrap_or_else(|e| panic!("{}", e.render()));
        assert_eq!(again.platforms, scenario.platforms);
        assert_eq!(again.limits, scenario.limits);
    }
}

#[test]
fn the_examples_of_the_documentation_are_read() {
    let text = read_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenario.md"));
    let examples: Vec<&str> =
        text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    let read: Vec<Scenario> = examples
        .iter()
        .map(|example| read("example", example).unwrap_or_else(|e| panic!("{}", e.render())))
        .collect();
    assert_eq!(read[0].settings, Scenario::default().settings);
    assert_eq!(read[1].platforms.len(), 6);
}

fn study(scenario: Scenario) -> Study {
    let example = Example::of_name("small").expect("an example");
    let read = trace::read_embedded(&example.trace, &ReadOptions::default()).expect("the example is sound");
    Study::new(scenario, Snapshot::embedded(), read, false).expect("the scenario is sound")
}

/// The report of the small example, as JSON.
fn replayed(scenario: Scenario) -> String {
    let study = study(scenario);
    let resolved = study.resolve().expect("every type is sold");
    let runs = study.setup().run(&resolved.platforms, 1, &|| ());
    report::json(&study.report(&resolved, &runs).expect("a report"))
}

/// What is applied costs and takes what was simulated, to the last byte.
#[test]
fn a_platform_and_the_manifests_of_it_are_replayed_alike() {
    let mut scenario = Scenario::default();
    scenario.settings.region = Region { name: "ap-northeast-1".into(), source: RegionSource::Given };
    scenario.settings.zones = vec!["a".into(), "c".into()];
    for name in ["fargate", "node-group-spot", "karpenter-spot"] {
        scenario.platforms = Platform::built_in(name).into_iter().collect();
        let resolved = study(scenario.clone()).resolve().expect("every type is sold");
        let written = platform::scenario_with_manifests(&resolved, &resolved.platforms[0]);
        assert!(written.contains("fill in"), "{name} has manifests");
        let mut back = self::read(name, &written).unwrap_or_else(|e| panic!("{}\n{written}", e.render()));
        assert_eq!(back.platforms, resolved.platforms);
        // Roles and networks, which the report names.
        back.not_simulated.clear();
        assert_eq!(replayed(back), replayed(resolved), "{name}");
    }
}
