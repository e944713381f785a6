//! The audit: who did what, on what, and why. Rows are only ever added.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use tokio_postgres::types::Json;

use super::error::Doing;
use super::{Error, Store};

/// One call that changes something.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Who called.
    pub actor: String,
    /// What is done: `session.start`, `tenant.stop` …
    pub action: &'static str,
    /// On what, with what else was decided.
    pub scope: Value,
    /// Why, in the caller's words.
    pub reason: String,
}

impl Store {
    /// Writes down a call before it is carried out, so that nothing is done of which nobody knows.
    pub async fn audit(&self, audit: &Audit) -> Result<(), Error> {
        let client = self.client().await?;
        record(&client, audit).await
    }
}

/// Writes down a call as part of what it does.
pub(super) async fn record<C: GenericClient + Sync>(client: &C, audit: &Audit) -> Result<(), Error> {
    client
        .execute(
            "INSERT INTO audit (actor, action, scope, reason) VALUES ($1, $2, $3, $4)",
            &[&audit.actor, &audit.action, &Json(&audit.scope), &audit.reason],
        )
        .await
        .doing("writing the audit")?;
    Ok(())
}
