//! People call sessions off, halt them and let them go on, whatever these are doing.

use pitcrew::domain::session::{Session, Stage, Status};

use super::installation::Installation;

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_kills_what_runs_and_leaves_the_computer_to_the_next_session() {
    for (held_up, at, stage) in [("blind", "looking", Stage::Detection), ("busy", "acting", Stage::Execution)] {
        let mut installation = Installation::new().await;
        installation.set("PITCREW_WORKER__PATIENCE", "60 s");
        installation.software(&["one", "two"]).await;
        let computer = installation.local_computer().await;
        computer.hold_up(held_up);
        installation.start_all();
        let id = installation.session_for(computer.id).await;
        installation.until_running(id, stage).await;
        let process = computer.until_it_is(at).await;
        let next = installation.session_for(computer.id).await;
        installation.store.cancel(&[id], "me", "not now").await.expect("the database answers");
        let ended = installation.finals(&[id]).await.remove(0);
        assert_eq!(ended.status, Status::Cancelled);
        computer.until_gone(&process).await;
        assert!(computer.acts().is_empty());
        computer.release(held_up);
        installation.all_complete(&[next]).await;
        let cancelled = format!("SELECT count(*) FROM action WHERE session_id = {id} AND result IS NULL");
        assert_eq!(installation.count(&cancelled).await, 0);
        installation.at_rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_cancelled_paused_and_resumed_at_once() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    let computers = installation.noop_computers(3).await;
    let mut ids = Vec::new();
    for computer in &computers {
        ids.push(installation.session_for(*computer).await);
    }
    // Nobody is there who could admit them.
    installation.store.pause(&ids[..2], "me", "").await.expect("the database answers");
    installation.store.cancel(&ids[1..], "me", "").await.expect("the database answers");
    let status = async |id| installation.session(id).await.status;
    assert_eq!(status(ids[0]).await, Status::Paused);
    assert_eq!((status(ids[1]).await, status(ids[2]).await), (Status::Cancelled, Status::Cancelled));
    installation.start_all();
    installation.store.resume(&ids, "me", "").await.expect("the database answers");
    installation.all_complete(&ids[..1]).await;
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_halts_between_two_actions_and_a_resume_goes_on_with_the_next() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_WORKER__PATIENCE", "60 s");
    installation.software(&["one", "two", "three"]).await;
    let computer = installation.local_computer().await;
    computer.hold_up("busy");
    installation.start_all();
    let id = installation.session_for(computer.id).await;
    installation.until_running(id, Stage::Execution).await;
    computer.until_it_is("acting").await;
    installation.store.pause(&[id], "me", "").await.expect("the database answers");
    installation.until_heard(id).await;
    computer.release("busy");
    installation.until_session(id, "it to be paused", |s: &Session| s.status == Status::Paused).await;
    assert_eq!(computer.acts().len(), 1);
    installation.store.resume(&[id], "me", "").await.expect("the database answers");
    installation.store.wake_scheduler();
    installation.all_complete(&[id]).await;
    assert_eq!(computer.acts().len(), 3);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_under_load_end_every_session_one_way_or_another() {
    let mut installation = Installation::new().await;
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(300).await;
    installation.start_all();
    let sessions = installation.submit(pitcrew::domain::session::Kind::Full, &computers).await;
    installation.until_counts(20, "SELECT count(*) FROM session_history").await;
    for (place, some) in sessions.chunks(20).enumerate() {
        match place % 3 {
            0 => drop(installation.store.pause(some, "me", "").await.expect("the database answers")),
            1 => drop(installation.store.cancel(some, "me", "").await.expect("the database answers")),
            _ => {}
        }
    }
    // Whatever was paused goes on, and what is paused only after this look does not exist.
    let paused = "SELECT count(*) FROM session WHERE status = 'paused'";
    let intended = "SELECT count(*) FROM session WHERE pause IS NOT NULL AND status <> 'paused'";
    while installation.count(paused).await + installation.count(intended).await > 0 {
        installation.store.resume(&sessions, "me", "").await.expect("the database answers");
        installation.store.wake_scheduler();
    }
    let tally = installation.tally(&sessions).await;
    let ended: usize = [Status::Completed, Status::Cancelled].iter().filter_map(|status| tally.get(status)).sum();
    assert_eq!(ended, sessions.len(), "{tally:?}");
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_stopped_tenant_or_fleet_halts_between_two_actions_and_goes_on_where_it_was() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_WORKER__PATIENCE", "60 s");
    installation.never_lapse();
    installation.software(&["one", "two", "three"]).await;
    installation.start_all();
    for fleet in [false, true] {
        let computer = installation.local_computer().await;
        computer.hold_up("busy");
        let id = installation.session_for(computer.id).await;
        installation.until_running(id, Stage::Execution).await;
        computer.until_it_is("acting").await;
        match fleet {
            true => drop(installation.store.stop_fleet("me", "a bad package is out").await.expect("a stop")),
            false => drop(installation.store.set_stopped(installation.tenant, true).await.expect("a stop")),
        }
        installation.until_heard(id).await;
        computer.release("busy");
        let halted = |session: &Session| session.status == Status::Pending && session.run_in_flight.is_none();
        let waiting = installation.until_session(id, "it to halt", halted).await;
        assert_eq!((waiting.attempt, waiting.losses, computer.acts().len()), (0, 0, 1));
        assert_eq!(installation.count("SELECT count(*) FROM computer_hold").await, 0);
        let facts = installation.store.facts(&waiting).await.expect("the database answers");
        let why = pitcrew::domain::report::why(&waiting, &facts, installation.store.now()).answer;
        let who = if fleet { "The whole fleet has been stopped by me" } else { "The tenant acme has been stopped" };
        assert!(why.starts_with(who), "{why}");
        match fleet {
            true => installation.store.resume_fleet().await.expect("no stop"),
            false => drop(installation.store.set_stopped(installation.tenant, false).await.expect("no stop")),
        }
        installation.store.wake_scheduler();
        installation.all_complete(&[id]).await;
        assert_eq!(computer.acts().len(), 3);
    }
    installation.at_rest().await;
}
