//! Which containers a pod is for: its work lasts as long as theirs, whatever agents run beside them.

/// Parts of names of containers that come beside what the pod is for.
const AGENTS: [&str; 13] = [
    "datadog",
    "dd-agent",
    "istio-proxy",
    "istio-init",
    "linkerd",
    "envoy",
    "fluent",
    "filebeat",
    "vector-agent",
    "otel",
    "cloudwatch-agent",
    "xray-daemon",
    "vault-agent",
];

/// Of the names of a pod's containers: the one with the pod's name, as Digdag has it; else those that are no agents;
/// else all.
pub(in crate::import) fn main_names<'n>(names: &[&'n str], pod: &str) -> Vec<&'n str> {
    if let Some(same) = names.iter().find(|name| **name == pod) {
        return vec![same];
    }
    let own: Vec<&str> = names.iter().copied().filter(|name| !is_agent(name)).collect();
    if own.is_empty() { names.to_vec() } else { own }
}

fn is_agent(name: &str) -> bool {
    name == "agent" || AGENTS.iter().any(|agent| name.contains(agent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_not_what_a_pod_is_for() {
        assert_eq!(main_names(&["job", "datadog-agent"], "job-x2x9p"), ["job"]);
        assert_eq!(main_names(&["digdag-pod-1-0-a", "helper"], "digdag-pod-1-0-a"), ["digdag-pod-1-0-a"]);
        assert_eq!(main_names(&["a", "b", "istio-proxy"], "x"), ["a", "b"]);
        assert_eq!(main_names(&["fluent-bit"], "x"), ["fluent-bit"]);
        assert!(main_names(&[], "x").is_empty());
    }
}
