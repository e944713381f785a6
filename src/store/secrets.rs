//! Secrets: values that deployments, plans and runs only name, sealed as long as they are stored.
//!
//! Opened by nothing but what sends a run to its computer, and what asks whether a value is new. No error and no log here
//! may carry a value.

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use uuid::Uuid;

use super::audit::{self, Audit};
use super::error::Doing;
use super::seal::Sealed;
use super::{Error, Keyring, Store};
use crate::domain::SecretId;
use crate::domain::report::{Rotated, SecretLine};

/// Secrets that are sealed anew in one transaction.
const BATCH: i64 = 200;
/// What owns a secret that is stored by itself.
const STORED: &str = "stored";

impl Store {
    /// The values of these secrets, those that are stored.
    pub async fn secrets(&self, ids: &BTreeSet<SecretId>) -> Result<HashMap<SecretId, String>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT id, value, key_id, sealed FROM secret WHERE id = ANY($1)")
            .await
            .doing("reading the secrets of a run")?;
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let rows = client.query(&statement, &[&ids]).await.doing("reading the secrets of a run")?;
        rows.iter().map(|row| Ok((SecretId(row.get("id")), open(self.keys(), row)?))).collect()
    }

    /// Stores a secret by itself under a name, in the place of the one that had it, and returns its id.
    pub async fn store_secret(&self, name: &str, value: &str, by: &str) -> Result<SecretId, Error> {
        let doing = "storing a secret";
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing(doing)?;
        let id = keep(&tx, self.keys(), STORED, name, value).await?;
        let scope = serde_json::json!({ "name": name, "id": id });
        let audit = Audit { actor: by.to_owned(), action: "secret.store", scope, reason: String::new() };
        audit::record(&tx, &audit).await?;
        tx.commit().await.doing(doing)?;
        Ok(id)
    }

    /// The secrets in use, without their values, by what gives them; those after `after`.
    pub async fn list_secrets(&self, limit: usize) -> Result<Vec<SecretLine>, Error> {
        let client = self.client().await?;
        let sql = "SELECT id, owner, name, key_id, created_at FROM secret WHERE replaced_at IS NULL
                   ORDER BY owner, name LIMIT $1";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = client.query(sql, &[&limit]).await.doing("listing secrets")?;
        let line = |row: &Row| SecretLine {
            id: SecretId(row.get("id")),
            owner: row.get("owner"),
            name: row.get("name"),
            key: row.get("key_id"),
            created_at: row.get("created_at"),
        };
        Ok(rows.iter().map(line).collect())
    }

    /// The names of the keys under which secrets are sealed.
    pub async fn sealed_under(&self) -> Result<Vec<String>, Error> {
        let client = self.client().await?;
        let sql = "SELECT DISTINCT key_id FROM secret WHERE key_id IS NOT NULL ORDER BY key_id";
        let rows = client.query(sql, &[]).await.doing("looking for the keys of secrets")?;
        Ok(rows.iter().map(|row| row.get("key_id")).collect())
    }

    /// Those of these secrets that are in use or on their way out.
    pub async fn known_secrets(&self, ids: &BTreeSet<SecretId>) -> Result<BTreeSet<SecretId>, Error> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let client = self.client().await?;
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let rows = client.query("SELECT id FROM secret WHERE id = ANY($1)", &[&ids]).await;
        Ok(rows.doing("looking for secrets")?.iter().map(|row| SecretId(row.get("id"))).collect())
    }

    /// Seals every secret that is not sealed under the first key with that one, some at a time: others may read and store
    /// secrets meanwhile.
    pub async fn rotate_secrets(&self, by: &str) -> Result<Rotated, Error> {
        let doing = "sealing secrets anew";
        let Some(key) = self.keys().seals_with() else { return Err(Keyring::none()) };
        let mut rotated = Rotated { key: key.to_owned(), resealed: 0, unreadable: Vec::new() };
        let mut after = Uuid::nil();
        let mut client = self.client().await?;
        loop {
            let tx = client.transaction().await.doing(doing)?;
            let sql = "SELECT id, value, key_id, sealed FROM secret
                       WHERE key_id IS DISTINCT FROM $1 AND id > $2 ORDER BY id LIMIT $3 FOR UPDATE";
            let rows = tx.query(sql, &[&key, &after, &BATCH]).await.doing(doing)?;
            let Some(last) = rows.last() else { break };
            after = last.get("id");
            for row in &rows {
                let id = SecretId(row.get("id"));
                match open(self.keys(), row) {
                    Ok(value) => {
                        let Sealed { key_id, bytes } = self.keys().seal(id, &value)?;
                        let sql = "UPDATE secret SET value = NULL, key_id = $2, sealed = $3 WHERE id = $1";
                        rotated.resealed += tx.execute(sql, &[&id.0, &key_id, &bytes]).await.doing(doing)?;
                    }
                    Err(_) => rotated.unreadable.push(id),
                }
            }
            tx.commit().await.doing(doing)?;
        }
        let tx = client.transaction().await.doing(doing)?;
        let scope = serde_json::json!({ "key": rotated.key, "resealed": rotated.resealed });
        let audit = Audit { actor: by.to_owned(), action: "secret.rotate", scope, reason: String::new() };
        audit::record(&tx, &audit).await?;
        tx.commit().await.doing(doing)?;
        Ok(rotated)
    }
}

/// The value of a secret.
fn open(keys: &Keyring, row: &Row) -> Result<String, Error> {
    let sealed = row.get::<_, Option<String>>("key_id").zip(row.get::<_, Option<Vec<u8>>>("sealed"));
    match sealed {
        Some((key_id, bytes)) => keys.open(SecretId(row.get("id")), &Sealed { key_id, bytes }),
        None => Ok(row.get::<_, Option<String>>("value").unwrap_or_default()),
    }
}

/// Stores a secret under who gives it and its name, and returns its id: the one it had if its value is the same. What it
/// replaces is kept for a month, for runs that are on their way.
pub(super) async fn keep(
    tx: &Transaction<'_>,
    keys: &Keyring,
    owner: &str,
    name: &str,
    value: &str,
) -> Result<SecretId, Error> {
    let doing = "storing a secret";
    let known = "SELECT id, value, key_id, sealed FROM secret WHERE owner = $1 AND name = $2 AND replaced_at IS NULL FOR UPDATE";
    // One that cannot be opened any more is another one.
    if let Some(row) = tx.query_opt(known, &[&owner, &name]).await.doing(doing)?
        && open(keys, &row).is_ok_and(|known| known == value)
    {
        return Ok(SecretId(row.get("id")));
    }
    let forget = "DELETE FROM secret WHERE owner = $1 AND name = $2 AND replaced_at < now() - interval '30 days'";
    tx.execute(forget, &[&owner, &name]).await.doing(doing)?;
    let replace = "UPDATE secret SET replaced_at = now() WHERE owner = $1 AND name = $2 AND replaced_at IS NULL";
    tx.execute(replace, &[&owner, &name]).await.doing(doing)?;
    let id = SecretId(Uuid::new_v4());
    let Sealed { key_id, bytes } = keys.seal(id, value)?;
    let insert = "INSERT INTO secret (id, owner, name, key_id, sealed) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(insert, &[&id.0, &owner, &name, &key_id, &bytes]).await.doing(doing)?;
    Ok(id)
}
