//! Stored files as they are shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::Sha256Hash;

/// A file that computers can fetch from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileLine {
    /// Names it.
    pub sha256: Sha256Hash,
    /// In bytes.
    pub size: u64,
    /// Since when it is there.
    pub stored_at: Timestamp,
}
