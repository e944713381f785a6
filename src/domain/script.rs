//! Scripts, named by what they say.
//!
//! Software, tasks, plans and stored runs refer to a script by the SHA-256 of its text; the text itself is stored once
//! and joined in when a run is sent to its computer.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use pitcrew_protocol::Interpreter;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::computer::Os;
use super::hex;
use super::words::words;

/// The SHA-256 of some text or file; 64 lower-case hexadecimal digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Hash(pub [u8; 32]);

impl Sha256Hash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Sha256Hash(Sha256::digest(bytes).into())
    }
}

/// What should be a SHA-256 is not.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not a SHA-256: 64 hexadecimal digits are expected")]
pub struct NotAHash(String);

impl fmt::Display for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex::encode(&self.0).as_str())
    }
}

impl fmt::Debug for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        hex::decode(text).map(Sha256Hash).ok_or_else(|| NotAHash(text.to_owned()))
    }
}

// Plans and runs name dozens of hashes each: they are written and read without a string of their own.
impl Serialize for Sha256Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(hex::encode(&self.0).as_str())
    }
}

impl<'de> Deserialize<'de> for Sha256Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Sha256Hash;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a SHA-256 as 64 hexadecimal digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Sha256Hash, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

words! {
    /// What a script that does all of a task is called for, as it finds it in `PITCREW_METHOD`.
    Method {
        /// To say whether the task is satisfied.
        Test = "test",
        /// To read its value.
        Get = "get",
        /// To make it satisfied.
        Set = "set",
    }
}

/// The use of a script: which text, run by what, for how long at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptUse {
    /// The SHA-256 of its text.
    pub hash: Sha256Hash,
    /// What runs it.
    pub interpreter: Interpreter,
    /// The longest it may take, in milliseconds; none means the default of the step that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// What it is called for, of a script that does all of a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// The variants for some operating systems, which take the place of all the above there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<Os, ScriptUse>,
}

impl ScriptUse {
    /// The script as it is used on an operating system: what detection asks and what a plan pins.
    pub fn on(&self, os: Os) -> ScriptUse {
        let variant = self.variants.get(&os).unwrap_or(self);
        ScriptUse { method: self.method, variants: BTreeMap::new(), ..variant.clone() }
    }
}
