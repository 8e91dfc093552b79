//! Cluster Autoscaler's flags (`cluster-autoscaler/config/flags/flags.go`), with the defaults of 1.36.

use regex::Regex;

use crate::units::Span;

/// Flags that decide something. Those of time and size are checked where they are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Filters one after the other; chance decides among what the last one leaves.
    pub expanders: Vec<Expander>,
    /// `None`: the ConfigMap of the priority expander is missing, and nothing grows where that expander is asked.
    pub priorities: Option<Priorities>,
    pub balance_similar_node_groups: bool,
    /// Labels in which similar groups may differ, besides the usual ones.
    pub balancing_ignore_labels: Vec<String>,
    /// If there are any: groups with equal values of these labels are similar, whatever else they are.
    pub balancing_labels: Vec<String>,
    pub memory_difference_ratio: f64,
    pub free_difference_ratio: f64,
    pub allocatable_difference_ratio: f64,
    pub max_nodes_per_scaleup: u32,
    /// 0: as many as groups allow.
    pub max_nodes_total: u32,
    /// Pods of lower priority neither cause a scale-up nor keep a node.
    pub expendable_pods_priority_cutoff: i32,
    pub new_pod_scale_up_delay: Span,
    pub scan_interval: Span,
    pub scale_down_enabled: bool,
    pub scale_down_delay_after_add: Span,
    pub scale_down_delay_after_delete: Span,
    pub scale_down_delay_after_failure: Span,
    pub scale_down_unneeded_time: Span,
    pub scale_down_unready_time: Span,
    pub scale_down_utilization_threshold: f64,
    pub scale_down_gpu_utilization_threshold: f64,
    pub ignore_daemonsets_utilization: bool,
    pub ignore_mirror_pods_utilization: bool,
    pub unremovable_node_recheck_timeout: Span,
    pub max_scale_down_parallelism: u32,
    pub max_drain_parallelism: u32,
    pub skip_nodes_with_system_pods: bool,
    pub skip_nodes_with_local_storage: bool,
    pub skip_nodes_with_custom_controller_pods: bool,
    /// Index of the resource that makes a node a GPU node, if the cluster knows one.
    pub gpu: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        let minutes = |n: i64| Span::from_secs(60 * n);
        Self {
            expanders: vec![Expander::LeastWaste],
            priorities: None,
            balance_similar_node_groups: false,
            balancing_ignore_labels: Vec::new(),
            balancing_labels: Vec::new(),
            memory_difference_ratio: 0.015,
            free_difference_ratio: 0.05,
            allocatable_difference_ratio: 0.05,
            max_nodes_per_scaleup: 1_000,
            max_nodes_total: 0,
            expendable_pods_priority_cutoff: -10,
            new_pod_scale_up_delay: Span::ZERO,
            scan_interval: Span::from_secs(10),
            scale_down_enabled: true,
            scale_down_delay_after_add: minutes(10),
            scale_down_delay_after_delete: Span::ZERO,
            scale_down_delay_after_failure: minutes(3),
            scale_down_unneeded_time: minutes(10),
            scale_down_unready_time: minutes(20),
            scale_down_utilization_threshold: 0.5,
            scale_down_gpu_utilization_threshold: 0.5,
            ignore_daemonsets_utilization: false,
            ignore_mirror_pods_utilization: false,
            unremovable_node_recheck_timeout: minutes(5),
            max_scale_down_parallelism: 10,
            max_drain_parallelism: 1,
            skip_nodes_with_system_pods: true,
            skip_nodes_with_local_storage: true,
            skip_nodes_with_custom_controller_pods: true,
            gpu: None,
        }
    }
}

/// Expanders that work on AWS and need no server of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expander {
    LeastWaste,
    MostPods,
    LeastNodes,
    Priority,
    Random,
}

/// The ConfigMap of the priority expander: regular expressions of group names by priority.
#[derive(Clone, Debug)]
pub struct Priorities(Vec<(i64, Vec<Regex>)>);

impl PartialEq for Priorities {
    fn eq(&self, other: &Self) -> bool {
        let texts = |all: &Self| -> Vec<(i64, Vec<String>)> {
            all.0.iter().map(|(p, r)| (*p, r.iter().map(|r| r.as_str().to_owned()).collect())).collect()
        };
        texts(self) == texts(other)
    }
}

impl Eq for Priorities {}

impl Priorities {
    /// # Errors
    ///
    /// The first expression that is none.
    pub fn new<'a>(all: impl IntoIterator<Item = (i64, &'a [String])>) -> Result<Self, regex::Error> {
        let compiled = |(priority, texts): (i64, &'a [String])| {
            let expressions: Result<Vec<Regex>, _> = texts.iter().map(|text| Regex::new(text)).collect();
            Ok((priority, expressions?))
        };
        all.into_iter().map(compiled).collect::<Result<_, _>>().map(Self)
    }

    /// The highest priority of which an expression is found in `name`; negative ones are never asked, −1 apart
    /// (`expander/priority/priority.go`).
    pub fn of(&self, name: &str) -> Option<i64> {
        let matching = |(priority, all): &&(i64, Vec<Regex>)| {
            *priority >= -1 && all.iter().any(|expression| expression.is_match(name))
        };
        self.0.iter().filter(matching).map(|(priority, _)| *priority).max()
    }
}
