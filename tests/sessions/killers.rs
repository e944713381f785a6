//! A session that takes down whoever works on it is found out, and the others that were in the same hands are not.

use pitcrew::domain::SessionId;
use pitcrew::domain::session::{Kind, Session, Stage, Status, WaitingOn};

use super::installation::Installation;

impl Installation {
    /// Kills and starts a worker again whenever it is held up, until this session is final.
    async fn kill_whoever_is_held_up(&mut self, worker: &str, id: SessionId) -> usize {
        let mut kills = 0;
        let over = format!("(SELECT count(*) FROM session_history WHERE id = {id})");
        loop {
            let stalled = "(SELECT count(*) FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event = 'advisory')";
            self.until_counts(1, &format!("SELECT {over} + {stalled}")).await;
            if self.count(&format!("SELECT {over}")).await > 0 {
                return kills;
            }
            self.programs.kill(worker).await;
            self.end_stalled().await;
            self.start(worker);
            kills += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_kills_its_worker_each_time_fails_and_its_neighbours_complete() {
    for (worker, write, so) in [
        ("planning", "INSERT ON stage_result", "NEW.stage = 'planning' AND NEW.session_id ="),
        ("detection", "INSERT ON run", "NEW.purpose = 'detect' AND NEW.session_id ="),
        ("execution", "INSERT ON run", "NEW.purpose = 'act' AND NEW.session_id ="),
    ] {
        let mut installation = Installation::new().await;
        installation.set("PITCREW_SCHEDULER__MAX_LOSSES", "3");
        installation.software(&["one"]).await;
        let computers = installation.noop_computers(40).await;
        let sessions = installation.submit(Kind::Full, &computers).await;
        let (killer, innocent) = (sessions[20], [&sessions[..20], &sessions[21..]].concat());
        installation.stall(write, &format!("{so} {killer}")).await;
        installation.start_all();
        let kills = installation.kill_whoever_is_held_up(worker, killer).await;
        assert!((3..=4).contains(&kills), "{worker}: {kills} workers were lost, of which the first may not be counted");
        let failed = installation.finals(&[killer]).await.remove(0);
        let error = failed.last_error.expect("the evidence");
        assert_eq!(failed.status, Status::Failed);
        assert!(error.contains("lost without an answer 3 times") && error.contains("pitcrew-"), "{error}");
        installation.go_on().await;
        installation.all_complete(&innocent).await;
        installation.at_rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_second_look_fails_is_neither_lost_nor_counted() {
    let mut installation = Installation::new().await;
    // A claim that nobody has would be found again by nobody, either.
    installation.never_lapse();
    installation.set("PITCREW_WORKER__PATIENCE", "200 ms");
    installation.software(&["one"]).await;
    let computer = installation.agent_computer().await;
    computer.hold_up("busy");
    installation.start_all();
    installation.start("server");
    installation.start_agent("agent", &computer, None);
    installation.until_connected(1).await;
    let id = installation.session_for(computer.id).await;
    let parked = |session: &Session| session.waiting_on == Some(WaitingOn::Computer);
    installation.until_session(id, "it to be parked", parked).await;
    // The next claim is written at once, since a step goes on; then nobody may read what it reads next.
    installation.stall("UPDATE ON session", "NEW.owner IS NOT NULL AND OLD.owner IS NULL").await;
    computer.release("busy");
    installation.until_stalled().await;
    let (other, connection) = installation.another_connection().await;
    other.batch_execute("BEGIN; LOCK TABLE judgement IN ACCESS EXCLUSIVE MODE").await.expect("a lock");
    installation.go_on().await;
    let reads = "FROM pg_locks WHERE relation = 'judgement'::regclass AND NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    installation.until_counts(1, &format!("SELECT count(*) {reads}")).await;
    installation.count(&format!("SELECT count(pg_terminate_backend(pid)) {reads}")).await;
    other.batch_execute("ROLLBACK").await.expect("it is let go");
    drop(other);
    connection.await.expect("it ends");
    installation.all_complete(&[id]).await;
    assert_eq!(installation.session(id).await.stage, Stage::Execution);
    assert_eq!(installation.count("SELECT count(*) FROM transition WHERE what = 'lost'").await, 0);
    installation.at_rest().await;
}
