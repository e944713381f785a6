//! The texts of scripts, by their SHA-256.

use std::sync::Arc;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::Sha256Hash;

impl Store {
    /// The texts of these scripts, those that are stored.
    pub async fn script_texts(&self, hashes: &[Sha256Hash]) -> Result<Vec<(Sha256Hash, Arc<str>)>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT hash, body FROM script WHERE hash = ANY($1)")
            .await
            .doing("reading scripts")?;
        let wanted: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
        let rows = client.query(&statement, &[&wanted]).await.doing("reading scripts")?;
        rows.iter()
            .map(|row| {
                let hash: &[u8] = row.get("hash");
                let hash = <[u8; 32]>::try_from(hash).map_err(|_| Error::Unreadable {
                    what: "the hash of a script".to_owned(),
                    why: format!("it has {} bytes instead of 32", hash.len()),
                })?;
                Ok((Sha256Hash(hash), row.get::<_, &str>("body").into()))
            })
            .collect()
    }
}
