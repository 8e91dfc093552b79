//! Taints of nodes and what tolerates them.

/// A node taint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Taint {
    pub key: String,
    pub value: String,
    pub effect: TaintEffect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaintEffect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

/// A pod's toleration.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Toleration {
    /// `None` tolerates every key.
    pub key: Option<String>,
    /// `None` is the operator `Exists`.
    pub value: Option<String>,
    /// `None` tolerates every effect.
    pub effect: Option<TaintEffect>,
}

impl Toleration {
    pub fn tolerates(&self, taint: &Taint) -> bool {
        self.key.as_ref().is_none_or(|key| *key == taint.key)
            && self.value.as_ref().is_none_or(|value| *value == taint.value)
            && self.effect.is_none_or(|effect| effect == taint.effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toleration_says_only_what_it_says() {
        let taint = Taint { key: "team".into(), value: "data".into(), effect: TaintEffect::NoSchedule };
        let toleration = |key: Option<&str>, value: Option<&str>, effect| Toleration {
            key: key.map(str::to_owned),
            value: value.map(str::to_owned),
            effect,
        };
        for (toleration, expected) in [
            (toleration(None, None, None), true),
            (toleration(Some("team"), None, None), true),
            (toleration(Some("team"), Some("web"), None), false),
            (toleration(Some("team"), Some("data"), Some(TaintEffect::NoSchedule)), true),
            (toleration(Some("team"), None, Some(TaintEffect::NoExecute)), false),
            (toleration(Some("other"), None, None), false),
        ] {
            assert_eq!(toleration.tolerates(&taint), expected, "{toleration:?}");
        }
    }
}
