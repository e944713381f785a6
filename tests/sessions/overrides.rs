//! What a session gives parameters reaches its scripts, its plan, its record and its rerun, and nothing after it.

use pitcrew::domain::session::Status;
use pitcrew::domain::{Given, SessionId};
use pitcrew::store::reruns::Rerun;
use pitcrew::store::submissions::Submitter;
use serde_json::json;

use super::installation::{Installation, SOON};
use crate::support::until;

const PASSWORD: &str = "correct-horse-battery-staple";

/// The first task gives time to change the policy before the second one is come to.
const FLEET: &str = r#"
kind: task
name: awaited
test: '[ -e "$PITCREW_SANDBOX/go" ] && echo true || echo false'
set: |
  touch "$PITCREW_SANDBOX/begun"
  while [ ! -e "$PITCREW_SANDBOX/go" ]; do sleep 0.05; done
---
kind: task
name: join
test: '[ "$(cat "$PITCREW_SANDBOX/joined")" = "$PARAM_DOMAIN/$PARAM_UNIT" ] && echo true || echo false'
set: |
  printf %s "$PARAM_DOMAIN/$PARAM_UNIT" > "$PITCREW_SANDBOX/joined"
  printf %s "$PARAM_PASSWORD" > "$PITCREW_SANDBOX/told"
parameters:
  domain: {override: required}
  unit: {default: desks, override: allowed}
  password: {type: password, required: false, override: allowed}
---
{kind: deployment, name: awaited, task: awaited, target: everyone}
---
{kind: deployment, name: join, task: join, target: everyone}
"#;

impl Installation {
    /// The session that the command line has started, by what it printed; what it refused otherwise.
    async fn started(&self, arguments: &[&str]) -> Result<SessionId, String> {
        let output = self.pitcrew(&[&["session", "start"], arguments].concat()).await;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let id = said.strip_prefix("session ").and_then(|rest| rest.split(' ').next()).and_then(|id| id.parse().ok());
        Ok(SessionId(id.unwrap_or_else(|| panic!("{said}"))))
    }

    /// The items of a session's actions, with what came of them and why.
    async fn came_to(&self, id: SessionId) -> Vec<String> {
        let actions = self.store.actions(id).await.expect("the database answers");
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        actions.iter().map(|it| format!("{} {} {}", it.item, word(&it.result), word(&it.result_reason))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_is_given_holds_for_it_and_its_rerun() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_API_URL", format!("http://127.0.0.1:{}", installation.port));
    installation.apply(FLEET).await;
    let computer = installation.local_computer().await;
    let id = computer.id.to_string();
    let file = |name: &str| computer.sandbox.join(name);
    let read = |name: &str| std::fs::read_to_string(file(name)).expect("a file");
    std::fs::write(file("go"), "").expect("a file");
    installation.start_all();
    installation.start("server");
    let ready = async || installation.pitcrew(&["status"]).await.status.success().then_some(());
    until(SOON, ready, "the server to answer").await;

    // Nobody gives the domain: the item is left alone, and says so.
    let plain = installation.started(&["--computer", &id]).await.expect("it is made");
    installation.all_complete(&[plain]).await;
    assert_eq!(installation.came_to(plain).await, ["task/join skipped parameter_missing"]);
    assert!(!file("joined").exists());
    let targeted = ["--computer", &id, "--kind", "targeted", "--deployment", "join"];
    let refused = installation.started(&targeted).await.expect_err("it is refused");
    assert!(refused.contains("\"domain\" of task/join") && refused.contains("--set task/join.domain="), "{refused}");
    let by_value = ["--computer", &id, "--set", "join.password=hunter2-plain", "--set", "join.unti=x"];
    let refused = installation.started(&by_value).await.expect_err("it is refused");
    assert!(refused.contains("--set-secret task/join.password=ID") && !refused.contains("hunter2"), "{refused}");
    assert!(refused.contains("Did you mean \"unit\"?"), "{refused}");

    let secret = installation.store.store_secret("join", PASSWORD, "test").await.expect("it is stored");
    std::fs::remove_file(file("go")).expect("it was there");
    let password = format!("join.password={}", secret.0);
    let given = ["--set", "join.domain=lab", "--set", "task/join.unit=labs", "--set-secret", &password];
    let session = installation.started(&[&["--computer", &id][..], &given].concat()).await.expect("it is made");
    until(SOON, async || file("begun").exists().then_some(()), "the first action to begin").await;
    // The plan is compared with what the newer policy would have planned, of this session.
    installation.apply("{kind: task, name: other, test: echo true}").await;
    std::fs::write(file("go"), "").expect("a file");
    installation.all_complete(&[session]).await;
    assert_eq!(installation.came_to(session).await, ["task/awaited success done", "task/join success done"]);
    assert_eq!((read("joined"), read("told")), ("lab/labs".to_owned(), PASSWORD.to_owned()));
    let recorded = installation.session(session).await.order.parameters;
    let expected = json!({"task/join": {"domain": "lab", "unit": "labs", "password": {"secret": secret}}});
    assert_eq!(recorded, serde_json::from_value::<Given>(expected).expect("items and their parameters"));
    let shown = installation.pitcrew(&["session", "show", &session.to_string()]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("task/join.domain=lab") && shown.contains("task/join.unit=labs"), "{shown}");
    assert_eq!(installation.tables_with(PASSWORD).await, Vec::<String>::new());

    for name in ["joined", "told"] {
        std::fs::remove_file(file(name)).expect("it was there");
    }
    let from = Submitter { name: "test".to_owned(), origin: "api", tenants: None, traceparent: None };
    let first = installation.session(session).await;
    let again = installation.store.rerun(&first, None, &from, "again").await.expect("the database answers");
    let Rerun::Made(again) = again else { panic!("{again:?}") };
    installation.store.wake_scheduler();
    installation.all_complete(&[again]).await;
    assert_eq!((read("joined"), read("told")), ("lab/labs".to_owned(), PASSWORD.to_owned()));
    assert_eq!(installation.session(again).await.order.parameters, recorded);

    // A session without them finds the item as it found it before: not its business.
    let plain = installation.started(&["--computer", &id]).await.expect("it is made");
    assert_eq!(installation.tally(&[plain]).await, [(Status::Completed, 1)].into());
    assert_eq!(installation.came_to(plain).await, ["task/join skipped parameter_missing"]);
    installation.at_rest().await;
}
