//! What a session gives the parameters of items: checked as a whole when it is submitted, and once more wherever a script
//! is to be told of it, for the policy may have changed since.
//!
//! No sentence made here quotes a value: it may be a secret that went astray.

use std::collections::BTreeMap;

use super::item::Item;
use super::parameter::{Override, Parameter, ParameterValue, SecretId};
use super::submission::{Violation, pointer};
use super::suggest::{did_you_mean, instead};

/// Values, by item and parameter.
pub type Given = BTreeMap<Item, BTreeMap<String, ParameterValue>>;

/// What items declare; an item of which nothing is known is not there.
pub type Declared = BTreeMap<Item, BTreeMap<String, Parameter>>;

/// Why a session may not give a parameter this value, as a code for programs and a sentence; none if it may. `item` is
/// what declares the parameter.
pub fn objection(
    item: &Item,
    name: &str,
    parameter: &Parameter,
    value: &ParameterValue,
) -> Option<(&'static str, String)> {
    if parameter.overriding == Override::Never {
        let message = format!(
            "A session may not give the parameter \"{name}\" of {item}: the fleet file does not say override: allowed."
        );
        return Some(("not_overridable", message));
    }
    match (value, parameter.is_secret()) {
        (ParameterValue::Plain(_), true) => Some((
            "secret_by_value",
            format!(
                "The parameter \"{name}\" of {item} is a secret and is not given by value: store it with \
                 pitcrew secret store, and give its id: {{\"secret\": ID}}, or --set-secret {item}.{name}=ID."
            ),
        )),
        (ParameterValue::Secret { .. }, false) => {
            Some(("not_a_secret", format!("The parameter \"{name}\" of {item} is no secret: give its value.")))
        }
        (ParameterValue::Plain(value), false) => parameter.admits(value).err().map(|what| {
            let message = format!("What is given for the parameter \"{name}\" of {item} does not fit: {what}.");
            ("wrong_value", message)
        }),
        (ParameterValue::Secret { .. }, true) => None,
    }
}

/// Checks what a submission gives, by the names that are written in it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(
    written: &BTreeMap<String, BTreeMap<String, ParameterValue>>,
    declared: &Declared,
) -> Result<Given, Vec<Violation>> {
    let mut given = Given::new();
    let mut violations = Vec::new();
    for (word, values) in written {
        let item = match meant(word, declared) {
            Ok(item) => item,
            Err((code, message)) => {
                violations.push(Violation::new(pointer(&["parameters", word]), code, message));
                continue;
            }
        };
        let none = BTreeMap::new();
        let parameters = declared.get(&item).unwrap_or(&none);
        for (name, value) in values {
            let objection = match parameters.get(name) {
                Some(parameter) => objection(&item, name, parameter, value),
                None => {
                    let near = instead(name, parameters.keys().map(String::as_str));
                    Some(("unknown_parameter", format!("{item} has no parameter \"{name}\".{near}")))
                }
            };
            let at = pointer(&["parameters", word, name]);
            let values = given.entry(item.clone()).or_default();
            let twice = || {
                let message = format!("The parameter \"{name}\" of {item} is given in another entry too.");
                values.insert(name.clone(), value.clone()).map(|_| ("duplicate", message))
            };
            let wrong = objection.or_else(twice);
            violations.extend(wrong.map(|(code, message)| Violation::new(at, code, message)));
        }
    }
    if violations.is_empty() { Ok(given) } else { Err(violations) }
}

/// The item that a word means: its whole name, or its bare one if only one item is called so.
fn meant(word: &str, declared: &Declared) -> Result<Item, (&'static str, String)> {
    let exact = word.parse::<Item>().ok().filter(|item| declared.contains_key(item));
    if let Some(item) = exact {
        return Ok(item);
    }
    let mut bare = [Item::software(word), Item::task(word)].into_iter().filter(|item| declared.contains_key(item));
    match (bare.next(), bare.next()) {
        (Some(item), None) => Ok(item),
        (Some(one), Some(other)) => {
            Err(("ambiguous_item", format!("\"{word}\" is {one} as well as {other}: write which.")))
        }
        (None, _) => {
            let names: Vec<String> = declared.keys().map(Item::to_string).collect();
            let whole = did_you_mean(word, names.iter().map(String::as_str));
            let near = match whole.is_empty() {
                true => did_you_mean(word, declared.keys().map(|item| item.name.as_str())),
                false => whole,
            };
            Err(("unknown_item", format!("There is no item \"{word}\".{near}")))
        }
    }
}

/// The secrets that are given, each with where in the submission it is.
pub fn secrets(written: &BTreeMap<String, BTreeMap<String, ParameterValue>>) -> Vec<(String, SecretId)> {
    let all = written.iter().flat_map(|(word, values)| values.iter().map(move |(name, value)| (word, name, value)));
    all.filter_map(|(word, name, value)| match value {
        ParameterValue::Secret { secret } => Some((pointer(&["parameters", word, name]), *secret)),
        ParameterValue::Plain(_) => None,
    })
    .collect()
}

/// What is required of a session and not given: that a parameter has no value, for a violation.
pub fn missing(item: &Item, name: &str, for_what: &str) -> Violation {
    let message = format!(
        "The parameter \"{name}\" of {item} has no value, and {for_what} takes one: give it as \
         {{\"parameters\": {{\"{item}\": {{\"{name}\": …}}}}}}, or --set {item}.{name}=VALUE."
    );
    Violation::new(pointer(&["parameters", &item.to_string(), name]), "missing", message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::ParameterType;

    fn declared() -> Declared {
        let parameter = |kind, overriding| Parameter { kind, overriding, ..Parameter::default() };
        let clock = [
            ("server", parameter(ParameterType::Text, Override::Allowed)),
            ("poll", parameter(ParameterType::Number, Override::Allowed)),
            ("fixed", parameter(ParameterType::Text, Override::Never)),
            ("token", parameter(ParameterType::Password, Override::Required)),
            (
                "site",
                Parameter {
                    options: vec!["north".into(), "south".into()],
                    ..parameter(ParameterType::Select, Override::Allowed)
                },
            ),
        ];
        let clock: BTreeMap<String, Parameter> = clock.map(|(name, it)| (name.to_owned(), it)).into();
        [(Item::task("clock"), clock.clone()), (Item::task("tool"), clock), (Item::software("tool"), BTreeMap::new())]
            .into()
    }

    #[test]
    fn what_may_be_given_and_what_not() {
        let id = "6f1f0a52-6c1c-4f57-8f53-0f6c1d3d2d11";
        let table: &[(Value, &[(&str, &str)])] = &[
            (json!({"task/clock": {"server": "a", "poll": "5", "site": "south", "token": {"secret": id}}}), &[]),
            (json!({"clock": {"server": "a"}}), &[]),
            (json!({"clok": {"server": "a"}}), &[("/parameters/clok", "unknown_item")]),
            (json!({"software/clock": {"server": "a"}}), &[("/parameters/software~1clock", "unknown_item")]),
            (json!({"tool": {"server": "a"}}), &[("/parameters/tool", "ambiguous_item")]),
            (json!({"software/tool": {"x": "a"}}), &[("/parameters/software~1tool/x", "unknown_parameter")]),
            (
                json!({"clock": {"servr": "a", "fixed": "a", "poll": "hunter2", "site": "hunter2", "token": "hunter2", "server": {"secret": id}}}),
                &[
                    ("/parameters/clock/fixed", "not_overridable"),
                    ("/parameters/clock/poll", "wrong_value"),
                    ("/parameters/clock/server", "not_a_secret"),
                    ("/parameters/clock/servr", "unknown_parameter"),
                    ("/parameters/clock/site", "wrong_value"),
                    ("/parameters/clock/token", "secret_by_value"),
                ],
            ),
            (json!({"clock": {"server": "a"}, "task/clock": {"poll": "1"}}), &[]),
            (
                json!({"clock": {"server": "a"}, "task/clock": {"server": "b"}}),
                &[("/parameters/task~1clock/server", "duplicate")],
            ),
        ];
        for (written, expected) in table {
            let written = serde_json::from_value(written.clone()).unwrap();
            let violations = check(&written, &declared()).err().unwrap_or_default();
            let told: Vec<_> = violations.iter().map(|it| (it.pointer.as_str(), it.code.as_str())).collect();
            assert_eq!(told, *expected);
            assert!(!violations.iter().any(|it| it.message.contains("hunter2")), "{violations:?}");
        }
    }

    #[test]
    fn who_misspells_is_helped_on() {
        let message = |written: Value| {
            check(&serde_json::from_value(written).unwrap(), &declared()).unwrap_err().remove(0).message
        };
        assert!(message(json!({"task/clok": {}})).ends_with("Did you mean \"task/clock\"?"));
        assert!(message(json!({"clok": {}})).contains("Did you mean \""));
        assert!(message(json!({"clock": {"servr": "a"}})).ends_with("Did you mean \"server\"?"));
        assert!(message(json!({"clock": {"site": "west"}})).ends_with("it is one of: north, south."));
    }
}
