//! Which scripts do an action, in which order, and what they are told.

use super::*;
use crate::domain::run::WorkSpec;
use crate::domain::{Origin, Recipe};

const FLEET: &str = "
{kind: tenant, name: t}
---
{kind: computer, name: c, tenant: t, os: linux}
---
kind: software
name: s
detect: detect
install: install
uninstall: uninstall
post_install: settle
post_uninstall: sweep
repair: mend it
upgrade: remove_first
test: test
download: {linux: fetch on linux, windows: {powershell: fetch on windows}}
parameters: {user: {default: reader}, token: {secret: true, required: false}}
os: [linux, windows]
versions:
  - {version: 1, sha256: SUM, post_uninstall: sweep 1, upgrade: over}
  - {version: 2, sha256: SUM, url: 'https://example.com/2', size: 12, post_install: settle 2, download: fetch 2}
---
{kind: deployment, name: d, software: s, target: everyone, STATE}
";

/// The steps of the first action, a line each: what it is for, the script, and the versions that it is told.
fn steps_of(state: &str, found: &str) -> Vec<String> {
    let (policy, computer) = compile(&FLEET.replace("STATE", state).replace("SUM", &"ab".repeat(32)));
    let plan = plan(&resolve(&policy, &computer, &Scope::Full), &policy, &super::found(found));
    let action = plan.actions.first().expect("an action");
    // What is stored is what was planned.
    let stored: Recipe = serde_json::from_value(serde_json::to_value(&action.recipe).unwrap()).unwrap();
    assert_eq!(stored, action.recipe);
    let told = |step: crate::domain::StepSpec| {
        let (script, env) = match step.work {
            WorkSpec::Script { script, env, .. } => (script, env),
            WorkSpec::Download { download, env, .. } => match download.from {
                Origin::Script { script, .. } => (script, env),
                Origin::Url(from) | Origin::Stored(from) => return format!("{:?} {from}", step.kind),
            },
            WorkSpec::Reboot => return "reboot".to_owned(),
        };
        let told = ["VERSION", "DETECTED", "URL"]
            .map(|name| env.get(&format!("PITCREW_{name}")).map_or("-".to_owned(), |value| format!("'{value}'")));
        let user = env.get("PARAM_USER").expect("parameters are told to every script");
        format!("{:?} {}: {} {user}", step.kind, policy.script(&script.hash).unwrap(), told.join(" "))
    };
    steps(action).into_iter().map(told).collect()
}

#[test]
fn a_version_is_fetched_installed_and_settled() {
    assert_eq!(
        steps_of("state: any", "software/s -"),
        [
            "Detect detect: - - - reader",
            "Download fetch 2: '2' - 'https://example.com/2' reader",
            "Act install: '2' - - reader",
            "Act settle 2: '2' - - reader",
            "Verify detect: - - - reader",
            "Test test: - - - reader",
        ]
    );
}

#[test]
fn what_is_removed_first_is_swept_up_before_the_next_comes() {
    let steps = steps_of("state: latest", "software/s 1");
    assert_eq!(
        steps[2..6],
        [
            "Act uninstall: '' '1' - reader",
            "Act sweep 1: '' '1' - reader",
            "Act install: '2' '1' - reader",
            "Act settle 2: '2' '1' - reader",
        ]
    );
    // Over it, and by the script of the software on this operating system.
    let steps = steps_of("version: 1", "software/s 0.9");
    assert_eq!(steps[1], "Download fetch on linux: '1' '0.9' - reader");
    assert_eq!(steps[2..4], ["Act install: '1' '0.9' - reader", "Act settle: '1' '0.9' - reader"]);
    let steps = steps_of("state: latest", "software/s 2 broken");
    assert_eq!(steps[2..4], ["Act mend it: '2' '2' - reader", "Act settle 2: '2' '2' - reader"]);
}

#[test]
fn what_is_removed_is_swept_up() {
    let steps = steps_of("state: absent", "software/s 1");
    assert_eq!(
        steps,
        [
            "Detect detect: - - - reader",
            "Act uninstall: '' '1' - reader",
            "Act sweep 1: '' '1' - reader",
            "Verify detect: - - - reader",
        ]
    );
}
