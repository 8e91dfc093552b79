//! Tags of a series: which pod and container it is of.

/// What the tags of a series say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags {
    pub pod: String,
    pub namespace: String,
    pub container: String,
    pub node: String,
    pub instance_type: String,
    pub image: String,
    pub image_tag: String,
    pub job: String,
    pub phase: String,
    pub reason: String,
    pub is_fargate: bool,
    /// What else tells series apart.
    rest: Vec<String>,
}

impl Tags {
    /// Of tags `key:value`.
    pub fn of<'t>(tags: impl IntoIterator<Item = &'t str>) -> Self {
        let mut read = Self::default();
        for tag in tags {
            if let Some((key, value)) = tag.trim().split_once(':') {
                read.put(key, value);
            }
        }
        read.rest.sort();
        read
    }

    fn put(&mut self, key: &str, value: &str) {
        // What groups have where a series lacks the tag.
        if value.is_empty() || value == "N/A" {
            return;
        }
        let slot = match key {
            "pod_name" => &mut self.pod,
            "kube_namespace" | "namespace" => &mut self.namespace,
            "kube_container_name" | "container_name" => &mut self.container,
            "kube_node" | "node" => &mut self.node,
            "eks_fargate_node" => {
                self.is_fargate = true;
                &mut self.node
            }
            "instance-type" | "instance_type" => &mut self.instance_type,
            "image_name" => &mut self.image,
            "image_tag" => &mut self.image_tag,
            "kube_job" => &mut self.job,
            "pod_phase" => &mut self.phase,
            "reason" => &mut self.reason,
            // One of each for a pod: they tell nothing apart.
            "host" | "kube_cronjob" | "kube_cluster_name" | "cluster_name" | "env" | "service" => return,
            _ => return self.rest.push(format!("{key}:{value}")),
        };
        if slot.is_empty() {
            value.clone_into(slot);
        }
    }

    /// Takes from `other` what is not known here of the pod. Other limits of a query do not make its series another
    /// part of the pod.
    pub fn or(mut self, other: Self) -> Self {
        let Self {
            pod, namespace, container, node, instance_type, image, image_tag, job, phase, reason, ..
        } = other;
        for (slot, value) in [
            (&mut self.pod, pod),
            (&mut self.namespace, namespace),
            (&mut self.container, container),
            (&mut self.node, node),
            (&mut self.instance_type, instance_type),
            (&mut self.image, image),
            (&mut self.image_tag, image_tag),
            (&mut self.job, job),
            (&mut self.phase, phase),
            (&mut self.reason, reason),
        ] {
            if slot.is_empty() {
                *slot = value;
            }
        }
        self.is_fargate |= other.is_fargate;
        self
    }

    /// What tells series of the same container apart.
    pub fn rest(&self) -> String {
        self.rest.join(",")
    }

    pub fn image(&self) -> Option<String> {
        match (self.image.is_empty(), self.image_tag.is_empty()) {
            (true, _) => None,
            (false, true) => Some(self.image.clone()),
            (false, false) => Some(format!("{}:{}", self.image, self.image_tag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_the_pod() {
        let tags = Tags::of(["pod_name:a", "kube_namespace:batch", "container_id:7", "image_name:x:5000/y"]);
        assert_eq!((tags.pod.as_str(), tags.namespace.as_str()), ("a", "batch"));
        assert_eq!((tags.rest(), tags.image()), ("container_id:7".to_owned(), Some("x:5000/y".to_owned())));
        assert_eq!(Tags::of(["pod_name:N/A", "host:i-1"]), Tags::default());
    }
}
