//! What can be said of computers.

use clap::Subcommand;

use super::{decide, list, show, token};
use crate::cli::{Client, Failure, Output};

/// What can be said of computers.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List computers.
    List(list::List),
    /// Show a computer: its connection, its sessions.
    Show {
        /// A name, tenant/name, or an id.
        computer: String,
    },
    /// Approve an optional deployment for computers.
    Approve(decide::Decide),
    /// Deny an optional deployment for computers, so that no session has it there.
    Deny(decide::Decide),
    /// Take back what was decided about an optional deployment for computers.
    Withdraw(decide::Decide),
    /// Mint a token for a computer's agent; it is shown once, and an earlier one ends.
    Token {
        /// A name, tenant/name, or an id.
        computer: String,
    },
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::List(list) => list.run(client, output).await,
        Verb::Show { computer } => show::run(&computer, client, output).await,
        Verb::Approve(wanted) => decide::run(&wanted, "approve", client, output).await,
        Verb::Deny(wanted) => decide::run(&wanted, "deny", client, output).await,
        Verb::Withdraw(wanted) => decide::run(&wanted, "withdraw", client, output).await,
        Verb::Token { computer } => token::run(&computer, client, output).await,
    }
}
