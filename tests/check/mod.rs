//! The checker finds every violation that it claims to find: a check that cannot fail is a defect.

use std::collections::BTreeSet;
use std::process::Output;
use std::time::Duration;

use pitcrew::store::Store;
use pitcrew::store::check::{Bounds, INVARIANTS};
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Database, database, program, scratch};

const BOUNDS: Bounds = Bounds { at_rest: true, grace: Duration::from_secs(60), max_running: Some(2), most: 20 };

const HISTORY: &str = include_str!("history.sql");
const LIVE: &str = include_str!("live.sql");
const BREAKS: &str = include_str!("breaks.sql");

/// Lets in what the schema itself would keep out: the check must not rely on it.
const OPEN: &str = "ALTER TABLE action DROP CONSTRAINT done_has_result";
const EMPTY: &str = "TRUNCATE tenant, session, session_history, transition, action, run, computer_hold, worker,
                              compliance, compliance_past
                     RESTART IDENTITY CASCADE";

#[tokio::test]
async fn every_violation_in_the_database_is_found() {
    let database = database().await;
    let sql = database.connect().await;
    sql.batch_execute(OPEN).await.expect("a lenient schema");
    sql.batch_execute(HISTORY).await.expect("the history");
    assert_eq!(breaches(&database).await, BTreeSet::new(), "what is as it should be");
    let mut seen = BTreeSet::new();
    for case in BREAKS.split("--: ").skip(1) {
        let (head, change) = case.split_once('\n').expect("a first line");
        let expected = head.split(' ').filter(|word| *word != "live");
        if head.starts_with("live") {
            sql.batch_execute(LIVE).await.expect("a live session");
        }
        sql.batch_execute(change).await.unwrap_or_else(|error| panic!("{change}: {error:?}"));
        let found = breaches(&database).await;
        for invariant in expected {
            assert!(found.contains(invariant), "{invariant} was not found, but {found:?}, after {change}");
            seen.insert(invariant);
        }
        sql.batch_execute(EMPTY).await.expect("an empty database");
        sql.batch_execute(HISTORY).await.expect("the history");
    }
    let all: BTreeSet<&str> = INVARIANTS.iter().map(|invariant| invariant.name).collect();
    assert_eq!(seen, all, "each invariant is broken once");
}

#[tokio::test]
async fn the_program_says_what_it_found_and_with_what_evidence() {
    let database = database().await;
    let sql = database.connect().await;
    sql.batch_execute(HISTORY).await.expect("the history");
    let folder = scratch().join("computer");
    std::fs::create_dir_all(&folder).expect("a folder");
    let journal = folder.join("journal.jsonl");
    let line = |event: &str| {
        let run = "00000000-0000-0000-0000-000000000001";
        format!("{{\"at\":\"2026-01-01T10:00:13Z\",\"epoch\":5,\"session\":1,\"run_id\":\"{run}\",{event}}}\n")
    };
    let honest =
        line("\"event\":\"run_started\"") + &line("\"event\":\"run_ended\",\"ending\":{\"how\":\"completed\"}");
    std::fs::write(&journal, &honest).expect("a journal");
    let check = async |path: &std::path::Path| -> Output {
        Command::new(program("pitcrew-check"))
            .args(["--at-rest", "--output", "json", "--database", &database.url, "--journal"])
            .arg(path)
            .output()
            .await
            .expect("the program runs")
    };
    let clean = check(folder.parent().expect("a folder")).await;
    assert_eq!(clean.status.code(), Some(0), "{clean:?}");
    let verdict: Value = serde_json::from_slice(&clean.stdout).expect("a document");
    assert_eq!((&verdict["journals"], &verdict["runs"]), (&Value::from(1), &Value::from(1)));

    std::fs::write(&journal, honest.clone() + &line("\"event\":\"run_started\"")).expect("a journal");
    sql.batch_execute("UPDATE tenant SET max_running = 1").await.expect("a violation");
    let broken = check(&journal).await;
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    let verdict: Value = serde_json::from_slice(&broken.stdout).expect("a document");
    let found: Vec<_> = verdict["violations"].as_array().expect("a list").iter().map(|v| &v["invariant"]).collect();
    assert_eq!(found, ["no_run_starts_twice", "tenant_cap"]);

    std::fs::write(&journal, "not a journal\n").expect("a journal");
    assert_eq!(check(&journal).await.status.code(), Some(2));
    std::fs::remove_dir_all(folder.parent().expect("a folder")).expect("the folder goes");
}

async fn breaches(database: &Database) -> BTreeSet<&'static str> {
    let store = Store::new(&database.url, 1).expect("an address");
    let found = store.breaches(BOUNDS).await.expect("the database is checked");
    found.into_iter().map(|breach| breach.invariant).collect()
}
