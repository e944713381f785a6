//! The inventory: built-in scripts, one for each source of knowledge about what is installed, and how to read them.
//!
//! Each prints a line `NAME<tab>VERSION<tab>SOURCE` for everything installed, and nothing where its source is not there.
//! Facts are printed alike, as `NAME<tab>VALUE<tab>fact`.

use std::sync::Arc;

use pitcrew_protocol::{Interpreter, RunOutcome, StepKind};

use crate::domain::facts::is_fact;
use crate::domain::{Os, Package, Policy, ScriptUse, Seen, Sha256Hash};

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
    BuiltIn { os: &[Os::Linux, Os::Macos], interpreter: Interpreter::Sh, body: include_str!("builtin/facts-unix.sh") },
    BuiltIn {
        os: &[Os::Windows],
        interpreter: Interpreter::Powershell,
        body: include_str!("builtin/facts-windows.ps1"),
    },
];

/// The scripts that take the inventory of an operating system.
pub(super) fn scripts(os: Os) -> impl Iterator<Item = ScriptUse> {
    BUILT_IN.iter().filter(move |script| script.os.contains(&os)).map(|script| ScriptUse {
        hash: Sha256Hash::of(script.body.as_bytes()),
        interpreter: script.interpreter,
        timeout_ms: None,
        method: None,
        variants: Default::default(),
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
    lines(output).filter(|line| line.source != FACT)
}

/// What a computer has, if every part of its inventory was taken and is here from the first to the last line: what is not
/// in it is taken for not installed.
pub fn seen(outcome: &RunOutcome) -> Option<Seen> {
    let parts: Vec<_> = outcome.steps.iter().filter(|step| step.kind == StepKind::Inventory).collect();
    if parts.is_empty() || parts.iter().any(|step| !step.status.is_success() || step.output_omitted > 0) {
        return None;
    }
    let mut seen = Seen::default();
    for Package { name, version, source } in parts.iter().flat_map(|step| lines(&step.output)) {
        if source != FACT {
            seen.software.entry(name.to_lowercase()).or_default().push(version);
        } else if is_fact(&name) {
            seen.facts.insert(name, version);
        }
    }
    for versions in seen.software.values_mut() {
        versions.sort();
        versions.dedup();
    }
    Some(seen)
}

/// The source of a line that is a fact.
const FACT: &str = "fact";

fn lines(output: &str) -> impl Iterator<Item = Package> {
    output.lines().filter_map(|line| {
        let mut fields = line.trim_end().split('\t');
        let (name, version, source) = (fields.next()?, fields.next()?, fields.next()?);
        let whole = fields.next().is_none() && ![name, version, source].contains(&"");
        whole.then(|| Package { name: name.into(), version: version.into(), source: source.into() })
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use pitcrew_protocol::{Ending, StepOutcome, StepStatus};

    use super::*;

    fn step(output: &str, omitted: u64, status: StepStatus) -> StepOutcome {
        StepOutcome {
            kind: StepKind::Inventory,
            item: String::new(),
            status,
            exit_code: Some(0),
            observed: None,
            warnings: Vec::new(),
            wants_reboot: false,
            said: Default::default(),
            output: output.into(),
            output_omitted: omitted,
            started_at: Timestamp::UNIX_EPOCH,
            duration_ms: 1,
        }
    }

    fn outcome(steps: Vec<StepOutcome>) -> RunOutcome {
        RunOutcome {
            run_id: uuid::Uuid::nil(),
            session: 1,
            epoch: 1,
            boot_id: "b".into(),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: Timestamp::UNIX_EPOCH,
            ending: Ending::Completed,
            steps,
        }
    }

    #[test]
    fn what_is_seen_is_whole_or_it_is_not_taken() {
        let packages = "7-Zip\t22.01\twinget\n7-zip\t23.0\tdpkg\n7-zip\t22.01\tdpkg\nwarning: a line\nvim\t9\tdpkg\n";
        let facts = "kernel\t6.1\tfact\nBad Name\tx\tfact\nmemory_gb\t7.6\tfact\n";
        let both =
            |omitted, status| outcome(vec![step(packages, 0, StepStatus::Succeeded), step(facts, omitted, status)]);
        let seen = seen(&both(0, StepStatus::Succeeded)).unwrap();
        assert_eq!(seen.software["7-zip"], ["22.01", "23.0"]);
        assert_eq!(seen.software.keys().collect::<Vec<_>>(), ["7-zip", "vim"]);
        assert_eq!(seen.facts, [("kernel", "6.1"), ("memory_gb", "7.6")].map(|(a, b)| (a.into(), b.into())).into());
        let failed = StepStatus::Failed { code: "timeout".into(), message: "It took too long.".into() };
        for partial in [both(1, StepStatus::Succeeded), both(0, failed), outcome(vec![])] {
            assert_eq!(super::seen(&partial), None);
        }
        assert_eq!(read(facts).count(), 0, "a fact is no package");
    }
}
