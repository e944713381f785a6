//! A script's word that its session ends is followed also where the worker that heard it is not the one that goes on, and
//! where the action does not end as it was planned.

use pitcrew::domain::session::{Kind, Status, WaitingOn};

use super::installation::Installation;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_remembered_while_the_computer_restarts() {
    let mut installation = Installation::new().await;
    let fleet = r#"
kind: task
name: first
test: |
  [ -e "$PITCREW_SANDBOX/restarted" ] && echo true || echo false
set: |
  echo '::pitcrew {"stop": "the exam begins"}'
  exit 194
---
{kind: task, name: second, test: '[ -e "$PITCREW_SANDBOX/second" ] && echo true || echo false', set: touch "$PITCREW_SANDBOX/second"}
---
{kind: deployment, name: first, task: first, target: everyone}
---
{kind: deployment, name: second, task: second, target: everyone}
"#;
    installation.apply(fleet).await;
    let computer = installation.agent_computer().await;
    installation.start_all();
    installation.start("server");
    installation.start_agent("agent", &computer, None);
    installation.until_connected(1).await;
    let id = installation.submit(Kind::Full, &[computer.id]).await[0];
    let restarts = |session: &pitcrew::domain::session::Session| session.waiting_on == Some(WaitingOn::Reboot);
    installation.until_session(id, "its computer to restart", restarts).await;
    std::fs::write(computer.sandbox.join("restarted"), "").expect("a file");
    installation.start_agent("agent-again", &computer, None);
    let ended = installation.finals(&[id]).await.remove(0);
    assert_eq!(
        installation.shown(id).await,
        ["task/first success done", "task/second skipped stopped_by_script"],
        "what was said before the restart counts after it"
    );
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(installation.note_at_end(id).await, "The script of task/first ended it: the exam begins");
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_the_last_action_outlives_its_worker() {
    let mut installation = Installation::new().await;
    let fleet = r#"
{kind: task, name: last, test: '[ -e "$PITCREW_SANDBOX/last" ] && echo true || echo false', set: "touch $PITCREW_SANDBOX/last; echo '::pitcrew {\"stop\": \"enough\"}'"}
---
{kind: deployment, name: last, task: last, target: everyone}
"#;
    installation.apply(fleet).await;
    let computer = installation.local_computer().await;
    // Nothing ends for now; the database says that it may be tried again.
    let hinder = "CREATE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS
                      $$ BEGIN RAISE EXCEPTION 'not yet' USING ERRCODE = '40001'; END $$;
                  CREATE TRIGGER hinder BEFORE DELETE ON session EXECUTE FUNCTION hinder()";
    installation.sql.batch_execute(hinder).await.expect("a trigger");
    installation.start_all();
    let id = installation.submit(Kind::Full, &[computer.id]).await[0];
    installation.until_counts(1, "SELECT count(*) FROM action WHERE status = 'done'").await;
    installation.programs.kill("execution").await;
    installation.sql.batch_execute("DROP TRIGGER hinder ON session").await.expect("it goes");
    installation.start("execution");
    assert_eq!(installation.finals(&[id]).await[0].status, Status::Cancelled);
    assert_eq!(installation.shown(id).await, ["task/last success done"]);
    assert_eq!(installation.note_at_end(id).await, "The script of task/last ended it: enough");
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_counts_also_where_the_computer_is_not_as_planned() {
    let mut installation = Installation::new().await;
    let fleet = r#"
kind: software
name: tool
detect: |
  if [ -e "$PITCREW_SANDBOX/looked" ] && [ ! -e "$PITCREW_SANDBOX/said" ]; then
    touch "$PITCREW_SANDBOX/said"
    echo '::pitcrew {"stop": "hands off"}'
    echo 0.5
  fi
  touch "$PITCREW_SANDBOX/looked"
install: touch "$PITCREW_SANDBOX/tool"
versions: [1]
---
{kind: deployment, name: tool, software: tool, target: everyone}
"#;
    installation.apply(fleet).await;
    let computer = installation.local_computer().await;
    installation.start_all();
    let id = installation.ended_as(Kind::Full, computer.id, Status::Cancelled).await;
    assert_eq!(installation.shown(id).await, ["software/tool skipped drifted"]);
    assert_eq!(installation.note_at_end(id).await, "The script of software/tool ended it: hands off");
    assert!(!computer.sandbox.join("tool").exists());
    installation.at_rest().await;
}
