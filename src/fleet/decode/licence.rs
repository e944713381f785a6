//! `kind: licence`.

use crate::domain::{Licence, ParameterValue};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::Node;

/// A shorter key would turn up in output by chance, and could not be struck out of it.
const SHORTEST: usize = 4;

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<Licence> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let software = fields.need("software").and_then(|node| reader.name(node));
    let tenant = fields.get("tenant").and_then(|node| reader.name(node));
    let major = fields.get("major").and_then(|node| major(reader, node));
    let text = match (fields.get("key"), fields.get("file")) {
        (Some(node), None) | (None, Some(node)) => text(reader, node),
        (None, None) | (Some(_), Some(_)) => {
            reader.fault(Fault::new(&fields.node().place, "A licence has exactly one of \"key\" and \"file\"."));
            None
        }
    };
    fields.finish();
    Some(Licence { name: name?, software: software?, tenant, major, text: ParameterValue::Plain(text?) })
}

fn text(reader: &Reader, node: &Node) -> Option<String> {
    let text = reader.text(node)?;
    if text.trim().chars().count() >= SHORTEST {
        return Some(text);
    }
    reader.fault(Fault::new(&node.place, format!("The text of a licence has at least {SHORTEST} characters.")));
    None
}

fn major(reader: &Reader, node: &Node) -> Option<String> {
    let text = reader.text(node)?;
    let is_number = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (text == "0" || !text.starts_with('0')) {
        return Some(text);
    }
    let fault = Fault::new(&node.place, format!("\"{text}\" is not a major version."));
    reader.fault(fault.help("It is the first number of a version, such as 2."));
    None
}
