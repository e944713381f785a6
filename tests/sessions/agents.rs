//! Agents, gateways and the network between them fail; outcomes arrive when nobody expects them.

use pitcrew::domain::session::{Session, Stage, Status, WaitingOn};

use super::fleet::Played;
use super::installation::Installation;
use crate::support::Proxy;

/// An installation with a gateway and a computer whose agent is connected as `agent`, lacking these pieces of software.
async fn with_agent(software: &[&str], patience: &str) -> (Installation, Played) {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_WORKER__PATIENCE", patience);
    installation.software(software).await;
    let computer = installation.agent_computer().await;
    installation.start_all();
    installation.start("server");
    installation.start_agent("agent", &computer, None);
    installation.until_connected(1).await;
    (installation, computer)
}

fn is_parked(session: &Session) -> bool {
    session.waiting_on == Some(WaitingOn::Computer) && session.run_in_flight.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_outcome_misses_its_session_while_that_is_being_parked() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    // Steps take about as long as a worker waits for them. A wake that was missed would cost half an hour.
    let (mut installation, computer) = with_agent(&names, "100 ms").await;
    let id = installation.session_for(computer.id).await;
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts().len(), names.len());
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gateway_and_agent_die_and_freeze_while_a_step_goes_on() {
    let (mut installation, computer) = with_agent(&["one", "two"], "2 s").await;
    computer.hold_up("busy-one");
    computer.hold_up("busy-two");
    let id = installation.session_for(computer.id).await;
    let process = computer.until_it_is("acting").await;
    installation.programs.kill("server").await;
    installation.until_session(id, "it to be parked", is_parked).await;
    installation.programs.kill("agent").await;
    installation.start("server");
    let before = "SELECT count(*) FROM agent_presence p, session s WHERE p.connected_at > s.since";
    installation.start_agent("agent", &computer, None);
    installation.until_counts(1, before).await;
    assert_eq!(computer.until_it_is("acting").await, process, "it was started once");
    // It ends by itself; the next one begins, and the agent freezes in the middle of it.
    computer.forget("acting");
    computer.release("busy-one");
    computer.until_it_is("acting").await;
    installation.programs.freeze("agent");
    computer.release("busy-two");
    installation.programs.kill("execution").await;
    installation.start("execution");
    installation.programs.thaw("agent");
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts(), ["software/one", "software/two"]);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_held_up_past_its_time_starts_nothing() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    let computer = installation.agent_computer().await;
    installation.start_all();
    installation.start("server");
    let proxy = Proxy::to(&format!("ws://127.0.0.1:{}/v1/agent", installation.port)).await;
    let url = proxy.url(&format!("ws://127.0.0.1:{}/v1/agent", installation.port));
    installation.start_agent("agent", &computer, Some(&url));
    installation.until_connected(1).await;
    proxy.pause();
    let id = installation.session_for(computer.id).await;
    installation.until_counts(1, "SELECT count(*) FROM run WHERE start_by < clock_timestamp()").await;
    proxy.pass();
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts(), ["software/one"]);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_that_is_offline_is_waited_for_and_holds_nothing() {
    let mut installation = Installation::new().await;
    installation.never_lapse();
    installation.software(&["one"]).await;
    let computer = installation.agent_computer().await;
    installation.start_all();
    installation.start("server");
    let id = installation.session_for(computer.id).await;
    let offline = |session: &Session| session.waiting_on == Some(WaitingOn::Connectivity);
    let waiting = installation.until_session(id, "it to wait for the connection", offline).await;
    assert_eq!((waiting.attempt, waiting.losses), (0, 0));
    assert_eq!(installation.count("SELECT count(*) FROM computer_hold").await, 0);
    installation.start_agent("agent", &computer, None);
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts(), ["software/one"]);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_comes_while_its_session_is_being_put_off_is_not_missed() {
    let mut installation = Installation::new().await;
    installation.never_lapse();
    installation.software(&["one"]).await;
    let computer = installation.agent_computer().await;
    installation.start_all();
    installation.start("server");
    installation.stall("INSERT ON transition", "NEW.what = 'snoozed'").await;
    let id = installation.session_for(computer.id).await;
    installation.until_stalled().await;
    installation.start_agent("agent", &computer, None);
    installation.until_connected(1).await;
    installation.go_on().await;
    installation.all_complete(&[id]).await;
    // Either the one who puts it off sees the connection, or the one who connects sees it put off.
    let long = "SELECT count(*) FROM transition WHERE waited_on = 'connectivity' AND what <> 'woken'
                AND due_at - since > interval '10 seconds'";
    assert_eq!(installation.count(long).await, 0, "it waited until it was time to look again");
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_a_parked_session_comes_into_force_with_the_outcome() {
    let (mut installation, computer) = with_agent(&["one", "two"], "200 ms").await;
    computer.hold_up("busy");
    let id = installation.session_for(computer.id).await;
    computer.until_it_is("acting").await;
    installation.until_session(id, "it to be parked", is_parked).await;
    installation.store.pause(&[id], "me", "lunch").await.expect("the database answers");
    computer.release("busy");
    let paused = installation.until_session(id, "it to be paused", |s| s.status == Status::Paused).await;
    assert!(paused.run_in_flight.is_none());
    assert_eq!(computer.acts().len(), 1, "it halts between two actions");
    assert_eq!(installation.count("SELECT count(*) FROM computer_hold").await, 0);
    installation.store.resume(&[id], "me", "back").await.expect("the database answers");
    installation.store.wake_scheduler();
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts().len(), 2);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_a_parked_session_kills_what_goes_on() {
    let (mut installation, computer) = with_agent(&["one", "two"], "200 ms").await;
    computer.hold_up("busy");
    let id = installation.session_for(computer.id).await;
    let process = computer.until_it_is("acting").await;
    installation.until_session(id, "it to be parked", is_parked).await;
    installation.store.cancel(&[id], "me", "not now").await.expect("the database answers");
    installation.store.wake_scheduler();
    let ended = installation.finals(&[id]).await.remove(0);
    assert_eq!(ended.status, Status::Cancelled);
    computer.until_gone(&process).await;
    assert!(computer.acts().is_empty());
    let results = "SELECT string_agg(result, ' ' ORDER BY seq) FROM action";
    let row = installation.sql.query_one(results, &[]).await.expect("the database answers");
    assert_eq!(row.get::<_, &str>(0), "indeterminate cancelled");
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_comes_after_the_end_is_kept_and_changes_nothing() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_SCHEDULER__MAX_LOSSES", "1");
    installation.software(&["one"]).await;
    let computer = installation.agent_computer().await;
    computer.hold_up("busy");
    installation.start_all();
    installation.start("server");
    installation.start_agent("agent", &computer, None);
    installation.until_connected(1).await;
    let id = installation.session_for(computer.id).await;
    installation.until_running(id, Stage::Execution).await;
    computer.until_it_is("acting").await;
    installation.programs.kill("execution").await;
    let failed = installation.finals(&[id]).await.remove(0);
    assert_eq!(failed.status, Status::Failed);
    let timeline = "SELECT count(*) FROM transition";
    let before = installation.count(timeline).await;
    computer.release("busy");
    installation.until_counts(2, "SELECT count(*) FROM run WHERE outcome IS NOT NULL").await;
    assert_eq!(installation.count(timeline).await, before);
    assert_eq!(installation.session(id).await, failed);
    let unknown = "SELECT count(*) FROM action WHERE result = 'indeterminate'";
    assert_eq!(installation.count(unknown).await, 1);
    installation.start("execution");
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_meet_cancels_and_pauses_of_their_sessions() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_WORKER__PATIENCE", "200 ms");
    installation.software(&["one", "two"]).await;
    installation.start_all();
    installation.start("server");
    let mut parked = Vec::new();
    for number in 0..6 {
        let computer = installation.agent_computer().await;
        computer.hold_up("busy");
        installation.start_agent(&format!("agent-{number}"), &computer, None);
        parked.push((installation.session_for(computer.id).await, computer));
    }
    for (id, _) in &parked {
        installation.until_session(*id, "it to be parked", is_parked).await;
    }
    // Both at once: whichever comes first, nothing hangs and nothing is told twice.
    for (place, (id, computer)) in parked.iter().enumerate() {
        let ids = [*id];
        let intent = async {
            match place % 2 {
                0 => installation.store.cancel(&ids, "me", "").await,
                _ => installation.store.pause(&ids, "me", "").await,
            }
        };
        let (intended, ()) = tokio::join!(intent, async { computer.release("busy") });
        intended.expect("the database answers");
    }
    installation.store.wake_scheduler();
    for (place, (id, computer)) in parked.iter().enumerate() {
        let expected = [Status::Cancelled, Status::Paused][place % 2];
        installation.until_session(*id, "its intent to come into force", |s| s.status == expected).await;
        assert!(computer.acts().len() <= 1);
    }
    let ids: Vec<_> = parked.iter().map(|(id, _)| *id).collect();
    installation.store.resume(&ids, "me", "").await.expect("the database answers");
    installation.store.wake_scheduler();
    let tally = installation.tally(&ids).await;
    assert_eq!(tally, [(Status::Cancelled, 3), (Status::Completed, 3)].into());
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_freezes_keeps_nobody_for_ever() {
    let (mut installation, computer) = with_agent(&["one", "two"], "2 s").await;
    computer.hold_up("busy-one");
    let id = installation.session_for(computer.id).await;
    computer.until_it_is("acting").await;
    installation.programs.freeze("server");
    computer.release("busy-one");
    // The next command goes into a queue that nobody reads, past the time by which it was to start.
    installation.until_session(id, "it to be parked", is_parked).await;
    installation.programs.thaw("server");
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts(), ["software/one", "software/two"]);
    installation.at_rest().await;
}
