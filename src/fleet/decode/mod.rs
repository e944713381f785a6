//! From YAML to things, one file a kind.

mod computer;
mod deployment;
mod script;
mod software;
mod task;
mod tenant;

use super::document::Body;
use super::reader::Reader;
use super::yaml::Node;
use crate::domain::words::words;

words! {
    /// The kinds of document.
    Kind {
        /// A customer.
        Tenant = "tenant",
        /// What is kept.
        Computer = "computer",
        /// What can be installed.
        Software = "software",
        /// What can be tested and set.
        Task = "task",
        /// What should be how where.
        Deployment = "deployment",
    }
}

/// Reads one document; none if anything of it is wrong.
pub(super) fn document(reader: &Reader, node: &Node) -> Option<Body> {
    let faults = reader.faults.borrow().len();
    let mut fields = reader.fields(node, "A document", "")?;
    let kind: Kind = fields.need("kind").and_then(|kind| reader.word(kind))?;
    fields.rename(format!("A {kind}"));
    let body = match kind {
        Kind::Tenant => tenant::read(reader, fields).map(Body::Tenant),
        Kind::Computer => computer::read(reader, fields).map(Body::Computer),
        Kind::Software => software::read(reader, fields).map(Body::Software),
        Kind::Task => task::read(reader, fields).map(Body::Task),
        Kind::Deployment => deployment::read(reader, fields).map(Body::Deployment),
    };
    body.filter(|_| reader.faults.borrow().len() == faults)
}
