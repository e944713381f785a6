//! The report of a session: what was found, what was done, whether that was verified, why, and how long it took.

use serde::{Deserialize, Serialize};

use super::action::ActionLine;
use super::rerun::RerunLine;
use super::session::SessionLine;
use super::timeline::Sums;
use super::why::Why;
use crate::domain::findings::Package;
use crate::domain::session::Status;

/// The report of a session, final or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The session.
    pub session: SessionLine,
    /// What was found; absent before detection is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// What was or will be done, in order.
    pub actions: Vec<ActionLine>,
    /// The SHA-256 of the plan, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Why it is where it is.
    pub why: Why,
    /// How long it took.
    pub took: Sums,
    /// The sessions that ran it, or one of its actions, again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reruns: Vec<RerunLine>,
    /// What it would have ended as with what its actions came to when they were run again; absent if none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Status>,
}

/// What detection found, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// How many items were looked at.
    pub items: usize,
    /// How many of them were as they should be; absent before planning is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliant: Option<u32>,
    /// How many could not be found out.
    pub unknown: usize,
    /// What is installed, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Vec<Package>>,
}
