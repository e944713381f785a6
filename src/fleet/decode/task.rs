//! `kind: task`.

use crate::domain::{Method, Os, RebootNeed, ScriptUse, Task};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::Node;

use super::needs::requires;
use super::script;

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<Task> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let description = fields.get("description").and_then(|node| reader.text(node));
    let os = systems(reader, &fields);
    let mut test = script::optional(reader, &fields, "test");
    let mut get = script::optional(reader, &fields, "get");
    let mut set = script::optional(reader, &fields, "set");
    if let Some(node) = fields.get("script") {
        for (key, separate) in [("test", &test), ("get", &get), ("set", &set)] {
            if separate.is_some() {
                let fault = Fault::new(&node.place, format!("A task with \"script\" has no \"{key}\" beside it."));
                reader.fault(fault.help("The one script is called for test, get and set, as PITCREW_METHOD says."));
            }
        }
        let all = script::script(reader, node);
        let for_method = |method| all.clone().map(|script| ScriptUse { method: Some(method), ..script });
        (test, get, set) = (for_method(Method::Test), for_method(Method::Get), for_method(Method::Set));
    }
    let requires = requires(reader, &fields);
    let reboot = fields.get("reboot").and_then(|node| reader.word(node)).unwrap_or(RebootNeed::IfAsked);
    let serial = fields.get("serial").and_then(|node| serial(reader, node, name.as_deref()));
    let parameters = script::parameters(reader, &fields);
    if fields.get("script").is_none() && test.is_none() && get.is_none() {
        fields.need("test");
    }
    fields.finish();
    script::cover(reader, &os);
    Some(Task { name: name?, description, os, test, get, set, requires, reboot, serial, parameters })
}

/// `serial: true` for a lock of its own, `serial: NAME` for one that it shares with others.
fn serial(reader: &Reader, node: &Node, task: Option<&str>) -> Option<String> {
    match reader.text(node)?.as_str() {
        "true" => task.map(|task| format!("task/{task}")),
        "false" => None,
        _ => reader.name(node),
    }
}

/// `os:`, one or several.
pub(super) fn systems(reader: &Reader, fields: &Fields<'_>) -> Vec<Os> {
    let nodes = fields.get("os").map(|node| reader.list(node)).unwrap_or_default();
    let mut systems: Vec<Os> = nodes.into_iter().filter_map(|node| reader.word(node)).collect();
    systems.sort();
    systems.dedup();
    systems
}
