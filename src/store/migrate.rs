//! Brings the database's schema up to date: forward only, one process at a time.

use std::time::{Duration, Instant};

use deadpool_postgres::Object;
use refinery::Report;
use tokio_postgres::error::SqlState;

use super::Error;

/// Any number that no other program uses for an advisory lock in the same database.
const LOCK: i64 = 0x7069_7463_7265_7701;

/// For how long a migration waits for a table that others use. Whoever asks for the table after it waits behind it, so that
/// is how long the fleet may stand still.
const LOCK_TIMEOUT: &str = "3s";
/// How long others may go on before it asks again.
const PAUSE: Duration = Duration::from_secs(5);
/// For how long it asks again. The longest backups of a database are not outwaited.
const PATIENCE: Duration = Duration::from_secs(600);

mod embedded {
    refinery::embed_migrations!("schemas/migrations");
}

/// What a run of the migrations did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The versions that were applied now, in order.
    pub applied: Vec<String>,
}

/// Applies what is missing, and stores the scripts that come with Pitcrew. Several processes may call this at the same
/// time: the others wait for the first. What holds a table that is to be changed, such as a backup, is waited for in small
/// turns, with the others let through between them.
///
/// # Errors
/// A table that is held for ten minutes. A migration that was applied before and has changed since, or one that is missing
/// here because the database was migrated by a newer version, is an error and nothing is applied.
pub async fn migrate(store: &super::Store) -> Result<Migrated, Error> {
    let mut client = store.client().await?;
    let failed = |error: tokio_postgres::Error| Error::Migration(error.into());
    client.execute("SET statement_timeout = 0", &[]).await.map_err(failed)?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(failed)?;
    let applied = apply(&mut client).await;
    let kept = super::fleet::keep_built_in_scripts(&client).await;
    let unlocked = client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await;
    let applied = applied?;
    kept?;
    unlocked.map_err(failed)?;
    client.execute("RESET statement_timeout", &[]).await.map_err(failed)?;
    Ok(Migrated { applied })
}

/// Applies what is missing, each migration in its own transaction.
async fn apply(client: &mut Object) -> Result<Vec<String>, Error> {
    let failed = |error: tokio_postgres::Error| Error::Migration(error.into());
    let until = Instant::now() + PATIENCE;
    let mut applied = Vec::new();
    loop {
        client.batch_execute(&format!("SET lock_timeout = '{LOCK_TIMEOUT}'")).await.map_err(failed)?;
        let report = embedded::migrations::runner().run_async(&mut ***client).await;
        client.batch_execute("RESET lock_timeout").await.map_err(failed)?;
        match report {
            Ok(report) => {
                applied.extend(report.applied_migrations().iter().map(ToString::to_string));
                return Ok(applied);
            }
            Err(error) => {
                let before = error.report().into_iter().flat_map(Report::applied_migrations);
                applied.extend(before.map(ToString::to_string));
                if !is_held(&error) || Instant::now() >= until {
                    return Err(Error::Migration(error.into()));
                }
                tracing::warn!(
                    "A table that a migration changes is in use by something long, such as a backup (see pg_stat_activity). \
                     It is tried again in {} s.",
                    PAUSE.as_secs()
                );
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// True if a migration has waited in vain for a table.
fn is_held(error: &refinery::Error) -> bool {
    let error: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(error), |error| error.source()).any(|cause| {
        let code = cause.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
        code == Some(&SqlState::LOCK_NOT_AVAILABLE)
    })
}
