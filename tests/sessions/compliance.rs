//! Compliance: what is stored of each item, since when and by which session; and that nothing is written when nothing
//! changes.

use jiff::Timestamp;
use pitcrew::domain::SessionId;
use pitcrew::domain::session::{Kind, Stage, Status};
use pitcrew::store::compliance::Filter;

use super::fleet::Played;
use super::installation::Installation;

/// What is stored, a line an item: its name, its state, its reason, and the session that found it so.
async fn stored(installation: &Installation) -> Vec<String> {
    let query =
        "SELECT concat_ws(' ', substr(item, 10), state, nullif(reason, ''), coalesce(detected, '-'), session_id)
                 AS line FROM compliance ORDER BY item";
    let rows = installation.sql.query(query, &[]).await.expect("the database answers");
    rows.iter().map(|row| row.get("line")).collect()
}

/// What was so before, likewise, and the session that ended it.
async fn past(installation: &Installation) -> Vec<String> {
    let query = "SELECT concat_ws(' ', substr(item, 10), state, nullif(reason, ''), session_id, ended_by) AS line
                 FROM compliance_past ORDER BY item, since, until";
    let rows = installation.sql.query(query, &[]).await.expect("the database answers");
    rows.iter().map(|row| row.get("line")).collect()
}

async fn maintain(installation: &Installation, kind: Kind, computer: &Played) -> SessionId {
    let ids = installation.submit(kind, &[computer.id]).await;
    installation.all_complete(&ids).await;
    ids[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_change_with_what_sessions_find_and_do_and_only_then() {
    let mut installation = Installation::new().await;
    installation.software(&["one", "two"]).await;
    let computer = installation.local_computer().await;
    installation.start_all();

    let made = maintain(&installation, Kind::Full, &computer).await;
    assert_eq!(stored(&installation).await, [format!("one compliant 1 {made}"), format!("two compliant 1 {made}")]);
    assert!(past(&installation).await.is_empty());
    maintain(&installation, Kind::Full, &computer).await;
    let settled = stored(&installation).await;

    // While nobody can so much as read the table, sessions that find everything as it was end all the same.
    let mut holder = installation.store.client().await.expect("a connection");
    let held = holder.transaction().await.expect("a transaction");
    held.batch_execute("LOCK compliance, compliance_past IN ACCESS EXCLUSIVE MODE").await.expect("a lock");
    maintain(&installation, Kind::Full, &computer).await;
    maintain(&installation, Kind::Detection, &computer).await;
    maintain(&installation, Kind::Inventory, &computer).await;
    held.rollback().await.expect("the lock is given back");
    drop(holder);
    assert_eq!(stored(&installation).await, settled);

    // A detection judges, and a state that goes on stays with the session that found it.
    computer.meddle("one", None);
    let found = maintain(&installation, Kind::Detection, &computer).await;
    maintain(&installation, Kind::Detection, &computer).await;
    let out = format!("one non_compliant missing - {found}");
    assert_eq!(stored(&installation).await, [out, format!("two compliant 1 {made}")]);
    let fixed = maintain(&installation, Kind::Full, &computer).await;
    assert_eq!(stored(&installation).await, [format!("one compliant 1 {fixed}"), format!("two compliant 1 {made}")]);
    let before = vec![format!("one compliant {made} {found}"), format!("one non_compliant missing {found} {fixed}")];
    assert_eq!(past(&installation).await, before);

    // What one session finds out of order and brings back has changed twice.
    computer.meddle("two", None);
    let both = maintain(&installation, Kind::Full, &computer).await;
    assert_eq!(stored(&installation).await[1], format!("two compliant 1 {both}"));
    let twice = [format!("two compliant {made} {both}"), format!("two non_compliant missing {both} {both}")];
    assert_eq!(past(&installation).await, [before, twice.to_vec()].concat());

    // What no deployment wants any more is judged no more.
    let withdraw =
        "DELETE FROM deployment WHERE name = 'two'; UPDATE installation SET policy_version = policy_version + 1";
    installation.sql.batch_execute(withdraw).await.expect("a new policy");
    let last = maintain(&installation, Kind::Full, &computer).await;
    assert_eq!(stored(&installation).await, [format!("one compliant 1 {fixed}")]);
    assert_eq!(past(&installation).await.last(), Some(&format!("two compliant {both} {last}")));
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_again_and_again_is_one_state_and_a_recurring_problem() {
    let mut installation = Installation::new().await;
    installation.software(&["one", "two"]).await;
    let computer = installation.local_computer().await;
    computer.obstruct("one");
    installation.start_all();
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let ids = installation.submit(Kind::Full, &[computer.id]).await;
        assert_eq!(installation.tally(&ids).await, [(Status::PartiallyCompleted, 1)].into());
        sessions.extend(ids);
    }
    let [first, second] = sessions[..] else { panic!("{sessions:?}") };
    let out = format!("one non_compliant script_failed - {first}");
    assert_eq!(stored(&installation).await, [out, format!("two compliant 1 {first}")]);
    assert!(past(&installation).await.is_empty());

    let recurring = async |least| {
        let all = Filter::default();
        installation.store.recurring(&all, Timestamp::UNIX_EPOCH, least, 10).await.expect("the database answers")
    };
    let found = recurring(2).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let one = &found[0];
    assert_eq!((one.item.as_str(), one.sessions, one.falls, one.failures), ("software/one", 2, 1, 2));
    assert_eq!(one.session, second);
    assert!(one.reasons[0].starts_with("Changing it failed"), "{:?}", one.reasons);
    assert!(recurring(3).await.is_empty());

    let history = installation.store.item_history(computer.id, "software/one").await.expect("the database answers");
    assert_eq!(history.looked.map(|looked| looked.session), Some(second));
    let actions: Vec<_> = history.actions.iter().map(|action| (action.session, action.took_ms.is_some())).collect();
    assert_eq!(actions, [(second, true), (first, true)]);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_planned_and_called_off_counts_as_found_unless_another_session_came_after() {
    let mut installation = Installation::new().await;
    installation.never_lapse();
    installation.software(&["one"]).await;
    let computers = installation.noop_computers(2).await;
    for name in ["scheduler", "detection", "planning"] {
        installation.start(name);
    }
    let planned = installation.submit(Kind::Full, &computers).await;
    for id in &planned {
        installation.until_session(*id, "it to be planned", |session| session.stage == Stage::Execution).await;
    }
    assert!(stored(&installation).await.is_empty());
    // Another session has come and gone on the second computer, and was told that all is well there.
    let other =
        "INSERT INTO session_history SELECT 1000, tenant_id, computer_id, kind, priority, \"order\", 'completed',
                     'planning', 1, 0, 0, 1, NULL, 1, now(), now(), now() + interval '1 s', NULL
                 FROM session WHERE id = $1";
    installation.sql.execute(other, &[&planned[1].0]).await.expect("a session");
    installation.store.cancel(&planned, "me", "").await.expect("the database answers");
    assert_eq!(installation.tally(&planned).await, [(Status::Cancelled, 2)].into());
    assert_eq!(stored(&installation).await, [format!("one non_compliant missing - {}", planned[0])]);
}
