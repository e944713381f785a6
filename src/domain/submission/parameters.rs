//! Reads what a submission gives parameters. Nothing that is said of it quotes a value: any of them may be a secret.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::read::{LONGEST_NAME, pointer};
use super::reply::Violation;
use crate::domain::parameter::{ParameterValue, SecretId};

/// Parameters that may be given in one submission: every session of it bears them.
const MOST: usize = 100;
/// The longest value, in characters.
const LONGEST: usize = 4_096;

/// What is given, by item and parameter; what is wrong with it goes to `violations`.
pub(super) fn read(
    value: Option<&Value>,
    violations: &mut Vec<Violation>,
) -> BTreeMap<String, BTreeMap<String, ParameterValue>> {
    let items = match value {
        None => return BTreeMap::new(),
        Some(Value::Object(items)) => items,
        Some(_) => {
            let message = "This is no mapping of items to their parameters: {\"task/NAME\": {\"PARAMETER\": VALUE}}.";
            violations.push(Violation::new("/parameters", "wrong_type", message));
            return BTreeMap::new();
        }
    };
    let count: usize = items.values().filter_map(Value::as_object).map(Map::len).sum();
    if items.len().max(count) > MOST {
        let message = format!("At most {MOST} parameters may be given.");
        violations.push(Violation::new("/parameters", "too_many", message));
        return BTreeMap::new();
    }
    let mut read = BTreeMap::new();
    for (item, values) in items {
        if !is_name(item) {
            violations.push(Violation::new("/parameters", "wrong_type", "One of the names here is none of an item."));
            continue;
        }
        let Value::Object(values) = values else {
            let message = "This is no mapping of parameters to values.";
            violations.push(Violation::new(pointer(&["parameters", item]), "wrong_type", message));
            continue;
        };
        let mut of_item = BTreeMap::new();
        for (name, value) in values {
            if !is_name(name) {
                let message = "One of the names here is none of a parameter.";
                violations.push(Violation::new(pointer(&["parameters", item]), "wrong_type", message));
                continue;
            }
            match one(value) {
                Ok(value) => {
                    of_item.insert(name.clone(), value);
                }
                Err((code, message)) => {
                    violations.push(Violation::new(pointer(&["parameters", item, name]), code, message));
                }
            }
        }
        read.insert(item.clone(), of_item);
    }
    read
}

/// A value as it may be written in a submission.
impl JsonSchema for ParameterValue {
    fn schema_name() -> Cow<'static, str> {
        "WrittenValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let scalar = ["string", "number", "boolean"];
        json_schema!({
            "description": "The value of a parameter.",
            "anyOf": [
                { "description": "A text, a number, true or false; of a mapping or a file, its JSON.",
                  "type": scalar, "maxLength": LONGEST },
                { "description": "A stored secret, by its id.", "type": "object", "required": ["secret"],
                  "properties": { "secret": { "type": "string", "format": "uuid" } }, "additionalProperties": false },
                { "description": "A mapping.", "type": "object", "additionalProperties": { "type": scalar } }
            ]
        })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.contains(char::is_control)
}

/// A text for whatever can be written as one; a mapping as its JSON, as fleet files have it.
fn one(value: &Value) -> Result<ParameterValue, (&'static str, String)> {
    let wrong = || {
        let message = "A value is a text, a number, true or false, a mapping of texts, or {\"secret\": ID}.";
        ("wrong_type", message.to_owned())
    };
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let text = match value {
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("secret") => {
            let id = fields.get("secret").and_then(Value::as_str).and_then(|id| id.parse().ok());
            let message = "This is not the id of a stored secret; pitcrew secret store answers it.";
            return id
                .map(|id| ParameterValue::Secret { secret: SecretId(id) })
                .ok_or_else(|| ("wrong_type", message.to_owned()));
        }
        Value::Object(fields) => {
            let pairs: Option<BTreeMap<&String, String>> =
                fields.iter().map(|(key, value)| Some((key, scalar(value)?))).collect();
            serde_json::to_string(&pairs.ok_or_else(wrong)?).map_err(|_| wrong())?
        }
        other => scalar(other).ok_or_else(wrong)?,
    };
    if text.chars().count() > LONGEST || text.contains('\0') {
        return Err(("too_long", format!("A value has at most {LONGEST} characters, none of them NUL.")));
    }
    Ok(ParameterValue::Plain(text))
}
