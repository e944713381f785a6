//! Scripts, and what they can be told.

use std::collections::BTreeMap;

use pitcrew_protocol::Interpreter;

use crate::domain::{Os, Override, Parameter, ParameterType, ScriptUse, Sha256Hash};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::{Node, Value};

/// A script of a thing, if it is there.
pub(super) fn optional(reader: &Reader, fields: &Fields<'_>, key: &'static str) -> Option<ScriptUse> {
    fields.get(key).and_then(|node| script(reader, node))
}

/// What runs a script, by the key under which its text stands, and by the ending of its file.
const INTERPRETERS: [(&str, Interpreter, &str); 4] = [
    ("sh", Interpreter::Sh, "sh"),
    ("bash", Interpreter::Bash, "bash"),
    ("powershell", Interpreter::Powershell, "ps1"),
    ("python", Interpreter::Python, "py"),
];

/// A text for `sh`; or `INTERPRETER: TEXT` or `file: PATH`, with an optional `timeout`; or one of these for each
/// operating system.
pub(super) fn script(reader: &Reader, node: &Node) -> Option<ScriptUse> {
    let Value::Map(entries) = &node.value else { return single(reader, node) };
    let is_os = |key: &Node| matches!(&key.value, Value::Scalar { text, .. } if text.parse::<Os>().is_ok());
    if entries.iter().any(|(key, _)| is_os(key)) { variants(reader, node) } else { single(reader, node) }
}

/// `linux:`, `macos:` and `windows:`, each with a script.
fn variants(reader: &Reader, node: &Node) -> Option<ScriptUse> {
    let fields = reader.fields(node, "A script by operating system", "")?;
    let mut variants = BTreeMap::new();
    let mut whole = true;
    for os in Os::ALL {
        if let Some(node) = fields.get(os.as_str()) {
            let variant = single(reader, node);
            whole &= variant.is_some();
            variants.extend(variant.map(|variant| (*os, variant)));
        }
    }
    fields.finish();
    reader.variants.borrow_mut().push((node.place.clone(), variants.keys().copied().collect()));
    let first = variants.values().next().filter(|_| whole)?.clone();
    Some(ScriptUse { variants, ..first })
}

fn single(reader: &Reader, node: &Node) -> Option<ScriptUse> {
    let (interpreter, body, timeout_ms) = match &node.value {
        Value::Scalar { .. } | Value::List(_) => (Interpreter::Sh, reader.text(node)?, None),
        Value::Map(_) => {
            let fields = reader.fields(node, "A script", "")?;
            let written: Vec<_> = INTERPRETERS
                .iter()
                .filter_map(|(key, interpreter, _)| Some((*interpreter, fields.get(key)?)))
                .collect();
            let file = fields.get("file");
            let timeout_ms = fields.get("timeout").map(|node| reader.duration_ms(node));
            fields.finish();
            let (interpreter, body) = match (&written[..], file) {
                ([(interpreter, text)], None) => (*interpreter, body(reader, text)),
                ([], Some(path)) => (by_ending(reader, path)?, file_text(reader, path)),
                _ => {
                    let message = "A script has exactly one of sh, bash, powershell, python and file.";
                    reader.fault(Fault::new(&node.place, message));
                    return None;
                }
            };
            (interpreter, body?, timeout_ms.flatten())
        }
    };
    let hash = Sha256Hash::of(body.as_bytes());
    reader.scripts.borrow_mut().insert(hash, body);
    Some(ScriptUse { hash, interpreter, timeout_ms, method: None, variants: BTreeMap::new() })
}

/// A text, or `file: PATH`.
pub(super) fn body(reader: &Reader, node: &Node) -> Option<String> {
    let Value::Map(_) = &node.value else { return reader.text(node) };
    let fields = reader.fields(node, "The text of a script", "")?;
    let path = fields.need("file");
    fields.finish();
    file_text(reader, path?)
}

/// The text of a file beside the fleet file.
fn file_text(reader: &Reader, node: &Node) -> Option<String> {
    let path = reader.text(node)?;
    let attached = reader.attached?;
    let (text, path) = attached.text(&node.place.file, path.trim());
    let why = match text {
        None => format!("There is no file \"{path}\"."),
        Some(text) if text.trim().is_empty() => format!("There is nothing in the file \"{path}\"."),
        Some(text) if text.contains('\0') => format!("The file \"{path}\" is not a text."),
        Some(text) => return Some(text.to_owned()),
    };
    let help = "Its path is relative to the fleet file that names it; over the API it is sent in \"attached\".";
    reader.fault(Fault::new(&node.place, why).help(help));
    None
}

/// What runs a file.
fn by_ending(reader: &Reader, node: &Node) -> Option<Interpreter> {
    let path = reader.text(node)?;
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = INTERPRETERS.iter().find(|(.., of)| *of == ending).map(|(_, interpreter, _)| *interpreter);
    known.or_else(|| {
        let fault = Fault::new(&node.place, format!("What runs \"{path}\" cannot be told by its ending."));
        reader.fault(fault.help(format!("Write sh: {{file: {path}}}, or bash, powershell or python.")));
        None
    })
}

/// `parameters:`, each `NAME:` with an optional type, default and the like.
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
            Some((name.to_owned(), parameter(reader, name, value)?))
        })
        .collect()
}

fn parameter(reader: &Reader, name: &str, value: &Node) -> Option<Parameter> {
    let fields = reader.fields(value, "A parameter", &format!("parameters.{name}."))?;
    let flag = |key| fields.get(key).and_then(|node| reader.boolean(node));
    let options = fields.get("options");
    let default = fields.get("default");
    let parameter = Parameter {
        description: fields.get("description").and_then(|node| reader.text(node)),
        kind: fields.get("type").map_or(Some(ParameterType::Text), |node| reader.word(node))?,
        default: default.and_then(|node| value_text(reader, node)),
        optional: flag("required") == Some(false),
        hidden: flag("hidden").unwrap_or(false),
        secret: flag("secret").unwrap_or(false),
        options: options
            .map(|node| reader.list(node))
            .unwrap_or_default()
            .into_iter()
            .filter_map(|node| reader.text(node))
            .collect(),
        overriding: fields.get("override").and_then(|node| reader.word(node)).unwrap_or(Override::Never),
    };
    let overriding = fields.get("override");
    fields.finish();
    if let (Override::Required, Some(node)) = (parameter.overriding, overriding)
        && (parameter.default.is_some() || parameter.optional)
    {
        let why = if parameter.optional { "required: false" } else { "a default" };
        let message = format!("The parameter \"{name}\" has {why}, so no session is required to give it.");
        reader.fault(Fault::new(&node.place, message).help("Write override: allowed."));
    }
    match (parameter.kind, options) {
        (ParameterType::Select, None) => {
            reader.fault(Fault::new(
                &value.place,
                format!("The parameter \"{name}\" is a select and lacks \"options\"."),
            ));
        }
        (ParameterType::Select, Some(_)) | (_, None) => {}
        (kind, Some(node)) => {
            let fault = Fault::new(&node.place, format!("A parameter of the type {kind} has no \"options\"."));
            reader.fault(fault.help("Write type: select."));
        }
    }
    if parameter.kind == ParameterType::File && parameter.secret {
        let fault = Fault::new(&value.place, format!("The parameter \"{name}\" is a file and cannot be a secret."));
        reader.fault(
            fault.help("It is fetched from its address, which plans name: keep the secret in a parameter beside it."),
        );
    }
    if let (Some(node), Some(value)) = (default, &parameter.default) {
        if parameter.is_secret() {
            let fault = Fault::new(&node.place, "A secret has no default: everyone who reads this file would know it.");
            reader.fault(fault.help("Give it at the deployment, or write required: false."));
        } else if let Err(what) = parameter.admits(value) {
            reader.fault(Fault::new(&node.place, format!("\"{value}\" does not fit: {what}.")));
        }
    }
    Some(parameter)
}

/// The value of a parameter: a text, or a mapping as a JSON object.
pub(super) fn value_text(reader: &Reader, node: &Node) -> Option<String> {
    let Value::Map(_) = &node.value else { return reader.text(node) };
    let fields = reader.fields(node, "The value of a parameter", "")?;
    let pairs: Option<BTreeMap<&str, String>> =
        fields.keys().map(|(key, _, value)| Some((key, reader.text(value)?))).collect();
    serde_json::to_string(&pairs?).ok()
}

/// Notes scripts that say nothing for an operating system that their thing is for.
pub(super) fn cover(reader: &Reader, systems: &[Os]) {
    let all = if systems.is_empty() { Os::ALL } else { systems };
    for (place, covered) in reader.variants.borrow().iter() {
        let missing: Vec<_> = all.iter().filter(|os| !covered.contains(os)).map(|os| os.as_str()).collect();
        if !missing.is_empty() {
            let fault = Fault::new(place, format!("This script says nothing for {}.", missing.join(" and ")));
            let known: Vec<_> = covered.iter().map(|os| os.as_str()).collect();
            reader.fault(fault.help(format!("Add it, or write os: [{}].", known.join(", "))));
        }
    }
}
