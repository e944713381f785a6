//! What people decide about optional deployments, computer by computer.

use serde_json::json;
use tokio_postgres::types::Json;

use super::audit::{self, Audit};
use super::error::Doing;
use super::{Error, Store};
use crate::domain::words::words;
use crate::domain::{Approval, ComputerId, Enforcement};

words! {
    /// What is decided.
    Decision {
        /// It may take part.
        Approve = "approve",
        /// It may not, not even if a session names it.
        Deny = "deny",
        /// What was decided before counts no more.
        Withdraw = "withdraw",
    }
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq)]
pub enum Decided {
    /// It counts from the next session on; none: nothing is decided any more.
    Done(Option<Approval>),
    /// There is no such deployment; these are the optional ones.
    NoSuchDeployment(Vec<String>),
    /// The deployment is not optional.
    NotOptional(Enforcement),
}

impl Store {
    /// Writes down a decision with its audit entry, in one transaction.
    pub async fn decide_optional(
        &self,
        computer: ComputerId,
        deployment: &str,
        decision: Decision,
        by: &str,
        reason: &str,
    ) -> Result<Decided, Error> {
        let doing = "deciding about an optional deployment";
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
        let all = "SELECT name, body ->> 'enforcement' AS enforcement FROM deployment
                   WHERE name = $1 OR body ->> 'enforcement' = 'optional' ORDER BY name";
        let known = tx.query(all, &[&deployment]).await.doing(doing)?;
        let Some(row) = known.iter().find(|row| row.get::<_, &str>("name") == deployment) else {
            return Ok(Decided::NoSuchDeployment(known.iter().map(|row| row.get("name")).collect()));
        };
        let enforcement: Option<&str> = row.get("enforcement");
        let enforcement = enforcement.and_then(|word| word.parse().ok()).unwrap_or(Enforcement::Required);
        // What was decided while it was optional may always be withdrawn.
        if enforcement != Enforcement::Optional && decision != Decision::Withdraw {
            return Ok(Decided::NotOptional(enforcement));
        }
        let scope = json!({ "computer": computer, "deployment": deployment, "decision": decision });
        let entry = Audit { actor: by.to_owned(), action: "deployment.decide", scope, reason: reason.to_owned() };
        audit::record(&tx, &entry).await?;
        let now: jiff::Timestamp =
            tx.query_one("SELECT clock_timestamp() AS now", &[]).await.doing("asking for the time")?.get("now");
        let approval = match decision {
            Decision::Approve | Decision::Deny => Some(Approval {
                approved: decision == Decision::Approve,
                by: by.to_owned(),
                at: now,
                reason: reason.to_owned(),
            }),
            Decision::Withdraw => None,
        };
        let write = "UPDATE computer
                     SET approvals = CASE WHEN $3::jsonb IS NULL THEN approvals - $2
                                          ELSE approvals || jsonb_build_object($2::text, $3::jsonb) END
                     WHERE id = $1";
        tx.execute(write, &[&computer.0, &deployment, &approval.as_ref().map(Json)]).await.doing(doing)?;
        tx.commit().await.doing(doing)?;
        Ok(Decided::Done(approval))
    }
}
