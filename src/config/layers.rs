//! The places where settings are looked for, each read into the same thing: keys, values and where they stood.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::fault::{Fault, Place, nearest};
use super::secret::redact;

/// The defaults, which name every key.
pub(super) const DEFAULTS: &str = include_str!("default.toml");

/// Variables with a name of their own, and their keys.
pub(super) const SHORT: &[(&str, &str)] = &[
    ("PITCREW_DATABASE_URL", "database.url"),
    ("PITCREW_AMQP_URL", "amqp.url"),
    ("PITCREW_SECRET_KEY", "secrets.key"),
    ("PITCREW_API_URL", "api.url"),
    ("PITCREW_TOKEN", "api.token"),
    ("PITCREW_LOG", "log.filter"),
    ("PITCREW_LOG_FORMAT", "log.format"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.endpoint"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "telemetry.protocol"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
];

/// The variable that names the operator's file.
pub(super) const FILE_VARIABLE: &str = "PITCREW_CONFIG";

/// One value and where it stood.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// The key: `section.name`.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Where it stood.
    pub place: Place,
}

/// The keys of a table and their values: `section.name`, in order.
pub(super) fn leaves(table: &Table) -> Vec<(String, Value)> {
    fn walk(prefix: &str, table: &Table, out: &mut Vec<(String, Value)>) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Table(inner) => walk(&key, inner, out),
                other => out.push((key, other.clone())),
            }
        }
    }
    let mut out = Vec::new();
    walk("", table, &mut out);
    out
}

/// Puts a value at a key, making the sections on the way.
pub(super) fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// Reads the operator's file. What is not TOML at all, and every unknown key, is a fault.
pub(super) fn file(path: &Path, text: &str, known: &[(String, Value)], faults: &mut Vec<Fault>) -> Vec<Setting> {
    let place = |span: Range<usize>| {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place::File {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        faults.push(Fault { place: place(error.span().unwrap_or(0..0)), message: redact(error.message()) });
    }
    // Values of a file that is not well-formed are not judged: they may be half of something else.
    if !faults.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    walk(document.get_ref(), "", &mut |key, value, span| found.push((key, value, span)), known);
    let mut settings = Vec::new();
    for (key, value, span) in found {
        match value {
            Some(value) => settings.push(Setting { key, value, place: place(span) }),
            None => faults.push(Fault { place: place(span), message: unknown(&key, known) }),
        }
    }
    settings
}

/// Reports each key of the document: with its value if the key is known, with none if it is not.
fn walk(
    table: &DeTable<'_>,
    prefix: &str,
    report: &mut impl FnMut(String, Option<Value>, Range<usize>),
    known: &[(String, Value)],
) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        let is_section =
            known.iter().any(|(other, _)| other.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.')));
        match value.get_ref() {
            DeValue::Table(inner) if is_section => walk(inner, &key, report, known),
            other if known.iter().any(|(known, _)| *known == key) => {
                report(key, Some(plain(other)), value.span());
            }
            _ => report(key, None, name.span()),
        }
    }
}

/// A parsed value as a plain one. A number that is out of range stays text, and is refused where it does not fit.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.to_string()), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::String(number.to_string()), Value::Float)
        }
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| plain(item.get_ref())).collect()),
        DeValue::Table(table) => Value::Table(
            table.iter().map(|(name, value)| (name.get_ref().to_string(), plain(value.get_ref()))).collect(),
        ),
    }
}

/// Reads the environment. A variable of ours that names no key is a fault; one that only begins as ours do is not, since
/// container platforms make such variables from service names.
pub(super) fn environment(
    variables: impl Iterator<Item = (String, String)>,
    known: &[(String, Value)],
    faults: &mut Vec<Fault>,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut all: Vec<_> = variables.filter(|(_, text)| !text.is_empty()).collect();
    // The long names come last, so that they win over the short ones.
    all.sort_by_key(|(name, _)| (name.contains("__"), name.clone()));
    for (name, text) in all {
        let place = Place::Variable(name.clone());
        if let Some((_, key)) = SHORT.iter().find(|(short, _)| *short == name) {
            settings.push(Setting { key: (*key).to_owned(), value: typed(key, text, known), place });
        } else if let Some(path) = name.strip_prefix("PITCREW_").filter(|path| path.contains("__")) {
            let key = path.split("__").map(str::to_ascii_lowercase).collect::<Vec<_>>().join(".");
            if known.iter().any(|(other, _)| *other == key) {
                settings.push(Setting { value: typed(&key, text, known), key, place });
            } else {
                faults.push(Fault { place, message: unknown(&key, known) });
            }
        } else if name.starts_with("PITCREW_")
            && name != FILE_VARIABLE
            && let Some((short, _)) = SHORT.iter().find(|(short, _)| strsim::damerau_levenshtein(&name, short) <= 2)
        {
            faults.push(Fault { place, message: format!("there is no such variable. Did you mean {short}?") });
        }
    }
    settings
}

/// A variable's text as the kind of value that the key's default is. What does not fit stays text, and is refused with
/// the others that do not fit.
fn typed(key: &str, text: String, known: &[(String, Value)]) -> Value {
    let default = known.iter().find(|(other, _)| other == key).map(|(_, value)| value);
    let read = match default {
        Some(Value::Integer(_)) => text.trim().parse().ok().map(Value::Integer),
        Some(Value::Float(_)) => text.trim().parse().ok().map(Value::Float),
        Some(Value::Boolean(_)) => text.trim().parse().ok().map(Value::Boolean),
        _ => None,
    };
    read.unwrap_or(Value::String(text))
}

/// What to say of a key that there is not.
fn unknown(key: &str, known: &[(String, Value)]) -> String {
    match nearest(key, known.iter().map(|(other, _)| other.as_str())) {
        Some(other) => format!("there is no setting '{key}'. Did you mean '{other}'?"),
        None => format!("there is no setting '{key}'. `pitcrew config` prints all that there are."),
    }
}
