//! Workers and their capacity.

use std::time::Duration;

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::session::Stage;

/// What a worker says of itself at every heartbeat.
#[derive(Debug, Clone)]
pub struct Heartbeat<'a> {
    /// The worker's id.
    pub id: &'a str,
    /// The stage it works on.
    pub stage: Stage,
    /// How many sessions it works on at a time.
    pub capacity: i32,
    /// How many it works on now.
    pub in_flight: i32,
}

/// What the workers of a stage can take together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// The stage.
    pub stage: Stage,
    /// The sum of their capacities.
    pub capacity: i64,
    /// How many there are.
    pub workers: i64,
}

impl Store {
    /// Says that a worker lives.
    pub async fn heartbeat(&self, beat: Heartbeat<'_>) -> Result<(), Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "INSERT INTO worker (id, stage, capacity, in_flight, version, started_at, heartbeat_at)
                 VALUES ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())
                 ON CONFLICT (id) DO UPDATE
                 SET capacity = excluded.capacity, in_flight = excluded.in_flight, heartbeat_at = excluded.heartbeat_at",
            )
            .await
            .doing("saying that a worker lives")?;
        client
            .execute(
                &statement,
                &[&beat.id, &beat.stage.as_str(), &beat.capacity, &beat.in_flight, &env!("CARGO_PKG_VERSION")],
            )
            .await
            .doing("saying that a worker lives")?;
        Ok(())
    }

    /// Forgets a worker that has drained.
    pub async fn worker_gone(&self, id: &str) -> Result<(), Error> {
        let client = self.client().await?;
        client.execute("DELETE FROM worker WHERE id = $1", &[&id]).await.doing("forgetting a worker")?;
        Ok(())
    }

    /// What the living workers of each stage can take; a worker lives that was heard within `silence`.
    pub async fn capacities(&self, silence: Duration) -> Result<Vec<Capacity>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT stage, sum(capacity)::bigint AS capacity, count(*) AS workers FROM worker
                 WHERE heartbeat_at > clock_timestamp() - make_interval(secs => $1) GROUP BY stage",
            )
            .await
            .doing("asking for the workers' capacity")?;
        let found =
            client.query(&statement, &[&silence.as_secs_f64()]).await.doing("asking for the workers' capacity")?;
        found
            .iter()
            .map(|row| {
                Ok(Capacity {
                    stage: rows::word(row, "stage")?,
                    capacity: row.get("capacity"),
                    workers: row.get("workers"),
                })
            })
            .collect()
    }

    /// Forgets workers that have been silent for so long that they will not come back.
    pub async fn forget_silent_workers(&self, silence: Duration) -> Result<u64, Error> {
        let client = self.client().await?;
        client
            .execute(
                "DELETE FROM worker WHERE heartbeat_at < clock_timestamp() - make_interval(secs => $1)",
                &[&silence.as_secs_f64()],
            )
            .await
            .doing("forgetting silent workers")
    }
}
