//! What a pod asks for as a whole, as the scheduler adds it up.
//!
//! Source: `PodRequests` in `pkg/api/v1/resource` of Kubernetes: containers and sidecars run together; init containers
//! run one after the other before, beside the sidecars that have started by then; the larger of both counts, and the
//! overhead of the runtime class is added.

use std::collections::BTreeMap;

use super::objects::{Container, Scalar, Spec};

type Quantities = BTreeMap<String, Scalar>;

/// Of one resource, in the unit of `parse`; none if no container says anything.
pub(super) fn requests<F>(spec: &Spec, name: &str, parse: F) -> Result<Option<i64>, String>
where
    F: Fn(&str) -> Option<i64>,
{
    let of = |container: &Container| {
        let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
        let limits = || container.resources.as_ref().and_then(|resources| resources.limits.as_ref());
        // A container with a limit and no request asks for its limit.
        Ok(match quantity(requests, name, &parse)? {
            Some(request) => Some(request),
            None => quantity(limits(), name, &parse)?,
        })
    };
    let total = together(spec, of)?;
    let overhead = quantity(spec.overhead.as_ref(), name, &parse)?.unwrap_or(0);
    Ok(total.map(|total| total.saturating_add(overhead)))
}

/// The limit of the whole pod; none if a container has none, as it may use what the node has.
pub(super) fn limits<F>(spec: &Spec, name: &str, parse: F) -> Result<Option<i64>, String>
where
    F: Fn(&str) -> Option<i64>,
{
    let of = |container: &Container| {
        quantity(container.resources.as_ref().and_then(|resources| resources.limits.as_ref()), name, &parse)
    };
    for container in spec.containers.iter().flatten() {
        if of(container)?.is_none() {
            return Ok(None);
        }
    }
    together(spec, of)
}

fn together<F>(spec: &Spec, of: F) -> Result<Option<i64>, String>
where
    F: Fn(&Container) -> Result<Option<i64>, String>,
{
    let mut running: Option<i64> = None;
    let mut most: Option<i64> = None;
    let add = |sum: Option<i64>, more: Option<i64>| match (sum, more) {
        (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
        (sum, more) => sum.or(more),
    };
    for init in spec.init_containers.iter().flatten() {
        if init.restart_policy.as_deref() == Some("Always") {
            running = add(running, of(init)?);
            most = most.max(running);
        } else {
            most = most.max(add(running, of(init)?));
        }
    }
    for container in spec.containers.iter().flatten() {
        running = add(running, of(container)?);
    }
    Ok(most.max(running))
}

fn quantity<F>(quantities: Option<&Quantities>, name: &str, parse: F) -> Result<Option<i64>, String>
where
    F: Fn(&str) -> Option<i64>,
{
    let Some(scalar) = quantities.and_then(|quantities| quantities.get(name)) else { return Ok(None) };
    let text = scalar.text();
    parse(&text).map(Some).ok_or_else(|| format!("{name}: {text:?} is no quantity"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::parse_cpu;

    fn milli(spec: &str) -> Option<i64> {
        let spec: Spec = serde_json::from_str(spec).unwrap();
        requests(&spec, "cpu", |text| parse_cpu(text).ok().map(crate::units::Cpu::milli)).unwrap()
    }

    #[test]
    fn requests_are_those_of_all_containers_or_of_the_largest_init_container() {
        let container = |cpu: &str, more: &str| {
            format!(r#"{{"name":"x","resources":{{"requests":{{"cpu":"{cpu}"}}}}{more}}}"#)
        };
        let spec = |inits: &[String], containers: &[String], more: &str| {
            format!(
                r#"{{"initContainers":[{}],"containers":[{}]{more}}}"#,
                inits.join(","),
                containers.join(",")
            )
        };
        let (small, large) = (container("250m", ""), container("2", ""));
        let sidecar = container("100m", r#","restartPolicy":"Always""#);
        // 250 + 250.
        assert_eq!(milli(&spec(&[], &[small.clone(), small.clone()], "")), Some(500));
        // max(2000, 250).
        assert_eq!(milli(&spec(&[large.clone()], &[small.clone()], "")), Some(2_000));
        // A sidecar before the init container runs beside it: max(100 + 2000, 100 + 250).
        assert_eq!(milli(&spec(&[sidecar.clone(), large.clone()], &[small.clone()], "")), Some(2_100));
        // One after it does not: max(2000, 100 + 250).
        assert_eq!(milli(&spec(&[large, sidecar], &[small.clone()], "")), Some(2_000));
        assert_eq!(milli(&spec(&[], &[small], r#","overhead":{"cpu":"50m"}"#)), Some(300));
        assert_eq!(milli(r#"{"containers":[{"name":"x"}]}"#), None);
        assert_eq!(milli(r#"{"containers":[{"name":"x","resources":{"limits":{"cpu":1}}}]}"#), Some(1_000));
    }
}
