//! A task: something that is satisfied or not, and can be made so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::computer::Os;
use super::parameter::Parameter;
use super::script::ScriptUse;
use super::software::{Prerequisite, RebootNeed, if_asked};

/// Something that is satisfied or not. Deployed by itself, or bound to a software as its configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name, unique in the installation.
    pub name: String,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The operating systems it is for; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<Os>,
    /// Prints `true` or `false` as its last line: is it satisfied?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<ScriptUse>,
    /// Prints a value as its last line: what is monitored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<ScriptUse>,
    /// Makes it satisfied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<ScriptUse>,
    /// What must be there before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Prerequisite>,
    /// Whether setting it takes a reboot.
    #[serde(default = "if_asked", skip_serializing_if = "RebootNeed::is_if_asked")]
    pub reboot: RebootNeed,
    /// The fleet-wide lock under which it is set: one computer at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// What its scripts can be told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Parameter>,
}
