//! Submissions that were refused, kept for inspection up to a quota for each submitter.

use tokio_postgres::types::Json;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::submission::{Violation, inspectable};

/// How many of one submitter are kept; the oldest go first.
const QUOTA: i64 = 100;
/// How much of a refused text is kept, in bytes.
const LONGEST: usize = 256 * 1024;

impl Store {
    /// Keeps what was refused, without what may be a secret in it.
    pub async fn keep_rejected(&self, submitter: &str, body: &[u8], violations: &[Violation]) -> Result<(), Error> {
        let body = inspectable(body);
        let client = self.client().await?;
        client
            .execute(
                "WITH kept AS (
                     INSERT INTO rejected_submission (submitter, at, violations, body)
                     VALUES ($1, clock_timestamp(), $2, $3)
                 )
                 DELETE FROM rejected_submission r WHERE r.submitter = $1 AND r.id <= (
                     SELECT id FROM rejected_submission WHERE submitter = $1 ORDER BY id DESC OFFSET $4::bigint - 1 LIMIT 1)",
                &[&submitter, &Json(violations), &&body[..body.len().min(LONGEST)], &QUOTA],
            )
            .await
            .doing("keeping a refused submission")?;
        Ok(())
    }
}
