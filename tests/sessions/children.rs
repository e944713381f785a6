//! What scripts say to Pitcrew: children of a task, and the end of the session.

use std::path::PathBuf;

use pitcrew::domain::report::standing;
use pitcrew::domain::session::{Kind, Order, Stage, Status};
use pitcrew::domain::{ComputerId, Item, SessionId};
use pitcrew::store::forecast::Question;
use pitcrew::store::reruns::Rerun;
use pitcrew::store::submissions::Submitter;

use super::fleet::Played;
use super::installation::Installation;
use super::work::order;

/// The example of the manual, for the tenant that all tests have.
fn example() -> String {
    include_str!("../../schemas/examples/tasks/children.yaml")
        .replace("kind: tenant\nname: children-example\n---\n", "")
        .replace("children-example", "acme")
        .replace(
            "{file: scripts/patches.sh}",
            &serde_json::json!(include_str!("../../schemas/examples/tasks/scripts/patches.sh")).to_string(),
        )
}

/// Offers patches on a computer: lines of key, severity and title.
fn offer(computer: &Played, lines: &str) -> PathBuf {
    let folder = computer.sandbox.join("var/lib/patches");
    std::fs::create_dir_all(folder.join("installed")).expect("a folder");
    std::fs::write(folder.join("offered"), lines).expect("a file");
    folder
}

impl Installation {
    pub async fn ended_as(&self, kind: Kind, computer: ComputerId, status: Status) -> SessionId {
        let id = self.submit(kind, &[computer]).await[0];
        let ended = self.finals(&[id]).await.remove(0);
        assert_eq!(ended.status, status, "{:?}", ended.last_error);
        id
    }

    /// The actions as they are shown: item, result and why, those below another set in.
    pub async fn shown(&self, id: SessionId) -> Vec<String> {
        let actions = self.store.actions(id).await.expect("the database answers");
        let line = |action: &pitcrew::domain::report::ActionLine| {
            let mark = if action.parent.is_some() { "+ " } else { "" };
            let why = action.result_reason.as_deref().unwrap_or("-");
            format!("{mark}{} {} {why}", action.item, action.result.as_deref().unwrap_or("-"))
        };
        actions.iter().map(line).collect()
    }

    async fn verdicts(&self) -> Vec<String> {
        let rows = self.sql.query("SELECT item, state, reason FROM compliance ORDER BY item", &[]).await;
        let rows = rows.expect("the database answers");
        let told = rows.iter().map(|row| {
            let (item, state, reason): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            format!("{item} {state} {reason}").trim_end().to_owned()
        });
        told.collect()
    }

    pub async fn note_at_end(&self, id: SessionId) -> String {
        let sql = "SELECT note FROM transition WHERE session_id = $1 AND what = 'finished'";
        self.sql.query_one(sql, &[&id.0]).await.expect("it has ended").get("note")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_test_names_becomes_actions_below_its_task() {
    let mut installation = Installation::new().await;
    installation.apply(&example()).await;
    let computer = installation.local_computer().await;
    let folder = offer(&computer, "KB1 critical A patch\nKB2 low Another patch\nKB2 low Again\nKB3 low Third one\n");
    std::fs::write(folder.join("broken-KB2"), "").expect("a file");
    installation.start_all();

    let seen = installation.ended_as(Kind::Detection, computer.id, Status::Completed).await;
    let preview = installation.store.actions(seen).await.expect("the database answers");
    let told: Vec<_> = preview.iter().map(|action| (action.item.as_str(), action.why_text.as_str())).collect();
    let named = "Its test names KB1, KB2, KB3.";
    let expected = [
        ("task/patches", named),
        ("task/patches#KB1", "A patch"),
        ("task/patches#KB2", "Another patch"),
        ("task/patches#KB3", "Third one"),
    ];
    assert_eq!(told, expected, "what is seen is what would be done");
    let logs = installation.store.logs(seen, None).await.expect("the database answers");
    let warning = "Line 3 of the output begins with ::pitcrew and does not count: the child KB2 was named before, and \
                   the first one counts";
    assert_eq!(logs[0].warnings, [warning]);

    let first = installation.ended_as(Kind::Full, computer.id, Status::PartiallyCompleted).await;
    let expected = [
        "task/patches failed child_failed",
        "+ task/patches#KB1 success done",
        "+ task/patches#KB2 failed script_failed",
        "+ task/patches#KB3 success done",
    ];
    assert_eq!(installation.shown(first).await, expected);
    assert_eq!(std::fs::read_to_string(folder.join("installed/KB1")).expect("installed"), "critical\n");
    assert_eq!(installation.verdicts().await, ["task/patches non_compliant child_failed"], "the task is judged alone");

    // A rerun of what failed is one of its task, which looks again.
    std::fs::remove_file(folder.join("broken-KB2")).expect("it was broken");
    let session = installation.session(first).await;
    let from = Submitter { name: "test".to_owned(), origin: "api", tenants: None, traceparent: None };
    let item: Item = "task/patches#KB2".parse().expect("an item");
    let again = installation.store.rerun(&session, Some(&item), &from, "").await.expect("the database answers");
    let Rerun::Made(again) = again else { panic!("{again:?}") };
    installation.store.wake_scheduler();
    assert_eq!(installation.finals(&[again]).await[0].status, Status::Completed);
    assert_eq!(
        installation.shown(again).await,
        ["task/patches success done", "+ task/patches#KB2 success done"],
        "and only what is still missing is done"
    );
    assert_eq!(installation.verdicts().await, ["task/patches compliant"]);
    let reruns = installation.store.reruns_of(first).await.expect("the database answers");
    let actions = installation.store.actions(first).await.expect("the database answers");
    assert_eq!(standing(&session, &actions, 0, &reruns), Some(Status::Completed), "it came right with its task");
    let nothing = installation.ended_as(Kind::Full, computer.id, Status::Completed).await;
    assert_eq!(installation.session(nothing).await.stage, Stage::Planning);

    // How long they take is learned under their task, so that something is known of the next one.
    installation.store.learn_durations().await.expect("the database answers");
    let learned = installation.store.durations(None, 10).await.expect("the database answers");
    assert_eq!(learned.iter().map(|it| it.item.as_str()).collect::<Vec<_>>(), ["task/patches"]);
    offer(&computer, "KB4 low Fourth one\n");
    let seen = installation.ended_as(Kind::Detection, computer.id, Status::Completed).await;
    let actions = installation.store.actions(seen).await.expect("the database answers");
    assert!(actions.iter().all(|action| action.expected_ms.is_some()), "{actions:?}");
    let question = Question { files: None, attached: Default::default(), tenant: None, sample: 10 };
    let forecast = installation.store.forecast(&question).await.expect("the database answers");
    assert_eq!((forecast.plan.all_actions(), forecast.plan.of_unknown_duration), (2, 0));
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_ends_its_session_with_a_message() {
    let mut installation = Installation::new().await;
    let fleet = r#"
kind: task
name: first
test: |
  [ ! -e "$PITCREW_SANDBOX/stop-looking" ] || echo '::pitcrew {"stop": "no updates during the exam"}'
  [ -e "$PITCREW_SANDBOX/first" ] && echo true || echo false
set: |
  touch "$PITCREW_SANDBOX/first"
  echo '::pitcrew {"stop": "the disk is full", "colour": "red"}'
---
{kind: task, name: second, test: '[ -e "$PITCREW_SANDBOX/second" ] && echo true || echo false', set: touch "$PITCREW_SANDBOX/second"}
---
{kind: deployment, name: first, task: first, target: everyone}
---
{kind: deployment, name: second, task: second, target: everyone}
"#;
    installation.apply(fleet).await;
    let computer = installation.local_computer().await;
    computer.hold_up("stop-looking");
    installation.start_all();
    let looked = installation.ended_as(Kind::Full, computer.id, Status::Cancelled).await;
    assert_eq!(installation.session(looked).await.stage, Stage::Detection);
    assert_eq!(installation.note_at_end(looked).await, "The script of task/first ended it: no updates during the exam");
    computer.release("stop-looking");

    let acted = installation.ended_as(Kind::Full, computer.id, Status::Cancelled).await;
    assert_eq!(installation.shown(acted).await, ["task/first success done", "task/second skipped stopped_by_script"]);
    assert_eq!(installation.note_at_end(acted).await, "The script of task/first ended it: the disk is full");
    let actions = installation.store.actions(acted).await.expect("the database answers");
    assert_eq!(actions[1].message.as_deref(), Some("the disk is full"));
    let logs = installation.store.logs(acted, Some(1)).await.expect("the database answers");
    assert!(logs[1].warnings[0].contains("\"colour\" is none of the known words"), "{:?}", logs[1].warnings);

    // The next session goes on with what is left.
    let only = Order { deployments: Vec::new(), ..order() };
    let last = installation.submit_order(installation.tenant, Kind::Full, only, &[computer.id]).await;
    assert_eq!(installation.tally(&last).await, [(Status::Completed, 1)].into());
    installation.at_rest().await;
}
