//! The inventory: built-in scripts, one for each source of knowledge about what is installed, and how to read them.
//!
//! Each prints a line `NAME<tab>VERSION<tab>SOURCE` for everything installed, and nothing where its source is not there.

use std::sync::Arc;

use pitcrew_protocol::Interpreter;

use crate::domain::{Os, Package, Policy, ScriptUse, Sha256Hash};

/// A script that comes with Pitcrew.
struct BuiltIn {
    os: &'static [Os],
    interpreter: Interpreter,
    body: &'static str,
}

const BUILT_IN: &[BuiltIn] = &[
    BuiltIn { os: &[Os::Linux], interpreter: Interpreter::Sh, body: include_str!("builtin/inventory-dpkg.sh") },
    BuiltIn { os: &[Os::Linux], interpreter: Interpreter::Sh, body: include_str!("builtin/inventory-rpm.sh") },
    BuiltIn {
        os: &[Os::Linux, Os::Macos],
        interpreter: Interpreter::Sh,
        body: include_str!("builtin/inventory-brew.sh"),
    },
    BuiltIn {
        os: &[Os::Windows],
        interpreter: Interpreter::Powershell,
        body: include_str!("builtin/inventory-winget.ps1"),
    },
];

/// The scripts that take the inventory of an operating system.
pub(super) fn scripts(os: Os) -> impl Iterator<Item = ScriptUse> {
    BUILT_IN.iter().filter(move |script| script.os.contains(&os)).map(|script| ScriptUse {
        hash: Sha256Hash::of(script.body.as_bytes()),
        interpreter: script.interpreter,
        timeout_ms: None,
    })
}

/// The scripts that come with Pitcrew, with their texts.
pub fn built_in_scripts() -> impl Iterator<Item = (Sha256Hash, &'static str)> {
    BUILT_IN.iter().map(|script| (Sha256Hash::of(script.body.as_bytes()), script.body))
}

/// The text of a script: one of the policy's, or one that comes with Pitcrew.
pub fn text_of(policy: &Policy, hash: &Sha256Hash) -> Option<Arc<str>> {
    policy.script(hash).or_else(|| {
        BUILT_IN
            .iter()
            .find(|script| Sha256Hash::of(script.body.as_bytes()) == *hash)
            .map(|script| Arc::from(script.body))
    })
}

/// Reads what an inventory script has printed. A line of another form is left out: it is a warning of the package
/// manager, or was cut in two where long output is shortened.
pub(super) fn read(output: &str) -> impl Iterator<Item = Package> {
    output.lines().filter_map(|line| {
        let mut fields = line.trim_end().split('\t');
        let (name, version, source) = (fields.next()?, fields.next()?, fields.next()?);
        let whole = fields.next().is_none() && ![name, version, source].contains(&"");
        whole.then(|| Package { name: name.into(), version: version.into(), source: source.into() })
    })
}
