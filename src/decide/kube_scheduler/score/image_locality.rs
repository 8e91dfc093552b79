//! ImageLocality: pods go where their images are already.
//!
//! Source: `pkg/scheduler/framework/plugins/imagelocality/image_locality.go`. An image counts the less the fewer nodes
//! have it, lest all pods go to the node that had the first.

#![allow(clippy::float_arithmetic, reason = "the plugin computes in float64")]

use super::{ClusterState, MAX_SCORE, NodeState, PodSpec};

const MB: i64 = 1024 * 1024;
/// What the images present must add up to before they count.
const LEAST: i64 = 23 * MB;
/// From here on more does not count more; for each image of the pod.
const MOST: i64 = 1_000 * MB;

pub(super) fn score(pod: &PodSpec, cluster: &ClusterState, states: &[&NodeState]) -> Vec<i64> {
    let names: Vec<String> = pod.images.iter().map(|name| with_tag(name)).collect();
    let have = |name: &String| cluster.nodes().iter().filter(|state| size(state, name).is_some()).count();
    let nodes_having: Vec<usize> = names.iter().map(have).collect();
    let of_node = |state: &&NodeState| {
        let images = names.iter().zip(&nodes_having);
        let present = images.filter_map(|(name, having)| Some((size(state, name)?, *having)));
        image_locality(present, cluster.nodes().len(), names.len().max(pod.containers as usize))
    };
    states.iter().map(of_node).collect()
}

/// The score of a node that has images of these sizes in bytes, each on so many of `nodes`; the pod has `images`, init
/// containers' included.
pub fn image_locality(present: impl Iterator<Item = (i64, usize)>, nodes: usize, images: usize) -> i64 {
    if images == 0 {
        return 0;
    }
    let scaled = |(size, having): (i64, usize)| (size as f64 * (having as f64 / nodes.max(1) as f64)) as i64;
    let sum: i64 = present.map(scaled).sum();
    let most = MOST * images as i64;
    MAX_SCORE * (sum.clamp(LEAST, most) - LEAST) / (most - LEAST)
}

/// The size of an image that a node has under this name.
fn size(state: &NodeState, name: &String) -> Option<i64> {
    state.node.images.iter().find(|image| image.names.contains(name)).map(|image| image.size_bytes)
}

/// An image without a tag is the one tagged `latest`.
fn with_tag(name: &str) -> String {
    let is_tagged = name.rfind(':') > name.rfind('/');
    if is_tagged { name.to_owned() } else { format!("{name}:latest") }
}
