//! What the columns of a table mean: as the user says, or as their names say where they are the usual ones.

/// What a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Time,
    Pod,
    Namespace,
    Container,
    Node,
    /// Tags of a series in one cell: `pod_name:a,kube_namespace:b`.
    Series,
    /// A column, or the name of the metric of all values.
    Metric,
    /// A column; `*` for all others, each being a series that its header names.
    Value,
    /// A column, or the unit of all values.
    Unit,
}

const ROLES: [(&str, Role, &[&str]); 9] = [
    ("time", Role::Time, &["time", "timestamp", "date", "datetime", "ts"]),
    ("pod", Role::Pod, &["pod_name", "pod", "kubernetes.pod_name", "kubernetes.pod.name", "kube_pod_name"]),
    (
        "namespace",
        Role::Namespace,
        &["kube_namespace", "namespace", "kubernetes.namespace_name", "kubernetes.namespace"],
    ),
    (
        "container",
        Role::Container,
        &["kube_container_name", "container_name", "container", "kubernetes.container_name"],
    ),
    ("node", Role::Node, &["kube_node", "node"]),
    ("series", Role::Series, &["series", "scope", "tags", "group", "tag_set"]),
    ("metric", Role::Metric, &["metric", "metric_name", "query"]),
    ("value", Role::Value, &["value"]),
    ("unit", Role::Unit, &["unit"]),
];

/// Columns of a table of points, as `--columns` says them: `time=Date,pod=pod_name,value=Value,unit=nanocore`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    entries: Vec<(Role, String)>,
}

impl Mapping {
    /// Reads `role=column,…`. `metric` and `unit` may name a column, or be the metric and the unit themselves; `value=*`
    /// stands for all columns that are nothing else.
    pub fn parse(text: &str) -> Result<Self, String> {
        let names = || ROLES.map(|(name, ..)| name).join(", ");
        let mut entries: Vec<(Role, String)> = Vec::new();
        for part in text.split(',') {
            let Some((role, column)) = part.split_once('=') else {
                return Err(format!("{part:?} is not role=column; the roles are {}", names()));
            };
            let (role, column) = (role.trim(), column.trim());
            let Some((_, role, _)) = ROLES.iter().find(|(name, ..)| *name == role) else {
                return Err(format!("there is no role {role:?}; the roles are {}", names()));
            };
            if column.is_empty() {
                return Err(format!("{part:?} names no column"));
            }
            if entries.iter().any(|(known, _)| known == role) {
                return Err(format!("{part:?} is the second column for its role"));
            }
            entries.push((*role, column.to_owned()));
        }
        Ok(Self { entries })
    }

    pub(super) fn get(&self, role: Role) -> Option<&str> {
        self.entries.iter().find(|(known, _)| *known == role).map(|(_, column)| column.as_str())
    }
}

/// The column whose name usually has this role.
pub(super) fn usual(header: &[String], role: Role) -> Option<usize> {
    let (_, _, names) = ROLES.iter().find(|(_, known, _)| *known == role)?;
    let plain = |name: &str| name.trim_start_matches('@').to_ascii_lowercase();
    names.iter().find_map(|usual| header.iter().position(|name| plain(name) == *usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_read() {
        let mapping = Mapping::parse("time=Date,pod=pod_name, value=Value,unit=nanocore").unwrap();
        assert_eq!(mapping.get(Role::Time), Some("Date"));
        assert_eq!(mapping.get(Role::Value), Some("Value"));
        assert_eq!(mapping.get(Role::Metric), None);
    }

    #[test]
    fn wrong_mappings_say_what_is_wrong() {
        for (text, expected) in [
            ("time", "is not role=column"),
            ("", "is not role=column"),
            ("pods=a", "there is no role"),
            ("pod=", "names no column"),
            ("pod=a,pod=b", "second column"),
        ] {
            assert!(Mapping::parse(text).unwrap_err().contains(expected), "{text}");
        }
    }

    #[test]
    fn usual_names_need_no_mapping() {
        let header = ["Date", "@pod_name", "Value"].map(str::to_owned);
        let find = |role| usual(&header, role);
        assert_eq!((find(Role::Time), find(Role::Pod), find(Role::Value)), (Some(0), Some(1), Some(2)));
        assert_eq!(find(Role::Unit), None);
    }
}
