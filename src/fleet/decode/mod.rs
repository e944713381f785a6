//! From YAML to things, one file a kind.

mod computer;
mod deployment;
mod group;
mod licence;
mod needs;
mod person;
mod script;
mod sequence;
mod software;
mod target;
mod task;
mod tenant;

pub(super) use software::not_of_scheme;

use super::document::Body;
use super::faults::Fault;
use super::reader::{Fields, Reader};
use super::yaml::Node;
use crate::domain::words::words;

words! {
    /// The kinds of document.
    Kind {
        /// A customer.
        Tenant = "tenant",
        /// Who uses computers.
        Person = "person",
        /// What is kept.
        Computer = "computer",
        /// Computers that have something in common.
        Group = "group",
        /// What can be installed.
        Software = "software",
        /// What can be tested and set.
        Task = "task",
        /// What should be how where.
        Deployment = "deployment",
        /// What is worked on first and last.
        Order = "order",
        /// Who may use a software.
        Licence = "licence",
    }
}

/// Reads one document as far as it can be read. It is only whole if the reader has found no fault in it.
pub(super) fn document(reader: &Reader, node: &Node) -> Option<Body> {
    let mut fields = reader.fields(node, "A document", "")?;
    let Some(kind) = fields.get("kind") else {
        let fault = Fault::new(&node.place, "A document lacks \"kind\".");
        reader.fault(fault.help(format!("Write kind: and one of {}.", Kind::WORDS.join(", "))));
        return None;
    };
    let kind: Kind = reader.word(kind)?;
    fields.rename(if kind == Kind::Order { "An order".to_owned() } else { format!("A {kind}") });
    match kind {
        Kind::Tenant => tenant::read(reader, fields).map(Body::Tenant),
        Kind::Person => person::read(reader, fields).map(Body::Person),
        Kind::Group => group::read(reader, fields).map(Body::Group),
        Kind::Computer => computer::read(reader, fields).map(Body::Computer),
        Kind::Software => software::read(reader, fields).map(Box::new).map(Body::Software),
        Kind::Task => task::read(reader, fields).map(Body::Task),
        Kind::Deployment => deployment::read(reader, fields).map(Body::Deployment),
        Kind::Order => sequence::read(reader, fields).map(Body::Order),
        Kind::Licence => licence::read(reader, fields).map(Body::Licence),
    }
}

/// What kind of thing a document is and what it is called, if that much can be read.
pub(super) fn named(node: &Node) -> Option<(String, String)> {
    Some((node.text("kind")?.to_owned(), node.text("name")?.to_owned()))
}

/// `tags:`, one or several, sorted.
fn tags(reader: &Reader, fields: &Fields<'_>) -> Vec<String> {
    let nodes = fields.get("tags").map(|node| reader.list(node)).unwrap_or_default();
    let mut tags: Vec<String> = nodes.into_iter().filter_map(|node| reader.name(node)).collect();
    tags.sort();
    tags.dedup();
    tags
}
