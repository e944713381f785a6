//! Workers die, freeze and leave with sessions in their hands.

use pitcrew::domain::session::{Kind, Session, Stage, Status};

use super::installation::Installation;

const WORKERS: [&str; 3] = ["detection", "planning", "execution"];

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_killed_under_load_and_every_session_completes() {
    let mut installation = Installation::new().await;
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(300).await;
    installation.start_all();
    let sessions = installation.submit(Kind::Full, &computers).await;
    for (round, worker) in WORKERS.iter().cycle().take(6).enumerate() {
        // Each time when it has more to do than before, so somewhere in the middle of it.
        let done =
            format!("SELECT count(*) FROM transition WHERE stage = '{worker}' AND what IN ('advanced', 'finished')");
        installation.until_counts(20 * (round as i64 + 1), &done).await;
        installation.programs.kill(worker).await;
        installation.start(worker);
    }
    installation.all_complete(&sessions).await;
    assert_eq!(installation.count("SELECT count(*) FROM action WHERE result = 'success'").await, 900);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_is_killed_is_adopted_by_the_next_one() {
    for (stage, held_up, at) in [(Stage::Detection, "blind", "looking"), (Stage::Execution, "busy", "acting")] {
        let mut installation = Installation::new().await;
        installation.software(&["one"]).await;
        let computer = installation.local_computer().await;
        computer.hold_up(held_up);
        installation.start_all();
        let id = installation.session_for(computer.id).await;
        installation.until_running(id, stage).await;
        let process = computer.until_it_is(at).await;
        installation.programs.kill(stage.as_str()).await;
        installation.start(stage.as_str());
        let lost = |session: &Session| session.losses > 0;
        installation.until_session(id, "the loss to be noticed", lost).await;
        assert_eq!(computer.until_it_is(at).await, process, "it was started once");
        computer.release(held_up);
        installation.all_complete(&[id]).await;
        assert_eq!(computer.acts(), ["software/one"]);
        installation.at_rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_lapses_while_its_worker_is_frozen_doubles_nothing() {
    for (stage, held_up, at) in [(Stage::Detection, "blind", "looking"), (Stage::Execution, "busy", "acting")] {
        let mut installation = Installation::new().await;
        installation.software(&["one", "two"]).await;
        let computer = installation.local_computer().await;
        computer.hold_up(held_up);
        installation.start_all();
        let id = installation.session_for(computer.id).await;
        let first = installation.until_running(id, stage).await;
        computer.until_it_is(at).await;
        installation.programs.freeze(stage.as_str());
        installation.start(&format!("{stage}-2"));
        // Another one has it, and the frozen one comes back in the middle of that.
        let other = |session: &Session| session.owner.is_some() && session.owner != first.owner;
        installation.until_session(id, "another worker to have it", other).await;
        installation.programs.thaw(stage.as_str());
        computer.release(held_up);
        installation.all_complete(&[id]).await;
        assert_eq!(computer.acts(), ["software/one", "software/two"]);
        installation.at_rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_in_the_hands_of_a_frozen_worker_are_not_waited_for() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    let computers = installation.noop_computers(40).await;
    installation.start_all();
    let before = installation.submit(Kind::Full, &computers[..1]).await;
    installation.all_complete(&before).await;
    for worker in WORKERS {
        installation.programs.freeze(worker);
    }
    let sessions = installation.submit(Kind::Full, &computers).await;
    // The broker has delivered them to a worker that does not look at them.
    installation.until_counts(40, "SELECT count(*) FROM session WHERE admitted_at IS NOT NULL").await;
    for worker in WORKERS {
        installation.start(&format!("{worker}-2"));
    }
    installation.all_complete(&sessions).await;
    for worker in WORKERS {
        installation.programs.thaw(worker);
    }
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_takes_its_worker_down_each_time_fails_with_the_evidence() {
    for (stage, held_up, at) in [(Stage::Detection, "blind", "looking"), (Stage::Execution, "busy", "acting")] {
        let mut installation = Installation::new().await;
        installation.set("PITCREW_SCHEDULER__MAX_LOSSES", "2");
        installation.software(&["one"]).await;
        let computer = installation.local_computer().await;
        let others = installation.noop_computers(5).await;
        computer.hold_up(held_up);
        installation.start_all();
        let id = installation.session_for(computer.id).await;
        for losses in 0..2 {
            let taken =
                |session: &Session| session.owner.is_some() && session.losses == losses && session.stage == stage;
            installation.until_session(id, "a worker to take it", taken).await;
            computer.until_it_is(at).await;
            installation.programs.kill(stage.as_str()).await;
            installation.start(stage.as_str());
        }
        let failed = installation.finals(&[id]).await.remove(0);
        assert_eq!(failed.status, Status::Failed);
        let error = failed.last_error.expect("the evidence");
        assert!(error.contains("lost without an answer 2 times") && error.contains("pitcrew-"), "{error}");
        // Nobody else suffers, and its computer serves the next session, which finds a step in its way and ends it.
        let next = installation.session_for(computer.id).await;
        installation.until_running(next, Stage::Detection).await;
        computer.release(held_up);
        let sessions = installation.submit(Kind::Full, &others).await;
        installation.all_complete(&sessions).await;
        installation.all_complete(&[next]).await;
        installation.at_rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_within_the_grace_is_given_back_and_nothing_is_lost() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_WORKER__DRAIN_GRACE", "500 ms");
    installation.set("PITCREW_WORKER__PATIENCE", "60 s");
    installation.never_lapse();
    installation.software(&["one"]).await;
    let computer = installation.local_computer().await;
    computer.hold_up("busy");
    installation.start_all();
    let id = installation.session_for(computer.id).await;
    let first = installation.until_running(id, Stage::Execution).await;
    computer.until_it_is("acting").await;
    assert!(installation.programs.stop("execution").await.success());
    let given_back = installation.session(id).await;
    assert_eq!((given_back.losses, given_back.attempt), (0, 0));
    assert_ne!(given_back.owner, first.owner);
    assert!(given_back.run_in_flight.is_some(), "what goes on at the computer is not forgotten");
    installation.start("execution");
    let again = installation.until_running(id, Stage::Execution).await;
    assert_ne!(again.owner, first.owner);
    computer.release("busy");
    let ended = installation.finals(&[id]).await.remove(0);
    assert_eq!((ended.status, ended.losses, ended.attempt), (Status::Completed, 0, 0));
    assert_eq!(computer.acts(), ["software/one"]);
    installation.at_rest().await;
}
