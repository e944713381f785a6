//! Versions that a script answers: read from what a computer says, and planned with.

use jiff::Timestamp;
use pitcrew_protocol::{Ending, RunOutcome, StepKind, StepOutcome, StepStatus};
use proptest::prelude::*;

use super::*;
use crate::domain::{Finding, Origin, Recipe};

const FLEET: &str = "
{kind: tenant, name: t}
---
{kind: computer, name: c, tenant: t, os: linux, arch: x86_64}
---
kind: software
name: s
scheme: semantic
detect: detect
install: install
uninstall: uninstall
versions_from: ask
DOWNLOAD
versions:
  - {version: 1.0.0, install: install the first}
---
{kind: deployment, name: d, software: s, target: everyone, STATE}
";

/// What is found and planned where this version is installed and the script ends so.
fn answering(state: &str, download: &str, installed: &str, answer: Result<&str, &str>) -> (Findings, Plan) {
    let (policy, computer) = compile(&FLEET.replace("STATE", state).replace("DOWNLOAD", download));
    let resolution = resolve(&policy, &computer, &Scope::Full);
    let steps = detection(&resolution, &policy, false).into_iter().map(|step| {
        let (status, output) = match (step.kind, answer) {
            (StepKind::Versions, Err(message)) => {
                (StepStatus::Failed { code: "exit_code".into(), message: message.into() }, "")
            }
            (StepKind::Versions, Ok(answer)) => (StepStatus::Succeeded, answer),
            _ => (StepStatus::Succeeded, ""),
        };
        StepOutcome {
            kind: step.kind,
            item: step.item.expect("an item").to_string(),
            status,
            exit_code: Some(0),
            observed: Some(installed.to_owned()).filter(|version| step.kind == StepKind::Detect && version != "-"),
            said: Default::default(),
            warnings: Vec::new(),
            wants_reboot: false,
            output: output.to_owned(),
            output_omitted: 0,
            started_at: Timestamp::UNIX_EPOCH,
            duration_ms: 1,
        }
    });
    let outcome = RunOutcome {
        run_id: uuid::Uuid::nil(),
        session: 1,
        epoch: 1,
        boot_id: "b".into(),
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: Timestamp::UNIX_EPOCH,
        ending: Ending::Completed,
        steps: steps.collect(),
    };
    let findings = findings(&resolution, &policy, &outcome);
    // What is stored is what was found.
    let findings: Findings = serde_json::from_value(serde_json::to_value(&findings).unwrap()).unwrap();
    let plan = plan(&resolution, &policy, &findings);
    (findings, plan)
}

/// What is planned, in a line.
fn planned(state: &str, installed: &str, answer: &str) -> String {
    let (_, plan) = answering(state, "", installed, Ok(answer));
    let action = plan.actions.first().map(|action| format!("{} {:?}", action.action, action.version.as_deref()));
    let settled = plan.settled.first().map(|settled| format!("{}: {}", settled.reason, settled.message));
    action.or(settled).unwrap_or_else(|| format!("compliant: {}", plan.compliant))
}

const LINES: &str = "\"1.5.0\"\n\n::pitcrew progress {}\n{\"version\": \"2.0.0\", \"arch\": \"x86_64\"}\n{\"version\": \"3.0.0\", \"os\": \"windows\"}\n";

#[test]
fn what_is_answered_is_chosen_from() {
    for (state, installed, expected) in [
        ("state: latest", "-", "install Some(\"2.0.0\")"),
        ("state: latest", "1.5.0", "update Some(\"2.0.0\")"),
        ("state: latest", "2.0.0", "compliant: 1"),
        ("version: 1.5.0", "2.0.0", "downgrade Some(\"1.5.0\")"),
        ("version: 1.0.0", "-", "install Some(\"1.0.0\")"),
        ("state: older_or_equal, version: 1.9.0", "-", "install Some(\"1.5.0\")"),
        (
            "version: 3.0.0",
            "-",
            "no_applicable_version: None of the versions listed for linux on x86_64 is wanted: 1.0.0, 1.5.0, 2.0.0.",
        ),
    ] {
        assert_eq!(planned(state, installed, LINES), expected, "{state} {installed}");
        let list = "[\n\"1.5.0\", {\"version\": \"2.0.0\"}\n]";
        if !state.contains("3.0.0") {
            assert_eq!(planned(state, installed, list), expected, "{state} {installed}, as a list");
        }
    }
    assert_eq!(planned("state: latest", "-", "[]"), "install Some(\"1.0.0\")", "what is listed counts beside");
}

#[test]
fn a_plan_holds_what_was_answered() {
    let sum = "ab".repeat(32);
    let answer = format!("{{\"version\":\"2.0.0\",\"url\":\"https://x/2\",\"sha256\":\"{sum}\",\"size\":12}}");
    let download = |script: &str| {
        let (_, plan) = answering("state: latest", script, "-", Ok(&answer));
        let again = answering("state: latest", script, "-", Ok(&answer)).1;
        assert_eq!(plan.hash(), again.hash());
        let Recipe::Software { download: Some(download), .. } = plan.actions[0].recipe.clone() else { panic!() };
        assert_eq!((download.sha256.to_string(), download.size), (sum.clone(), Some(12)));
        download.from
    };
    assert_eq!(download(""), Origin::Url("https://x/2".into()));
    let Origin::Script { url, .. } = download("download: fetch") else { panic!("the script fetches it") };
    assert_eq!(url.as_deref(), Some("https://x/2"));
    let other = answering("state: latest", "", "-", Ok(&answer.replace("ab", "cd"))).1;
    assert_ne!(other.hash(), answering("state: latest", "", "-", Ok(&answer)).1.hash());
}

#[test]
fn a_wrong_answer_is_a_failed_detection_that_names_the_line() {
    for (answer, said) in [
        ("\"1.5.0\"\nnewest\n", "line 2 of what its script \"versions_from\" printed: expected ident."),
        (
            "[\"1.5.0\",\n\"2.x\"\n]",
            "line 2 of what its script \"versions_from\" printed: \"2.x\" is not a version of the scheme semantic, which is 1.2.3 or 1.2.3-rc.1.",
        ),
        ("[\"1.5.0\",\n", "line 1 of what its script \"versions_from\" printed: EOF while parsing a value."),
        (
            "{\"version\": 2}",
            "line 1 of what its script \"versions_from\" printed: invalid type: integer `2`, expected a string.",
        ),
        (
            "\n{\"version\": \"2.0.0\", \"sha265\": \"\"}",
            "line 2 of what its script \"versions_from\" printed: unknown field `sha265`, expected one of `version`, `os`, `arch`, `url`, `sha256`, `size`, `signature`.",
        ),
        (
            "{\"version\": \"2.0.0\", \"url\": \"https://x\"}",
            "line 1 of what its script \"versions_from\" printed: it has a \"url\" and no \"sha256\", so what is fetched could not be checked.",
        ),
        (
            "{\"version\": \"2.0.0\", \"url\": \"ftp://x\"}",
            "line 1 of what its script \"versions_from\" printed: \"ftp://x\" is not an http or https address.",
        ),
        (
            "\"2.0.0\"\n\"2.0.0\"",
            "line 2 of what its script \"versions_from\" printed: version 2.0.0 is answered a second time for the same platform.",
        ),
    ] {
        let told = planned("state: latest", "1.0.0", answer);
        assert_eq!(told, format!("detection_failed: Which versions of it there are could not be found out: {said}"));
    }
    let many: String = (0..201).map(|n| format!("\"1.0.{n}\"\n")).collect();
    assert!(planned("state: latest", "1.0.0", &many).contains("line 201 of what its script"));
    let (findings, plan) = answering("state: latest", "", "1.0.0", Err("it exited with 7"));
    assert_eq!(findings.items.values().next(), Some(&Finding::Present("1.0.0".into())), "what was found stays found");
    assert_eq!(plan.settled[0].detected.as_deref(), Some("1.0.0"));
    assert!(plan.settled[0].message.ends_with("its script \"versions_from\" failed: it exited with 7."), "{plan:?}");
}

#[test]
fn nobody_is_asked_for_what_does_not_depend_on_the_answer() {
    let asks = |state: &str| {
        let (policy, computer) = compile(&FLEET.replace("STATE", state).replace("DOWNLOAD", ""));
        let steps = detection(&resolve(&policy, &computer, &Scope::Full), &policy, false);
        steps.iter().any(|step| step.kind == StepKind::Versions)
    };
    assert!(asks("state: latest") && asks("state: any") && asks("state: latest, mode: audit"));
    assert!(!asks("state: absent") && !asks("state: ignored") && !asks("mode: monitor"));
    // It was not asked when detection had looked.
    let (policy, computer) = compile(&FLEET.replace("STATE", "state: latest").replace("DOWNLOAD", ""));
    let plan = plan_for(Kind::Full, &resolve(&policy, &computer, &Scope::Full), &policy, &found("software/s 1.0.0")).0;
    assert_eq!(plan.settled[0].reason.to_string(), "not_detected");
}

#[test]
fn an_answer_is_missed_only_where_a_version_has_to_be_chosen_from_it() {
    for (state, installed, expected) in [
        ("state: any", "1.5.0", "compliant: 1"),
        ("state: any", "-", "detection_failed"),
        ("state: latest", "1.0.0", "detection_failed"),
        ("state: latest", "-", "detection_failed"),
        ("state: update_if_found", "-", "compliant: 0"),
        ("state: update_if_found", "1.0.0", "detection_failed"),
        ("version: 1.5.0", "1.5.0", "compliant: 1"),
        ("version: 1.5.0", "1.0.0", "detection_failed"),
        // That one is listed.
        ("version: 1.0.0", "1.5.0", "downgrade 1.0.0"),
        ("version: 1.0.0", "-", "install 1.0.0"),
        ("state: newer_or_equal, version: 1.5.0", "2.0.0", "compliant: 1"),
        ("state: newer_or_equal, version: 1.5.0", "1.0.0", "detection_failed"),
        ("state: older_or_equal, version: 1.5.0", "1.5.0", "compliant: 1"),
        ("state: older_or_equal, version: 1.5.0", "2.0.0", "detection_failed"),
        ("state: latest, mode: audit", "1.0.0", "detection_failed"),
        ("state: any, mode: audit", "-", "not_compliant"),
        ("version: 1.5.0, mode: audit", "1.5.0", "compliant: 1"),
        ("version: 1.5.0, mode: audit", "1.0.0", "not_compliant"),
    ] {
        let (_, plan) = answering(state, "", installed, Err("it exited with 7"));
        let action =
            plan.actions.first().map(|action| format!("{} {}", action.action, action.version.as_deref().unwrap()));
        let settled = plan.settled.first().map(|settled| settled.reason.to_string());
        let told = action.or(settled).unwrap_or_else(|| format!("compliant: {}", plan.compliant));
        assert_eq!(told, expected, "{state} {installed}");
    }
    // What was found before there was a place for this.
    let old: Findings = serde_json::from_str(r#"{"policy_version": 1, "items": {"software/s": "absent"}}"#).unwrap();
    assert!(old.unanswered.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever a script prints is read or refused.
    #[test]
    fn no_answer_is_too_odd(answer in "(\\[?(\"[0-9.]{0,6}\"|\\{\"version\": ?\"1.0.[0-9]\"(, ?\"url\":\"[a-z:/]{0,12}\")?\\}|[^a])[,\n]?){0,5}\\]?") {
        let _ = answering("state: latest", "", "1.0.0", Ok(&answer));
    }
}
