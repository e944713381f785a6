//! Scripts, and what they can be told.

use std::collections::BTreeMap;

use pitcrew_protocol::Interpreter;

use crate::domain::{Parameter, ScriptUse, Sha256Hash};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::{Node, Value};

/// A script of a thing, if it is there.
pub(super) fn optional(reader: &Reader, fields: &Fields<'_>, key: &'static str) -> Option<ScriptUse> {
    fields.get(key).and_then(|node| script(reader, node))
}

/// A text for `sh`, or `INTERPRETER: TEXT` with an optional `timeout`.
pub(super) fn script(reader: &Reader, node: &Node) -> Option<ScriptUse> {
    let (interpreter, body, timeout_ms) = match &node.value {
        Value::Scalar { .. } | Value::List(_) => (Interpreter::Sh, reader.text(node)?, None),
        Value::Map(_) => {
            let fields = reader.fields(node, "A script", "")?;
            let written = [
                ("sh", Interpreter::Sh),
                ("bash", Interpreter::Bash),
                ("powershell", Interpreter::Powershell),
                ("python", Interpreter::Python),
            ]
            .into_iter()
            .filter_map(|(key, interpreter)| Some((interpreter, fields.get(key)?)))
            .collect::<Vec<_>>();
            let timeout_ms = fields.get("timeout").map(|node| reader.duration_ms(node));
            fields.finish();
            let [(interpreter, text)] = written[..] else {
                let fault = Fault::new(&node.place, "A script has exactly one of sh, bash, powershell and python.");
                reader.fault(fault);
                return None;
            };
            (interpreter, reader.text(text)?, timeout_ms.flatten())
        }
    };
    let hash = Sha256Hash::of(body.as_bytes());
    reader.scripts.borrow_mut().insert(hash, body);
    Some(ScriptUse { hash, interpreter, timeout_ms })
}

/// `parameters:`, each `NAME:` with an optional `default` and `description`.
pub(super) fn parameters(reader: &Reader, fields: &Fields<'_>) -> BTreeMap<String, Parameter> {
    let Some(node) = fields.get("parameters") else { return BTreeMap::new() };
    let Some(entries) = reader.fields(node, "Parameters", "parameters.") else { return BTreeMap::new() };
    entries
        .keys()
        .filter_map(|(name, key, value)| {
            let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
            if !is_name {
                let fault = Fault::new(&key.place, format!("\"{name}\" is not the name of a parameter."));
                reader.fault(fault.help("It has small letters, digits and '_', and begins with a letter."));
                return None;
            }
            if value.is_null() {
                return Some((name.to_owned(), Parameter::default()));
            }
            let fields = reader.fields(value, "A parameter", &format!("parameters.{name}."))?;
            let description = fields.get("description").and_then(|node| reader.text(node));
            let default = fields.get("default").and_then(|node| reader.text(node));
            fields.finish();
            Some((name.to_owned(), Parameter { description, default }))
        })
        .collect()
}
