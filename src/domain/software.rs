//! A software: how its version is found out, and how it is installed, brought up to date and removed.

use std::collections::BTreeMap;

use pitcrew_protocol::Signature;
use serde::{Deserialize, Serialize};

use super::computer::Os;
use super::item::Item;
use super::licence::{LicenceNeed, no_licence};
use super::memo::Memo;
use super::parameter::Parameter;
use super::rule::Rule;
use super::script::{ScriptUse, Sha256Hash};
use super::version::{Scheme, Version, loose};
use super::words::words;

/// Something with a version that is installed or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Software {
    /// Its name, unique in the installation.
    pub name: String,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The operating systems it is for; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<Os>,
    /// By which rule its versions are compared.
    #[serde(default = "loose", skip_serializing_if = "Scheme::is_loose")]
    pub scheme: Scheme,
    /// Prints the installed version as its last line, or nothing.
    pub detect: ScriptUse,
    /// Prints `true` if what is installed works, `false` if it must be installed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<ScriptUse>,
    /// Installs `PITCREW_VERSION`, from `PITCREW_FILE` if the version has a download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<ScriptUse>,
    /// Removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<ScriptUse>,
    /// Follows whatever puts a version there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_install: Option<ScriptUse>,
    /// Follows whatever removes a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_uninstall: Option<ScriptUse>,
    /// Fetches the file of a version and leaves it at `PITCREW_FILE`; none if it is fetched from its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<ScriptUse>,
    /// How it is brought up to date.
    #[serde(default)]
    pub upgrade: Upgrade,
    /// How it is repaired where it fails its own test; none means like an update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Upgrade>,
    /// The versions that can be installed, in no particular order; empty if `install` knows where to get any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<SoftwareVersion>,
    /// The public key with which the files of all versions are signed; none if they need not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Answers, on a computer, which other versions can be installed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions_from: Option<ScriptUse>,
    /// What must be there before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Prerequisite>,
    /// What follows for it from what else is installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What cannot be on a computer beside it. Said at one of two software, it counts for both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Whether it takes a licence, which its scripts find as `PITCREW_LICENCE`.
    #[serde(default = "no_licence", skip_serializing_if = "LicenceNeed::is_none")]
    pub licence: LicenceNeed,
    /// The task that configures it, done right after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// Whether changing it takes a reboot.
    #[serde(default = "if_asked", skip_serializing_if = "RebootNeed::is_if_asked")]
    pub reboot: RebootNeed,
    /// What its scripts can be told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Parameter>,
    /// The name under which its downloads and installs are rate-limited; none means the host of the download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its versions in their order, each with its place in `versions`.
    #[serde(skip)]
    pub in_order: Memo<Vec<(Version, usize)>>,
}

impl Software {
    /// The versions that it lists, the oldest first. Of two entries for one version, the one made for a platform comes
    /// last. What is no version by its scheme is left out.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = (&Version, &SoftwareVersion)> {
        let in_order = self.in_order.get(|| {
            let versions = (0..).zip(&self.versions);
            let mut versions: Vec<_> =
                versions.filter_map(|(place, it)| Some((self.version(&it.version)?, place))).collect();
            let made_for = |place: usize| self.versions.get(place).map(|it| (it.os.is_some(), it.arch.is_some()));
            versions.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| made_for(*a).cmp(&made_for(*b))));
            versions
        });
        in_order.iter().filter_map(|(version, place)| Some((version, self.versions.get(*place)?)))
    }

    /// True if there is a script that installs each version it lists or, if it lists none, any.
    pub fn is_installable(&self) -> bool {
        let each_has_one = !self.versions.is_empty() && self.versions.iter().all(|version| version.install.is_some());
        self.install.is_some() || (each_has_one && self.versions_from.is_none())
    }

    /// True if only versions that are listed, or answered by its script, can be installed.
    pub fn is_choosy(&self) -> bool {
        !self.versions.is_empty() || self.versions_from.is_some()
    }

    /// Reads a version of this software; none if it is not one by its scheme.
    pub fn version(&self, text: &str) -> Option<Version> {
        Version::parse(self.scheme, text)
    }
}

/// A version that can be installed, for one platform or for all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SoftwareVersion {
    /// The version, written as `detect` prints it.
    pub version: String,
    /// The operating system it is for; none means all of the software's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<Os>,
    /// The processor it is for; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// What is fetched and checked before anything is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Download>,
    /// Takes the place of the software's own script, for this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<ScriptUse>,
    /// Takes the place of the software's own script, where this version is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<ScriptUse>,
    /// Takes the place of the software's own script, after this version was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_install: Option<ScriptUse>,
    /// Takes the place of the software's own script, after this version was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_uninstall: Option<ScriptUse>,
    /// Takes the place of the software's own way, to this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// Takes the place of the software's own test, after this version was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<ScriptUse>,
    /// What must be there before this version, beside what its software requires.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Prerequisite>,
    /// The version of the same software over which alone it can be installed, or a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl SoftwareVersion {
    /// A version of which nothing else is said.
    pub fn plain(version: String) -> SoftwareVersion {
        SoftwareVersion {
            version,
            os: None,
            arch: None,
            download: None,
            install: None,
            uninstall: None,
            post_install: None,
            post_uninstall: None,
            upgrade: None,
            test: None,
            requires: Vec::new(),
            after: None,
        }
    }
}

/// A file to fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// Where from.
    #[serde(flatten)]
    pub from: Origin,
    /// The SHA-256 it must have.
    pub sha256: Sha256Hash,
    /// How large it is, in bytes, as far as anybody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// By whom it must be signed, if it must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// Where a file is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An address, `http` or `https`.
    Url(String),
    /// The server, which keeps it under its SHA-256. What it was called is for people.
    Stored(String),
    /// A script that fetches it and leaves it where `PITCREW_FILE` says.
    Script {
        /// Which.
        #[serde(rename = "use")]
        script: ScriptUse,
        /// The address that it is told as `PITCREW_URL`, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
}

impl Origin {
    /// Where what a version names is fetched: by the script if there is one, which is told the address, or else from there.
    pub fn of(url: Option<String>, script: Option<&ScriptUse>) -> Option<Origin> {
        match (script, url) {
            (Some(script), url) => Some(Origin::Script { script: script.clone(), url }),
            (None, url) => url.map(Origin::Url),
        }
    }

    /// The address that it names, if it names one.
    pub fn url(&self) -> Option<&str> {
        match self {
            Origin::Url(url) => Some(url),
            Origin::Stored(_) => None,
            Origin::Script { url, .. } => url.as_deref(),
        }
    }
}

/// How a software is brought up to date.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upgrade {
    /// The new version is installed over the old one.
    #[default]
    Over,
    /// The old version is uninstalled first.
    RemoveFirst,
    /// This script does it, given what `install` is given.
    Script(ScriptUse),
    /// There is no way: an update that is due fails and says so.
    Never,
}

/// What must be there before an item is worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prerequisite {
    /// The item that must be there (a software) or be satisfied (a task).
    pub item: Item,
    /// The versions of it that will do.
    #[serde(flatten)]
    pub bounds: Bounds,
    /// What to do if it is not there.
    #[serde(default = "provide", skip_serializing_if = "Otherwise::is_provide")]
    pub otherwise: Otherwise,
}

/// What cannot be on a computer beside a software.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The other software.
    pub software: String,
    /// The versions of it that cannot be there.
    #[serde(flatten)]
    pub bounds: Bounds,
}

/// A range of versions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bounds {
    /// The least version in it; none means that it has no beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// The first version that is too new; none means that it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<String>,
}

impl Bounds {
    /// True if every version is in it, and what has none too.
    pub fn is_everything(&self) -> bool {
        self.at_least.is_none() && self.below.is_none()
    }

    /// True if a version is in it. A text that is no version of the scheme is only in a range without bounds.
    pub fn contain(&self, scheme: Scheme, version: Option<&str>) -> bool {
        let version = version.and_then(|version| Version::parse(scheme, version));
        self.range(scheme)(version.as_ref())
    }

    /// The range, to be asked about many versions.
    pub fn range(&self, scheme: Scheme) -> impl Fn(Option<&Version>) -> bool {
        let read = |bound: &Option<String>| bound.as_ref().map(|bound| Version::parse(scheme, bound));
        let (least, below) = (read(&self.at_least), read(&self.below));
        move |version| {
            let holds = |bound: &Option<Option<Version>>, relation: fn(&Version, &Version) -> bool| {
                bound.as_ref().is_none_or(|bound| {
                    version.zip(bound.as_ref()).is_some_and(|(version, bound)| relation(version, bound))
                })
            };
            holds(&least, Version::ge) && holds(&below, Version::lt)
        }
    }

    /// The range in words that follow a name: ` in version 2 or newer`; nothing if every version is in it.
    pub fn in_words(&self) -> String {
        match (&self.at_least, &self.below) {
            (None, None) => String::new(),
            (Some(least), None) => format!(" in version {least} or newer"),
            (None, Some(below)) => format!(" in a version below {below}"),
            (Some(least), Some(below)) => format!(" in a version from {least} to below {below}"),
        }
    }
}

words! {
    /// What to do about a prerequisite that is not met.
    Otherwise {
        /// Install it (a software) or enforce it (a task) first.
        Provide = "provide",
        /// Fail the item that needs it.
        Fail = "fail",
    }
}

words! {
    /// Whether a change takes a reboot.
    RebootNeed {
        /// Only if a script says so by its exit code.
        IfAsked = "if_asked",
        /// Always: it counts as done only after a reboot, and is skipped where reboots are not allowed.
        Always = "always",
    }
}

impl Otherwise {
    fn is_provide(&self) -> bool {
        matches!(self, Otherwise::Provide)
    }
}

impl RebootNeed {
    pub(super) fn is_if_asked(&self) -> bool {
        matches!(self, RebootNeed::IfAsked)
    }
}

fn provide() -> Otherwise {
    Otherwise::Provide
}

pub(super) fn if_asked() -> RebootNeed {
    RebootNeed::IfAsked
}
