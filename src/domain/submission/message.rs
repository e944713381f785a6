//! What is asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::ids::ComputerId;
use crate::domain::item::Item;
use crate::domain::parameter::ParameterValue;
use crate::domain::session::{Kind, Priority, RebootPolicy};

/// The version of the submission that this program reads, and the only one.
pub const SUBMISSION_VERSION: u32 = 1;

/// The longest idempotency key, in characters.
pub const LARGEST_KEY: usize = 200;

/// Asks for sessions: one for each computer of the target, all or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Submission, version 1")]
pub struct SubmissionV1 {
    /// The version of this document: 1.
    #[schemars(range(min = 1, max = 1))]
    pub v: u32,
    /// The idempotency key: the same key with the same document makes its sessions once. Over AMQP the message id stands
    /// in for an absent key, and one of them is required. Kept for 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub key: Option<String>,
    /// The computers.
    pub target: SubmissionTarget,
    /// What the sessions are for.
    #[serde(default = "full")]
    pub kind: Kind,
    /// The deployments of a targeted session, by name; required there. A detection, a resolution or a download may
    /// name some too, and is then about nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<String>,
    /// The item that a repair is of, such as `software/7zip` or `task/time-server`; required there, and only allowed
    /// there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub item: Option<Item>,
    /// What the sessions give the parameters of items, in the place of what deployments say: by item, such as
    /// `task/time-server` or, if no other item is called so, `time-server`, and by parameter. A value is a text, a
    /// number, true or false, a mapping, or `{"secret": ID}` with the id of a stored secret. The fleet file says which
    /// parameters may be given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, BTreeMap<String, ParameterValue>>,
    /// Take the inventory too.
    #[serde(default)]
    pub inventory: bool,
    /// How urgent it is: a word, or a number from 0 (emergency) to 3 (low).
    #[serde(default = "normal", deserialize_with = "priority")]
    #[schemars(with = "WrittenPriority")]
    pub priority: Priority,
    /// Whether the computers may be restarted.
    #[serde(default = "never")]
    pub reboot: RebootPolicy,
    /// Make sessions also for computers that have such a session already. Otherwise these are told of, and none is made
    /// for them: one that has yet to look at the computer, of the same kind, for the same deployments or item,
    /// given the same parameters, no less urgent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub again: bool,
    /// Why, for those who read the audit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1000))]
    pub reason: String,
    /// From when on they may start; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// From when on the submission is of no use any more: if it is read later, it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The computers that a submission is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionTarget {
    /// These. Each must exist and must not be excluded from maintenance.
    Computers(#[schemars(length(min = 1, max = 10000))] Vec<ComputerRef>),
    /// All computers of this tenant that are not excluded from maintenance.
    Tenant(String),
}

/// A computer, by id or by name. A name that several tenants use is written `tenant/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ComputerRef {
    /// By id.
    Id(ComputerId),
    /// By name.
    Name(String),
}

/// A priority as it may be written.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum WrittenPriority {
    /// A word.
    Word(Priority),
    /// A rank.
    Rank(#[schemars(range(max = 3))] u8),
}

fn priority<'de, D: Deserializer<'de>>(from: D) -> Result<Priority, D::Error> {
    Ok(match WrittenPriority::deserialize(from)? {
        WrittenPriority::Word(priority) => priority,
        WrittenPriority::Rank(rank) => Priority::from_rank(i16::from(rank)),
    })
}

/// Idempotency keys are kept with the hash of this document's JSON: what is absent must stay absent.
fn is_false(word: &bool) -> bool {
    !word
}

fn full() -> Kind {
    Kind::Full
}

fn normal() -> Priority {
    Priority::Normal
}

fn never() -> RebootPolicy {
    RebootPolicy::Never
}

impl SubmissionV1 {
    /// An ordinary full session now, for `target`.
    pub fn new(target: SubmissionTarget) -> SubmissionV1 {
        SubmissionV1 {
            v: SUBMISSION_VERSION,
            key: None,
            target,
            kind: full(),
            deployments: Vec::new(),
            item: None,
            parameters: BTreeMap::new(),
            inventory: false,
            priority: normal(),
            reboot: never(),
            again: false,
            reason: String::new(),
            not_before: None,
            expires_at: None,
        }
    }
}

impl std::fmt::Display for ComputerRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ComputerRef::Id(id) => write!(f, "{id}"),
            ComputerRef::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_idempotency_keys_are_kept_with_stays_as_it_is() {
        for document in [
            r#"{"v":1,"target":{"computers":["pc-1"]},"kind":"full","inventory":false,"priority":"normal","reboot":"never"}"#,
            r#"{"v":1,"key":"k","target":{"tenant":"acme"},"kind":"repair","item":"software/editor","inventory":true,"priority":"high","reboot":"if_needed","reason":"why","expires_at":"2030-01-02T00:00:00Z"}"#,
        ] {
            let read: SubmissionV1 = serde_json::from_str(document).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), document);
        }
    }
}
