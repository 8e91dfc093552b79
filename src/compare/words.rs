//! How amounts and their changes are written wherever two results are compared.

use super::Change;
use crate::report::text::{NONE, Places};
use crate::units::Usd;

/// An amount of a result; results are read and checked before.
pub(crate) fn amount(text: &str) -> Usd {
    Usd::parse(text).unwrap_or_default()
}

pub(crate) fn shown(text: &str) -> String {
    let usd = amount(text);
    Places::of([Some(usd)]).show(Some(usd))
}

/// `+$1.80`, `-$0.20`, `±$0`.
pub(crate) fn signed(text: &str) -> String {
    match amount(text).cmp(&Usd::ZERO) {
        std::cmp::Ordering::Equal => "±$0".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", shown(text)),
        std::cmp::Ordering::Less => shown(text),
    }
}

/// `+7.86 %`, `±0 %`.
pub(crate) fn percent(change: &Change) -> String {
    match &change.percent {
        Some(_) if change.before == change.after => "±0 %".to_owned(),
        Some(percent) => format!("{percent} %"),
        None => NONE.to_owned(),
    }
}
