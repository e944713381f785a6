//! Schedulers die, freeze and come back.

use pitcrew::domain::session::{Kind, Priority};

use super::installation::Installation;

#[tokio::test(flavor = "multi_thread")]
async fn another_scheduler_takes_over_from_one_that_is_killed_or_frozen() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    let computers = installation.noop_computers(600).await;
    installation.set("PITCREW_SCHEDULER__MAX_RUNNING", "5");
    installation.start_all();
    let term = "SELECT term FROM scheduler_term";
    installation.until_counts(1, term).await;
    installation.start("scheduler-2");
    let sessions = installation.submit(Kind::Full, &computers).await;
    installation.until_counts(30, "SELECT count(*) FROM session_history").await;

    // The first one leads: it freezes in the middle of its term, and comes back when another one leads.
    installation.programs.freeze("scheduler");
    installation.until_counts(2, term).await;
    installation.until_counts(100, "SELECT count(*) FROM session_history").await;
    installation.programs.thaw("scheduler");
    installation.until_counts(150, "SELECT count(*) FROM session_history").await;

    installation.programs.kill("scheduler-2").await;
    installation.until_counts(3, term).await;
    installation.all_complete(&sessions).await;
    // Nobody admitted beside the leader: the cap held through all of it.
    installation.at_rest_with(&["--max-running", "5"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_is_stopped_hands_over_at_once() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    // A term that nobody could wait for.
    installation.set("PITCREW_SCHEDULER__TERM", "1 h");
    let computers = installation.noop_computers(100).await;
    installation.start_all();
    installation.until_counts(1, "SELECT term FROM scheduler_term").await;
    let sessions = installation.submit(Kind::Full, &computers).await;
    installation.set("PITCREW_SCHEDULER__TERM", "3 s");
    installation.start("scheduler-2");
    assert!(installation.programs.stop("scheduler").await.success());
    installation.all_complete(&sessions).await;
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cap_is_overshot_and_nobody_is_starved_under_load() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    installation.set("PITCREW_SCHEDULER__MAX_RUNNING", "7");
    let computers = installation.noop_computers(120).await;
    // A second tenant with a few computers, and a cap of its own.
    installation.sql.execute("UPDATE tenant SET max_running = 4", &[]).await.expect("a cap");
    let other = installation.other_tenant("globex", Some(2)).await;
    installation
        .sql
        .execute("UPDATE computer SET tenant_id = $1 WHERE id % 3 = 0", &[&other.0])
        .await
        .expect("computers of another tenant");
    let (theirs, ours): (Vec<_>, Vec<_>) = computers.into_iter().partition(|computer| computer.0 % 3 == 0);
    installation.start_all();
    let mut sessions = installation.submit(Kind::Full, &ours).await;
    sessions.extend(installation.submit_for(other, Kind::Full, &theirs).await);
    // Several for one computer, too: they take their turns.
    sessions.extend(installation.submit(Kind::Full, &[ours[0]; 8]).await);
    installation.all_complete(&sessions).await;
    installation.at_rest_with(&["--max-running", "7"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_goes_first_and_a_stopped_tenant_waits() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    let computers = installation.noop_computers(6).await;
    let other = installation.other_tenant("globex", None).await;
    installation
        .sql
        .execute("UPDATE computer SET tenant_id = $1 WHERE id = $2", &[&other.0, &computers[5].0])
        .await
        .expect("a computer of another tenant");
    installation
        .sql
        .execute("UPDATE tenant SET stopped_at = now() WHERE id = $1", &[&installation.tenant.0])
        .await
        .expect("a stop");
    installation.start_all();
    let waiting = installation.submit(Kind::Full, &computers[..5]).await;
    let going = installation.submit_for(other, Kind::Full, &computers[5..]).await;
    installation.all_complete(&going).await;
    assert_eq!(installation.count("SELECT count(*) FROM session WHERE dispatch = 0 AND waiting_on = 'turn'").await, 5);
    let urgent = installation.submit(Kind::Full, &computers[4..5]).await;
    let query = "UPDATE session SET priority = $1 WHERE id = $2";
    installation.sql.execute(query, &[&Priority::Emergency.rank(), &urgent[0].0]).await.expect("an emergency");
    installation.set("PITCREW_SCHEDULER__MAX_RUNNING", "1");
    assert!(installation.programs.stop("scheduler").await.success());
    installation.start("scheduler");
    installation.sql.execute("UPDATE tenant SET stopped_at = NULL", &[]).await.expect("no stop");
    installation.all_complete(&[urgent[0]]).await;
    installation.all_complete(&waiting).await;
    let first = "SELECT session_id FROM transition WHERE admitted_at IS NOT NULL AND session_id <> $1 ORDER BY admitted_at LIMIT 1";
    let row = installation.sql.query_one(first, &[&going[0].0]).await.expect("the database answers");
    assert_eq!(row.get::<_, i64>(0), urgent[0].0);
    installation.at_rest_with(&["--max-running", "1"]).await;
}
