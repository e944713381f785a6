//! What people decide about recommended deployments, for the whole installation.

use serde_json::json;
use tokio_postgres::types::Json;

use super::audit::{self, Audit};
use super::error::Doing;
use super::{Error, Store, policy};
use crate::domain::words::words;
use crate::domain::{Decision, Deployment};

words! {
    /// What is decided.
    Verdict {
        /// It takes part.
        Adopt = "adopt",
        /// It takes part in nothing, not even in sessions that name it.
        Dismiss = "dismiss",
        /// What was decided before counts no more.
        Withdraw = "withdraw",
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// It counts from the next session on; the deployment as it is now.
    Done(Box<Deployment>),
    /// There is no such deployment.
    NoSuchDeployment,
    /// The deployment is not recommended.
    NotRecommended,
}

impl Store {
    /// Writes down a decision with its audit entry, and raises the policy's version, in one transaction.
    pub async fn settle_recommended(
        &self,
        deployment: &str,
        verdict: Verdict,
        by: &str,
        reason: &str,
    ) -> Result<Settled, Error> {
        let doing = "deciding about a recommended deployment";
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
        let sql = format!("{} WHERE name = $1 FOR UPDATE", policy::DEPLOYMENTS);
        let Some(row) = tx.query_opt(&sql, &[&deployment]).await.doing(doing)? else {
            return Ok(Settled::NoSuchDeployment);
        };
        let mut found = policy::deployment(&row)?;
        // What was decided while it was recommended may always be withdrawn.
        if !found.recommended && verdict != Verdict::Withdraw {
            return Ok(Settled::NotRecommended);
        }
        let at: jiff::Timestamp =
            tx.query_one("SELECT clock_timestamp() AS now", &[]).await.doing("asking for the time")?.get("now");
        found.decision = match verdict {
            Verdict::Adopt | Verdict::Dismiss => {
                Some(Decision { adopted: verdict == Verdict::Adopt, by: by.to_owned(), at, reason: reason.to_owned() })
            }
            Verdict::Withdraw => None,
        };
        let scope = json!({ "deployment": deployment, "verdict": verdict });
        let entry = Audit { actor: by.to_owned(), action: "deployment.settle", scope, reason: reason.to_owned() };
        audit::record(&tx, &entry).await?;
        let write = "UPDATE deployment SET decision = $2 WHERE name = $1";
        tx.execute(write, &[&deployment, &found.decision.as_ref().map(Json)]).await.doing(doing)?;
        let raise = "UPDATE installation SET policy_version = policy_version + 1";
        tx.execute(raise, &[]).await.doing("raising the policy's version")?;
        tx.commit().await.doing(doing)?;
        Ok(Settled::Done(Box::new(found)))
    }
}
