//! One platform, replayed once for each value of a field: `--vary consolidateAfter=30s,10m`.
//!
//! A variation is made in the text of the scenario and not in its structs: the platform is printed, the field is set in
//! the tree of what was printed, and that is read again. So every field that a scenario can have can be varied, under the
//! name and with the values and refusals that it has in the file, without a line of code of its own.

use std::collections::BTreeSet;

use super::super::fields::Reader;
use super::super::tree::{self, Entry, Node, Value};
use super::super::values::{all_of, suggest};
use super::super::{Kind, Platform};
use super::candidates::may_be_in_variant;
use super::{Scenario, documents, print};
use crate::error::{Error, Result};

/// Of one platform, over all fields that are varied together.
const MOST_VARIANTS: usize = 64;

/// One `--vary`: a field and the values it takes in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variation {
    /// The field's name, or the end of its path (`limits.cpu`), after the name of a platform where only that one is meant.
    field: String,
    /// As the user wrote them.
    values: Vec<String>,
}

impl Variation {
    /// Reads `FIELD=V1,V2`. Commas within brackets belong to a value.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        const EXAMPLE: &str = "write for example consolidateAfter=30s,10m";
        let Some((field, values)) = text.split_once('=').filter(|(field, _)| !field.trim().is_empty()) else {
            return Err(EXAMPLE.to_owned());
        };
        let values = split(values);
        if values.iter().any(String::is_empty) {
            return Err(format!("a value is empty; {EXAMPLE}"));
        }
        if let Some((_, twice)) =
            values.iter().enumerate().find(|(index, value)| values[..*index].contains(value))
        {
            return Err(format!("the value {twice} is there twice"));
        }
        Ok(Self { field: field.trim().to_owned(), values })
    }

    fn usage(&self, message: impl std::fmt::Display, hint: impl Into<String>) -> Error {
        let values = self.values.join(",");
        let text = format!("{}={values}", self.field);
        Error::usage(format!("--vary {}: {message}", text.escape_debug()), hint)
    }
}

/// At commas outside of brackets and quotes.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quote) = (0usize, None);
    for c in text.chars() {
        match c {
            _ if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            '[' | '{' if quote.is_none() => depth += 1,
            ']' | '}' if quote.is_none() => depth = depth.saturating_sub(1),
            _ => {}
        }
        match parts.last_mut() {
            Some(last) if c != ',' || depth > 0 || quote.is_some() => last.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

impl Scenario {
    /// The scenario in which every platform that has the fields stands once for each combination of their values, named for
    /// instance `karpenter [consolidateAfter=30s]`; the others stand there as they are.
    pub fn vary(mut self, variations: &[Variation]) -> Result<Self> {
        if variations.is_empty() {
            return Ok(self);
        }
        let printed: Vec<Printed> =
            self.platforms.iter().map(|platform| Printed::of(&self, platform)).collect();
        let meant: Vec<Meant> =
            variations.iter().map(|variation| Meant::of(variation, &printed)).collect::<Result<_>>()?;
        let mut platforms: Vec<Platform> = Vec::new();
        for (index, printed) in printed.iter().enumerate() {
            let varied: Vec<(&Variation, &str)> = variations
                .iter()
                .zip(&meant)
                .filter_map(|(variation, meant)| Some((variation, meant.paths[index].as_deref()?)))
                .collect();
            platforms.extend(printed.variants(&self, &varied)?);
        }
        let name = |platform: &Platform| platform.name.clone();
        if let Some(twice) =
            platforms.iter().enumerate().find(|(i, p)| platforms[..*i].iter().any(|o| o.name == p.name))
        {
            let message = format!("two variants would be called {}", name(twice.1));
            return Err(Error::usage(
                format!("--vary: {message}"),
                "give each value once, in one way of writing it",
            ));
        }
        self.platforms = platforms;
        self.given.choose("platforms");
        Ok(self)
    }
}

/// Which field of each platform is meant; `None` where it has none, or is not asked to.
struct Meant {
    paths: Vec<Option<String>>,
}

impl Meant {
    fn of(variation: &Variation, printed: &[Printed]) -> Result<Self> {
        let prefix = |platform: &Printed| -> Option<String> {
            let rest = variation.field.strip_prefix(platform.name())?.strip_prefix('.')?;
            Some(rest.to_owned())
        };
        let named = printed.iter().filter_map(|platform| Some((platform.name(), prefix(platform)?)));
        // The longest name is meant: names may contain dots.
        let named = named.max_by_key(|(name, _)| name.len());
        let field = named.as_ref().map_or(variation.field.as_str(), |(_, field)| field);
        let paths = printed.iter().map(|platform| {
            if named.as_ref().is_some_and(|(name, _)| *name != platform.name()) {
                return Ok(None);
            }
            match platform.paths(field).as_slice() {
                [] => Ok(None),
                [only] => Ok(Some((*only).to_owned())),
                several => {
                    let message = format!("{} has several fields of this name", platform.name());
                    let several: Vec<&str> = several.iter().map(|path| tail_of(path)).collect();
                    let hint = format!("write more of the path: {} are there", all_of(&several));
                    Err(variation.usage(message, hint))
                }
            }
        });
        let paths: Vec<Option<String>> = paths.collect::<Result<_>>()?;
        if paths.iter().all(Option::is_none) {
            return Err(Self::nobody_has(variation, field, printed));
        }
        Ok(Self { paths })
    }

    fn nobody_has(variation: &Variation, field: &str, printed: &[Printed]) -> Error {
        let own = |platform: &Printed| -> Vec<String> {
            platform.own_fields().map(|path| leaf(path).to_owned()).collect()
        };
        let known: BTreeSet<String> = printed.iter().flat_map(own).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let of_all = printed.iter().flat_map(|platform| &platform.asked).any(|path| is_meant(path, field));
        let hint = match suggest(field.rsplit('.').next().unwrap_or(field), &known) {
            _ if of_all => {
                "it holds for all platforms: write it into two scenarios, and compare their reports"
                    .to_owned()
            }
            Some(name) => format!("did you mean {name}?"),
            None => format!("fields that can be varied here are {}", all_of(&known)),
        };
        variation.usage("no platform has a field of this name", hint)
    }
}

/// A scenario of one platform as text, with every field that its reader asked for.
struct Printed<'p> {
    platform: &'p Platform,
    text: String,
    /// As the documentation names them: `platforms[karpenter].batchIdleDuration`, `NodePool.spec.weight`.
    asked: BTreeSet<String>,
}

impl<'p> Printed<'p> {
    fn of(scenario: &Scenario, platform: &'p Platform) -> Self {
        let text = Scenario { platforms: vec![platform.clone()], ..scenario.clone() }.to_yaml();
        let mut reader = Reader::new(vec![String::new()]);
        // What was printed can be read.
        let _ = documents::scenario(&mut reader, &[&text]);
        Self { platform, text, asked: std::mem::take(&mut reader.asked) }
    }

    fn name(&self) -> &str {
        &self.platform.name
    }

    /// The fields of this platform, and not of the scenario.
    fn own_fields(&self) -> impl Iterator<Item = &str> {
        const IDENTITY: [&str; 5] = ["apiVersion", "kind", "name", "nodePools", "nodeGroups"];
        let is_fixed = self.platform.parts().iter().any(|part| match &part.kind {
            Kind::NodeGroups(groups) => !groups.is_autoscaled(),
            _ => false,
        });
        self.asked
            .iter()
            .map(String::as_str)
            .filter(|path| {
                ["platforms[", "NodePool.", "EC2NodeClass.", "NodeClass."]
                    .iter()
                    .any(|own| path.starts_with(own))
            })
            .filter(|path| !IDENTITY.contains(&leaf(path)) && !path.contains("nodeClassRef"))
            // Cluster Autoscaler does not run where no group can change its size.
            .filter(move |path| !is_fixed || !path.contains(".clusterAutoscaler"))
    }

    fn paths(&self, field: &str) -> Vec<&str> {
        self.own_fields().filter(|path| is_meant(path, field)).collect()
    }

    /// The platform with every combination of the values, or as it is.
    fn variants(&self, scenario: &Scenario, varied: &[(&Variation, &str)]) -> Result<Vec<Platform>> {
        let mut chosen: Vec<Vec<&str>> = vec![Vec::new()];
        for (variation, _) in varied {
            let longer = chosen.iter().flat_map(|before| {
                variation.values.iter().map(|value| [before.as_slice(), &[value.as_str()]].concat())
            });
            chosen = longer.collect();
            if chosen.len() > MOST_VARIANTS {
                let message = format!("{} would have more than {MOST_VARIANTS} variants", self.name());
                return Err(variation.usage(message, "give fewer values, or vary fewer fields at once"));
            }
        }
        chosen.iter().map(|values| self.variant(scenario, varied, values)).collect()
    }

    fn variant(
        &self,
        scenario: &Scenario,
        varied: &[(&Variation, &str)],
        values: &[&str],
    ) -> Result<Platform> {
        if varied.is_empty() {
            return Ok(self.platform.clone());
        }
        let mut documents = tree::documents(0, "", &self.text)?;
        for ((variation, path), value) in varied.iter().zip(values) {
            let node = value_of(value).ok_or_else(|| {
                variation.usage(format!("{value} cannot be read as YAML"), "quote it as in a scenario file")
            })?;
            if !set(&mut documents, path, &node) {
                let message = format!("{} has nothing at {} that could be set", self.name(), tail_of(path));
                return Err(
                    variation.usage(message, "describe the platform in a scenario with that field first")
                );
            }
        }
        let text: Vec<String> = documents.iter().map(|document| print::render(&document.into())).collect();
        let read = read(&text.join("---\n"));
        let mut platform = read.map_err(|(message, hint)| {
            let said: Vec<String> = varied
                .iter()
                .zip(values)
                .map(|((variation, _), value)| format!("{}={value}", variation.field))
                .collect();
            let message =
                format!("--vary {}: {}: {message}", said.join(" --vary ").escape_debug(), self.name());
            Error::Usage { message, hint }
        })?;
        platform.name = self.named(scenario, varied, values);
        Ok(platform)
    }

    /// `karpenter [consolidateAfter=30s]`.
    fn named(&self, scenario: &Scenario, varied: &[(&Variation, &str)], values: &[&str]) -> String {
        let said = varied.iter().zip(values).map(|((variation, path), value)| {
            let field =
                if scenario.platforms.iter().any(|p| variation.field.starts_with(&format!("{}.", p.name))) {
                    leaf(path)
                } else {
                    &variation.field
                };
            let value: String = value.chars().filter(|c| may_be_in_variant(*c)).collect();
            format!("{field}={}", value.trim())
        });
        let said = said.collect::<Vec<_>>().join(", ");
        match self.name().strip_suffix(']') {
            Some(variant) => format!("{variant}, {said}]"),
            None => format!("{} [{said}]", self.name()),
        }
    }
}

/// The platform of the text, or the first thing that is wrong with it.
fn read(text: &str) -> std::result::Result<Platform, (String, Option<String>)> {
    let broken = || ("this cannot be read".to_owned(), None);
    let mut reader = Reader::new(vec![String::new()]);
    let scenario = documents::scenario(&mut reader, &[text]).map_err(|_| broken())?;
    let (problems, _) = reader.problems();
    match problems.first() {
        Some(problem) => Err((problem.message.clone(), problem.hint.clone())),
        None => scenario.platforms.into_iter().next().ok_or_else(broken),
    }
}

fn value_of(text: &str) -> Option<Node> {
    let mut documents = tree::documents(0, "", text).ok()?;
    if documents.len() == 1 { documents.pop() } else { None }
}

/// Whether the field that a user names is the one at `path`: all of its parts are the last ones of the path. Cluster
/// Autoscaler's flags may be written as other fields are: `scaleDownUnneededTime`.
fn is_meant(path: &str, field: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches("[]").replace(['-', '_'], "").to_lowercase();
    let mut path = path.rsplit('.');
    field.rsplit('.').all(|part| path.next().is_some_and(|of_path| plain(of_path) == plain(part)))
}

fn leaf(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// The last two parts: enough to tell fields apart.
fn tail_of(path: &str) -> &str {
    path.rmatch_indices('.').nth(1).map_or(path, |(at, _)| &path[at + 1..])
}

/// Sets the field in every place that it has, and says whether there was one.
fn set(documents: &mut [Node], path: &str, value: &Node) -> bool {
    let (kind, rest) = path.split_once('.').unwrap_or((path, ""));
    let parts: Vec<&str> = rest.split('.').collect();
    let mut found = false;
    for document in documents {
        let is = |kind: &str| document.get("kind").and_then(Node::scalar) == Some(kind);
        if let Some(kind) = kind.strip_prefix("platforms[").and_then(|kind| kind.strip_suffix(']')) {
            found |= is("Scenario") && set_in_kind(document, "platforms", kind, &parts, value);
        } else if is(kind) {
            found |= set_in(document, &parts, value);
        }
    }
    found
}

/// In the platforms of this kind, and in such parts of mixed ones.
fn set_in_kind(node: &mut Node, list: &str, kind: &str, path: &[&str], value: &Node) -> bool {
    let Value::Map(entries) = &mut node.value else { return false };
    let Some(entry) = entries.iter_mut().find(|entry| entry.key == list) else { return false };
    let Value::List(platforms) = &mut entry.value.value else { return false };
    let mut found = false;
    for platform in platforms {
        if platform.get("kind").and_then(Node::scalar) == Some(kind) {
            found |= set_in(platform, path, value);
        }
        found |= set_in_kind(platform, "parts", kind, path, value);
    }
    found
}

fn set_in(node: &mut Node, path: &[&str], value: &Node) -> bool {
    let [part, rest @ ..] = path else {
        *node = value.clone();
        return true;
    };
    let Value::Map(entries) = &mut node.value else { return false };
    let (key, is_list) = part.strip_suffix("[]").map_or((*part, false), |key| (key, true));
    if !entries.iter().any(|entry| entry.key == key) && !is_list {
        let empty = Node { place: node.place, value: Value::Map(Vec::new()) };
        entries.push(Entry { key: key.to_owned(), key_place: node.place, value: empty });
    }
    let Some(entry) = entries.iter_mut().find(|entry| entry.key == key) else { return false };
    match &mut entry.value.value {
        Value::List(items) if is_list => {
            let set: Vec<bool> = items.iter_mut().map(|item| set_in(item, rest, value)).collect();
            set.contains(&true)
        }
        _ => !is_list && set_in(&mut entry.value, rest, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{ConsolidationPolicy, DoNotDisrupt};
    use crate::units::Span;

    fn vary(scenario: &str, flags: &[&str]) -> Result<Scenario> {
        let scenario = if scenario.is_empty() {
            Scenario::default()
        } else {
            let text = format!("apiVersion: cost-sim/v1\nkind: Scenario\n{scenario}");
            super::super::read(std::path::Path::new("s.yaml"), &text).unwrap()
        };
        let variations: Vec<Variation> = flags.iter().map(|flag| Variation::parse(flag).unwrap()).collect();
        scenario.vary(&variations)
    }

    fn names(scenario: &Scenario) -> Vec<&str> {
        scenario.platforms.iter().map(|platform| platform.name.as_str()).collect()
    }

    fn refusal(scenario: &str, flags: &[&str]) -> String {
        vary(scenario, flags).unwrap_err().render()
    }

    #[test]
    fn platforms_with_the_field_stand_once_for_each_value() {
        let varied = vary("", &["consolidateAfter=30s,10m"]).unwrap();
        assert_eq!(
            names(&varied),
            [
                "fargate",
                "node-group",
                "karpenter [consolidateAfter=30s]",
                "karpenter [consolidateAfter=10m]",
                "karpenter-spot [consolidateAfter=30s]",
                "karpenter-spot [consolidateAfter=10m]",
            ]
        );
        let after: Vec<Option<Span>> = varied
            .platforms
            .iter()
            .filter_map(|platform| match &platform.kind {
                Kind::Karpenter(karpenter) => Some(karpenter.node_pools[0].consolidate_after),
                _ => None,
            })
            .collect();
        let (short, long) = (Some(Span::from_secs(30)), Some(Span::from_secs(600)));
        assert_eq!(after, [short, long, short, long]);
        // Nothing else changed: with the value that it had, a platform is what it was.
        let same = vary("", &["karpenter.consolidateAfter=1m"]).unwrap();
        assert_eq!(names(&same)[2..], ["karpenter [consolidateAfter=1m]", "karpenter-spot"]);
        assert_eq!(same.platforms[2].kind, Platform::built_in("karpenter").unwrap().kind);
    }

    #[test]
    fn several_fields_give_every_combination() {
        let flags = [
            "karpenter.consolidationPolicy=WhenEmpty,WhenEmptyOrUnderutilized",
            "scaleDownUnneededTime=2m,10m",
            "doNotDisrupt=none,longerThan: 30m",
        ];
        let varied = vary("platforms: [node-group, karpenter]\n", &flags).unwrap();
        assert_eq!(
            names(&varied),
            [
                "node-group [scaleDownUnneededTime=2m]",
                "node-group [scaleDownUnneededTime=10m]",
                "karpenter [consolidationPolicy=WhenEmpty, doNotDisrupt=none]",
                "karpenter [consolidationPolicy=WhenEmpty, doNotDisrupt=longerThan: 30m]",
                "karpenter [consolidationPolicy=WhenEmptyOrUnderutilized, doNotDisrupt=none]",
                "karpenter [consolidationPolicy=WhenEmptyOrUnderutilized, doNotDisrupt=longerThan: 30m]",
            ]
        );
        let Kind::Karpenter(last) = &varied.platforms[5].kind else { panic!() };
        assert_eq!(last.node_pools[0].consolidation_policy, ConsolidationPolicy::WhenEmptyOrUnderutilized);
        assert_eq!(last.do_not_disrupt, DoNotDisrupt::LongerThan(Span::from_secs(1_800)));
    }

    #[test]
    fn variants_are_read_back_as_they_were_printed() {
        let flags = ["instanceTypes=[m6i.large],[c6i.xlarge]", "budgets=[],[{nodes: 1}]", "weight=1,2"];
        let varied = vary("", &flags).unwrap();
        let read = super::super::read(std::path::Path::new("s.yaml"), &varied.to_yaml());
        let read = read.unwrap_or_else(|error| panic!("{}", error.render()));
        assert_eq!(read.platforms, varied.platforms);
        // What a NodePool document does not say can be varied too, and its name stays what pods may select.
        let Kind::Karpenter(last) = &varied.platforms[6].kind else { panic!() };
        assert_eq!((last.node_pools[0].weight, last.node_pools[0].name.as_str()), (2, "karpenter"));
    }

    #[test]
    fn what_cannot_be_varied_is_said_with_a_way_out() {
        assert_eq!(
            refusal("", &["consolidateafter_=1m", "consolidateAftr=1m"]),
            "error: --vary consolidateAftr=1m: no platform has a field of this name\n  \
             hint: did you mean consolidateAfter?\n"
        );
        assert_eq!(
            refusal("", &["seed=1,2"]),
            "error: --vary seed=1,2: no platform has a field of this name\n  \
             hint: it holds for all platforms: write it into two scenarios, and compare their reports\n"
        );
        assert_eq!(
            refusal("", &["consolidationPolicy=WhenEmpty,Sometimes"]),
            "error: --vary consolidationPolicy=Sometimes: karpenter: \
             NodePool[karpenter].spec.disruption.consolidationPolicy must be WhenEmpty, WhenEmptyOrUnderutilized or Balanced\n"
        );
        let ambiguous = refusal("platforms: [karpenter]\n", &["cpu=1,2"]);
        assert!(ambiguous.contains("karpenter has several fields of this name"), "{ambiguous}");
        assert!(ambiguous.contains("limits.cpu"), "{ambiguous}");
        let values: Vec<String> = (1..=9).map(|n| format!("{n}m")).collect();
        let nine = |field: &str| format!("{field}={}", values.join(","));
        let many = refusal("", &[&nine("consolidateAfter"), &nine("expireAfter")]);
        assert!(many.contains("would have more than 64 variants"), "{many}");
        for (flag, problem) in
            [("a", "write for example"), ("a=1,,2", "is empty"), ("a=1,1", "is there twice")]
        {
            assert!(Variation::parse(flag).unwrap_err().contains(problem), "{flag}");
        }
    }

    #[test]
    fn commas_within_brackets_belong_to_a_value() {
        let variation = Variation::parse("budgets=[{nodes: 1, reasons: [a, b]}],\"x,y\", z").unwrap();
        assert_eq!(variation.values, ["[{nodes: 1, reasons: [a, b]}]", "\"x,y\"", "z"]);
    }
}
