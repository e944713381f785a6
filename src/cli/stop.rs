//! `pitcrew stop --fleet` and `pitcrew resume --fleet`

use clap::Args;
use serde_json::{Value, json};

use super::{Client, Failure, Output};

/// A stop of everything.
#[derive(Debug, Args)]
pub struct Stop {
    /// The whole fleet, all tenants.
    #[arg(long, required = true)]
    fleet: bool,
    /// Why, for the audit and for everyone who asks why nothing goes on.
    #[arg(long)]
    reason: String,
}

/// The end of it.
#[derive(Debug, Args)]
pub struct Resume {
    /// The whole fleet, all tenants.
    #[arg(long, required = true)]
    fleet: bool,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    reason: String,
}

impl Stop {
    pub(super) async fn run(self, client: &Client, output: &Output) -> Result<(), Failure> {
        let answer = client.post(&["v1", "fleet", "stop"], &json!({ "reason": self.reason })).await?;
        output.show(&answer, |_: &Value| "Nothing new is begun at any computer; what goes on there ends.".to_owned())
    }
}

impl Resume {
    pub(super) async fn run(self, client: &Client, output: &Output) -> Result<(), Failure> {
        let answer = client.post(&["v1", "fleet", "resume"], &json!({ "reason": self.reason })).await?;
        output.show(&answer, |_: &Value| "The fleet goes on.".to_owned())
    }
}
