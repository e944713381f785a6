//! Tasks as people write them: one script for everything, variants, typed parameters, and secrets that stay secret.

use std::sync::atomic::Ordering;

use pitcrew::domain::session::{Kind, Status};

use super::installation::Installation;
use super::kinds::depot;
use super::secrets::files_with;

const KEY: &str = "hunter2-is-no-good-key";

/// Prints its secret wherever it can.
const FLEET: &str = r#"
kind: task
name: registered
os: [linux, windows]
script:
  linux: |
    [ -n "$PARAM_KEY" ] && echo "the key is $PARAM_KEY"
    echo "and again: $PARAM_KEY" >&2
    case $PITCREW_METHOD in
      test) [ -e "$PITCREW_SANDBOX/registered" ] && echo true || echo FALSE; echo true ;;
      get) cat "$PITCREW_SANDBOX/registered"; echo "key $PARAM_KEY" ;;
      set) printf '%s %s %s' "$PARAM_KEY" "$PARAM_SITE" "$PARAM_LABELS" > "$PITCREW_SANDBOX/registered" ;;
    esac
  windows: {powershell: exit 1}
parameters:
  site: {type: select, options: [north, south], default: north}
  labels: {type: key_value}
  key: {type: password}
---
kind: task
name: talkative
test: echo looking; echo true; echo "$PARAM_KEY"
set: exit 1
parameters: {key: {secret: true}}
---
{kind: deployment, name: registered, task: registered, target: everyone, parameters: {labels: {room: 12}, key: SECRET}}
---
{kind: deployment, name: talkative, task: talkative, target: everyone, mode: audit, parameters: {key: SECRET}}
---
{kind: task, name: watched, script: 'echo "$PITCREW_METHOD $PARAM_KEY"', parameters: {key: {secret: true}}}
---
{kind: deployment, name: watched, task: watched, target: everyone, mode: monitor, parameters: {key: SECRET}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn secrets_reach_scripts_and_nothing_else() {
    let mut installation = Installation::new().await;
    installation.apply(&FLEET.replace("SECRET", KEY)).await;
    let near = installation.local_computer().await;
    let far = installation.agent_computer().await;
    installation.start_all();
    installation.start("server");
    installation.start_agent("agent", &far, None);
    installation.until_connected(1).await;
    let sessions = installation.submit(Kind::Full, &[near.id, far.id]).await;
    assert_eq!(installation.tally(&sessions).await, [(Status::Completed, 2)].into());
    for (computer, session) in [(&near, sessions[0]), (&far, sessions[1])] {
        let told = std::fs::read_to_string(computer.sandbox.join("registered")).expect("it was set");
        assert_eq!(told, format!("{KEY} north {{\"room\":\"12\"}}"));
        let actions = installation.store.actions(session).await.expect("the database answers");
        let told: Vec<_> = actions
            .iter()
            .map(|action| format!("{} {} {}", action.item, action.action, action.result.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(told, ["task/registered enforce_task success", "task/watched monitor success"]);
        assert_eq!(actions[1].detected.as_deref(), Some("get [secret]"), "the value is kept, its secret is not");
        let logs = installation.store.logs(session, None).await.expect("the database answers");
        let output: String = logs.iter().map(|entry| entry.output.as_str()).collect();
        assert!(output.contains("the key is [secret]") && output.contains("and again: [secret]"), "{output}");
        let warnings: Vec<&String> = logs.iter().flat_map(|entry| &entry.warnings).collect();
        assert!(warnings.iter().any(|warning| warning.starts_with("2 lines of the test's output")), "{warnings:?}");
        assert_eq!(files_with(&computer.state, KEY), Vec::<std::path::PathBuf>::new());
    }
    let plan = installation.store.plan(sessions[0]).await.expect("the database answers").expect("a plan");
    let text = serde_json::to_string(&plan.plan).expect("JSON");
    assert!(text.contains("PARAM_KEY") && !text.contains("variants"), "pinned and by name: {text}");
    assert_eq!(installation.tables_with(KEY).await, Vec::<String>::new());

    // The same again changes nothing; another value is another secret.
    let before = installation.count("SELECT policy_version FROM installation").await;
    installation.apply(&FLEET.replace("SECRET", KEY)).await;
    assert_eq!(installation.count("SELECT policy_version FROM installation").await, before);
    installation.apply(&FLEET.replace("SECRET", "another-key")).await;
    assert_eq!(installation.count("SELECT policy_version FROM installation").await, before + 1);
    assert_eq!(installation.count("SELECT count(*) FROM secret WHERE replaced_at IS NULL").await, 3);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_there_before_scripts_are_told_of_them() {
    let mut installation = Installation::new().await;
    let (url, sum, fetched) = depot("a certificate").await;
    let fleet = format!(
        r#"
kind: task
name: trusted
test: '[ -f "$PARAM_ROOT" ] || exit 7; cmp -s "$PARAM_ROOT" "$PITCREW_SANDBOX/root.pem" && echo true || echo false'
set: |
  cp "$PARAM_ROOT" "$PITCREW_SANDBOX/root.pem"
  printf %s "${{PITCREW_FILE:-no file of its own}}, $PARAM_ROOT_SHA256" > "$PITCREW_SANDBOX/told"
parameters: {{root: {{type: file}}}}
---
kind: task
name: spoilt
test: touch "$PITCREW_SANDBOX/was-run"; echo true
set: exit 1
parameters: {{root: {{type: file}}}}
---
{{kind: deployment, name: trusted, task: trusted, target: everyone, parameters: {{root: {{url: "{url}", sha256: "{sum}"}}}}}}
---
{{kind: deployment, name: spoilt, task: spoilt, target: everyone, parameters: {{root: {{url: "{url}", sha256: "{}"}}}}}}
"#,
        "0".repeat(64)
    );
    installation.apply(&fleet).await;
    let computer = installation.local_computer().await;
    installation.start_all();
    let session = installation.submit(Kind::Full, &[computer.id]).await;
    assert_eq!(installation.tally(&session).await, [(Status::PartiallyCompleted, 1)].into());
    let read = |file: &str| std::fs::read_to_string(computer.sandbox.join(file)).expect("a file");
    assert_eq!(read("root.pem"), "a certificate");
    assert_eq!(read("told"), format!("no file of its own, {sum}"));
    assert_eq!(fetched.load(Ordering::SeqCst), 2, "what is in the cache is not fetched again");
    assert!(!computer.sandbox.join("was-run").exists(), "no script is told of a file that is not there");
    let actions = installation.store.actions(session[0]).await.expect("the database answers");
    let told: Vec<_> = actions.iter().map(|action| (action.item.as_str(), action.result_reason.as_deref())).collect();
    assert_eq!(told, [("task/spoilt", Some("detection_failed")), ("task/trusted", Some("done"))]);
    let message = actions[0].message.as_deref().expect("a sentence");
    assert!(message.contains("the file that PARAM_ROOT is to name was not fetched"), "{message}");
    let logs = installation.store.logs(session[0], None).await.expect("the database answers");
    assert_eq!(logs[0].status.code(), Some("checksum"));
    installation.at_rest().await;
}
