//! What pods and nodes mean, as their JSON says it.

use serde_json::{Value, json};

use super::super::*;
use super::{Decoder, Why, items};
use crate::units::{Span, Time};

fn pod_spec(spec: Value) -> PodSpec {
    template(json!({ "spec": spec }))
}

fn template(template: Value) -> PodSpec {
    Decoder::default().pod_template(&template).unwrap()
}

fn problems(template: Value) -> Vec<String> {
    let problems = Decoder::default().pod_template(&template).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

fn asking(cpu: &str) -> Value {
    json!({"resources": {"requests": {"cpu": cpu}}})
}

#[test]
fn a_pod_asks_for_its_containers_or_for_what_its_init_containers_need_at_once() {
    let sidecar = |cpu: &str| json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}});
    for (spec, milli) in [
        (json!({"containers": [asking("250m"), asking("250m")]}), 500),
        // max(2000, 250).
        (json!({"containers": [asking("250m")], "initContainers": [asking("2")]}), 2_000),
        // The sidecar runs before the init container: max(100 + 2000, 100 + 250).
        (json!({"containers": [asking("250m")], "initContainers": [sidecar("100m"), asking("2")]}), 2_100),
        // It starts after it: max(2000, 100, 100 + 250).
        (json!({"containers": [asking("250m")], "initContainers": [asking("2"), sidecar("100m")]}), 2_000),
        (json!({"containers": [asking("250m")], "overhead": {"cpu": "50m"}}), 300),
        // The pod as a whole says less than its containers, and more on top is overhead: 100 + 50.
        (
            json!({"containers": [asking("250m")], "overhead": {"cpu": "50m"}, "resources": {"requests": {"cpu": "100m"}}}),
            150,
        ),
        // A limit of the pod does not stand in for what containers request, but for nothing.
        (json!({"containers": [asking("250m")], "resources": {"limits": {"cpu": "1"}}}), 250),
        (json!({"containers": [{}], "resources": {"limits": {"cpu": "1"}}}), 1_000),
        (json!({"containers": [{"resources": {"limits": {"cpu": 1}}}]}), 1_000),
        (json!({"containers": [{"resources": {"limits": {"cpu": 1}, "requests": {"cpu": "100m"}}}]}), 100),
        (json!({"containers": [{}]}), 0),
    ] {
        let read = pod_spec(spec.clone());
        assert_eq!(read.requests.milli_cpu(), milli, "{spec}");
        assert_eq!(read.requests[PODS], 1);
    }
}

#[test]
fn scores_count_a_hundred_millicores_for_each_container_that_asks_for_none() {
    for (spec, scored) in [
        (json!({"containers": [{}]}), (100, 200 << 20)),
        (json!({"containers": [asking("1"), {}]}), (1_100, 400 << 20)),
        // Zero is an answer.
        (json!({"containers": [{"resources": {"requests": {"cpu": 0, "memory": "1Mi"}}}]}), (0, 1 << 20)),
        // The pod's own CPU; its memory is nowhere said, so each container counts.
        (json!({"containers": [{}, {}], "resources": {"requests": {"cpu": "500m"}}}), (500, 400 << 20)),
    ] {
        assert_eq!(pod_spec(spec.clone()).scored_requests, scored, "{spec}");
    }
}

#[test]
fn quantities_are_exact() {
    let spec = pod_spec(json!({"containers": [{"resources": {"requests": {
        "cpu": "250000n", "memory": "1.5Gi", "ephemeral-storage": "2k", "nvidia.com/gpu": 2
    }}}]}));
    assert_eq!((spec.requests[CPU], spec.requests[MEMORY]), (250_000, 3 << 29));
    assert_eq!((spec.requests[EPHEMERAL_STORAGE], spec.requests[4]), (2_000, 2));
    for (text, nanos) in [("1n", 1), ("3u", 3_000), ("0.1", 100_000_000), ("2e-3", 2_000_000), ("0.5n", 1)] {
        assert_eq!(pod_spec(json!({"containers": [asking(text)]})).requests[CPU], nanos, "{text}");
    }
    let of = |text: &str| {
        let spec = json!({"containers": [{"resources": {"requests": {"memory": text}}}]});
        pod_spec(spec).requests[MEMORY]
    };
    for (text, bytes) in [("1E", 10i64.pow(18)), ("4Ki", 4_096), ("1500m", 2), ("128974848", 128_974_848)] {
        assert_eq!(of(text), bytes, "{text}");
    }
}

#[test]
fn where_a_pod_may_go() {
    let spec = pod_spec(json!({
        "containers": [{"image": "example/a:1", "ports": [{"containerPort": 80, "hostPort": 8080}]}],
        "initContainers": [{"image": "example/b:1", "ports": [{"containerPort": 80, "hostPort": 8081}]}],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [
            {"operator": "Exists"},
            {"key": "team", "value": "data", "effect": "NoExecute", "tolerationSeconds": 300}
        ],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "cpu", "operator": "Gt", "values": ["3"]}]}]
                },
                "preferredDuringSchedulingIgnoredDuringExecution": [{
                    "weight": 5,
                    "preference": {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}
                }]
            },
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "etl"}}}
                ]
            }
        },
        "topologySpreadConstraints": [{
            "maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 3,
            "nodeTaintsPolicy": "Honor", "matchLabelKeys": ["version"]
        }],
        "terminationGracePeriodSeconds": 600
    }));
    assert_eq!(spec.images, ["example/a:1", "example/b:1"]);
    assert_eq!(spec.containers, 2);
    let port = HostPort { ip: "0.0.0.0".to_owned(), port: 8080, protocol: "TCP".to_owned() };
    assert_eq!(spec.host_ports, [port]);
    assert_eq!(spec.node_selector["disk"], "ssd");
    assert_eq!(spec.tolerations[0], Toleration::default());
    assert_eq!(spec.tolerations[1].effect, Some(TaintEffect::NoExecute));
    assert_eq!(spec.required_node_terms[0].match_expressions[0].operator, SelectorOperator::Gt);
    assert_eq!(spec.preferred_node_terms[0].0, 5);
    assert_eq!(spec.preferred_node_terms[0].1.match_fields[0].key, "metadata.name");
    assert!(spec.affinity.is_empty());
    let selector = spec.anti_affinity.required[0].selector.as_ref().unwrap();
    assert_eq!(selector.match_labels["app"], "etl");
    let spread = &spec.spread[0];
    assert_eq!((spread.max_skew, spread.min_domains, &spread.selector), (2, Some(3), &None));
    assert_eq!(spread.when_unsatisfiable, WhenUnsatisfiable::ScheduleAnyway);
    assert_eq!(spread.node_affinity_policy, NodeInclusionPolicy::Honor);
    assert_eq!(spread.node_taints_policy, NodeInclusionPolicy::Honor);
    assert_eq!(spec.termination_grace_period, Span::from_secs(600));
}

#[test]
fn what_annotations_owners_and_volumes_say() {
    let spec = template(json!({
        "metadata": {
            "namespace": "jobs", "labels": {"app": "etl"},
            "annotations": {
                "karpenter.sh/do-not-disrupt": "30m",
                "controller.kubernetes.io/pod-deletion-cost": "-100",
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"
            },
            "ownerReferences": [
                {"kind": "Workflow", "name": "w", "uid": "1"},
                {"kind": "Job", "name": "j", "uid": "2", "controller": true}
            ]
        },
        "spec": {"containers": [{}], "volumes": [{"name": "tmp", "emptyDir": {}}]}
    }));
    assert_eq!((spec.namespace.as_str(), spec.labels["app"].as_str()), ("jobs", "etl"));
    assert_eq!(spec.do_not_disrupt, DoNotDisrupt::For(Span::from_secs(1_800)));
    assert_eq!((spec.deletion_cost, spec.safe_to_evict), (-100, Some(false)));
    assert_eq!(spec.owner.unwrap().kind, "Job");
    let local = |volume: Value, annotations: Value| {
        let spec = json!({"containers": [{}], "volumes": [volume]});
        template(json!({"metadata": {"annotations": annotations}, "spec": spec})).has_local_storage
    };
    let safe = json!({"cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes": "a, tmp"});
    let disk = json!({"name": "tmp", "emptyDir": {}});
    assert!(local(disk.clone(), json!({})));
    assert!(!local(disk, safe));
    assert!(!local(json!({"name": "tmp", "emptyDir": {"medium": "Memory"}}), json!({})));
    assert!(local(json!({"name": "logs", "hostPath": {"path": "/var/log"}}), json!({})));
    assert!(!local(json!({"name": "c", "configMap": {"name": "c"}}), json!({})));
}

#[test]
fn priorities_come_from_numbers_from_classes_or_from_the_default_class() {
    let mut decoder = Decoder::default();
    let class = |name: &str, value: i32, is_default: bool, preemption: &str| {
        json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
            "value": value, "globalDefault": is_default, "preemptionPolicy": preemption})
    };
    decoder.priority_class(&class("batch", -10, false, "Never")).unwrap();
    let mut of = |more: Value| {
        let mut spec = json!({"containers": [{}]});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let spec = decoder.pod_template(&json!({ "spec": spec })).unwrap();
        (spec.priority, spec.preempts)
    };
    assert_eq!(of(json!({})), (0, true));
    assert_eq!(of(json!({"priorityClassName": "batch"})), (-10, false));
    assert_eq!(of(json!({"priorityClassName": "system-node-critical"})), (2_000_001_000, true));
    assert_eq!(of(json!({"priority": 7, "priorityClassName": "nowhere"})), (7, true));
    assert_eq!(of(json!({"priorityClassName": "nowhere"})), (0, true));
    assert_eq!(decoder.unread.len(), 1);
    assert_eq!(decoder.unread[0].why, Why::NoPriorityClass);
    decoder.priority_class(&class("usual", 5, true, "PreemptLowerPriority")).unwrap();
    let spec = decoder.pod_template(&json!({"spec": {"containers": [{}]}})).unwrap();
    assert_eq!(spec.priority, 5);
}

#[test]
fn a_pod_in_the_cluster() {
    let pod = Decoder::default()
        .pod(&json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "etl-1", "uid": "u", "creationTimestamp": "2026-03-02T08:00:00Z",
                "deletionTimestamp": "2026-03-02T09:00:00Z", "managedFields": [{"manager": "kubectl"}]},
            "spec": {"containers": [{}], "nodeName": "node-1"},
            "status": {"phase": "Running", "startTime": "2026-03-02T08:00:05.5Z", "qosClass": "BestEffort",
                "nominatedNodeName": "node-2",
                "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "lastTransitionTime": "2026-03-02T08:00:01Z"}]}
        }))
        .unwrap();
    let at = |ms: i64| Time::from_ms(1_772_438_400_000 + ms);
    assert_eq!((pod.name.as_str(), pod.uid.as_str(), pod.created), ("etl-1", "u", at(0)));
    assert_eq!(
        (pod.node_name.as_deref(), pod.nominated_node_name.as_deref()),
        (Some("node-1"), Some("node-2"))
    );
    assert_eq!((pod.phase, pod.is_terminating, pod.started), (Phase::Running, true, Some(at(5_500))));
    assert_eq!((pod.is_unschedulable, pod.unschedulable_since), (true, Some(at(1_000))));
}

#[test]
fn a_node_and_its_claim() {
    let mut decoder = Decoder::default();
    let status = json!({
        "nodeName": "node-1", "capacity": {"cpu": "4", "memory": "16Gi", "pods": "58"},
        "lastPodEventTime": "2026-03-02T08:00:00Z",
        "images": [{"names": ["example/a:1", "example/a@sha256:0"], "sizeBytes": 100}],
        "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-03-02T08:00:00Z"},
            {"type": "Initialized", "status": "True", "lastTransitionTime": "2026-03-02T08:00:00Z"},
            {"type": "Drifted", "status": "False", "lastTransitionTime": "2026-03-02T08:00:00Z"}
        ]
    });
    let node = decoder
        .node(&json!({
            "metadata": {"name": "node-1", "labels": {"zone": "a"}},
            "spec": {"unschedulable": true, "providerID": "aws:///a/i-0", "taints": [{"key": "t", "effect": "NoExecute"}]},
            "status": status.clone()
        }))
        .unwrap();
    let eight = Some(Time::from_ms(1_772_438_400_000));
    assert!(node.is_unschedulable);
    assert_eq!((node.capacity, node.ready_since), (node.allocatable, eight));
    assert_eq!((node.allocatable[CPU], node.allocatable[PODS]), (4_000_000_000, 58));
    assert_eq!(node.images[0].names.len(), 2);
    assert_eq!(node.taints[0].effect, TaintEffect::NoExecute);
    let claim = |spec: Value| {
        let value = json!({"metadata": {"name": "jobs-1"}, "spec": spec, "status": status.clone()});
        Decoder::default().node_claim(&value).unwrap()
    };
    let first = claim(json!({"terminationGracePeriod": "1h"}));
    assert_eq!((first.initialized, first.drifted, first.last_pod_event), (eight, None, eight));
    assert_eq!(first.expire_after, Some(Span::from_secs(720 * 3_600)));
    assert_eq!(first.termination_grace_period, Some(Span::from_secs(3_600)));
    assert_eq!(claim(json!({"expireAfter": "Never"})).expire_after, None);
}

#[test]
fn budgets_count_pods_or_shares_of_them() {
    let pdb = |spec: Value| {
        Decoder::default().pdb(&json!({"metadata": {"name": "b", "namespace": "jobs"}, "spec": spec}))
    };
    let read = pdb(json!({"maxUnavailable": "30%", "selector": {"matchLabels": {"app": "etl"}}})).unwrap();
    assert_eq!((read.max_unavailable, read.min_available), (Some(IntOrPercent::Percent(30)), None));
    assert_eq!(read.namespace, "jobs");
    let read = pdb(json!({"minAvailable": 2, "unhealthyPodEvictionPolicy": "AlwaysAllow"})).unwrap();
    assert_eq!((read.min_available, read.always_allows_unhealthy), (Some(IntOrPercent::Int(2)), true));
    let problem = &pdb(json!({"minAvailable": "half"})).unwrap_err()[0];
    assert_eq!(
        problem.to_string(),
        "spec.minAvailable: \"half\" is neither a whole number nor a percentage (write for example 1 or 50%)"
    );
    assert!(pdb(json!({"minAvailable": 1, "maxUnavailable": 1})).is_err());
}

#[test]
fn whatever_makes_pods_says_who_owns_them() {
    let of = |object: Value| {
        let spec = Decoder::default().workload(&object).unwrap();
        (spec.requests.milli_cpu(), spec.owner.map(|owner| owner.kind), spec.namespace)
    };
    let template = json!({"spec": {"containers": [asking("1")]}});
    let deployment = json!({"kind": "Deployment", "metadata": {"name": "d", "namespace": "web"},
        "spec": {"replicas": 3, "template": template.clone()}});
    assert_eq!(of(deployment), (1_000, Some("ReplicaSet".to_owned()), "web".to_owned()));
    let cron = json!({"kind": "CronJob", "metadata": {"name": "c"},
        "spec": {"jobTemplate": {"spec": {"template": template.clone()}}}});
    assert_eq!(of(cron), (1_000, Some("Job".to_owned()), "default".to_owned()));
    let pod_template = json!({"kind": "PodTemplate", "metadata": {"name": "t"}, "template": template});
    assert_eq!(of(pod_template), (1_000, None, "default".to_owned()));
    assert!(Decoder::default().workload(&json!({"kind": "ConfigMap"})).is_err());
}

#[test]
fn mistakes_are_named_with_their_path_and_all_at_once() {
    assert_eq!(
        problems(json!({"spec": {
            "containers": [{"resources": {"requests": {"cpu": "5oom", "memory": [1]}}}],
            "tolerations": [{"key": "a", "effect": "NoShedule"}, {}],
            "terminationGracePeriodSeconds": "soon",
            "nodeSelector": [],
            "topologySpreadConstraints": [{"maxSkew": 0}],
            "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"topologyKey": "a"}}}
        }})),
        [
            "spec.containers[0].resources.requests.cpu: \"5oom\" is not a quantity: it is not a decimal number with a known suffix (write for example 500m or 2)",
            "spec.containers[0].resources.requests.memory must be a quantity",
            "spec.nodeSelector must be a mapping",
            "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution must be a list",
            "spec.topologySpreadConstraints[0].maxSkew: \"0\" must be a whole number of at least 1",
            "spec.topologySpreadConstraints[0] has no topologyKey (write for example topologyKey: topology.kubernetes.io/zone)",
            "spec.tolerations[0].effect: \"NoShedule\" is not one of NoSchedule, PreferNoSchedule, NoExecute",
            "spec.tolerations[1] has no key (write operator: Exists to tolerate every taint)",
            "spec.terminationGracePeriodSeconds: \"soon\" is not a whole number of this field's range",
        ]
    );
    assert_eq!(problems(json!([])), ["the object must be a mapping"]);
    assert_eq!(problems(json!({})), ["spec is missing"]);
}

#[test]
fn unread_fields_are_told_apart() {
    let mut decoder = Decoder::default();
    let spec = json!({"containers": [{"imagePullPolicy": "Always", "image": "a"}], "dnsPolicy": "Default",
        "schedulingGates": [{"name": "g"}], "tolerationz": []});
    decoder.pod_template(&json!({ "spec": spec })).unwrap();
    let unread: Vec<_> = decoder.unread.iter().map(|unread| (unread.path.to_string(), &unread.why)).collect();
    assert_eq!(unread[0], ("spec.schedulingGates".to_owned(), &Why::NotSimulated));
    assert_eq!(unread[1].0, "spec.tolerationz");
    assert!(matches!(unread[1].1, Why::Unknown { known } if known.contains(&"tolerations")));
    assert_eq!(unread.len(), 2);
}

#[test]
fn lists_are_unwrapped() {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod"}, {"kind": "Node"}]});
    let found: Vec<_> =
        items(&list).into_iter().map(|(path, item)| (path.to_string(), item["kind"].clone())).collect();
    assert_eq!(found, [("items[0]".to_owned(), json!("Pod")), ("items[1]".to_owned(), json!("Node"))]);
    assert_eq!(items(&json!({"kind": "Pod"})).len(), 1);
}

#[test]
fn paths_without_their_numbers() {
    let path = super::Path::default().field("spec").field("containers").item(3).field("image");
    assert_eq!(path.to_string(), "spec.containers[3].image");
    assert_eq!(path.generic(), "spec.containers[].image");
}
