//! A backlog of sessions, submitted beforehand, through the engine as fast as it goes.

use std::time::Duration;

use super::installation::Installation;
use super::verdict;
use crate::options::Options;
use crate::report::Run;
use crate::stand::Stand;

/// Sessions accepted in one transaction while the backlog is made.
const AT_ONCE: usize = 1000;
/// A backlog that takes longer than this does not move.
const LONGEST: Duration = Duration::from_secs(600);

/// Runs a backlog once, in an installation of its own.
pub async fn backlog(stand: &Stand, options: &Options, name: &str) -> anyhow::Result<Run> {
    let mut installation = Installation::new(stand, options, name, options.sessions).await?;
    installation.warm_up().await?;
    for computers in installation.computers().chunks(AT_ONCE) {
        Installation::submit(&installation.store, computers).await?;
    }
    installation.sql.batch_execute("VACUUM ANALYZE session").await?;
    let mut meter = stand.meter();
    installation.watch(&mut meter);
    let before = meter.read();
    // The scheduler is new, so all that it has used is this run's.
    installation.start_scheduler()?;
    let mut scheduler = meter.clone();
    installation.watch(&mut scheduler);
    installation.at_rest(LONGEST).await?;
    let cpu = scheduler.since(&before);

    let sessions = u64::from(options.sessions);
    verdict::check(&installation.sql, installation.first, sessions).await?;
    let row = installation
        .sql
        .query_one(
            "SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds FROM session_history
             WHERE id > $1",
            &[&installation.first],
        )
        .await?;
    let seconds = row.get("seconds");
    installation.end(stand, sessions).await?;
    Ok(Run { sessions, seconds, cpu, per_group: None })
}
