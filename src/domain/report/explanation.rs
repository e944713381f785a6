//! Who wins and why: of one computer, and counted over many.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{ComputerId, Enforcement, Item, Os};

/// Which deployments count for a computer, and why the others do not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The computer.
    pub computer: ComputerId,
    /// Its tenant.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// The version of the policy.
    pub policy_version: i64,
    /// Every item that some deployment has to do with, by name.
    pub items: Vec<ExplainedItem>,
    /// What is likely a mistake, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Who wins one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplainedItem {
    /// The item.
    pub item: Item,
    /// The winner; none if no deployment takes part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<Contender>,
    /// The losers, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losers: Vec<Contender>,
    /// Those that take no part, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Contender>,
}

/// A deployment, as far as it matters who wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// Its name.
    pub deployment: String,
    /// Whom it is for.
    pub target: String,
    /// How it wants the item.
    pub wants: String,
    /// In which sessions it takes part.
    pub enforcement: Enforcement,
    /// Of two that are equally narrow, the higher wins.
    pub priority: i32,
    /// Why it does not win, as a word; none of the winner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Why it wins or not, in a sentence.
    pub says: String,
}

/// How deployments fare over many computers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Survey {
    /// How many computers were looked at.
    pub computers: u64,
    /// How many of them none of the deployments below has.
    pub without: u64,
    /// Each deployment that aims at one of them, by item and name.
    pub deployments: Vec<SurveyLine>,
    /// What a person should know before going on, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How one deployment fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurveyLine {
    /// Its name.
    pub deployment: String,
    /// The item.
    pub item: Item,
    /// Whom it is for.
    pub target: String,
    /// How it wants the item.
    pub wants: String,
    /// On how many computers it wins.
    pub wins: u64,
    /// On how many it loses, by the respect in which it is behind.
    pub loses: BTreeMap<String, u64>,
    /// On how many it takes no part though they are in its target, by why.
    pub left_out: BTreeMap<String, u64>,
}

/// Which computers something has.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PreviewCount {
    /// How many computers were looked at; those that cannot be meant are not.
    pub computers: u64,
    /// How many of them are in the target or the group.
    pub members: u64,
    /// Of how many that is not known, because their inventory was never taken.
    pub unknown: u64,
    /// Of a deployment: on how many of its members it wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wins: Option<u64>,
    /// Of a deployment: why it does not count on the others, and for how many that is so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub otherwise: BTreeMap<String, u64>,
    /// What a person should know before going on, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl PreviewCount {
    /// Adds what was seen of other computers.
    pub fn add(&mut self, other: PreviewCount) {
        self.computers += other.computers;
        self.members += other.members;
        self.unknown += other.unknown;
        if let Some(wins) = other.wins {
            *self.wins.get_or_insert_default() += wins;
        }
        for (why, count) in other.otherwise {
            *self.otherwise.entry(why).or_default() += count;
        }
    }
}

/// A computer that something has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewLine {
    /// Its id.
    pub id: ComputerId,
    /// Its tenant.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// Its operating system.
    pub os: Os,
    /// The deployment that wins the item there; none if none does, or no item is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// Why the deployment that is meant does not win, as a word; none if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
