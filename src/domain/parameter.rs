//! What a script can be told: typed parameters, and the values that deployments give them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::script::Sha256Hash;
use super::software::{Download, Origin};
use super::words::words;

/// A shorter secret would turn up in output by chance, and could not be struck out of it.
const SHORTEST_SECRET: usize = 4;

words! {
    /// What a parameter's value must look like.
    ParameterType {
        /// Any text.
        Text = "text",
        /// A number, with a decimal point if need be.
        Number = "number",
        /// `true` or `false`.
        Boolean = "boolean",
        /// One of its options.
        Select = "select",
        /// Any text, and a secret.
        Password = "password",
        /// A file: its `url` and its `sha256`. It is fetched and checked before a script starts, which finds its path as
        /// `PARAM_NAME` and the checksum as `PARAM_NAME_SHA256`.
        File = "file",
        /// An address such as `https://example.com/`.
        Uri = "uri",
        /// Keys with their values. The script finds a JSON object.
        KeyValue = "key_value",
    }
}

words! {
    /// Whether a session may give a parameter a value of its own.
    Override {
        /// It may not: what is deployed counts.
        Never = "never",
        /// It may.
        Allowed = "allowed",
        /// It must, where the deployment gives no value.
        Required = "required",
    }
}

/// Something a script can be told. The script finds the value of `time_server` as `PARAM_TIME_SERVER`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// What it means, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What its value must look like.
    #[serde(rename = "type", default = "text", skip_serializing_if = "is_text")]
    pub kind: ParameterType,
    /// Its value where a deployment gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// True if a deployment may leave it out though it has no default; the scripts are then not told of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// True if people who deploy are not asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// True if its value must not be read by people.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// What can be chosen, of a `select`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Whether a session may give it a value of its own.
    #[serde(rename = "override", default = "never", skip_serializing_if = "is_never")]
    pub overriding: Override,
}

impl Default for Parameter {
    fn default() -> Self {
        Parameter {
            description: None,
            kind: text(),
            default: None,
            optional: false,
            hidden: false,
            secret: false,
            options: Vec::new(),
            overriding: never(),
        }
    }
}

fn never() -> Override {
    Override::Never
}

fn is_never(overriding: &Override) -> bool {
    *overriding == Override::Never
}

fn text() -> ParameterType {
    ParameterType::Text
}

fn is_text(kind: &ParameterType) -> bool {
    *kind == ParameterType::Text
}

/// A file that a parameter names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileValue {
    url: String,
    sha256: Sha256Hash,
}

impl Parameter {
    /// True if nobody may read its value.
    pub fn is_secret(&self) -> bool {
        self.secret || self.kind == ParameterType::Password
    }

    /// Whether a value is of its type; if not, what would be, as the end of a sentence. Never quotes the value.
    pub fn admits(&self, value: &str) -> Result<(), String> {
        let is = match self.kind {
            ParameterType::Text | ParameterType::Password => true,
            ParameterType::Number => value.trim().parse::<f64>().is_ok_and(f64::is_finite),
            ParameterType::Boolean => matches!(value, "true" | "false"),
            ParameterType::Select => self.options.iter().any(|option| option == value),
            ParameterType::Uri => url::Url::parse(value).is_ok(),
            ParameterType::File => serde_json::from_str::<FileValue>(value)
                .is_ok_and(|file| url::Url::parse(&file.url).is_ok_and(|url| url.scheme().starts_with("http"))),
            ParameterType::KeyValue => serde_json::from_str::<BTreeMap<String, String>>(value).is_ok(),
        };
        let long_enough = !self.is_secret() || value.chars().count() >= SHORTEST_SECRET;
        if is && long_enough {
            return Ok(());
        }
        Err(match self.kind {
            _ if is => format!("a secret has at least {SHORTEST_SECRET} characters"),
            ParameterType::Text | ParameterType::Password => "it is a text".to_owned(),
            ParameterType::Number => "it is a number".to_owned(),
            ParameterType::Boolean => "it is true or false".to_owned(),
            ParameterType::Select => format!("it is one of: {}", self.options.join(", ")),
            ParameterType::Uri => "it is an address such as https://example.com/".to_owned(),
            ParameterType::File => "it is a file: {url: https://…, sha256: …}".to_owned(),
            ParameterType::KeyValue => "it is a mapping of keys to values".to_owned(),
        })
    }

    /// The file that a value names, and what must be fetched before a script is told its path.
    pub(crate) fn file(&self, value: &str) -> Option<Download> {
        if self.kind != ParameterType::File {
            return None;
        }
        let FileValue { url, sha256 } = serde_json::from_str(value).ok()?;
        Some(Download { from: Origin::Url(url), sha256, size: None, signature: None })
    }

    /// The environment variables by which scripts are told a value, without their secrets.
    pub(crate) fn variables(&self, name: &str, value: &str) -> Vec<(String, String)> {
        let variable = variable(name);
        match self.kind {
            ParameterType::File => match serde_json::from_str::<FileValue>(value) {
                Ok(file) => vec![(format!("{variable}_SHA256"), file.sha256.to_string()), (variable, file.url)],
                Err(_) => vec![(variable, value.to_owned())],
            },
            ParameterType::Text
            | ParameterType::Number
            | ParameterType::Boolean
            | ParameterType::Select
            | ParameterType::Password
            | ParameterType::Uri
            | ParameterType::KeyValue => vec![(variable, value.to_owned())],
        }
    }
}

/// The environment variable by which scripts are told a parameter.
pub fn variable(name: &str) -> String {
    format!("PARAM_{}", name.to_uppercase())
}

/// Names a secret value. Another value has another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretId(pub Uuid);

/// What a deployment gives a parameter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// A value.
    Plain(String),
    /// A secret, stored apart.
    Secret {
        /// Which.
        secret: SecretId,
    },
}

/// Before it is known what a parameter is, its value may be a secret: it is in no log.
impl fmt::Debug for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParameterValue::Plain(_) => f.write_str("Plain(…)"),
            ParameterValue::Secret { secret } => write!(f, "Secret({})", secret.0),
        }
    }
}

/// What the scripts of an item are told: environment variables, and those of which only the id of the value is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// Values.
    pub env: BTreeMap<String, String>,
    /// Secrets.
    pub secrets: BTreeMap<String, SecretId>,
    /// Files that are fetched before: the script is told where they lie.
    pub files: BTreeMap<String, Download>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_admits_what_it_is() {
        use ParameterType::{Boolean, File, KeyValue, Number, Password, Select, Text, Uri};
        let sum = "0".repeat(64);
        let file = format!("{{\"url\":\"https://example.com/a\",\"sha256\":\"{sum}\"}}");
        let table: [(ParameterType, &[&str], &[&str]); 8] = [
            (Text, &["a", "1"], &[]),
            (Number, &["1", "-2.5", "1e3"], &["one", "NaN", "inf", ""]),
            (Boolean, &["true", "false"], &["yes", "True", "1"]),
            (Select, &["red"], &["blue", ""]),
            (Password, &["hunter2"], &["abc"]),
            (File, &[&file], &["https://example.com/a", "{}"]),
            (Uri, &["https://example.com/", "ldap://host"], &["example.com", "/etc"]),
            (KeyValue, &["{}", "{\"a\":\"b\"}"], &["a=b", "[]", "{\"a\":1}"]),
        ];
        assert_eq!(table.len(), ParameterType::ALL.len());
        for (kind, right, wrong) in table {
            let parameter = Parameter { kind, options: vec!["red".into()], ..Parameter::default() };
            for value in right {
                assert_eq!(parameter.admits(value), Ok(()), "{kind} {value}");
            }
            for value in wrong {
                assert!(parameter.admits(value).is_err(), "{kind} {value}");
            }
        }
    }

    #[test]
    fn a_value_that_may_be_secret_is_not_printed() {
        let value = ParameterValue::Plain("hunter2".into());
        assert!(!format!("{value:?}").contains("hunter2"));
    }
}
