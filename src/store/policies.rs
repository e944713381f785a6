//! The policy that counts, compiled once for each version and shared.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::policy::Policy;

/// A process's policy, kept until it learns of a newer version.
pub struct Policies {
    store: Store,
    current: Mutex<Option<Arc<Policy>>>,
}

impl Policies {
    /// Nothing is loaded yet.
    pub fn new(store: Store) -> Policies {
        Policies { store, current: Mutex::new(None) }
    }

    /// The policy as it is now.
    pub async fn now(&self) -> Result<Arc<Policy>, Error> {
        let client = self.store.client().await?;
        let sql = "SELECT policy_version FROM installation";
        let row = client.query_one(sql, &[]).await.doing("asking for the policy's version")?;
        drop(client);
        self.at_least(row.get("policy_version")).await
    }

    /// The policy of `version`, or a newer one if there is one by now. Whoever comes while it is being loaded waits for
    /// that one load.
    pub async fn at_least(&self, version: i64) -> Result<Arc<Policy>, Error> {
        let mut current = self.current.lock().await;
        if let Some(policy) = current.as_ref().filter(|policy| policy.version() >= version) {
            return Ok(policy.clone());
        }
        let policy = Arc::new(self.store.load_policy().await?);
        *current = Some(policy.clone());
        Ok(policy)
    }
}
