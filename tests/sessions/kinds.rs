//! Sessions of every kind do what their kind says and nothing else, and are run again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::get;
use pitcrew::domain::report::standing;
use pitcrew::domain::session::{Kind, Order, Stage, Status};
use pitcrew::domain::{ActionResult, Item, SessionId};
use pitcrew::store::reruns::Rerun;
use pitcrew::store::submissions::Submitter;
use sha2::{Digest, Sha256};

use super::installation::Installation;
use super::work::order;

/// Something to fetch, and how often it was fetched.
pub async fn depot(content: &'static str) -> (String, String, Arc<AtomicUsize>) {
    let fetched = Arc::new(AtomicUsize::new(0));
    let counted = fetched.clone();
    let routes = axum::Router::new().route(
        "/tool.tar",
        get(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async move { content }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/tool.tar", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let sum: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    (url, sum, fetched)
}

/// A tool that is fetched, an audit of something else, and a task that writes down when it is set.
fn fleet(url: &str, sum: &str) -> String {
    format!(
        r#"
kind: software
name: tool
detect: cat "$PITCREW_SANDBOX/tool" 2>/dev/null || true
install: cp "$PITCREW_FILE" "$PITCREW_SANDBOX/file"; echo "tool" >> "$PITCREW_SANDBOX/acts"; printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/tool"
versions: [{{version: "1.0", url: "{url}", sha256: "{sum}"}}]
configuration: settings
---
kind: task
name: settings
test: '[ -e "$PITCREW_SANDBOX/settings" ] && echo true || echo false'
set: echo settings >> "$PITCREW_SANDBOX/acts"; touch "$PITCREW_SANDBOX/settings"
---
kind: task
name: clock
test: '[ -e "$PITCREW_SANDBOX/clock" ] && echo true || echo false'
set: echo clock >> "$PITCREW_SANDBOX/acts"; [ -e "$PITCREW_SANDBOX/clock-is-stuck" ] || touch "$PITCREW_SANDBOX/clock"
---
{{kind: deployment, name: tool, software: tool, target: everyone}}
---
{{kind: deployment, name: clock, task: clock, target: everyone, retries: 0}}
"#
    )
}

impl Installation {
    async fn one(&self, kind: Kind, order: Order, computer: pitcrew::domain::ComputerId) -> SessionId {
        self.submit_order(self.tenant, kind, order, &[computer]).await[0]
    }

    async fn ends(&self, id: SessionId, as_what: Status) {
        let ended = self.finals(&[id]).await.remove(0);
        assert_eq!(ended.status, as_what, "session {id}, a {}: {:?}", ended.kind, ended.last_error);
    }

    /// The stages whose jobs were taken, and the actions with what came of them.
    async fn did(&self, id: SessionId) -> (Vec<String>, Vec<String>) {
        let stages = self
            .sql
            .query("SELECT stage FROM transition WHERE session_id = $1 AND taken_at IS NOT NULL ORDER BY seq", &[&id.0])
            .await
            .expect("the database answers");
        let actions = self.store.actions(id).await.expect("the database answers");
        let told = actions.iter().map(|action| {
            let reason = action.result_reason.as_deref().unwrap_or("-");
            format!("{} {} {} {reason}", action.action, action.item, action.result.as_deref().unwrap_or("-"))
        });
        (stages.iter().map(|row| row.get("stage")).collect(), told.collect())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_does_what_it_says_and_nothing_else() {
    let mut installation = Installation::new().await;
    let (url, sum, fetched) = depot("the tool").await;
    installation.apply(&fleet(&url, &sum)).await;
    let computer = installation.local_computer().await;
    // Its agent never comes.
    let absent = installation.agent_computer().await;
    installation.start_all();

    let resolved = installation.one(Kind::Resolution, order(), absent.id).await;
    installation.ends(resolved, Status::Completed).await;
    let (stages, actions) = installation.did(resolved).await;
    assert_eq!(stages, ["planning"]);
    assert_eq!(
        actions,
        ["software/tool", "task/clock", "task/settings"].map(|item| format!("nothing {item} skipped only_resolved"))
    );

    let inventory = installation.one(Kind::Inventory, order(), computer.id).await;
    installation.ends(inventory, Status::Completed).await;
    assert_eq!(installation.did(inventory).await, (vec!["detection".to_owned()], vec![]));
    let findings = installation.store.findings(inventory).await.expect("the database answers").expect("findings");
    assert!(findings.items.is_empty());
    assert!(findings.inventory.is_some());

    let fetches = installation.one(Kind::Download, order(), computer.id).await;
    installation.ends(fetches, Status::Completed).await;
    let (stages, actions) = installation.did(fetches).await;
    assert_eq!(stages, ["detection", "planning", "execution"]);
    let expected = [
        "download software/tool success fetched",
        "nothing task/settings skipped nothing_to_fetch",
        "nothing task/clock skipped nothing_to_fetch",
    ];
    assert_eq!(actions, expected);
    assert!(computer.acts().is_empty(), "nothing was changed");
    assert_eq!(fetched.load(Ordering::SeqCst), 1);

    let targeted = Order { deployments: vec!["tool".to_owned()], ..order() };
    let targeted = installation.one(Kind::Targeted, targeted, computer.id).await;
    installation.ends(targeted, Status::Completed).await;
    assert_eq!(computer.acts(), ["tool", "settings"], "the deployment and its configuration, and nothing else");
    assert_eq!(fetched.load(Ordering::SeqCst), 1, "what was fetched before is not fetched again");
    assert_eq!(std::fs::read_to_string(computer.sandbox.join("file")).expect("the file"), "the tool");

    let repair = |item: &str| Order { item: Some(item.parse::<Item>().expect("an item")), ..order() };
    let repaired = installation.one(Kind::Repair, repair("software/tool"), computer.id).await;
    installation.ends(repaired, Status::Completed).await;
    assert_eq!(
        installation.did(repaired).await.1,
        ["reinstall software/tool success done", "enforce_task task/settings success already_as_desired"]
    );
    let set = installation.one(Kind::Repair, repair("task/settings"), computer.id).await;
    installation.ends(set, Status::Completed).await;
    assert_eq!(computer.acts(), ["tool", "settings", "tool", "settings"], "a repair sets what is satisfied, too");

    let full = installation.one(Kind::Full, order(), computer.id).await;
    installation.ends(full, Status::Completed).await;
    assert_eq!(installation.did(full).await.1, ["enforce_task task/clock success done"]);
    let nothing = installation.one(Kind::Full, order(), computer.id).await;
    installation.ends(nothing, Status::Completed).await;
    assert_eq!(
        installation.did(nothing).await,
        (vec!["detection".to_owned(), "planning".to_owned()], vec![]),
        "nothing to execute queues no execution"
    );
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_run_again_and_the_session_stands_as_with_it() {
    let mut installation = Installation::new().await;
    let (url, sum, _) = depot("the tool").await;
    installation.apply(&fleet(&url, &sum)).await;
    let computer = installation.local_computer().await;
    computer.hold_up("clock-is-stuck");
    installation.start_all();
    let first = installation.one(Kind::Full, order(), computer.id).await;
    installation.ends(first, Status::PartiallyCompleted).await;
    let session = installation.session(first).await;
    let from = Submitter { name: "test".to_owned(), origin: "api", tenants: None, traceparent: None };
    let clock: Item = "task/clock".parse().expect("an item");
    let again = async |item: Option<&Item>| {
        installation.store.rerun(&session, item, &from, "again").await.expect("the database answers")
    };
    let stands = async || {
        let reruns = installation.store.reruns_of(first).await.expect("the database answers");
        let actions = installation.store.actions(first).await.expect("the database answers");
        standing(&session, &actions, 0, &reruns)
    };
    assert_eq!(stands().await, None, "nothing was run again");
    let Rerun::Refused(why) = again(Some(&"task/clok".parse().expect("an item"))).await else { panic!("refused") };
    assert!(why.contains("it has: software/tool, task/clock, task/settings."), "{why}");
    assert!(why.contains("Did you mean \"task/clock\"?"), "{why}");

    let Rerun::Made(second) = again(Some(&clock)).await else { panic!("made") };
    installation.store.wake_scheduler();
    installation.ends(second, Status::Failed).await;
    assert_eq!(installation.did(second).await.1, ["enforce_task task/clock failed verify_failed"]);
    assert_eq!(stands().await, Some(Status::PartiallyCompleted), "it failed again");

    computer.release("clock-is-stuck");
    let before = computer.acts().len();
    let Rerun::Made(third) = again(Some(&clock)).await else { panic!("made") };
    installation.store.wake_scheduler();
    installation.ends(third, Status::Completed).await;
    assert_eq!(computer.acts()[before..], ["clock"]);
    assert_eq!(stands().await, Some(Status::Completed));
    assert_eq!(installation.session(first).await.status, Status::PartiallyCompleted, "a final status never changes");
    let reruns = installation.store.reruns_of(first).await.expect("the database answers");
    let told: Vec<_> = reruns.iter().map(|rerun| (rerun.session, rerun.item.as_deref(), rerun.result)).collect();
    assert_eq!(
        told,
        [
            (second, Some("task/clock"), Some(ActionResult::Failed)),
            (third, Some("task/clock"), Some(ActionResult::Success))
        ]
    );

    // Run again as a whole it is the full session again, after a rerun of one action too.
    let Rerun::Made(whole) = again(None).await else { panic!("made") };
    installation.store.wake_scheduler();
    installation.ends(whole, Status::Completed).await;
    let whole = installation.session(whole).await;
    assert_eq!((whole.kind, whole.order.item.clone(), whole.stage), (Kind::Full, None, Stage::Planning));
    installation.at_rest().await;
}
