//! The token with which an installation's first administrator comes in.

use super::error::Doing;
use super::{Error, Store};

impl Store {
    /// Makes the token with this SHA-256 an administrator's, under this name. A token that has the name already is
    /// replaced; a token that is there already under another name stays as it is.
    pub async fn ensure_admin_token(&self, name: &str, sha256: &[u8]) -> Result<(), Error> {
        let client = self.client().await?;
        client
            .execute(
                "INSERT INTO api_token (name, hash, role)
                 SELECT $1, $2, 'admin' WHERE NOT EXISTS (SELECT 1 FROM api_token WHERE hash = $2 AND name <> $1)
                 ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = 'admin', revoked_at = NULL",
                &[&name, &sha256],
            )
            .await
            .doing("making the first token")?;
        Ok(())
    }
}
