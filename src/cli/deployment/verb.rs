//! What can be said of deployments.

use clap::Subcommand;

use super::{list, replace, settle, show};
use crate::cli::{Client, Failure, Output};

/// What can be said of deployments.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List deployments.
    List(list::List),
    /// Print a deployment as a fleet file has it.
    Show {
        /// The deployment.
        name: String,
    },
    /// Let a recommended deployment take part.
    Adopt(settle::Settle),
    /// Keep a recommended deployment out of everything.
    Dismiss(settle::Settle),
    /// Take back what was decided about a recommended deployment.
    Withdraw(settle::Settle),
    /// Make a deployment of your own of a recommended one; it comes before that one.
    Override(replace::Override),
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::List(list) => list.run(client, output).await,
        Verb::Show { name } => show::run(&name, client, output).await,
        Verb::Adopt(one) => settle::run(&one, "adopt", client, output).await,
        Verb::Dismiss(one) => settle::run(&one, "dismiss", client, output).await,
        Verb::Withdraw(one) => settle::run(&one, "withdraw", client, output).await,
        Verb::Override(own) => own.run(client, output).await,
    }
}
