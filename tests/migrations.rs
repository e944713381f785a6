//! Migrations: each applies to the rows that the ones before it leave behind, and several programs may try at once.

use std::path::Path;

use pitcrew::store::{Store, migrate};

use crate::support::{empty_database, until};

const SOON: std::time::Duration = std::time::Duration::from_secs(60);

/// Migrations in order, with their sample rows.
fn versions() -> Vec<(String, String, Option<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/migrations");
    let mut versions: Vec<(u32, String, String, Option<String>)> = std::fs::read_dir(&folder)
        .expect("the migrations")
        .filter_map(|entry| {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            let number: u32 = name.strip_prefix('V')?.split("__").next()?.parse().ok()?;
            let sql = std::fs::read_to_string(folder.join(&name)).expect("a migration");
            let samples = std::fs::read_to_string(folder.join(format!("samples/V{number}.sql"))).ok();
            Some((number, name, sql, samples))
        })
        .collect();
    versions.sort();
    versions.into_iter().map(|(_, name, sql, samples)| (name, sql, samples)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_migration_applies_to_the_rows_of_those_before_it() {
    let database = empty_database().await;
    let sql = database.connect().await;
    for (name, migration, samples) in versions() {
        assert!(migration.starts_with("-- "), "{name} opens with why");
        sql.batch_execute(&migration).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let samples = samples.unwrap_or_else(|| panic!("{name} has no sample rows"));
        sql.batch_execute(&samples).await.unwrap_or_else(|error| panic!("samples of {name}: {error:?}"));
    }
    let empty = sql
        .query(
            "SELECT relname::text AS name FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition
             AND relnamespace = 'public'::regnamespace
             AND (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM ' || quote_ident(relname), false, true, '')))[1]::text = '0'",
            &[],
        )
        .await
        .expect("the tables");
    let empty: Vec<&str> = empty.iter().map(|row| row.get("name")).collect();
    assert!(empty.is_empty(), "tables without sample rows: {empty:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_programs_may_migrate_at_once() {
    let database = empty_database().await;
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let store = Store::new(&database.url, 1).expect("the database's address");
            tokio::spawn(async move { migrate(&store).await })
        })
        .collect();
    let mut applied = Vec::new();
    for run in runs {
        applied.push(run.await.expect("no panic").expect("the migrations apply").applied.len());
    }
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, versions().len()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_for_a_table_lets_others_through() {
    let database = empty_database().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/migrations");
    let all: Vec<refinery::Migration> = refinery::load_sql_migrations(folder).expect("the migrations");
    let mut sql = database.connect().await;
    refinery::Runner::new(&all)
        .set_target(refinery::Target::Version(16))
        .run_async(&mut sql)
        .await
        .expect("most of them");
    // A backup reads the table that the next one changes.
    let mut other = database.connect().await;
    let backup = other.transaction().await.expect("a transaction");
    backup.execute("SELECT FROM secret", &[]).await.expect("it is read");
    let store = Store::new(&database.url, 1).expect("the database's address");
    let migrating = tokio::spawn(async move { migrate(&store).await });
    let waits = "SELECT count(*) FROM pg_locks WHERE relation = 'secret'::regclass AND NOT granted AND mode = 'AccessExclusiveLock'";
    let asked = async || (sql.query_one(waits, &[]).await.ok()?.get::<_, i64>(0) > 0).then_some(());
    until(SOON, asked, "the migration to wait").await;
    sql.batch_execute("SET statement_timeout = '30s'; SELECT FROM secret")
        .await
        .expect("whoever comes later is let through");
    backup.commit().await.expect("the backup ends");
    let applied = migrating.await.expect("no panic").expect("the migrations apply").applied;
    assert_eq!(applied.len(), versions().len() - all.iter().filter(|it| it.version() <= 16).count());
}
