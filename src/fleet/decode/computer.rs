//! `kind: computer`.

use serde_json::{Map, Value as Json};

use crate::domain::Connection;
use crate::domain::facts::is_fact;
use crate::fleet::document::ComputerSpec;
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::{Node, Value};

use super::tags;

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<ComputerSpec> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let tenant = fields.need("tenant").and_then(|node| reader.name(node));
    let os = fields.need("os").and_then(|node| reader.word(node));
    let arch = fields.get("arch").map_or(Some("x86_64".to_owned()), |node| reader.name(node));
    let tags = tags(reader, &fields);
    let device = fields.get("device").and_then(|node| reader.word(node));
    let person = fields.get("person").map(|node| reader.name(node));
    let facts = facts(reader, &fields);
    let connection = fields.get("connection").map_or(Some(Connection::Agent), |node| connection(reader, node));
    let excluded = fields.get("excluded").and_then(|node| reader.boolean(node)).unwrap_or(false);
    fields.finish();
    Some(ComputerSpec {
        name: name?,
        tenant: tenant?,
        os: os?,
        arch: arch?,
        tags,
        device,
        person: person.flatten(),
        facts,
        connection: connection?,
        excluded,
    })
}

/// `facts:`, what is known of it without asking: each a text, a number, true or false.
fn facts(reader: &Reader, fields: &Fields<'_>) -> Map<String, Json> {
    let Some(node) = fields.get("facts") else { return Map::new() };
    let Some(entries) = reader.fields(node, "Facts", "facts.") else { return Map::new() };
    entries
        .keys()
        .filter_map(|(name, key, value)| {
            if !is_fact(name) {
                let fault = Fault::new(&key.place, format!("\"{name}\" is not the name of a fact."));
                reader.fault(fault.help("It has small letters, digits, '_' and '.', and begins with a letter."));
                return None;
            }
            Some((name.to_owned(), Json::from(reader.text(value)?)))
        })
        .collect()
}

/// `agent`, `noop`, or `local:` with its folders.
fn connection(reader: &Reader, node: &Node) -> Option<Connection> {
    match &node.value {
        Value::Scalar { text, .. } => match text.as_str() {
            "agent" => Some(Connection::Agent),
            "noop" => Some(Connection::Noop),
            "local" => {
                let fault = Fault::new(&node.place, "A local connection needs the folder of its state.");
                reader.fault(fault.help("Write connection: {local: {state: /var/lib/pitcrew/local}}."));
                None
            }
            other => {
                let fault = Fault::new(&node.place, format!("\"{other}\" is not a connection."));
                reader.fault(fault.nearest(other, ["agent", "local", "noop"]));
                None
            }
        },
        Value::List(_) | Value::Map(_) => {
            let outer = reader.fields(node, "A connection", "connection.")?;
            let local = outer.need("local");
            outer.finish();
            let fields = reader.fields(local?, "A local connection", "connection.local.")?;
            let state = fields.need("state").and_then(|node| reader.text(node));
            let sandbox = fields.get("sandbox").map(|node| reader.text(node));
            fields.finish();
            Some(Connection::Local { state: state?, sandbox: sandbox.flatten() })
        }
    }
}
