//! How to get files out of the systems in which they are, as commands to copy.

use super::{Format, digdag};

/// What to export from `format`, and with which commands; `None` where its files are at hand anyway.
pub fn how(format: Format) -> Option<&'static str> {
    match format {
        Format::Digdag => Some(digdag::how()),
        Format::Datadog => Some(super::datadog::how()),
        Format::Prometheus => Some(PROMETHEUS),
        Format::Kubernetes => Some(KUBERNETES),
        _ => None,
    }
}

/// Those for which there are instructions.
pub const WITH_HOW: [Format; 4] = [Format::Digdag, Format::Datadog, Format::Prometheus, Format::Kubernetes];

const KUBERNETES: &str = "\
Kubernetes: what pods asked for and when their containers ran
=============================================================

Needed: kubectl and the right to list pods.

  kubectl get pods --all-namespaces -o json > pods.json

The objects contain environment variables and annotations, which may hold secrets: keep the files as you would keep those.
cost-sim import takes none of them into the trace.

An object is gone when its pod is deleted, so this shows the pods of now. To keep those of a week, list them every few
minutes, or use kube-state-metrics (cost-sim import --how prometheus). Lists of several moments may be given together:

  while sleep 300; do
    kubectl get pods --all-namespaces -o json > \"pods-$(date +%s).json\"
  done

Then:

  cost-sim import pods*.json --out trace.csv.gz
  cost-sim import --report digdag/ pods*.json
";

const PROMETHEUS: &str = "\
Prometheus: times and requests of pods from kube-state-metrics
==============================================================

Needed: the address of Prometheus (or of what speaks its API), and curl.

  export PROMETHEUS=http://localhost:9090
  from=$(date -u -d 2026-01-01 +%s)
  to=$(date -u -d 2026-01-08 +%s)
  mkdir -p prometheus

  for metric in kube_pod_created kube_pod_status_scheduled_time kube_pod_container_state_started \\
    kube_pod_completion_time kube_pod_container_resource_requests kube_pod_container_resource_limits \\
    kube_pod_info kube_pod_container_info kube_pod_owner; do
    for ((at = from; at < to; at += 86400)); do
      curl -fsS -G \"$PROMETHEUS/api/v1/query_range\" --data-urlencode \"query=$metric\" \\
        -d start=$at -d end=$((at + 86400)) -d step=60 > \"prometheus/$metric-$at.json\"
    done
  done

Add {namespace=\"batch\"} to the metric where only one namespace is meant. Pods that lived for less than the step are
seen only where a point fell into their life: choose a step as short as the scrape interval.

Then:

  cost-sim import prometheus/ --out trace.csv.gz
  cost-sim import --report digdag/ prometheus/
";

#[cfg(test)]
mod tests {
    use super::*;

    /// The mark in `command <<'MARK'`; `<<<` begins no document.
    fn mark(line: &str) -> Option<&str> {
        let (_, after) = line.replace("<<<", "   ").find("<<").map(|at| line.split_at(at + 2))?;
        let after = after.trim_start_matches(['-', ' ', '\'', '"', '\\']);
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        Some(&after[..end]).filter(|mark| !mark.is_empty())
    }

    /// The marks that bash would look for in vain.
    fn unended(text: &str) -> Vec<&str> {
        let is_ended = |(at, mark): &(usize, &str)| text.lines().skip(at + 1).any(|line| line == *mark);
        let marks = text.lines().enumerate().filter_map(|(at, line)| Some((at, mark(line)?)));
        marks.filter(|found| !is_ended(found)).map(|(_, mark)| mark).collect()
    }

    #[test]
    fn here_documents_end_where_a_shell_looks_for_it() {
        assert_eq!(unended("  cat <<'END'\n  x\n  END\n"), ["END"]);
        assert_eq!(unended("cat <<END | sort\nx\nEND\nread -r a <<< \"$b\"\n"), [""; 0]);
        for format in WITH_HOW {
            assert_eq!(unended(how(format).unwrap()), [""; 0], "{format}");
        }
    }
}
