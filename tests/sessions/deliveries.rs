//! Jobs that are delivered twice, late, out of order, and what is no job at all.

use pitcrew::broker::{Broker, Message};
use pitcrew::domain::job::{JOB_VERSION, Job};
use pitcrew::domain::session::{Kind, Session, Stage};
use serde_json::{Value, json};

use super::installation::{Installation, SOON};
use crate::support::until;

fn job(session: &Session, stage: Stage, dispatch: i32) -> Value {
    json!(Job { v: JOB_VERSION, session: session.id, tenant: session.tenant, stage, dispatch })
}

async fn send(broker: &Broker, queue: Stage, body: &Value) {
    let id = uuid::Uuid::new_v4().to_string();
    let message = Message::new(broker.topology().jobs(), queue.as_str(), id, body.to_string());
    broker.publisher().publish(message).await.expect("it is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_lies_in_the_queues_each_action_is_done_once() {
    let mut installation = Installation::new().await;
    installation.never_lapse();
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(100).await;
    installation.start_all();
    let broker = installation.broker().await;
    let sessions = installation.submit(Kind::Full, &computers).await;
    let mut live = installation.store.live_sessions(&sessions).await.expect("the database answers");
    while !live.is_empty() {
        for session in live.iter().take(20) {
            // The current one again, in every queue, and for each stage one from before and one from a time to come.
            for (queue, dispatch) in
                Stage::ALL.iter().zip([session.dispatch, session.dispatch - 1, session.dispatch + 1])
            {
                send(&broker, *queue, &job(session, *queue, dispatch)).await;
                send(&broker, *queue, &job(session, session.stage, session.dispatch)).await;
            }
        }
        live = installation.store.live_sessions(&sessions).await.expect("the database answers");
    }
    installation.all_complete(&sessions).await;
    let twice = "SELECT count(*) FROM action WHERE attempts <> 1 OR result <> 'success'";
    assert_eq!(installation.count(twice).await, 0);
    assert_eq!(installation.count("SELECT count(*) FROM action").await, 300);
    assert_eq!(installation.count("SELECT count(*) FROM run").await, 400);
    broker.close().await;
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_job_is_put_aside_and_stops_nobody() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    let computers = installation.noop_computers(5).await;
    installation.start_all();
    let broker = installation.broker().await;
    for stage in Stage::ALL {
        send(&broker, *stage, &json!("not a job")).await;
        send(&broker, *stage, &json!({ "v": 99, "session": 1, "tenant": 1, "stage": "planning", "dispatch": 1 })).await;
    }
    let sessions = installation.submit(Kind::Full, &computers).await;
    installation.all_complete(&sessions).await;
    broker.close().await;
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivery_that_meets_a_live_lease_is_dropped() {
    let mut installation = Installation::new().await;
    installation.never_lapse();
    installation.software(&["one"]).await;
    let computer = installation.local_computer().await;
    computer.hold_up("busy");
    installation.set("PITCREW_WORKER__PATIENCE", "60 s");
    installation.start_all();
    let id = installation.session_for(computer.id).await;
    let running = installation.until_running(id, Stage::Execution).await;
    let process = computer.until_it_is("acting").await;
    installation.start("execution-2");
    let broker = installation.broker().await;
    for _ in 0..20 {
        send(&broker, Stage::Execution, &job(&running, Stage::Execution, running.dispatch)).await;
    }
    let queue = broker.topology().queue("execution");
    until(SOON, async || (broker.depth(&queue).await.ok()? == 0).then_some(()), "the jobs to be taken").await;
    computer.release("busy");
    installation.all_complete(&[id]).await;
    let ended = installation.session(id).await;
    assert_eq!((ended.losses, ended.attempt, ended.epoch), (0, 0, running.epoch));
    assert_eq!(computer.until_it_is("acting").await, process);
    assert_eq!(computer.acts(), ["software/one"]);
    broker.close().await;
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_comes_late_is_dropped_and_was_not_waited_for() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    let computers = installation.noop_computers(1).await;
    installation.start_all();
    let first = installation.submit(Kind::Full, &computers).await;
    installation.all_complete(&first).await;
    // The test itself takes the job away and keeps it.
    assert!(installation.programs.stop("planning").await.success());
    let broker = installation.broker().await;
    let thief = broker.consume(&broker.topology().queue("planning"), 10);
    let id = installation.session_for(computers[0]).await;
    // A queue without workers gets no direct successors, and no admissions either.
    installation.until_session(id, "it to wait for planning", |s| s.stage == Stage::Planning).await;
    let session = installation.session(id).await;
    send(&broker, Stage::Planning, &job(&session, Stage::Planning, session.dispatch + 1)).await;
    let stolen = thief.next_group(1).await;
    installation.start("planning");
    installation.all_complete(&[id]).await;
    for delivery in stolen {
        delivery.receipt.reject(true).await;
    }
    thief.drain().await;
    broker.close().await;
    installation.at_rest().await;
}
