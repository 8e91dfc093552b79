//! The price files: those in the program, or those in a directory. One region is read from them at a time.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::optional;
use super::part;
use super::read::{self, File};
use super::{Catalog, Sold, nearest};
use crate::error::{Diagnostic, Diagnostics, Error, Result};

/// The names of the files, in the order in which they are hashed.
pub const FILES: [&str; 6] = [
    "instance_types.csv",
    "on_demand.csv",
    "on_demand_inferred.csv",
    "spot.csv",
    "fargate.csv",
    "misc_prices.csv",
];

const EMBEDDED: [&str; 6] = [
    include_str!("../../pricing/instance_types.csv"),
    include_str!("../../pricing/on_demand.csv"),
    include_str!("../../pricing/on_demand_inferred.csv"),
    include_str!("../../pricing/spot.csv"),
    include_str!("../../pricing/fargate.csv"),
    include_str!("../../pricing/misc_prices.csv"),
];

/// Files that a directory may have besides [`FILES`], in the order in which they are hashed.
pub const OPTIONAL_FILES: [&str; 2] = ["savings_plans.csv", "spot_history.csv"];

/// Zones of a region unless the platform says otherwise.
const ZONES: [&str; 3] = ["a", "b", "c"];

/// Where a snapshot's files are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotOrigin {
    Embedded,
    Directory(PathBuf),
}

/// All price files of one state, not yet read.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub origin: SnapshotOrigin,
    /// In the order of [`FILES`], each with its name in messages.
    files: [(String, Cow<'static, str>); 6],
    /// In the order of [`OPTIONAL_FILES`], where there is one.
    optional: [Option<(String, String)>; 2],
}

impl Snapshot {
    /// The files that the program was built with.
    pub fn embedded() -> Self {
        let files = std::array::from_fn(|i| (format!("pricing/{}", FILES[i]), Cow::Borrowed(EMBEDDED[i])));
        Self { origin: SnapshotOrigin::Embedded, files, optional: [None, None] }
    }

    /// The files in a directory. All of them are checked, whichever region is asked for later.
    pub fn load(dir: &Path) -> Result<Self> {
        let mut found = Diagnostics::default();
        let mut files = std::array::from_fn(|_| (String::new(), Cow::Borrowed("")));
        for (slot, name) in files.iter_mut().zip(FILES) {
            let path = dir.join(name);
            slot.0 = path.display().to_string();
            match open(&path)? {
                Ok(text) => slot.1 = Cow::Owned(text),
                Err(diagnostic) => found.push(diagnostic),
            }
        }
        let mut optional = [None, None];
        for (slot, name) in optional.iter_mut().zip(OPTIONAL_FILES) {
            let path = dir.join(name);
            if !path.exists() {
                continue;
            }
            match open(&path)? {
                Ok(text) => *slot = Some((path.display().to_string(), text)),
                Err(diagnostic) => found.push(diagnostic),
            }
        }
        let origin = SnapshotOrigin::Directory(dir.to_owned());
        let snapshot = found.into_result(Self { origin, files, optional })?;
        snapshot.check()?;
        Ok(snapshot)
    }

    /// Files that are to be written to `dir`, checked as [`Self::load`] would; `text` has that of a file, of which only
    /// the optional ones may be missing.
    pub fn unwritten(dir: &Path, text: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let named = |name: &str| dir.join(name).display().to_string();
        let files = FILES.map(|name| (named(name), Cow::Owned(text(name).unwrap_or_default())));
        let optional = OPTIONAL_FILES.map(|name| text(name).map(|text| (named(name), text)));
        let snapshot = Self { origin: SnapshotOrigin::Directory(dir.to_owned()), files, optional };
        snapshot.check()?;
        Ok(snapshot)
    }

    /// The text of one of [`FILES`] or [`OPTIONAL_FILES`]; `None` for an optional one that is not there.
    pub fn text(&self, name: &str) -> Option<&str> {
        let file = FILES.iter().position(|file| *file == name).map(|i| &*self.files[i].1);
        file.or_else(|| {
            let i = OPTIONAL_FILES.iter().position(|file| *file == name)?;
            self.optional[i].as_ref().map(|(_, text)| text.as_str())
        })
    }

    /// The files reduced to what holds for `region` and, where they are by instance type, for `types`; by their names.
    /// [`Self::unwritten`] makes a snapshot of it again, which sells the same in that region as long as nothing else is
    /// asked for.
    pub fn part(&self, region: &str, types: &BTreeSet<&str>) -> BTreeMap<String, String> {
        let file = |name: &&str| Some(((*name).to_owned(), part::part(self.text(name)?, region, types)));
        FILES.iter().chain(&OPTIONAL_FILES).filter_map(file).collect()
    }

    /// Reads every row of every file for its mistakes alone.
    pub fn check(&self) -> Result<()> {
        let mut found = Diagnostics::default();
        let [types, on_demand, inferred, spot, fargate, services] = self.parts();
        let types = read::instance_types(types, &mut found);
        read::on_demand(on_demand, inferred, &types, None, &mut found);
        read::spot(spot, &types, None, &mut found);
        read::fargate(fargate, None, &mut found);
        read::services(services, None, &mut found);
        let [savings, history] = self.optional_parts();
        if let Some(file) = savings {
            optional::savings_plans(file, &types, None, &mut found);
        }
        if let Some(file) = history {
            optional::spot_history(file, &types, None, &mut found);
        }
        found.into_result(())
    }

    /// The regions that have prices of machines, by name.
    pub fn regions(&self) -> Vec<String> {
        let [_, observed, inferred, _, fargate, _] = self.parts();
        let mut regions = BTreeSet::new();
        for file in [observed, inferred, fargate] {
            part::regions(file.text, &mut regions);
        }
        regions.into_iter().filter(|region| !region.is_empty()).map(str::to_owned).collect()
    }

    /// What is for sale in a region with three zones, a, b and c.
    pub fn region(&self, region: &str) -> Result<Catalog> {
        self.region_in(region, &ZONES)
    }

    /// What is for sale in a region with zones of these letters.
    pub fn region_in(&self, region: &str, zones: &[&str]) -> Result<Catalog> {
        let letter = |zone: &str| zone.len() == 1 && zone.bytes().all(|b| b.is_ascii_lowercase());
        let distinct = zones.iter().enumerate().all(|(i, zone)| letter(zone) && !zones[..i].contains(zone));
        if zones.is_empty() || !distinct {
            let message = format!("`{}` are not the zones of a region", zones.join(", "));
            return Err(Error::usage(message, "name each zone once by its letter, such as a, b, c"));
        }
        let regions = self.regions();
        if !regions.iter().any(|known| known == region) {
            let near = nearest(region, regions.iter().map(String::as_str));
            let guess = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            return Err(Error::usage(
                format!("there are no prices for the region `{region}`"),
                format!("{guess}The regions with prices are {}", regions.join(", ")),
            ));
        }
        let mut found = Diagnostics::default();
        let [types, on_demand, inferred, spot, fargate, services] = self.parts();
        let types = read::instance_types(types, &mut found);
        let on_demand = read::on_demand(on_demand, inferred, &types, Some(region), &mut found);
        let spot = read::spot(spot, &types, Some(region), &mut found);
        let fargate = read::fargate(fargate, Some(region), &mut found);
        let services = read::services(services, Some(region), &mut found);
        let [savings, history] = self.optional_parts();
        let savings = savings.map(|file| optional::savings_plans(file, &types, Some(region), &mut found));
        let zones: Vec<String> = zones.iter().map(|letter| format!("{region}{letter}")).collect();
        let history = history.map(|file| optional::spot_history(file, &types, Some(&zones), &mut found));
        found.into_result(())?;
        Ok(Catalog::new(Sold {
            region,
            zones,
            types: types.list,
            on_demand,
            spot,
            history: history.unwrap_or_default(),
            fargate,
            services,
            savings: savings.unwrap_or_default(),
        }))
    }

    /// Identifies the price files: SHA-256, in hex, over the length and text of each in the order of [`FILES`],
    /// then over the name, length and text of each of [`OPTIONAL_FILES`] that is there.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (_, text) in &self.files {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        for (name, file) in OPTIONAL_FILES.iter().zip(&self.optional) {
            let Some((_, text)) = file else { continue };
            hash.update(name.as_bytes());
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        let mut hex = String::with_capacity(64);
        for byte in hash.finalize() {
            write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        }
        hex
    }

    fn parts(&self) -> [File<'_>; 6] {
        std::array::from_fn(|i| File { name: &self.files[i].0, text: &self.files[i].1 })
    }

    fn optional_parts(&self) -> [Option<File<'_>>; 2] {
        self.optional.each_ref().map(|file| file.as_ref().map(|(name, text)| File { name, text }))
    }

    /// The embedded files with some replaced or added, for tests of what is wrong in them.
    #[cfg(test)]
    pub(super) fn with(replaced: &[(&str, &str)]) -> Self {
        let mut snapshot = Self::embedded();
        for (name, text) in replaced {
            let named = ((*name).to_owned(), (*text).to_owned());
            if let Some(index) = OPTIONAL_FILES.iter().position(|file| file == name) {
                snapshot.optional[index] = Some(named);
                continue;
            }
            let index = FILES.iter().position(|file| file == name).expect("a price file");
            snapshot.files[index] = (named.0, Cow::Owned(named.1));
        }
        snapshot
    }
}

/// The text of a price file, or why it has none.
fn open(path: &Path) -> Result<std::result::Result<String, Diagnostic>> {
    let name = path.display().to_string();
    #[expect(clippy::disallowed_methods, reason = "reading price files is the catalog's edge")]
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = format!("a price directory has {}", FILES.join(", "));
            return Ok(Err(Diagnostic::new(name, "there is no such price file").hint(hint)));
        }
        Err(error) => return Err(Error::io("read", path, error)),
    };
    // Spreadsheets like to put a byte order mark before the header.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map_or(bytes.clone(), <[u8]>::to_vec);
    Ok(String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let lines = error.as_bytes()[..good].split(|b| *b == b'\n').count();
        Diagnostic::new(name, "this is not UTF-8 text").line(lines as u64).hint("save the file as UTF-8")
    }))
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "malformed_tests.rs"]
mod malformed_tests;
