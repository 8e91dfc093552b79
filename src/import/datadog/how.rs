//! What to export from Datadog, as commands.

pub(super) const TEXT: &str = r#"Datadog: usage, sizes and lifetimes of pods
===========================================

Needed: an API key and an application key with the scope timeseries_query, and curl and jq.

Datadog widens the points of long windows: 24 hours come back in steps of 300 s, in which pods of a minute or two are
not seen at all. So ask for windows of 4 hours with .rollup(avg, 60), and sum over containers, never average: the
default of a query without "sum:" is the average.

  export DD_SITE=api.datadoghq.com        # or api.datadoghq.eu, api.ap1.datadoghq.com, ...
  export DD_API_KEY=...  DD_APP_KEY=...
  from=$(date -u -d 2026-01-01 +%s)       # a month, of which the first day
  to=$(date -u -d 2026-02-01 +%s)
  scope='kube_namespace:batch'            # what the workflows run in; * for everything
  by='{pod_name,kube_namespace,kube_container_name}'
  mkdir -p datadog

  queries=(
    'kubernetes.cpu.usage.total avg'
    'kubernetes.memory.working_set max'
    'kubernetes_state.container.cpu_requested max'
    'kubernetes_state.container.memory_requested max'
    'container.uptime max'
    'kubernetes_state.pod.age max {pod_name,kube_namespace}'
    'kubernetes_state.pod.uptime max {pod_name,kube_namespace}'
    'kubernetes_state.container.status_report.count.terminated max {pod_name,kube_namespace,kube_container_name,reason}'
  )
  for query in "${queries[@]}"; do
    read -r metric rollup tags <<< "$query"
    for ((at = from; at < to; at += 14400)); do
      curl -fsS --retry 5 -G "https://$DD_SITE/api/v1/query" \
        -H "DD-API-KEY: $DD_API_KEY" -H "DD-APPLICATION-KEY: $DD_APP_KEY" \
        --data-urlencode "from=$at" --data-urlencode "to=$((at + 14400))" \
        --data-urlencode "query=sum:$metric{$scope} by ${tags:-$by}.rollup($rollup, 60)" \
        > "datadog/$metric-$at.json"
    done
  done

  cost-sim import datadog/ --out trace.csv.gz

The queries, one by one:

  sum:kubernetes.cpu.usage.total{...} by {pod_name,kube_namespace,kube_container_name}.rollup(avg, 60)
      what is used; its first and last point bound how long the container ran
  sum:kubernetes.memory.working_set{...} by {pod_name,kube_namespace,kube_container_name}.rollup(max, 60)
      what the kernel kills by
  sum:kubernetes_state.container.cpu_requested{...}, sum:kubernetes_state.container.memory_requested{...}
      requests (without kube-state-metrics: kubernetes.cpu.requests and kubernetes.memory.requests)
  sum:container.uptime{...}
      when the container started
  sum:kubernetes_state.pod.age{...}, sum:kubernetes_state.pod.uptime{...} by {pod_name,kube_namespace}
      when the pod was created, and when a node took it
  sum:kubernetes_state.container.status_report.count.terminated{...} by {...,reason}
      how it ended

On EKS Fargate the Agent is a sidecar of each pod, and pods without it have kubernetes_state.* only. There,
eks.fargate.cpu.capacity and eks.fargate.memory.capacity say what each pod was given.

A quiet window answers without series; that is no error. Windows may overlap: points that come twice are counted once.
"#;
