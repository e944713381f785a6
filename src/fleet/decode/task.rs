//! `kind: task`.

use crate::domain::{Os, RebootNeed, Task};
use crate::fleet::reader::{Fields, Reader};

use super::needs::requires;
use super::script;

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<Task> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let description = fields.get("description").and_then(|node| reader.text(node));
    let os = systems(reader, &fields);
    let test = script::optional(reader, &fields, "test");
    let get = script::optional(reader, &fields, "get");
    let set = script::optional(reader, &fields, "set");
    let requires = requires(reader, &fields);
    let reboot = fields.get("reboot").and_then(|node| reader.word(node)).unwrap_or(RebootNeed::IfAsked);
    let parameters = script::parameters(reader, &fields);
    if test.is_none() && get.is_none() {
        fields.need("test");
    }
    fields.finish();
    Some(Task { name: name?, description, os, test, get, set, requires, reboot, parameters })
}

/// `os:`, one or several.
pub(super) fn systems(reader: &Reader, fields: &Fields<'_>) -> Vec<Os> {
    let nodes = fields.get("os").map(|node| reader.list(node)).unwrap_or_default();
    let mut systems: Vec<Os> = nodes.into_iter().filter_map(|node| reader.word(node)).collect();
    systems.sort();
    systems.dedup();
    systems
}
