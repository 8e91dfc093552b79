//! What a platform may ever buy, before anything is simulated: which prices can appear in its bill or move a decision
//! of its controllers. All other prices of a region leave the platform as it is.

use std::collections::BTreeSet;

use super::fleet::pool_candidates;
use super::group;
use crate::catalog::{CapacityType, Catalog, TypeId};
use crate::control::karpenter::pool::template;
use crate::platform::{Home, Kind, Platform};

/// What a platform may buy, the machines of its controllers included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// EC2 instances, by type and capacity type, all of them sold in the region.
    pub instances: BTreeSet<(TypeId, CapacityType)>,
    /// Whether pods, or controllers, run on Fargate.
    pub fargate: bool,
}

impl Allowed {
    /// Whether root volumes are bought: every instance has one.
    pub fn volumes(&self) -> bool {
        !self.instances.is_empty()
    }

    fn instance(&mut self, catalog: &Catalog, name: &str, capacity_type: CapacityType) {
        let id = catalog.find(name).filter(|id| catalog.is_sold(*id, capacity_type));
        self.instances.extend(id.map(|id| (id, capacity_type)));
    }

    fn add(&mut self, catalog: &Catalog, kind: &Kind) {
        match kind {
            Kind::Recorded | Kind::Fargate(_) => self.fargate = true,
            Kind::NodeGroups(groups) => {
                for node_group in &groups.groups {
                    let capacity_type = node_group.capacity_type;
                    for name in &node_group.further_types {
                        self.instance(catalog, name, capacity_type);
                    }
                    match &node_group.instance_type {
                        Some(name) => self.instance(catalog, name, capacity_type),
                        None => self.instances.extend(
                            group::types_to_choose_from(catalog, capacity_type).map(|id| (id, capacity_type)),
                        ),
                    }
                }
                if groups.is_autoscaled() {
                    self.home(catalog, &groups.home);
                }
            }
            Kind::Karpenter(_) | Kind::AutoMode(_) => {
                for pool in kind.node_pools() {
                    for (id, _, capacity_types) in pool_candidates(catalog, pool, &template(pool)) {
                        self.instances.extend(capacity_types.into_iter().map(|capacity| (id, capacity)));
                    }
                }
                if let Kind::Karpenter(karpenter) = kind {
                    self.home(catalog, &karpenter.home);
                }
            }
            // Its parts are asked one by one.
            Kind::Mixed(_) => {}
        }
    }

    fn home(&mut self, catalog: &Catalog, home: &Home) {
        match home {
            Home::Elsewhere => {}
            Home::Fargate { .. } => self.fargate = true,
            Home::Nodes { instance_type, .. } => {
                self.instance(catalog, instance_type, CapacityType::OnDemand);
            }
        }
    }
}

/// The instance types and capacity types that `platform` may ever buy in the catalog's region, and whether it buys
/// Fargate.
///
/// A NodePool may buy what meets its requirements; its limits are not considered. A node group whose type is left open
/// may become any type that is chosen from. Types that are not sold in the region are left out: resolving a platform
/// refuses them. What happened on a recorded platform is billed at Fargate's prices, if at all.
pub fn allowed_types(catalog: &Catalog, platform: &Platform) -> Allowed {
    let mut allowed = Allowed::default();
    for part in platform.parts() {
        allowed.add(catalog, &part.kind);
    }
    allowed
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::catalog::Snapshot;
    use crate::platform;

    fn catalog() -> Catalog {
        Snapshot::embedded().region("us-east-1").unwrap()
    }

    /// What the only platform of a scenario with `documents` may buy, by name: (type, capacity type).
    fn bought(documents: &str) -> (Vec<String>, bool) {
        let text = format!("{{apiVersion: cost-sim/v1, kind: Scenario, platforms: [{documents}");
        let scenario = platform::read(Path::new("s.yaml"), &text).unwrap();
        let catalog = catalog();
        let allowed = allowed_types(&catalog, &scenario.platforms[0]);
        let name = |(id, capacity): &(TypeId, CapacityType)| {
            format!("{} {capacity}", catalog.instance_type(*id).name)
        };
        (allowed.instances.iter().map(name).collect(), allowed.fargate)
    }

    fn expect(documents: &str, instances: &[&str], fargate: bool) {
        let (bought, on_fargate) = bought(documents);
        assert_eq!(bought, instances, "{documents}");
        assert_eq!(on_fargate, fargate, "{documents}");
    }

    #[test]
    fn a_node_group_buys_its_type_and_the_machines_of_its_autoscaler() {
        let group = "name: a, kind: node-group, instanceTypes: [m6i.xlarge]";
        expect(&format!("{{{group}}}]}}"), &["m6i.xlarge on-demand"], true);
        expect(&format!("{{{group}, controllersHome: elsewhere}}]}}"), &["m6i.xlarge on-demand"], false);
        expect(
            &format!(
                "{{{group}, capacityType: SPOT, controllersHome: {{instanceType: m5.large, nodes: 2}}}}]}}"
            ),
            &["m5.large on-demand", "m6i.xlarge spot"],
            false,
        );
        // Without an autoscaler nothing runs at home.
        expect(
            &format!("{{{group}, scaling: {{minSize: 3, maxSize: 3}}}}]}}"),
            &["m6i.xlarge on-demand"],
            false,
        );
    }

    #[test]
    fn a_group_without_a_type_may_become_any_of_those_it_is_chosen_from() {
        let (bought, _) = bought("{name: a, kind: node-group, capacityType: SPOT}]}");
        let has = |name: &str| bought.iter().any(|it| it == name);
        assert!(has("m7i.large spot") && has("c7i.4xlarge spot") && has("r7a.xlarge spot"));
        // Another architecture, a flex type, a size, a generation that is not current and a category.
        for not in ["m7g.large", "m7i-flex.large", "m7i.8xlarge", "m6i.large", "t3.large"] {
            assert!(!has(&format!("{not} spot")), "{not}");
        }
        assert!(bought.iter().all(|it| it.ends_with(" spot")));
    }

    fn pool(requirements: &str, home: &str) -> String {
        format!(
            "{{name: a, kind: karpenter, nodePools: [p], controllersHome: {home}}}]}}\n---\n\
             {{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {{name: p}}, spec: {{template: {{spec: {{\
             nodeClassRef: {{name: p}}, requirements: [{requirements}]}}}}}}}}\n---\n\
             {{apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {{name: p}}, spec: {{}}}}\n"
        )
    }

    #[test]
    fn a_node_pool_buys_what_its_requirements_admit() {
        let family = "{key: karpenter.k8s.aws/instance-family, operator: In, values: [m6i]}, {key: karpenter.k8s.aws/instance-cpu, operator: Lt, values: ['8']}";
        let capacity = |values: &str| {
            format!("{family}, {{key: karpenter.sh/capacity-type, operator: In, values: [{values}]}}")
        };
        let on_demand = ["m6i.large on-demand", "m6i.xlarge on-demand"];
        expect(&pool(&capacity("on-demand"), "elsewhere"), &on_demand, false);
        expect(
            &pool(&capacity("on-demand, spot"), "{fargatePods: 2, cpu: 1, memory: 1Gi}"),
            &["m6i.large spot", "m6i.large on-demand", "m6i.xlarge spot", "m6i.xlarge on-demand"],
            true,
        );
    }

    #[test]
    fn platforms_on_fargate_buy_no_instances() {
        for kind in ["fargate", "recorded"] {
            let platform = Platform::built_in(kind).unwrap();
            let allowed = allowed_types(&catalog(), &platform);
            assert!(allowed.fargate && allowed.instances.is_empty() && !allowed.volumes(), "{kind}");
        }
    }

    #[test]
    fn what_is_not_sold_in_the_region_is_not_bought() {
        expect(
            "{name: a, kind: node-group, instanceTypes: [z9.large], controllersHome: elsewhere}]}",
            &[],
            false,
        );
    }
}
