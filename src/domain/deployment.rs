//! A deployment: which item should be how, on which computers, enforced how.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::computer::{Computer, Device, Os};
use super::ids::DeploymentId;
use super::item::{Item, ItemKind};
use super::parameter::ParameterValue;
use super::words::words;

/// Which item should be how, on which computers, enforced how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its id; of two that are equal in everything else, the lower one wins.
    pub id: DeploymentId,
    /// Its name, unique in the installation.
    pub name: String,
    /// What is deployed.
    pub item: Item,
    /// To which computers.
    pub target: Target,
    /// To which of these only.
    #[serde(default, skip_serializing_if = "DeviceFilter::is_everything")]
    pub filter: DeviceFilter,
    /// Except for these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Target>,
    /// How a software should be. Of a task only `ignored` and `absent` matter, and both mean: leave it alone.
    pub state: DesiredState,
    /// What is done about it.
    #[serde(default = "enforce", skip_serializing_if = "Mode::is_enforce")]
    pub mode: Mode,
    /// In which sessions it takes part.
    #[serde(default = "required", skip_serializing_if = "Enforcement::is_required")]
    pub enforcement: Enforcement,
    /// Of two that are equally narrow, the higher wins.
    #[serde(default)]
    pub priority: i32,
    /// What the scripts are told, by parameter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ParameterValue>,
    /// How often an action that failed is tried again.
    #[serde(default = "one")]
    pub retries: u32,
    /// True if it takes part only in sessions that name it.
    #[serde(default)]
    pub disabled: bool,
    /// True if it is somebody else's proposal: it takes part once it was adopted, and comes after the installation's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recommended: bool,
    /// What was decided about it where it is recommended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// What was decided about a recommended deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// True if it takes part, false if it was dismissed.
    pub adopted: bool,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in the decider's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Deployment {
    /// Among deployments that are equal in all that is weighed before: exceptions come first, then removals, then the
    /// rest. The least wins.
    pub fn precedence(&self) -> u8 {
        match (&self.state, self.mode) {
            (DesiredState::Ignored, _) | (_, Mode::Ignore) => 0,
            (DesiredState::Absent, _) => 1,
            _ => 2,
        }
    }

    /// How it wants its item, for a sentence.
    pub fn wants(&self) -> String {
        let mode = self.mode;
        if self.item.kind == ItemKind::Task {
            return mode.to_string();
        }
        let state = match &self.state {
            DesiredState::Any => "any version".to_owned(),
            DesiredState::ThisVersion(version) => format!("version {version}"),
            DesiredState::Latest => "the latest version".to_owned(),
            DesiredState::NewerOrEqual(version) => format!("{version} or newer"),
            DesiredState::OlderOrEqual(version) => format!("{version} or older"),
            DesiredState::UpdateIfFound => "the latest version where it is found".to_owned(),
            DesiredState::Absent => "absent".to_owned(),
            DesiredState::Ignored => "ignored".to_owned(),
        };
        if mode == Mode::Enforce { state } else { format!("{state}, {mode}") }
    }
}

fn one() -> u32 {
    1
}

/// The computers that a deployment is for. Tenants, persons, groups and computers are named, as people name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Every computer of every tenant.
    Everyone,
    /// The computers of a tenant.
    Tenant {
        /// The tenant.
        name: String,
        /// True if it reaches the computers of the tenants below as well.
        #[serde(default)]
        propagate: bool,
    },
    /// The computers with a tag, those of a tenant with it, and those whose primary user has it.
    Tag {
        /// The tag.
        name: String,
        /// Only those of this tenant; none means those of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
        /// Only where one of these bears the tag; none means any of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Bearer>,
    },
    /// The members of a group.
    Group {
        /// The group.
        name: String,
        /// Only those of this tenant; none means those of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
    },
    /// The computers whose primary user a person is.
    Person {
        /// The person's tenant.
        tenant: String,
        /// The person's name.
        name: String,
    },
    /// One computer.
    Computer {
        /// Its tenant.
        tenant: String,
        /// Its name.
        name: String,
    },
}

impl Target {
    /// True if it may reach computers of tenants that it does not name.
    pub fn is_for_all_tenants(&self) -> bool {
        match self {
            Target::Everyone | Target::Tag { tenant: None, .. } | Target::Group { tenant: None, .. } => true,
            Target::Tag { tenant: Some(_), .. }
            | Target::Group { tenant: Some(_), .. }
            | Target::Tenant { .. }
            | Target::Person { .. }
            | Target::Computer { .. } => false,
        }
    }
}

words! {
    /// What bears a tag.
    Bearer {
        /// The computer itself.
        Computer = "computer",
        /// Its tenant.
        Tenant = "tenant",
        /// Its primary user.
        Person = "person",
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within =
            |tenant: &Option<String>| tenant.as_ref().map(|tenant| format!(" in {tenant}")).unwrap_or_default();
        match self {
            Target::Everyone => f.write_str("everyone"),
            Target::Tenant { name, propagate: false } => write!(f, "tenant {name}"),
            Target::Tenant { name, propagate: true } => write!(f, "tenant {name} and those below"),
            Target::Tag { name, tenant, on: None } => write!(f, "tag {name}{}", within(tenant)),
            Target::Tag { name, tenant, on: Some(bearer) } => write!(f, "tag {name} on {bearer}{}", within(tenant)),
            Target::Group { name, tenant } => write!(f, "group {name}{}", within(tenant)),
            Target::Person { tenant, name } => write!(f, "person {tenant}/{name}"),
            Target::Computer { tenant, name } => write!(f, "computer {tenant}/{name}"),
        }
    }
}

/// Narrows a target to some kinds of computers. What is empty does not narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeviceFilter {
    /// Only these operating systems.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub os: BTreeSet<Os>,
    /// Only these processors.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub arch: BTreeSet<String>,
    /// Only these kinds of device. A computer of which the kind is not known does not pass.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub devices: BTreeSet<Device>,
}

impl DeviceFilter {
    /// True if it narrows nothing.
    pub fn is_everything(&self) -> bool {
        self.os.is_empty() && self.arch.is_empty() && self.devices.is_empty()
    }

    /// True if the computer passes.
    pub fn admits(&self, computer: &Computer) -> bool {
        (self.os.is_empty() || self.os.contains(&computer.os))
            && (self.arch.is_empty() || self.arch.contains(&computer.arch))
            && (self.devices.is_empty()
                || computer.device().is_some_and(|device| self.devices.iter().any(|kind| device.is_a(*kind))))
    }

    /// How wide it is, for comparing two: of how many respects it says nothing, then how much it admits in the others.
    pub fn breadth(&self) -> (usize, usize) {
        let devices: usize = self.devices.iter().map(|device| device.breadth()).sum();
        let widths = [self.os.len(), self.arch.len(), devices];
        (widths.iter().filter(|&&width| width == 0).count(), widths.iter().sum())
    }
}

/// How a software should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesiredState {
    /// Installed, whatever the version.
    Any,
    /// Installed in exactly this version; a newer one is taken back.
    ThisVersion(String),
    /// Installed in the newest version there is.
    Latest,
    /// Installed in this version or a newer one.
    NewerOrEqual(String),
    /// Installed in this version or an older one; a newer one is taken back.
    OlderOrEqual(String),
    /// In the newest version there is where it is installed; otherwise left alone.
    UpdateIfFound,
    /// Not installed.
    Absent,
    /// Left alone: an exception from a wider deployment.
    Ignored,
}

words! {
    /// What is done about an item that is not as it should be.
    Mode {
        /// It is brought about.
        Enforce = "enforce",
        /// It is reported; nothing is changed.
        Audit = "audit",
        /// Its value is recorded without a verdict.
        Monitor = "monitor",
        /// Nothing: an exception from a wider deployment.
        Ignore = "ignore",
    }
}

impl Mode {
    fn is_enforce(&self) -> bool {
        matches!(self, Mode::Enforce)
    }
}

words! {
    /// In which sessions a deployment takes part.
    Enforcement {
        /// In every full session.
        Required = "required",
        /// In every full session of a computer for which it was approved, and in those that name it unless it was denied.
        Optional = "optional",
        /// Only in sessions that name it.
        Adhoc = "adhoc",
        /// In onboarding sessions, before all others.
        Onboarding = "onboarding",
    }
}

impl Enforcement {
    fn is_required(&self) -> bool {
        matches!(self, Enforcement::Required)
    }
}

fn enforce() -> Mode {
    Mode::Enforce
}

fn required() -> Enforcement {
    Enforcement::Required
}
