//! Tokens: of people and programs that use the API, and of agents. Only their SHA-256 is kept.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::{ComputerId, Role, TenantId};

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The token's name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The only tenant it sees; none: all.
    pub tenant: Option<TenantId>,
}

impl Store {
    /// Whose token this is; none if nobody's.
    pub async fn token_holder(&self, token: &str) -> Result<Option<Holder>, Error> {
        let hash = hash(token);
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT name, hash, role, tenant_id FROM api_token WHERE hash = $1 AND revoked_at IS NULL")
            .await
            .doing("looking for a token")?;
        let Some(row) = client.query_opt(&statement, &[&hash]).await.doing("looking for a token")? else {
            return Ok(None);
        };
        // The index compares byte by byte, which tells nothing of the token whose hash it is; this is for good measure.
        if !bool::from(row.get::<_, &[u8]>("hash").ct_eq(&hash)) {
            return Ok(None);
        }
        let tenant: Option<i64> = row.get("tenant_id");
        Ok(Some(Holder { name: row.get("name"), role: rows::word(&row, "role")?, tenant: tenant.map(TenantId) }))
    }

    /// Makes a token and returns it; it cannot be read again. A name that has one gets a new one, and the old one ends.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is no such tenant.
    pub async fn mint_token(&self, name: &str, role: Role, tenant: Option<&str>) -> Result<String, Error> {
        let client = self.client().await?;
        let tenant: Option<i64> = match tenant {
            None => None,
            Some(tenant) => {
                let found = client
                    .query_opt("SELECT id FROM tenant WHERE name = $1", &[&tenant])
                    .await
                    .doing("looking for a tenant")?;
                let row = found.ok_or_else(|| Error::Refused(format!("there is no tenant \"{tenant}\"")))?;
                Some(row.get("id"))
            }
        };
        let token = draw("pcu_");
        client
            .execute(
                "INSERT INTO api_token (name, hash, role, tenant_id) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role,
                                                  tenant_id = excluded.tenant_id, created_at = now(), revoked_at = NULL",
                &[&name, &hash(&token), &role.as_str(), &tenant],
            )
            .await
            .doing("keeping a token")?;
        Ok(token)
    }

    /// Makes the token by which a computer's agent is known, and returns it; an earlier one ends. None if there is no such
    /// computer.
    pub async fn mint_agent_token(&self, computer: ComputerId) -> Result<Option<String>, Error> {
        let token = draw("pca_");
        let client = self.client().await?;
        let changed = client
            .execute("UPDATE computer SET agent_token_hash = $2 WHERE id = $1", &[&computer.0, &hash(&token)])
            .await
            .doing("keeping an agent's token")?;
        Ok((changed == 1).then_some(token))
    }
}

/// 256 random bits as text; the beginning tells people and secret scanners what it is.
fn draw(beginning: &str) -> String {
    format!("{beginning}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
