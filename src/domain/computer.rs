//! A computer: what is kept in its desired state.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ComputerId, TenantId};
use super::script::Sha256Hash;
use super::words::words;

/// A computer of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Computer {
    /// Its id.
    pub id: ComputerId,
    /// To whom it belongs.
    pub tenant: TenantId,
    /// Its name, unique in its tenant.
    pub name: String,
    /// Its operating system.
    pub os: Os,
    /// Its processor: `x86_64`, `aarch64` …
    pub arch: String,
    /// The tags it bears.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// How it is reached.
    pub connection: Connection,
    /// True if it is left out of all maintenance.
    #[serde(default)]
    pub excluded: bool,
    /// What kind of device it is, if that was declared.
    #[serde(default)]
    pub device: Option<Device>,
    /// Its primary user.
    #[serde(default)]
    pub person: Option<PrimaryUser>,
    /// What was decided about optional deployments for it, by their names.
    #[serde(default)]
    pub approvals: BTreeMap<String, Approval>,
    /// What is known of it, by name: declared, or found by its last inventory.
    #[serde(default)]
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// The versions of what is installed on it, by name in small letters, as far as any group asks for them; none if its
    /// inventory was never taken.
    #[serde(default)]
    pub software: Option<BTreeMap<String, Vec<String>>>,
    /// What the scripts of groups have answered on it last, by group.
    #[serde(default)]
    pub answers: BTreeMap<String, ScriptAnswer>,
}

/// What the script of a group has answered on a computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Whether the computer is a member, as the script has said last; none if it has never said.
    #[serde(default)]
    pub holds: Option<bool>,
    /// The SHA-256 of the script.
    pub script: Sha256Hash,
    /// Why it did not say when it was asked last, in a sentence; empty if it did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
}

/// An answer, and how old it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptAnswer {
    /// The answer.
    #[serde(flatten)]
    pub answered: Answered,
    /// How old it was when the computer was read, in seconds: since the script has said it, not since it was asked last.
    pub age_s: u64,
}

impl ScriptAnswer {
    /// What is known once a script was asked again. Where it did not say, what the same script has said before counts as
    /// it did; why it did not is noted beside that. The gate stores answers by the same rule.
    pub fn after(before: Option<&ScriptAnswer>, answered: &Answered) -> ScriptAnswer {
        let said_before =
            |before: &&ScriptAnswer| before.answered.holds.is_some() && before.answered.script == answered.script;
        match before.filter(|_| answered.holds.is_none()).filter(said_before) {
            Some(ScriptAnswer { answered: known, age_s }) => {
                ScriptAnswer { answered: Answered { says: answered.says.clone(), ..known.clone() }, age_s: *age_s }
            }
            None => ScriptAnswer { answered: answered.clone(), age_s: 0 },
        }
    }
}

impl Computer {
    /// What kind of device it is: as declared, or else as its facts say.
    pub fn device(&self) -> Option<Device> {
        self.device.or_else(|| self.facts.get("device")?.as_str()?.parse().ok())
    }

    /// It as it was known this many seconds ago. An answer that has come since is as if it had come then.
    pub fn as_of(&self, ago_s: u64) -> Computer {
        let mut computer = self.clone();
        computer.answers.values_mut().for_each(|answer| answer.age_s = answer.age_s.saturating_sub(ago_s));
        computer
    }
}

/// Who uses a computer most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimaryUser {
    /// The name, unique in the tenant.
    pub name: String,
    /// The tags the person bears.
    #[serde(default)]
    pub tags: BTreeSet<String>,
}

/// What was decided about an optional deployment for one computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// True if it may take part, false if it was denied.
    pub approved: bool,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in the decider's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

words! {
    /// A kind of device.
    Device {
        /// It stands on or under a desk.
        Workstation = "workstation",
        /// It is carried about.
        Portable = "portable",
        /// It serves others.
        Server = "server",
        /// A server that keeps a domain.
        DomainController = "domain_controller",
        /// The first of them.
        PrimaryDomainController = "primary_domain_controller",
    }
}

impl Device {
    /// True if a device of this kind counts as one of `kind`: a domain controller is a server too.
    pub fn is_a(self, kind: Device) -> bool {
        match kind {
            Device::Workstation | Device::Portable | Device::PrimaryDomainController => self == kind,
            Device::DomainController => matches!(self, Device::DomainController | Device::PrimaryDomainController),
            Device::Server => {
                matches!(self, Device::Server | Device::DomainController | Device::PrimaryDomainController)
            }
        }
    }

    /// How many kinds count as this one.
    pub fn breadth(self) -> usize {
        Device::ALL.iter().filter(|kind| kind.is_a(self)).count()
    }
}

words! {
    /// An operating system.
    Os {
        /// Any Linux.
        Linux = "linux",
        /// macOS.
        Macos = "macos",
        /// Windows.
        Windows = "windows",
    }
}

/// How a computer is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "via", rename_all = "snake_case")]
pub enum Connection {
    /// By the agent that runs on it and dials in.
    Agent,
    /// It is the machine on which the worker runs, or a folder of that machine that plays a computer.
    Local {
        /// The folder in which epoch, runs and outcomes are kept, as the worker sees it.
        state: String,
        /// The folder that plays the computer; none means the machine itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sandbox: Option<String>,
    },
    /// It answers every run at once without doing anything: for load tests.
    Noop,
}
