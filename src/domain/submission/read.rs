//! Reads a submission from outside: either it is right in every field, or everything that is wrong with it is said.
//!
//! Whether its computers and deployments exist is not known here; the store resolves them.

use std::collections::HashSet;
use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::message::{ComputerRef, LARGEST_KEY, SUBMISSION_VERSION, SubmissionTarget, SubmissionV1};
use super::parameters;
use super::reply::Violation;
use crate::domain::ids::ComputerId;
use crate::domain::item::Item;
use crate::domain::session::{Kind, Priority, RebootPolicy};
use crate::domain::suggest::did_you_mean;
use crate::domain::words::UnknownWord;

/// Computers that may be named in one submission.
const MOST_COMPUTERS: usize = 10_000;
/// Deployments that may be named in one submission.
const MOST_DEPLOYMENTS: usize = 100;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 1_000;
/// The longest name of anything, in characters.
pub(super) const LONGEST_NAME: usize = 255;

pub(super) const FIELDS: &[&str] = &[
    "v",
    "key",
    "target",
    "kind",
    "deployments",
    "item",
    "parameters",
    "inventory",
    "priority",
    "reboot",
    "again",
    "reason",
    "not_before",
    "expires_at",
];

/// Reads a submission from JSON text.
///
/// # Errors
/// Everything that is wrong with it; of a text that is not JSON, where it stops being that.
pub fn read_bytes(text: &[u8]) -> Result<SubmissionV1, Vec<Violation>> {
    match serde_json::from_slice::<Value>(text) {
        Ok(document) => read(&document),
        Err(error) => Err(vec![Violation::new(
            "",
            "not_json",
            format!("The text is not JSON from line {}, column {} on: {error}.", error.line(), error.column()),
        )]),
    }
}

/// Reads a submission.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(document: &Value) -> Result<SubmissionV1, Vec<Violation>> {
    let Value::Object(fields) = document else {
        return Err(vec![Violation::new("", "wrong_type", "A submission is a JSON object.")]);
    };
    let mut reader = Reader { fields, violations: Vec::new() };
    // A document of another version may have other fields: nothing else that is said about it would help.
    if let Some(violation) = reader.version() {
        return Err(vec![violation]);
    }
    reader.unknown_fields();
    let submission = SubmissionV1 {
        v: SUBMISSION_VERSION,
        key: reader.key(),
        target: reader.target(),
        kind: reader.word("kind", Kind::WORDS, Kind::Full),
        deployments: reader.deployments(),
        item: reader.item(),
        parameters: parameters::read(reader.fields.get("parameters"), &mut reader.violations),
        inventory: reader.flag("inventory"),
        priority: reader.priority(),
        reboot: reader.word("reboot", RebootPolicy::WORDS, RebootPolicy::Never),
        again: reader.flag("again"),
        reason: reader.text("reason", LONGEST_REASON).unwrap_or_default(),
        not_before: reader.time("not_before"),
        expires_at: reader.time("expires_at"),
    };
    reader.together(&submission);
    if reader.violations.is_empty() { Ok(submission) } else { Err(reader.violations) }
}

struct Reader<'a> {
    fields: &'a Map<String, Value>,
    violations: Vec<Violation>,
}

impl Reader<'_> {
    fn version(&self) -> Option<Violation> {
        match self.fields.get("v") {
            None => Some(Violation::new("/v", "missing", "The version of the document is missing; known is: 1.")),
            Some(v) if v.as_u64() == Some(SUBMISSION_VERSION.into()) => None,
            Some(other) => Some(Violation::new(
                "/v",
                "unknown_version",
                format!("{} is not a version this program knows; known is: 1.", short(other)),
            )),
        }
    }

    fn unknown_fields(&mut self) {
        for name in self.fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            let near = did_you_mean(name, FIELDS.iter().copied());
            self.violations.push(Violation::new(
                pointer(&[name]),
                "unknown_field",
                format!("There is no such field.{near}"),
            ));
        }
    }

    fn key(&mut self) -> Option<String> {
        if self.fields.get("key").is_some_and(Value::is_null) {
            return None;
        }
        let key = self.text("key", LARGEST_KEY)?;
        if key.is_empty() {
            self.wrong("/key", "empty", "A key has at least one character; leave it out for none.");
        }
        Some(key)
    }

    fn target(&mut self) -> SubmissionTarget {
        let nothing = || SubmissionTarget::Computers(Vec::new());
        let target = match self.fields.get("target") {
            Some(Value::Object(target)) => target,
            Some(other) => {
                self.wrong_type("/target", "an object with \"computers\" or \"tenant\"", other);
                return nothing();
            }
            None => {
                self.wrong("/target", "missing", "Say which: {\"computers\": [names or ids]} or {\"tenant\": name}.");
                return nothing();
            }
        };
        for name in target.keys().filter(|name| !["computers", "tenant"].contains(&name.as_str())) {
            let near = did_you_mean(name, ["computers", "tenant"]);
            self.wrong(&pointer(&["target", name]), "unknown_field", format!("There is no such field.{near}"));
        }
        match (target.get("computers"), target.get("tenant")) {
            (Some(Value::Array(computers)), None) => SubmissionTarget::Computers(self.computers(computers)),
            (None, Some(Value::String(tenant))) if !tenant.is_empty() && tenant.chars().count() <= LONGEST_NAME => {
                SubmissionTarget::Tenant(tenant.clone())
            }
            (Some(other), None) => {
                self.wrong_type("/target/computers", "an array of names or ids", other);
                nothing()
            }
            (None, Some(other)) => {
                self.wrong_type("/target/tenant", "the name of a tenant", other);
                nothing()
            }
            (Some(_), Some(_)) => {
                self.wrong("/target", "conflict", "Either \"computers\" or \"tenant\", not both.");
                nothing()
            }
            (None, None) => {
                self.wrong("/target", "missing", "Say which: {\"computers\": [names or ids]} or {\"tenant\": name}.");
                nothing()
            }
        }
    }

    fn computers(&mut self, computers: &[Value]) -> Vec<ComputerRef> {
        if computers.is_empty() {
            self.wrong("/target/computers", "empty", "Name at least one computer.");
        }
        if computers.len() > MOST_COMPUTERS {
            let message =
                format!("{} computers are named; at most {MOST_COMPUTERS} go into one submission.", computers.len());
            self.wrong("/target/computers", "too_many", message);
            return Vec::new();
        }
        let mut seen = HashSet::new();
        let mut named = Vec::with_capacity(computers.len());
        for (place, computer) in computers.iter().enumerate() {
            let at = format!("/target/computers/{place}");
            let computer = match (computer.as_i64(), computer) {
                (Some(id), _) if id > 0 => ComputerRef::Id(ComputerId(id)),
                (None, Value::String(name)) if !name.is_empty() && name.chars().count() <= 2 * LONGEST_NAME => {
                    ComputerRef::Name(name.clone())
                }
                _ => {
                    self.wrong_type(&at, "the name or the id of a computer", computer);
                    continue;
                }
            };
            if seen.insert(computer.clone()) {
                named.push(computer);
            } else {
                self.wrong(&at, "duplicate", "This computer is named twice; a session is made once for each.");
            }
        }
        named
    }

    fn deployments(&mut self) -> Vec<String> {
        let names = match self.fields.get("deployments") {
            None => return Vec::new(),
            Some(Value::Array(names)) => names,
            Some(other) => {
                self.wrong_type("/deployments", "an array of names", other);
                return Vec::new();
            }
        };
        if names.len() > MOST_DEPLOYMENTS {
            self.wrong("/deployments", "too_many", format!("At most {MOST_DEPLOYMENTS} deployments may be named."));
            return Vec::new();
        }
        let mut read = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let at = format!("/deployments/{place}");
            match name {
                Value::String(name) if !name.is_empty() && name.chars().count() <= LONGEST_NAME => {
                    if read.contains(name) {
                        self.wrong(&at, "duplicate", "This deployment is named twice.");
                    } else {
                        read.push(name.clone());
                    }
                }
                other => self.wrong_type(&at, "the name of a deployment", other),
            }
        }
        read
    }

    fn item(&mut self) -> Option<Item> {
        match self.fields.get("item")? {
            Value::Null => None,
            Value::String(text) if text.chars().count() <= 2 * LONGEST_NAME => {
                text.parse().map_err(|error| self.wrong("/item", "wrong_type", format!("{error}."))).ok()
            }
            other => {
                self.wrong_type("/item", "software/NAME or task/NAME", other);
                None
            }
        }
    }

    fn priority(&mut self) -> Priority {
        match self.fields.get("priority") {
            Some(Value::Number(number)) => match number.as_u64() {
                Some(rank @ 0..=3) => Priority::from_rank(i16::try_from(rank).unwrap_or_default()),
                _ => {
                    let message = format!("{number} is no priority: 0 (emergency) to 3 (low), or a word.");
                    self.wrong("/priority", "out_of_range", message);
                    Priority::Normal
                }
            },
            _ => self.word("priority", Priority::WORDS, Priority::Normal),
        }
    }

    fn word<T: FromStr<Err = UnknownWord>>(&mut self, name: &str, known: &[&str], default: T) -> T {
        let text = match self.fields.get(name) {
            None => return default,
            Some(Value::String(text)) => text,
            Some(other) => {
                self.wrong_type(&pointer(&[name]), &format!("one of {}", known.join(", ")), other);
                return default;
            }
        };
        text.parse().unwrap_or_else(|error: UnknownWord| {
            let near = did_you_mean(text, known.iter().copied());
            self.wrong(&pointer(&[name]), "unknown_word", format!("{error}.{near}"));
            default
        })
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.fields.get(name) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                self.wrong_type(&pointer(&[name]), "true or false", other);
                false
            }
        }
    }

    fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) if text.chars().count() <= longest && !text.contains('\0') => Some(text.clone()),
            Value::String(text) => {
                let length = text.chars().count();
                let message =
                    format!("The text has {length} characters; at most {longest} are taken, none of them NUL.");
                self.wrong(&pointer(&[name]), "too_long", message);
                None
            }
            other => {
                self.wrong_type(&pointer(&[name]), "a text", other);
                None
            }
        }
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = match self.fields.get(name)? {
            Value::String(text) => text,
            Value::Null => return None,
            other => {
                self.wrong_type(&pointer(&[name]), "a time such as \"2030-01-31T22:00:00Z\"", other);
                return None;
            }
        };
        match text.parse() {
            Ok(time) => Some(time),
            Err(error) => {
                let message = format!("\"{text}\" is no time such as \"2030-01-31T22:00:00Z\": {error}.");
                self.wrong(&pointer(&[name]), "wrong_type", message);
                None
            }
        }
    }

    /// What no field says alone.
    fn together(&mut self, submission: &SubmissionV1) {
        let named = self.fields.get("deployments").is_some_and(|names| names.as_array().is_none_or(|n| !n.is_empty()));
        let kind = submission.kind;
        match kind {
            Kind::Targeted if !named => {
                self.wrong("/deployments", "missing", "A targeted session names at least one deployment.");
            }
            Kind::Full | Kind::Onboarding | Kind::Repair | Kind::Inventory if named => {
                let message = format!("A session of the kind {kind} names no deployments; a targeted one does.");
                self.wrong("/deployments", "conflict", message);
            }
            Kind::Full
            | Kind::Targeted
            | Kind::Onboarding
            | Kind::Detection
            | Kind::Repair
            | Kind::Inventory
            | Kind::Resolution
            | Kind::Download => {}
        }
        let written = self.fields.get("item").is_some_and(|item| !item.is_null());
        match (kind, written) {
            (Kind::Repair, false) => {
                self.wrong("/item", "missing", "Say what to repair: software/NAME or task/NAME.");
            }
            (Kind::Repair, true) | (_, false) => {}
            (_, true) => {
                let message = format!("Only a repair names an item; this session is of the kind {kind}.");
                self.wrong("/item", "conflict", message);
            }
        }
        if matches!(kind, Kind::Inventory | Kind::Resolution) && !submission.parameters.is_empty() {
            let message = format!("A session of the kind {kind} runs no script that could be told a parameter.");
            self.wrong("/parameters", "conflict", message);
        }
        if kind == Kind::Resolution && submission.inventory {
            self.wrong(
                "/inventory",
                "conflict",
                "A resolution asks nothing of the computer, so it takes no inventory.",
            );
        }
        if matches!(kind, Kind::Inventory | Kind::Resolution | Kind::Download)
            && submission.reboot == RebootPolicy::IfNeeded
        {
            let message = format!("A session of the kind {kind} changes nothing and never restarts a computer.");
            self.wrong("/reboot", "conflict", message);
        }
        if let (Some(from), Some(until)) = (submission.not_before, submission.expires_at)
            && until <= from
        {
            self.wrong("/expires_at", "conflict", "It expires before it may start.");
        }
    }

    fn wrong(&mut self, pointer: &str, code: &str, message: impl Into<String>) {
        self.violations.push(Violation::new(pointer, code, message));
    }

    fn wrong_type(&mut self, pointer: &str, expected: &str, found: &Value) {
        self.wrong(pointer, "wrong_type", format!("{} is not {expected}.", short(found)));
    }
}

/// A JSON pointer to a field (RFC 6901).
pub(in crate::domain) fn pointer(names: &[&str]) -> String {
    names.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect()
}

/// A value as it is quoted in a message: whole if it is short.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 { text } else { format!("{} …", text.chars().take(60).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn codes(document: Value) -> Vec<(String, String)> {
        let violations = read(&document).expect_err("it is wrong");
        violations.into_iter().map(|violation| (violation.pointer, violation.code)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
    }

    #[test]
    fn what_is_right_is_read_and_written_alike() {
        let least = read(&json!({"v": 1, "target": {"tenant": "contoso"}})).unwrap();
        assert_eq!(least, SubmissionV1::new(SubmissionTarget::Tenant("contoso".into())));
        let most = json!({
            "v": 1, "key": "k", "target": {"computers": ["pc-1", 7, "contoso/pc-2"]}, "kind": "targeted",
            "deployments": ["editor"], "inventory": true, "priority": 0, "reboot": "if_needed", "again": true, "reason": "r",
            "not_before": "2030-01-01T00:00:00Z", "expires_at": "2030-01-02T00:00:00Z",
        });
        let read_it = read(&most).unwrap();
        assert_eq!(read_it.priority, Priority::Emergency);
        assert_eq!(serde_json::from_value::<SubmissionV1>(most).unwrap(), read_it);
        assert_eq!(read(&serde_json::to_value(&read_it).unwrap()).unwrap(), read_it);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let found = codes(json!({
            "v": 1, "target": {"computers": ["a", 0, "a"], "x": 1}, "kind": "ful", "priorty": 1, "priority": 4,
            "reboot": 1, "not_before": "soon", "inventory": "yes", "deployments": ["d"], "a/b": 1,
        }));
        let expected = [
            ("/a~1b", "unknown_field"),
            ("/priorty", "unknown_field"),
            ("/target/x", "unknown_field"),
            ("/target/computers/1", "wrong_type"),
            ("/target/computers/2", "duplicate"),
            ("/kind", "unknown_word"),
            ("/inventory", "wrong_type"),
            ("/priority", "out_of_range"),
            ("/reboot", "wrong_type"),
            ("/not_before", "wrong_type"),
            ("/deployments", "conflict"),
        ];
        let (mut found, mut expected) = (found, pairs(&expected));
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_kind_says_what_it_may_be_asked() {
        let with = |kind: &str, more: Value| {
            let mut document = json!({"v": 1, "target": {"tenant": "t"}, "kind": kind});
            document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            read(&document).map(|_| ()).map_err(|found| {
                found.into_iter().map(|one| format!("{} {}", one.pointer, one.code)).collect::<Vec<_>>()
            })
        };
        let (named, item) = (json!({"deployments": ["d"]}), json!({"item": "software/editor"}));
        let (inventory, reboot) = (json!({"inventory": true}), json!({"reboot": "if_needed"}));
        // kind: alone, with deployments, with an item, with the inventory, with reboots
        let table = [
            ("full", ["", "/deployments conflict", "/item conflict", "", ""]),
            ("targeted", ["/deployments missing", "", "/deployments missing, /item conflict", "?", "?"]),
            ("onboarding", ["", "/deployments conflict", "/item conflict", "", ""]),
            ("detection", ["", "", "/item conflict", "", ""]),
            ("repair", ["/item missing", "/deployments conflict, /item missing", "", "?", "?"]),
            ("inventory", ["", "/deployments conflict", "/item conflict", "", "/reboot conflict"]),
            ("resolution", ["", "", "/item conflict", "/inventory conflict", "/reboot conflict"]),
            ("download", ["", "", "/item conflict", "", "/reboot conflict"]),
        ];
        assert_eq!(table.len(), Kind::ALL.len());
        for (kind, cells) in table {
            for (more, expected) in [json!({}), named.clone(), item.clone(), inventory.clone(), reboot.clone()]
                .into_iter()
                .zip(cells)
                .filter(|(_, expected)| *expected != "?")
            {
                let found = with(kind, more.clone()).err().unwrap_or_default().join(", ");
                assert_eq!(found, expected, "{kind} with {more}");
            }
        }
        assert_eq!(with("repair", json!({"item": "editor"})).unwrap_err(), ["/item wrong_type"]);
        assert_eq!(with("repair", json!({"item": 7})).unwrap_err(), ["/item wrong_type"]);
    }

    #[test]
    fn what_parameters_are_given_is_read_as_fleet_files_have_it() {
        let with = |parameters: Value| read(&json!({"v": 1, "target": {"tenant": "t"}, "parameters": parameters}));
        let id = "6f1f0a52-6c1c-4f57-8f53-0f6c1d3d2d11";
        let given =
            with(json!({"task/t": {"a": "x", "b": 2.5, "c": true, "d": {"k": 1}, "e": {"secret": id}}})).unwrap();
        let written = serde_json::to_value(&given.parameters).unwrap();
        assert_eq!(
            written,
            json!({"task/t": {"a": "x", "b": "2.5", "c": "true", "d": "{\"k\":\"1\"}", "e": {"secret": id}}})
        );
        assert_eq!(read(&serde_json::to_value(&given).unwrap()).unwrap(), given);
        let secret = "hunter2";
        let wrong = with(json!({
            "one": secret, "two": {"a": [secret], "b": null, "c": {"secret": secret}, "d": format!("{secret}\0")},
            "thr\nee": {"a": secret}, "four": {"a": secret.repeat(1_000)},
        }));
        let found = wrong.unwrap_err();
        assert!(!found.iter().any(|it| it.message.contains(secret)), "{found:?}");
        let mut found: Vec<_> = found.into_iter().map(|it| (it.pointer, it.code)).collect();
        found.sort();
        let expected = [
            ("/parameters", "wrong_type"),
            ("/parameters/four/a", "too_long"),
            ("/parameters/one", "wrong_type"),
            ("/parameters/two/a", "wrong_type"),
            ("/parameters/two/b", "wrong_type"),
            ("/parameters/two/c", "wrong_type"),
            ("/parameters/two/d", "too_long"),
        ];
        assert_eq!(found, pairs(&expected));
        let found = with(json!(secret)).unwrap_err();
        assert!(found[0].pointer == "/parameters" && !found[0].message.contains(secret), "{found:?}");
        for kind in ["inventory", "resolution"] {
            let given = json!({"task/t": {"a": "x"}});
            let found = codes(json!({"v": 1, "target": {"tenant": "t"}, "kind": kind, "parameters": given}));
            assert_eq!(found, pairs(&[("/parameters", "conflict")]));
        }
    }

    #[test]
    fn targets_versions_and_texts_that_are_no_json() {
        assert_eq!(codes(json!({"v": 2, "goal": 1})), pairs(&[("/v", "unknown_version")]));
        assert_eq!(codes(json!({})), pairs(&[("/v", "missing")]));
        assert_eq!(codes(json!([1])), pairs(&[("", "wrong_type")]));
        assert_eq!(codes(json!({"v": 1})), pairs(&[("/target", "missing")]));
        let both = json!({"v": 1, "target": {"computers": ["a"], "tenant": "b"}, "kind": "targeted"});
        assert_eq!(codes(both), pairs(&[("/target", "conflict"), ("/deployments", "missing")]));
        let not_json = read_bytes(b"{\"v\": 1,\n  oops}").unwrap_err();
        assert_eq!(not_json[0].code, "not_json");
        assert!(not_json[0].message.contains("line 2, column 3"), "{}", not_json[0].message);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_bytes(&bytes);
        }
    }
}
