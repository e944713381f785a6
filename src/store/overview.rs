//! The installation at a glance, from tables that stay small.

use std::time::Duration;

use futures_util::try_join;
use tokio_postgres::Row;

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::report::{Count, Overview, Scheduler, WorkerLine};

/// A worker that has not been heard for so long counts for nothing.
pub const SILENCE: Duration = Duration::from_secs(10);

impl Store {
    /// The installation at a glance.
    pub async fn overview(&self) -> Result<Overview, Error> {
        let silence = SILENCE.as_secs_f64();
        let client = self.client().await?;
        let since: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&silence];
        let (live, hour, sums, stopped, workers) = try_join!(
            client.query(
                "SELECT status, stage, waiting_on, count(*) AS count FROM session
                 GROUP BY status, stage, waiting_on ORDER BY status, stage, waiting_on",
                &[],
            ),
            // Ids rise with time: the latest rows are found without an index on the time.
            client.query(
                "SELECT status, NULL AS stage, NULL AS waiting_on, count(*) AS count
                 FROM (SELECT status, finished_at FROM session_history ORDER BY id DESC LIMIT 50000) latest
                 WHERE finished_at > clock_timestamp() - interval '1 hour' GROUP BY status ORDER BY status",
                &[],
            ),
            client.query_one(
                "SELECT clock_timestamp() AS at, (SELECT stop FROM installation) AS fleet_stop, term, holder, until > clock_timestamp() AS leads,
                        (SELECT count(*) FROM computer_hold) AS holds, (SELECT count(*) FROM agent_presence) AS agents,
                        (SELECT count(*) FROM dead_letter WHERE state = 'open') AS dead_letters
                 FROM scheduler_term",
                &[],
            ),
            client.query("SELECT name FROM tenant WHERE stopped_at IS NOT NULL ORDER BY name LIMIT 100", &[]),
            client.query(
                "SELECT id, stage, capacity, in_flight, version, heartbeat_at,
                        heartbeat_at < clock_timestamp() - make_interval(secs => $1) AS silent
                 FROM worker ORDER BY stage, id LIMIT 1000",
                &since,
            ),
        )
        .doing("looking at the installation")?;
        Ok(Overview {
            at: sums.get("at"),
            live: live.iter().map(count).collect::<Result<_, _>>()?,
            last_hour: hour.iter().map(count).collect::<Result<_, _>>()?,
            holds: sums.get("holds"),
            agents: sums.get("agents"),
            dead_letters: sums.get("dead_letters"),
            fleet_stop: rows::optional_json(&sums, "fleet_stop")?,
            stopped: stopped.iter().map(|row| row.get("name")).collect(),
            workers: workers.iter().map(worker).collect::<Result<_, _>>()?,
            scheduler: Scheduler { term: sums.get("term"), holder: sums.get("holder"), leads: sums.get("leads") },
        })
    }
}

fn count(row: &Row) -> Result<Count, Error> {
    Ok(Count {
        status: rows::word(row, "status")?,
        stage: rows::optional_word(row, "stage")?,
        waiting_on: rows::optional_word(row, "waiting_on")?,
        count: row.get("count"),
    })
}

fn worker(row: &Row) -> Result<WorkerLine, Error> {
    Ok(WorkerLine {
        id: row.get("id"),
        stage: rows::word(row, "stage")?,
        capacity: row.get("capacity"),
        in_flight: row.get("in_flight"),
        version: row.get("version"),
        heartbeat_at: row.get("heartbeat_at"),
        silent: row.get("silent"),
    })
}
