//! The users' own manifests, as they are printed and deployed.

use std::path::Path;

use crate::kube::{DoNotDisrupt, IntOrPercent};
use crate::platform::*;
use crate::units::Span;

const CLUSTER: &str = include_str!("../../../../fixtures/manifests/cluster.yaml");
const AUTOSCALER: &str = include_str!("../../../../fixtures/manifests/autoscaler.yaml");

fn of(text: &str) -> Scenario {
    read(Path::new("m.yaml"), text).unwrap_or_else(|error| panic!("{}", error.render()))
}

fn refused(text: &str) -> String {
    read(Path::new("m.yaml"), text).unwrap_err().render()
}

#[test]
fn a_printed_list_is_a_cluster() {
    let scenario = of(CLUSTER);
    assert_eq!(scenario.platforms[0].name, "own");
    let Kind::Karpenter(karpenter) = &scenario.platforms[0].kind else { panic!("it has a NodePool") };
    let pool = &karpenter.node_pools[0];
    assert_eq!((pool.name.as_str(), pool.weight), ("batch", 10));
    let sizing = pool.sizing;
    assert!(sizing.raid0 && sizing.bottlerocket);
    assert_eq!(sizing.pods_per_core, Some(8));
    assert_eq!(sizing.system_reserved.memory, Memory::from_mib(100));
    // The built-in ones stand beside it.
    assert_eq!(scenario.platforms[1..], Platform::defaults());
    let settings = &scenario.settings;
    assert_eq!(settings.pdbs[0].min_available, Some(IntOrPercent::Percent(50)));
    assert_eq!((settings.pdbs[0].namespace.as_str(), settings.pdbs[0].disruptions_allowed), ("web", Some(2)));
    assert_eq!(settings.priority_classes.get("batch").map(|class| class.value), Some(-10));
    assert_eq!(
        scenario.not_simulated,
        [
            "EC2NodeClass.spec.blockDeviceMappings[] beyond the first (nodes have one volume)",
            "EC2NodeClass.spec.blockDeviceMappings[].ebs.iops (volumes are gp3 at its baseline, 3000)",
            "EC2NodeClass.spec.kubelet.evictionHard",
            "EC2NodeClass.spec.subnetSelectorTerms",
            "NodePool.spec.limits.nvidia.com/gpu",
            "NodePool.spec.template.spec.startupTaints",
        ]
    );
}

#[test]
fn json_says_the_same_as_yaml() {
    let json = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "api"},
         "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "api"}}}}]}"#;
    assert_eq!(of(json).settings.pdbs[0].max_unavailable, Some(IntOrPercent::Int(1)));
}

#[test]
fn a_template_of_a_workload_completes_pods_and_reads_back() {
    let templates = "apiVersion: cost-sim/v1\nkind: Scenario\npodTemplates:\n- match: {workflow: etl*, labels: {team: '*'}}\n  \
                     from: CronJob/etl\n---\n";
    let scenario = of(&[templates, CLUSTER].concat());
    let template = &scenario.settings.pod_templates[0];
    assert_eq!(template.applies_to.workflow.as_deref(), Some("etl*"));
    let spec = &template.spec;
    assert_eq!((spec.namespace.as_str(), spec.priority, spec.preempts), ("jobs", -10, false));
    assert_eq!(spec.owner.as_ref().map(|owner| owner.kind.as_str()), Some("Job"));
    assert_eq!((spec.do_not_disrupt, spec.spread.len()), (DoNotDisrupt::Always, 1));
    let told_apart = scenario.told_apart();
    assert!(told_apart.namespaces && told_apart.labels.contains("app"));
    let printed = scenario.to_yaml();
    assert!(!printed.contains("not-for-anybody"), "environments of containers may be secrets");
    let again = of(&printed);
    assert_eq!(
        (&again.settings, &again.platforms),
        (
            &Settings {
                region: Region { source: RegionSource::Given, ..scenario.settings.region.clone() },
                ..scenario.settings.clone()
            },
            &scenario.platforms,
        )
    );
}

#[test]
fn a_deployed_cluster_autoscaler_has_flags_as_go_reads_them() {
    let scenario = of(AUTOSCALER);
    let Kind::NodeGroups(groups) = &scenario.platforms[0].kind else { panic!("it has a group") };
    let flags = &groups.autoscaler;
    assert_eq!(flags.scan_interval, Span::from_secs(30));
    assert_eq!(flags.scale_down_unneeded_time, Span::from_secs(300));
    assert!(flags.frequent_loops_enabled);
    assert_eq!(scenario.settings.region.name, "eu-west-1");
    assert!(scenario.not_simulated.contains(&"cluster-autoscaler.node-group-auto-discovery".to_owned()));
    insta::assert_snapshot!(refused(&AUTOSCALER.replace("--scan-interval\n", "--scan-intervall\n")), @r"
    error: m.yaml:22:11: unknown field in the flags of cluster-autoscaler
      22 | scan-intervall
         | ^^^^^^^^^^^^^^
      hint: did you mean scan-interval?
    ");
}

#[test]
fn mistakes_have_places_and_hints() {
    insta::assert_snapshot!(refused(&CLUSTER.replace("minAvailable: 50%", "minAvailble: 50%")), @r"
    error: m.yaml:63:5: unknown field in PodDisruptionBudget api, spec
      63 | minAvailble
         | ^^^^^^^^^^^
      hint: did you mean minAvailable?
    ");
    insta::assert_snapshot!(refused(&CLUSTER.replace("cpu: 500m", "cpu: 5oom")), @r"
    error: m.yaml:90:43: CronJob etl: spec.jobTemplate.spec.template.spec.containers[0].resources.requests.cpu is not a quantity: it is not a decimal number with a known suffix
      90 | 5oom
         | ^^^^
      hint: write for example 500m or 2
    ");
    insta::assert_snapshot!(refused(&CLUSTER.replace("priorityClassName: batch", "priorityClassName: bach")), @r"
    error: m.yaml:91:32: CronJob etl: spec.jobTemplate.spec.template.spec.priorityClassName is no PriorityClass of these files
      91 | bach
         | ^^^^
      hint: did you mean batch?
    ");
    insta::assert_snapshot!(refused(&CLUSTER.replace("consolidateAfter", "consolidateAftr")), @r"
    error: m.yaml:22:7: unknown field in NodePool[batch].spec.disruption
      22 | consolidateAftr
         | ^^^^^^^^^^^^^^^
      hint: did you mean consolidateAfter?
    ");
}

#[test]
fn several_files_are_one_scenario_and_mistakes_name_theirs() {
    let scenario = "apiVersion: cost-sim/v1\nkind: Scenario\nseed: 7\n";
    let files = [(Path::new("s.yaml"), scenario), (Path::new("m.yaml"), AUTOSCALER)];
    let read = read_all(&files).unwrap_or_else(|error| panic!("{}", error.render()));
    assert_eq!((read.settings.seed, read.platforms[0].name.as_str()), (7, "own"));
    let wrong = AUTOSCALER.replace("maxSize", "maxSise");
    let error = read_all(&[(Path::new("s.yaml"), scenario), (Path::new("m.yaml"), &wrong)]).unwrap_err();
    assert!(error.render().starts_with("error: m.yaml:6:"), "{}", error.render());
}
