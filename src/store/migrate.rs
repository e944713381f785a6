//! Brings the database's schema up to date: forward only, one process at a time.

use super::Error;

/// Any number that no other program uses for an advisory lock in the same database.
const LOCK: i64 = 0x7069_7463_7265_7701;

mod embedded {
    refinery::embed_migrations!("schemas/migrations");
}

/// What a run of the migrations did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The versions that were applied now, in order.
    pub applied: Vec<String>,
}

/// Applies what is missing, and stores the scripts that come with Pitcrew. Several processes may call this at the same time: the others wait for the first.
///
/// # Errors
/// A migration that was applied before and has changed since, or one that is missing here because the database was
/// migrated by a newer version, is an error and nothing is applied.
pub async fn migrate(store: &super::Store) -> Result<Migrated, Error> {
    let mut client = store.client().await?;
    let failed = |error: tokio_postgres::Error| Error::Migration(error.into());
    client.execute("SET statement_timeout = 0", &[]).await.map_err(failed)?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(failed)?;
    let report = embedded::migrations::runner().run_async(&mut **client).await;
    let kept = super::fleet::keep_built_in_scripts(&client).await;
    let unlocked = client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await;
    let report = report.map_err(|error| Error::Migration(error.into()))?;
    kept?;
    unlocked.map_err(failed)?;
    client.execute("RESET statement_timeout", &[]).await.map_err(failed)?;
    let applied = report.applied_migrations().iter().map(ToString::to_string).collect();
    Ok(Migrated { applied })
}
