//! What the holder of an API token may do.

use super::words::words;

words! {
    /// A role; each may do what the ones before it may.
    Role {
        /// Reads.
        Viewer = "viewer",
        /// Starts, cancels, pauses and resumes; stops tenants; handles dead letters.
        Operator = "operator",
        /// Changes the fleet and mints tokens.
        Admin = "admin",
    }
}
