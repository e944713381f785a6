//! Hears what a script says to Pitcrew in lines of its own. What cannot be understood is a warning with its place and
//! what would be right, and never a failure.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use pitcrew_protocol::said::{CHILDREN_BYTES_MAX, CHILDREN_MAX, line_of};
use pitcrew_protocol::{Activity, Child, Said, StepKind};
use serde_json::{Map, Value};

use super::secrets::Secrets;

/// So many warnings of one script are kept.
const WARNINGS_MAX: usize = 20;
/// So many activities of one script are kept, the last ones.
const ACTIVITIES_MAX: usize = 100;

/// What is heard of one script.
#[derive(Debug)]
pub struct Hearing {
    kind: StepKind,
    secrets: Arc<Secrets>,
    since: Instant,
    said: Said,
    keys: BTreeSet<String>,
    bytes: usize,
    left_out: usize,
    warnings: Vec<String>,
    more_warnings: usize,
}

impl Hearing {
    /// For the script of a step of this kind, which starts now. Its secrets are struck out of what it says before that is
    /// cut or changed in any way: they would not be found afterwards.
    pub fn new(kind: StepKind, secrets: Arc<Secrets>) -> Hearing {
        Hearing {
            kind,
            secrets,
            since: Instant::now(),
            said: Said::default(),
            keys: BTreeSet::new(),
            bytes: 0,
            left_out: 0,
            warnings: Vec::new(),
            more_warnings: 0,
        }
    }

    /// Takes in what follows the beginning of such a line. True if it says that something is missing.
    pub fn line(&mut self, number: usize, text: &str) -> bool {
        match serde_json::from_str::<Value>(text).map(|value| self.secrets.strike_value(value)) {
            Ok(Value::Object(words)) => self.words(number, words),
            Ok(_) => {
                self.warn(number, "it is no JSON object: write for example ::pitcrew {\"progress\": 40}");
                false
            }
            Err(error) => {
                self.warn(
                    number,
                    &format!("it is not JSON ({error}): write for example ::pitcrew {{\"progress\": 40}}"),
                );
                false
            }
        }
    }

    /// Notes that such a line was too long to be read.
    pub fn too_long(&mut self, number: usize, most: usize) {
        self.warn(number, &format!("it is longer than {most} bytes: say it in less, each child in a line of its own"));
    }

    /// What was said, and what could not be understood.
    pub fn finish(mut self) -> (Said, Vec<String>) {
        if self.left_out > 0 {
            self.warnings.push(format!(
                "{} children are left out: {CHILDREN_MAX} with {CHILDREN_BYTES_MAX} bytes are taken at a time, and the next session takes more.",
                self.left_out
            ));
        }
        if self.more_warnings > 0 {
            self.warnings
                .push(format!("{} more lines that begin with ::pitcrew are not understood.", self.more_warnings));
        }
        (self.said, self.warnings)
    }

    fn words(&mut self, number: usize, words: Map<String, Value>) -> bool {
        let (mut missing, mut percent, mut text) = (false, None, None);
        for (word, value) in words {
            match (word.as_str(), value) {
                ("child", value) => missing |= self.child(number, value),
                ("progress", value) => match value.as_f64() {
                    // Whole percents between 0 and 100 fit.
                    Some(number) if (0.0..=100.0).contains(&number) => percent = Some(number as u8),
                    _ => self.warn(number, "\"progress\" is a number from 0 to 100"),
                },
                ("activity", Value::String(said)) => text = Some(line_of(&said)),
                ("stop", Value::String(said)) if !said.trim().is_empty() => {
                    self.said.stop.get_or_insert_with(|| line_of(&said));
                }
                (word @ ("activity" | "stop"), _) => {
                    self.warn(number, &format!("{word:?} is a text that says something"))
                }
                (other, _) => {
                    let known = "\"child\", \"progress\", \"activity\" and \"stop\"";
                    self.warn(number, &format!("{:?} is none of the known words {known}", line_of(other)));
                }
            }
        }
        if percent.is_some() || text.is_some() {
            if self.said.activities.len() == ACTIVITIES_MAX {
                self.said.activities.remove(0);
            }
            let after_ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.said.activities.push(Activity { percent, text, after_ms });
        }
        missing
    }

    /// Takes in a child. True if it is one, whether or not there is room for it.
    fn child(&mut self, number: usize, value: Value) -> bool {
        if self.kind != StepKind::Test {
            self.warn(number, "only a task's test names children");
            return false;
        }
        let child = match read(value) {
            Ok(child) => child,
            Err(why) => {
                let form = "write ::pitcrew {\"child\": {\"key\": \"KEY\", \"title\": \"TITLE\"}}";
                self.warn(number, &format!("the child cannot be read ({why}): {form}"));
                return false;
            }
        };
        if let Some(fault) = child.fault() {
            self.warn(number, &fault);
            return false;
        }
        if !self.keys.insert(child.key.clone()) {
            self.warn(number, &format!("the child {} was named before, and the first one counts", child.key));
        } else if self.said.children.len() == CHILDREN_MAX || self.bytes + child.size() > CHILDREN_BYTES_MAX {
            self.left_out += 1;
        } else {
            self.bytes += child.size();
            self.said.children.push(child);
        }
        true
    }

    fn warn(&mut self, number: usize, what: &str) {
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(format!("Line {number} of the output begins with ::pitcrew and does not count: {what}"));
        } else {
            self.more_warnings += 1;
        }
    }
}

/// A child, its parameters as text.
fn read(mut value: Value) -> Result<Child, String> {
    if let Some(parameters) = value.get_mut("parameters").and_then(Value::as_object_mut) {
        for parameter in parameters.values_mut() {
            if matches!(parameter, Value::Number(_) | Value::Bool(_)) {
                *parameter = Value::String(parameter.to_string());
            }
        }
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(kind: StepKind, lines: &[&str]) -> (Vec<bool>, Said, Vec<String>) {
        let mut hearing = Hearing::new(kind, Arc::default());
        let missing = lines.iter().zip(1..).map(|(line, number)| hearing.line(number, line)).collect();
        let (said, warnings) = hearing.finish();
        (missing, said, warnings)
    }

    #[test]
    fn what_is_said_is_understood_and_what_is_not_is_told() {
        let (missing, said, warnings) = heard(
            StepKind::Test,
            &[
                r#"{"child": {"key": "KB1", "title": "One", "parameters": {"severity": "high", "size": 7, "urgent": true}}}"#,
                r#"{"child": {"key": "KB1"}}"#,
                r#"{"progress": 40, "activity": "looking"}"#,
                r#"{"stop": "enough\u001b", "colour": "red"}"#,
                r#"{"stop": "later"}"#,
                r#"{"child": {"key": "a b"}}"#,
                r#"{"child": {"title": "without"}}"#,
                r#"{"child": "KB2"}"#,
                r#"{"progress": 400}"#,
                r#"{"activity": 7}"#,
                "add {}",
                "[]",
            ],
        );
        assert_eq!(missing, [true, true, false, false, false, false, false, false, false, false, false, false]);
        assert_eq!(said.children.len(), 1);
        let parameters = said.children[0].parameters.values().cloned().collect::<Vec<_>>();
        assert_eq!(parameters, ["high", "7", "true"]);
        assert_eq!((said.stop.as_deref(), said.activities[0].percent), (Some("enough "), Some(40)));
        let places: Vec<_> = warnings.iter().filter_map(|warning| warning.split(' ').nth(1)).collect();
        assert_eq!(places, ["2", "4", "6", "7", "8", "9", "10", "11", "12"]);
        assert!(warnings[1].contains("\"colour\" is none of the known words"), "{warnings:?}");
        assert!(warnings[7].contains("it is not JSON (expected value at line 1 column 1)"), "{warnings:?}");
    }

    #[test]
    fn children_are_bounded_and_only_a_test_names_them() {
        let lines: Vec<String> = (0..130).map(|key| format!(r#"{{"child": {{"key": "KB{key}"}}}}"#)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (missing, said, warnings) = heard(StepKind::Test, &lines);
        assert!(missing.iter().all(|missing| *missing));
        assert_eq!(said.children.len(), CHILDREN_MAX);
        assert!(warnings.len() == 1 && warnings[0].starts_with("30 children are left out"), "{warnings:?}");
        let (missing, said, warnings) = heard(StepKind::Set, &lines);
        assert!(said.is_nothing() && !missing.contains(&true));
        assert_eq!(warnings.len(), WARNINGS_MAX + 1);
        assert!(warnings[WARNINGS_MAX].starts_with("110 more lines"));
    }
}
