//! Prints the settings that are used and where each is from, as a file that could be used itself.

use std::fmt;

use toml::Value;

use super::layers::leaves;
use super::load::Loaded;
use super::secret::{HIDDEN, redact};

/// Keys whose whole value is a secret.
const SECRET: &[&str] = &["api.token", "secrets.key"];

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = String::new();
        for (key, value) in leaves(&self.values) {
            let (head, name) = key.rsplit_once('.').unwrap_or(("", &key));
            if head != section {
                writeln!(f, "{}[{head}]", if section.is_empty() { "" } else { "\n" })?;
                section = head.to_owned();
            }
            let value = match value {
                Value::String(text) if SECRET.contains(&key.as_str()) && !text.is_empty() => HIDDEN.into(),
                Value::String(text) => Value::String(redact(&text)),
                other => other,
            };
            let line = format!("{name} = {value}");
            match self.places.get(&key) {
                Some(place) => writeln!(f, "{line:<56} # {place}")?,
                None => writeln!(f, "{line}")?,
            }
        }
        Ok(())
    }
}
