//! What is past its deadline: stages whose worker or whose job was lost.

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::SessionId;
use crate::domain::session::Stage;

/// An admitted stage past its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// The session.
    pub session: SessionId,
    /// The stage.
    pub stage: Stage,
    /// A worker has it, or had it.
    pub taken: bool,
}

/// How many admitted stages nobody has taken yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untaken {
    /// The stage.
    pub stage: Stage,
    /// How many.
    pub count: i64,
}

impl Store {
    /// The admitted stages past their deadline, the longest overdue first, at most `most`.
    pub async fn overdue(&self, most: i64) -> Result<Vec<Overdue>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT id, stage, taken_at IS NOT NULL AS taken FROM session
                 WHERE run_after IS NULL AND deadline < clock_timestamp() ORDER BY deadline LIMIT $1",
            )
            .await
            .doing("looking for what is overdue")?;
        let found = client.query(&statement, &[&most]).await.doing("looking for what is overdue")?;
        found
            .iter()
            .map(|row| {
                Ok(Overdue {
                    session: SessionId(row.get("id")),
                    stage: rows::word(row, "stage")?,
                    taken: row.get("taken"),
                })
            })
            .collect()
    }

    /// How many admitted stages nobody has taken, by stage: so many jobs should be in the queues.
    pub async fn untaken(&self) -> Result<Vec<Untaken>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT stage, count(*) AS count FROM session
                 WHERE run_after IS NULL AND admitted_at IS NOT NULL AND taken_at IS NULL GROUP BY stage",
            )
            .await
            .doing("counting what is in the queues")?;
        let found = client.query(&statement, &[]).await.doing("counting what is in the queues")?;
        found.iter().map(|row| Ok(Untaken { stage: rows::word(row, "stage")?, count: row.get("count") })).collect()
    }
}
