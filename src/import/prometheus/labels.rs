//! Labels of a series: which pod and container it is of.

use std::collections::BTreeMap;

use crate::trace::OwnerKind;

/// The labels of one series.
pub(super) struct Labels(pub BTreeMap<String, String>);

impl Labels {
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Where the scraped pod's own labels win, those of the metric are renamed: `exported_pod` is meant, not the pod
    /// that kube-state-metrics runs in.
    fn own(&self, names: &[&str]) -> &str {
        let exported = names.iter().map(|name| self.get(&format!("exported_{name}")));
        exported
            .chain(names.iter().map(|name| self.get(name)))
            .find(|value| !value.is_empty())
            .unwrap_or_default()
    }

    pub fn pod(&self) -> &str {
        self.own(&["pod", "pod_name"])
    }

    pub fn namespace(&self) -> &str {
        // A pod that is renamed has a renamed namespace, and a pod that is not has none.
        if self.get("exported_pod").is_empty() { self.get("namespace") } else { self.own(&["namespace"]) }
    }

    /// kube-state-metrics 2 has it in all series of pods, older ones in `kube_pod_info`.
    pub fn uid(&self) -> &str {
        self.own(&["uid"])
    }

    pub fn container(&self) -> &str {
        self.own(&["container", "container_name"])
    }

    pub fn node(&self) -> &str {
        self.own(&["node", "kubernetes_node"])
    }

    /// What tells series of one container apart: runs of it, and its processors.
    pub fn rest(&self) -> String {
        let cpu = Some(self.get("cpu")).filter(|cpu| *cpu != "total").unwrap_or_default();
        format!("{}{}{cpu}", self.get("id"), if cpu.is_empty() { "" } else { " " })
    }

    pub fn owner(&self) -> Option<(OwnerKind, &str)> {
        let kind = [self.get("owner_kind"), self.get("created_by_kind")]
            .into_iter()
            .find(|kind| !kind.is_empty())?;
        let name = [self.get("owner_name"), self.get("created_by_name")]
            .into_iter()
            .find(|name| !name.is_empty())?;
        (kind != "<none>" && name != "<none>")
            .then_some((if kind == "Job" { OwnerKind::Job } else { OwnerKind::None }, name))
    }
}
