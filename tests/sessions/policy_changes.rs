//! The policy changes while sessions are between planning and execution, or in the middle of it.

use pitcrew::domain::SessionId;
use pitcrew::domain::session::{Session, Stage};

use super::fleet::Played;
use super::installation::Installation;

/// Two pieces of software, of which one needs the other.
const FLEET: &str = r#"
kind: software
name: base
detect: cat "$PITCREW_SANDBOX/base" 2>/dev/null || true
install: printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/base"
versions: [{version: "1"}]
---
kind: software
name: app
requires: [{software: base}]
detect: cat "$PITCREW_SANDBOX/app" 2>/dev/null || true
install: |
  echo $$ > "$PITCREW_SANDBOX/acting"
  while [ -e "$PITCREW_SANDBOX/busy" ]; do sleep 0.05; done
  echo app >> "$PITCREW_SANDBOX/acts"
  printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/app"
versions: [{version: "1"}]
---
{kind: deployment, name: base, software: base, target: everyone}
---
{kind: deployment, name: app, software: app, target: everyone}
"#;

/// Nothing that concerns anyone.
const UNRELATED: &str = "{kind: software, name: unrelated, detect: 'true', install: 'true'}";

/// An installation of which one computer has `base` already, and a session for it that is planned and not executed.
async fn planned() -> (Installation, Played, SessionId) {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_WORKER__PATIENCE", "60 s");
    installation.apply(FLEET).await;
    let computer = installation.local_computer().await;
    computer.meddle("base", Some("1"));
    for name in ["scheduler", "detection", "planning"] {
        installation.start(name);
    }
    let id = installation.session_for(computer.id).await;
    let is_planned = |session: &Session| session.stage == Stage::Execution;
    installation.until_session(id, "it to be planned", is_planned).await;
    (installation, computer, id)
}

impl Installation {
    async fn versions(&self) -> i64 {
        self.count("SELECT policy_version FROM installation").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_something_that_was_in_order_is_still_wanted_after_an_unrelated_change() {
    let (mut installation, computer, id) = planned().await;
    let before = installation.versions().await;
    installation.apply(UNRELATED).await;
    assert!(installation.versions().await > before);
    installation.start("execution");
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts(), ["app"]);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_in_the_meantime_is_skipped_and_says_so() {
    let (mut installation, computer, id) = planned().await;
    installation.apply("{kind: deployment, name: app, software: app, target: everyone, state: ignored}").await;
    installation.start("execution");
    installation.all_complete(&[id]).await;
    assert!(computer.acts().is_empty());
    let skipped = "SELECT count(*) FROM action WHERE result = 'skipped' AND result_reason = 'deployment_changed'";
    assert_eq!(installation.count(skipped).await, 1);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_while_another_action_goes_on_is_not_begun() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_WORKER__PATIENCE", "60 s");
    installation.software(&["one", "two"]).await;
    let computer = installation.local_computer().await;
    computer.hold_up("busy");
    installation.start_all();
    let id = installation.session_for(computer.id).await;
    installation.until_running(id, Stage::Execution).await;
    computer.until_it_is("acting").await;
    let withdraw = "UPDATE deployment SET body = jsonb_set(body, '{state}', '\"ignored\"') WHERE name = 'two'";
    installation.sql.execute(withdraw, &[]).await.expect("it is withdrawn");
    installation.sql.execute("UPDATE installation SET policy_version = policy_version + 1", &[]).await.expect("so");
    installation.until_heard(id).await;
    computer.release("busy");
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts(), ["software/one"]);
    installation.at_rest().await;
}
