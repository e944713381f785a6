//! Who leads: one scheduler at a time, for a term.

use std::time::Duration;

use tokio_postgres::Statement;

use super::error::Doing;
use super::tx::Tx;
use super::{Error, Store};

/// A term of leadership. Every admission verifies it under lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term(pub i64);

impl Store {
    /// Becomes or stays leader for `length` from now, by the database's clock; none while another one leads.
    pub async fn lead(&self, holder: &str, mine: Option<Term>, length: Duration) -> Result<Option<Term>, Error> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                "UPDATE scheduler_term
                 SET term = CASE WHEN holder = $1 AND term = $2 THEN term ELSE term + 1 END,
                     holder = $1, until = clock_timestamp() + make_interval(secs => $3)
                 WHERE (holder = $1 AND term = $2) OR until < clock_timestamp()
                 RETURNING term",
                &[&holder, &mine.map_or(-1, |term| term.0), &length.as_secs_f64()],
            )
            .await
            .doing("taking the lead")?;
        Ok(row.map(|row| Term(row.get("term"))))
    }

    /// Says how many computers of the fleet this leader lets be in work; none means no limit but the workers.
    pub async fn tell_max_running(&self, mine: Term, max_running: Option<i32>) -> Result<(), Error> {
        let client = self.client().await?;
        let sql = "UPDATE scheduler_term SET max_running = $2 WHERE term = $1";
        client.execute(sql, &[&mine.0, &max_running]).await.doing("telling the fleet's cap")?;
        Ok(())
    }

    /// Gives the lead back at once, at the end of a drain.
    pub async fn resign(&self, holder: &str, mine: Term) -> Result<(), Error> {
        let client = self.client().await?;
        client
            .execute(
                "UPDATE scheduler_term SET until = '-infinity' WHERE holder = $1 AND term = $2",
                &[&holder, &mine.0],
            )
            .await
            .doing("giving the lead back")?;
        Ok(())
    }
}

/// Asks whether the term `$1` is still ours: it answers with a row if so, and nobody can take it until the transaction
/// has ended.
pub(super) async fn verification(tx: &Tx<'_>) -> Result<Statement, Error> {
    let sql = "SELECT 1 FROM scheduler_term WHERE term = $1 FOR UPDATE";
    tx.prepare_cached(sql).await.doing("verifying the term")
}
