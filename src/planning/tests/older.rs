//! What the first version stored is still read, and means what it meant: a session that waits in execution while Pitcrew
//! is brought up to date goes on with its old plan, its old run and its old findings.
//!
//! `older.txt` is what that version wrote: a plan and its hash, the run of each of its actions, findings, a software and a
//! deployment.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::*;
use crate::domain::{Deployment, Does, RunSpec, Software};

const OLDER: &str = include_str!("older.txt");

/// The texts of a kind.
fn texts(kind: &str) -> impl Iterator<Item = &'static str> {
    OLDER.lines().filter_map(move |line| line.strip_prefix(kind)?.strip_prefix(' '))
}

fn text(kind: &str) -> &'static str {
    texts(kind).next().expect("there is one")
}

/// Reads a text, and sees that nothing is added to it or lost.
fn read<T: DeserializeOwned + Serialize>(text: &str) -> T {
    let value: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    let before: Value = serde_json::from_str(text).expect("it is JSON");
    assert_eq!(serde_json::to_value(&value).expect("it is JSON"), before);
    value
}

#[test]
fn an_old_plan_keeps_its_name_and_asks_of_the_computer_what_it_asked() {
    let plan: Plan = read(text("PLAN"));
    assert_eq!(plan.hash().to_string(), text("HASH"));
    let runs: Vec<RunSpec> = texts("RUN").map(read).collect();
    let again: Vec<_> = plan.actions.iter().map(|action| RunSpec { steps: steps(action) }).collect();
    assert_eq!(again, runs);
    let does: Vec<Vec<Does>> =
        plan.actions.iter().map(|action| action.changes().map(|(does, _)| does).collect()).collect();
    assert_eq!(does, [vec![Does::Uninstall, Does::Install], vec![Does::Uninstall], vec![]]);
}

#[test]
fn what_else_was_stored_is_read() {
    let findings: Findings = read(text("FINDINGS"));
    assert_eq!(findings.items.len(), 6);
    let software: Software = read(text("SOFTWARE"));
    let download = software.versions[0].download.as_ref().expect("it has one");
    assert_eq!(download.from.url(), Some("https://example.com/editor"));
    let deployment: Deployment = serde_json::from_str(text("DEPLOYMENT")).expect("it is read");
    assert!(!deployment.recommended && deployment.decision.is_none());
}
