//! Pods that had the same name one after the other, and what is told of such a name without a uid.

use super::series::{Life, Series};
use super::{PodSeen, Pods};
use crate::units::Time;

impl Pods {
    /// What is told without a uid is of the only pod of that name. If there were several, each point is of the pod that
    /// was created last before it.
    pub(super) fn merge_without_uid(&mut self) {
        let keys: Vec<_> = self.seen.keys().filter(|key| key.2.is_empty()).cloned().collect();
        for key in keys {
            let uids: Vec<String> = self
                .seen
                .range((std::ops::Bound::Excluded(key.clone()), std::ops::Bound::Unbounded))
                .take_while(|(other, _)| (&other.0, &other.1) == (&key.0, &key.1))
                .map(|(other, _)| other.2.clone())
                .collect();
            if uids.is_empty() {
                continue;
            }
            let with = |uid: &String| (key.0.clone(), key.1.clone(), uid.clone());
            let mut pods: Vec<(String, PodSeen)> = uids
                .into_iter()
                .filter_map(|uid| Some((uid.clone(), self.seen.remove(&with(&uid))?)))
                .collect();
            let Some(without) = self.seen.remove(&key) else { continue };
            // kube-state-metrics 1 has the uid in kube_pod_info only, which says no times.
            if pods.iter().all(|(_, pod)| pod.origin().is_none()) {
                let mut all = without;
                for (_, pod) in pods {
                    all.merge(pod);
                }
                self.seen.insert(key.clone(), all);
                continue;
            }
            pods.sort_by_key(|(_, pod)| pod.origin());
            give(without, &mut pods);
            for (uid, pod) in pods {
                self.seen.insert(with(&uid), pod);
            }
        }
    }
}

/// Gives each of the pods, in order of time, what is told of its time.
fn give(mut without: PodSeen, pods: &mut [(String, PodSeen)]) {
    let origins: Vec<Option<Time>> = pods.iter().map(|(_, pod)| pod.origin()).collect();
    let of = |time: Time| origins.partition_point(|origin| *origin <= Some(time)).saturating_sub(1);
    let series = std::mem::take(&mut without.series);
    let at = without.origin().or(without.ended).or(without.deleted);
    if pods.len() == 1 {
        pods[0].1.merge(without);
        pods[0].1.series.merge(series);
        return;
    }
    for (index, part) in split(series, pods.len(), &of).into_iter().enumerate() {
        pods[index].1.series.merge(part);
    }
    pods[at.map_or(pods.len() - 1, of)].1.merge(without);
}

fn split(series: Series, count: usize, of: &dyn Fn(Time) -> usize) -> Vec<Series> {
    let mut parts = vec![Series::default(); count];
    for ((measure, part), points) in series.usage {
        for (ms, value) in points.into_settled() {
            let time = Time::from_ms(ms);
            let to = &mut parts[of(time)];
            to.usage.entry((measure, part)).or_default().push(ms, value);
            to.containers.entry(part.0).or_default().see(time);
        }
    }
    for (name, life) in series.containers {
        let Life { first, last, step, started, uptime, reason, image } = life;
        for time in [first, last].into_iter().flatten() {
            parts[of(time)].containers.entry(name).or_default().see(time);
        }
        if let Some(time) = started {
            parts[of(time)].containers.entry(name).or_default().started = Some(time);
        }
        if let Some((time, _)) = uptime {
            parts[of(time)].containers.entry(name).or_default().uptime = uptime;
        }
        if let Some((time, reason)) = reason {
            parts[of(time)].containers.entry(name).or_default().reason = Some((time, reason));
        }
        // Pods of one name are of one template.
        for life in parts.iter_mut().filter_map(|part| part.containers.get_mut(&name)) {
            (life.step, life.image) = (step, image.clone());
        }
    }
    for part in &mut parts {
        part.levels.clone_from(&series.levels);
    }
    for time in [series.created, series.scheduled, series.acknowledged].into_iter().flatten() {
        let part = &mut parts[of(time)];
        part.created = part.created.max(series.created.filter(|known| *known == time));
        part.scheduled = part.scheduled.max(series.scheduled.filter(|known| *known == time));
        part.acknowledged = part.acknowledged.max(series.acknowledged.filter(|known| *known == time));
    }
    if let Some((time, _)) = series.state {
        parts[of(time)].state = series.state;
    }
    if let Some((time, reason)) = series.reason {
        parts[of(time)].reason = Some((time, reason));
    }
    let at = series.event_scheduled.or(series.event_started).map_or(count - 1, of);
    parts[at].event_scheduled = series.event_scheduled;
    parts[at].event_started = series.event_started;
    parts[at].pulls = series.pulls;
    parts[count - 1].scalars = series.scalars;
    parts
}
