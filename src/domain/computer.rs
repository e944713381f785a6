//! A computer: what is kept in its desired state.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::{ComputerId, TenantId};
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
    /// What it has said of itself, by name.
    #[serde(default)]
    pub facts: serde_json::Map<String, serde_json::Value>,
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
