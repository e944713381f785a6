//! What can be said of tenants.

use clap::Subcommand;

use super::{start, stop};
use crate::cli::{Client, Failure, Output};

/// What can be said of tenants.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Admit nothing of a tenant any more; what is in work goes on.
    Stop {
        /// The tenant.
        name: String,
        /// Why, for the audit.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let a stopped tenant go on.
    Start {
        /// The tenant.
        name: String,
        /// Why, for the audit.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::Stop { name, reason } => stop::run(&name, &reason, client, output).await,
        Verb::Start { name, reason } => start::run(&name, &reason, client, output).await,
    }
}
