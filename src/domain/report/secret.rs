//! Secrets as they are listed: everything but their values.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::SecretId;

/// A secret as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretLine {
    /// Its id.
    pub id: SecretId,
    /// What gives it: a deployment, a licence, or `stored`.
    pub owner: String,
    /// Its name there.
    pub name: String,
    /// Names the key under which it is sealed; absent if it is not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// What came of sealing everything anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// Names the key under which everything is sealed now.
    pub key: String,
    /// How many were sealed anew.
    pub resealed: u64,
    /// Those that no key opens, by id: apply what gives them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<SecretId>,
}
