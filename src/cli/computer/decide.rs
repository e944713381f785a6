//! `pitcrew computer approve`, `deny` and `withdraw`

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Client, Failure, Output};

/// What they take.
#[derive(Debug, Args)]
pub struct Decide {
    /// The optional deployment.
    deployment: String,
    /// The computers: names, tenant/name, or ids.
    #[arg(required = true)]
    computers: Vec<String>,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    reason: String,
}

/// Decides about each computer; the first that cannot be decided about ends it.
pub(super) async fn run(decide: &Decide, decision: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let Decide { deployment, computers, reason } = decide;
    for computer in computers {
        let body = json!({ "deployment": deployment, "decision": decision, "reason": reason });
        let answer = client.post(&["v1", "computers", computer, "approvals"], &body).await?;
        output.show(&answer, |_: &Value| match decision {
            "approve" => format!("{deployment} is approved for {computer}."),
            "deny" => format!("{deployment} is denied for {computer}."),
            _ => format!("Nothing is decided any more about {deployment} for {computer}."),
        })?;
    }
    Ok(())
}
