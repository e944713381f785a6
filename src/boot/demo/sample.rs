//! The sample: the demo's computers and what is expected of them, as written in `deploy/local/demo`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Error;
use crate::domain::session::{Kind, Status, WaitingOn};

const COMPUTERS: &str = include_str!("../../../deploy/local/demo/computers.toml");
const FLEET: &str = include_str!("../../../deploy/local/demo/fleet.yaml");

/// What stands before the name of an archive whose checksum is filled in.
const SHA256: &str = "@SHA256 ";

/// The demo's computers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sample {
    /// Archives that are altered after their checksums were taken.
    pub altered: BTreeSet<String>,
    /// The computers.
    #[serde(rename = "computer")]
    pub computers: Vec<Computer>,
}

/// A computer of the sample; `computers.toml` explains each field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Computer {
    pub name: String,
    pub story: String,
    #[serde(default = "yes")]
    pub sandbox: bool,
    #[serde(default)]
    pub late: bool,
    #[serde(default)]
    pub unpacked: Vec<String>,
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    #[serde(default = "full")]
    pub kind: Kind,
    pub status: Option<Status>,
    pub actions: Option<Vec<String>>,
    #[serde(default)]
    pub waits: BTreeSet<WaitingOn>,
    #[serde(default)]
    pub present: BTreeMap<String, String>,
    #[serde(default)]
    pub absent: BTreeSet<String>,
}

fn yes() -> bool {
    true
}

fn full() -> Kind {
    Kind::Full
}

impl Sample {
    /// The sample that is part of the program.
    ///
    /// # Errors
    /// None, unless `computers.toml` is wrong, which a test would show.
    pub(super) fn read() -> Result<Sample, Error> {
        toml::from_str(COMPUTERS).map_err(|error| Error::Sample(Box::new(error)))
    }

    /// Every archive that a computer has unpacked or can be told to fetch.
    pub(super) fn archives(&self) -> BTreeSet<String> {
        let unpacked = self.computers.iter().flat_map(|computer| &computer.unpacked);
        let unpacked = unpacked.map(|name| format!("{name}.tar.gz"));
        let fetched = FLEET.split(SHA256).skip(1).filter_map(|rest| rest.split('@').next());
        unpacked.chain(fetched.map(str::to_owned)).collect()
    }
}

/// The fleet file with everything filled in: the folder of the demo, the address of the file server, and the checksum of
/// each archive.
pub(super) fn fleet(demo: &str, files: &str, checksums: &BTreeMap<String, String>) -> String {
    let os = if cfg!(target_os = "macos") { "macos" } else { "linux" };
    let text = FLEET.replace("@DEMO@", demo).replace("@FILES@", files).replace("@OS@", os);
    let text = text.replace("@ARCH@", std::env::consts::ARCH);
    checksums.iter().fold(text, |text, (name, sha256)| text.replace(&format!("{SHA256}{name}@"), sha256))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Body;

    #[test]
    fn the_sample_is_right_and_its_fleet_has_its_computers() {
        let sample = Sample::read().unwrap();
        let checksums = sample.archives().into_iter().map(|name| (name, "0".repeat(64))).collect();
        let text = fleet("/demo", "http://127.0.0.1:1", &checksums);
        let fleet = crate::fleet::read([("fleet.yaml", text.as_str())]).unwrap();
        let names: BTreeSet<_> = fleet
            .documents
            .iter()
            .filter_map(|document| match &document.body {
                Body::Computer(computer) => Some(computer.name.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(names, sample.computers.iter().map(|computer| computer.name.as_str()).collect());
        assert!(sample.altered.is_subset(&sample.archives()));
        let sandboxes = sample.computers.iter().filter(|computer| computer.sandbox).count();
        assert!(sandboxes >= 10, "{sandboxes}");
    }
}
