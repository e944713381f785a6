//! `pitcrew deployment adopt`, `dismiss` and `withdraw`

use clap::Args;
use serde_json::json;

use crate::cli::{Client, Failure, Output};
use crate::domain::report::DeploymentLine;

/// What they take.
#[derive(Debug, Args)]
pub struct Settle {
    /// The recommended deployments.
    #[arg(required = true)]
    names: Vec<String>,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    reason: String,
}

/// Decides about each; the first that cannot be decided about ends it.
pub(super) async fn run(settle: &Settle, verdict: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    for name in &settle.names {
        let body = json!({ "verdict": verdict, "reason": settle.reason });
        let answer = client.post(&["v1", "deployments", name, "verdict"], &body).await?;
        output.show(&answer, |line: &DeploymentLine| match &line.decision {
            Some(decision) if decision.adopted => format!("{name} is adopted: it takes part from the next session on."),
            Some(_) => format!("{name} is dismissed: it takes part in nothing."),
            None => format!("Nothing is decided about {name}: it takes part only in sessions that name it."),
        })?;
    }
    Ok(())
}
