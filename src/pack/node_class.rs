//! What an EC2NodeClass changes of the size of nodes; needed only where instance types are not given.

use serde_json::Value;

use super::reading::{Object, Read, integer, owned, string, wanted};
use super::resources::amount;
use crate::catalog::{KubeReservedPods, NodeSettings};
use crate::kube::{CPU, EPHEMERAL_STORAGE, MEMORY};
use crate::units::{Cpu, Memory, Resources};

#[derive(Clone, Debug)]
pub struct NodeClass {
    pub name: String,
    pub settings: NodeSettings,
}

impl NodeClass {
    pub fn read(value: &Value) -> Read<Self> {
        let object = Object::of(value)?;
        let name = object.read("metadata", |value| Object::of(value)?.read("name", owned))?.flatten();
        let settings = object.read("spec", spec)?.unwrap_or_default();
        Ok(Self { name: name.unwrap_or_default(), settings })
    }
}

fn spec(value: &Value) -> Read<NodeSettings> {
    let spec = Object::of(value)?;
    let mut settings = NodeSettings::default();
    if let Some((max_pods, per_core, reserved)) = spec.read("kubelet", kubelet)? {
        (settings.max_pods, settings.pods_per_core, settings.system_reserved) =
            (max_pods, per_core, reserved);
    }
    settings.raid0 = spec.read("instanceStorePolicy", string)? == Some("RAID0");
    let aliases = spec.list("amiSelectorTerms", |value| Object::of(value)?.read("alias", string))?;
    let is_bottlerocket = |alias: &&str| alias.starts_with("bottlerocket");
    if aliases.iter().flatten().any(is_bottlerocket)
        || spec.read("amiFamily", string)? == Some("Bottlerocket")
    {
        settings.kube_reserved_pods = KubeReservedPods::Configured;
    }
    Ok(settings)
}

fn kubelet(value: &Value) -> Read<(Option<i64>, Option<i64>, Resources)> {
    let kubelet = Object::of(value)?;
    let pods = |value| {
        integer(value)
            .and_then(|pods| (pods >= 0).then_some(pods).ok_or_else(|| wanted("a number of pods", value)))
    };
    let reserved = kubelet.read("systemReserved", |value| {
        let reserved = Object::of(value)?;
        let of = |name, index| Ok(reserved.read(name, |value| amount(index, value))?.unwrap_or(0));
        Ok(Resources {
            cpu: Cpu::from_milli(of("cpu", CPU)? / 1_000_000),
            memory: Memory::from_bytes(of("memory", MEMORY)?),
            ephemeral: Memory::from_bytes(of("ephemeral-storage", EPHEMERAL_STORAGE)?),
            pods: 0,
        })
    })?;
    Ok((
        kubelet.read("maxPods", pods)?,
        kubelet.read("podsPerCore", pods)?,
        reserved.unwrap_or(Resources::ZERO),
    ))
}
