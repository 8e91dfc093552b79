//! What the text of a metrics query says of the numbers that it gives: `sum:metric{filter} by {tags}.rollup(avg, 60)`.

use super::metrics::{Meaning, Metric};

/// Tags that tell containers of a pod apart.
const CONTAINERS: [&str; 5] =
    ["kube_container_name", "container_name", "display_container_name", "container_id", "short_container_id"];

/// Why the values of `metric` are not those of the whole pod, if the query says so.
pub(super) fn doubt(metric: &Metric, query: &str) -> Option<String> {
    if !matches!(metric.meaning, Meaning::Usage(_) | Meaning::Level(..)) {
        return None;
    }
    let at = query.find(metric.name)?;
    if rollup_sums(&query[at..]) {
        return Some(format!(
            "rollup(sum) of {} adds up measurements within each step, so its values are too high: use \
             .rollup(avg, 60) or .rollup(max, 60)",
            metric.name
        ));
    }
    if groups(&query[at..]).any(|tag| CONTAINERS.contains(&tag)) {
        return None;
    }
    // Datadog averages where nothing else is said.
    let aggregator = aggregator(&query[..at]).unwrap_or("avg");
    (aggregator != "sum").then(|| {
        format!(
            "{aggregator}:{} over containers: of a pod with two containers that is not what both use together; \
             use sum: by {{pod_name}}, or group by kube_container_name too",
            metric.name
        )
    })
}

/// The word before the colon that stands before the metric.
fn aggregator(before: &str) -> Option<&str> {
    let before = before.strip_suffix(':')?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = before.trim_end_matches(is_word).len();
    Some(&before[start..]).filter(|word| !word.is_empty())
}

/// The tags in `by {…}`.
fn groups(after: &str) -> impl Iterator<Item = &str> {
    let list = after.split_once('}').and_then(|(_, rest)| rest.trim_start().strip_prefix("by"));
    let list = list
        .and_then(|rest| rest.trim_start().strip_prefix('{')?.split_once('}'))
        .map_or("", |(list, _)| list);
    list.split(',').map(str::trim)
}

fn rollup_sums(after: &str) -> bool {
    let arguments = after.split_once(".rollup(").map_or("", |(_, rest)| rest);
    arguments.trim_start().strip_prefix("sum").is_some_and(|rest| rest.trim_start().starts_with([',', ')']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubted(query: &str) -> Option<String> {
        doubt(Metric::of_name("kubernetes.cpu.usage.total").unwrap(), query)
    }

    #[test]
    fn averages_over_containers_are_doubted() {
        for query in [
            "avg:kubernetes.cpu.usage.total{*} by {pod_name}",
            "kubernetes.cpu.usage.total{*} by {pod_name}",
            "avg:kubernetes.cpu.usage.total{kube_namespace:batch} by {pod_name,kube_namespace}.rollup(avg, 60)",
            "max:kubernetes.cpu.usage.total{*} by {pod_name}",
        ] {
            assert!(doubted(query).is_some_and(|text| text.contains("two containers")), "{query}");
        }
        for query in [
            "sum:kubernetes.cpu.usage.total{*} by {pod_name}.rollup(avg, 60)",
            "avg:kubernetes.cpu.usage.total{*} by {pod_name, kube_container_name}",
            "top(sum:kubernetes.cpu.usage.total{*} by {pod_name}, 10, 'mean', 'desc')",
        ] {
            assert_eq!(doubted(query), None, "{query}");
        }
    }

    #[test]
    fn sums_over_time_are_doubted() {
        let query = "sum:kubernetes.cpu.usage.total{*} by {pod_name}.rollup(sum, 60)";
        assert!(doubted(query).is_some_and(|text| text.contains("rollup(sum)")));
    }
}
