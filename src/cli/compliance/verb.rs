//! What can be said of compliance.

use clap::Subcommand;

use super::{counts, history, list, recurring};
use crate::cli::{Client, Failure, Output};

/// What can be said of compliance.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the verdicts on items of computers: since when they hold, and which session found it so.
    List(list::List),
    /// Count them.
    Counts(counts::Counts),
    /// What has fallen out of order, or failed, in several sessions.
    Recurring(recurring::Recur),
    /// What became of one item on one computer, when, and by which session.
    History {
        /// The computer: a name, tenant/name, or an id.
        computer: String,
        /// The item, such as software/editor.
        item: String,
    },
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::List(list) => list.run(client, output).await,
        Verb::Counts(counts) => counts.run(client, output).await,
        Verb::Recurring(recurring) => recurring.run(client, output).await,
        Verb::History { computer, item } => history::run(computer, item, client, output).await,
    }
}
