//! Secrets: values that deployments, plans and runs only name.
//!
//! Read by nothing but what sends a run to its computer. No error and no log here may carry a value.

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::Transaction;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::SecretId;

impl Store {
    /// The values of these secrets, those that are stored.
    pub async fn secrets(&self, ids: &BTreeSet<SecretId>) -> Result<HashMap<SecretId, String>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT id, value FROM secret WHERE id = ANY($1)")
            .await
            .doing("reading the secrets of a run")?;
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let rows = client.query(&statement, &[&ids]).await.doing("reading the secrets of a run")?;
        Ok(rows.iter().map(|row| (SecretId(row.get("id")), row.get("value"))).collect())
    }
}

/// Stores a secret under who gives it and its name, and returns its id: the one it had if its value is the same. What it
/// replaces is kept for a month, for runs that are on their way.
pub(super) async fn keep(tx: &Transaction<'_>, owner: &str, name: &str, value: &str) -> Result<SecretId, Error> {
    let doing = "storing a secret";
    let known = "SELECT id FROM secret WHERE owner = $1 AND name = $2 AND value = $3 AND replaced_at IS NULL";
    if let Some(row) = tx.query_opt(known, &[&owner, &name, &value]).await.doing(doing)? {
        return Ok(SecretId(row.get("id")));
    }
    let forget = "DELETE FROM secret WHERE owner = $1 AND name = $2 AND replaced_at < now() - interval '30 days'";
    tx.execute(forget, &[&owner, &name]).await.doing(doing)?;
    let replace = "UPDATE secret SET replaced_at = now() WHERE owner = $1 AND name = $2 AND replaced_at IS NULL";
    tx.execute(replace, &[&owner, &name]).await.doing(doing)?;
    let row = tx
        .query_one("INSERT INTO secret (owner, name, value) VALUES ($1, $2, $3) RETURNING id", &[&owner, &name, &value])
        .await
        .doing(doing)?;
    Ok(SecretId(row.get("id")))
}
