//! Fleet files: how people write down tenants, computers, software, tasks and deployments.
//!
//! YAML, one document a thing, in as many files as one likes. Reading is pure and reports every fault at once, each
//! with its place and, where a word is nearly right, the word that was meant. In reading order: faults, YAML with its
//! places, reading a mapping, the documents, what they say of each other, and what of that
//! is likely a mistake; and writing a deployment.

mod faults;

mod yaml;

mod attached;

mod reader;

mod decode;
mod document;

mod check;
mod warn;
mod write;

pub use attached::{Attached, StoredFile};
pub use check::{Known, check, secrets};
pub use document::{
    Body, ComputerSpec, Document, FleetFile, PersonSpec, TenantSpec, files_named, read, read_all, read_with,
};
pub use faults::{Fault, Place};
pub use warn::warnings;
pub use write::document;

/// The JSON Schema (2020-12) of one document, for editors.
pub const SCHEMA: &str = include_str!("../../schemas/fleet.json");

#[cfg(test)]
mod tests;
