//! What sessions would do now, reckoned from what earlier ones have found: nobody is contacted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What full sessions of all computers would do, by what was found when each was looked at last.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Forecast {
    /// The version of the policy that was reckoned with.
    pub policy_version: i64,
    /// What fleet files would create, if any were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub created: Vec<String>,
    /// What they would change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Which computers were reckoned with.
    pub computers: Computers,
    /// How old the findings are.
    pub findings: Ages,
    /// What would be done.
    pub plan: Radius,
    /// The same by tenant.
    pub tenants: BTreeMap<String, Radius>,
    /// The same by deployment.
    pub deployments: BTreeMap<String, Radius>,
    /// What is otherwise than without the fleet files, if any were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// What would be done on some of the computers: of the difference, if there is one.
    pub sample: Vec<SampleComputer>,
}

/// Which computers were reckoned with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Computers {
    /// All of them.
    pub total: u64,
    /// Left out of all maintenance.
    pub excluded: u64,
    /// Never looked at, so nothing can be said of them.
    pub without_findings: u64,
    /// The first of these, as tenant/name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub some_without_findings: Vec<String>,
    /// How many these are, by tenant.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub without_findings_by_tenant: BTreeMap<String, u64>,
}

/// How old findings are: how many computers were looked at last when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ages {
    /// The oldest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Timestamp>,
    /// The newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
    /// Within a day.
    pub day: u64,
    /// Within a week, and not a day.
    pub week: u64,
    /// Within thirty days, and not a week.
    pub month: u64,
    /// Longer ago.
    pub older: u64,
}

/// How far plans reach.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Radius {
    /// On how many computers something would be done.
    pub computers: u64,
    /// What would be done, by type of action.
    pub actions: BTreeMap<String, u64>,
    /// On how many computers a change takes a reboot.
    pub reboots: u64,
    /// Files to fetch.
    pub downloads: u64,
    /// How large these are together, as far as that is known; what a computer has in its cache is not fetched again.
    #[serde(default)]
    pub download_bytes: u64,
    /// Of how many of these nobody has said how large they are.
    #[serde(default)]
    pub downloads_of_unknown_size: u64,
    /// How long all of it is expected to take, one after the other, in milliseconds, by what it took before.
    pub expected_ms: u64,
    /// Actions of which that is not known, because they were never done.
    #[serde(default)]
    pub of_unknown_duration: u64,
    /// What nothing can be done about, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub problems: BTreeMap<String, u64>,
    /// Items that nobody has looked for yet: the next detection says what has to be done.
    pub not_looked_at: u64,
}

impl Computers {
    /// Those of which something can be told.
    pub fn told_of(&self) -> u64 {
        self.total.saturating_sub(self.excluded).saturating_sub(self.without_findings)
    }
}

impl Radius {
    /// How many actions there are.
    pub fn all_actions(&self) -> u64 {
        self.actions.values().sum()
    }
}

/// What fleet files change about plans.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Difference {
    /// On how many computers.
    pub computers: u64,
    /// What would be done that would not be done without them, or otherwise.
    pub more: Radius,
    /// What would not be done any more, or otherwise.
    pub less: Radius,
}

/// What would be done on one computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleComputer {
    /// The tenant.
    pub tenant: String,
    /// The computer.
    pub computer: String,
    /// When it was looked at.
    pub found_at: Timestamp,
    /// What would be done, in order.
    pub actions: Vec<SampleAction>,
}

/// What would be done to one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleAction {
    /// The item.
    pub item: String,
    /// The deployment that wants it.
    pub deployment: String,
    /// What would be done.
    pub action: String,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
    /// The version that would be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How long it is expected to take, in milliseconds; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
    /// How large the file is that would be fetched; absent where none is, or nobody has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_bytes: Option<u64>,
    /// Why, in a sentence.
    pub message: String,
}
