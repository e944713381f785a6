//! What can be said of dead letters.

use clap::Subcommand;

use super::{discard, list, redrive, show};
use crate::cli::{Client, Failure, Output};

/// What can be said of dead letters.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List dead letters, the newest first.
    List(list::List),
    /// Show a dead letter with its message.
    Show {
        /// Its id.
        id: i64,
    },
    /// Have it worked on again: a job's session runs again as a new one, a submission is submitted again.
    Redrive {
        /// Its id.
        id: i64,
        /// Why, for the audit.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Throw it away.
    Drop {
        /// Its id.
        id: i64,
        /// Why, for the audit.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::List(list) => list.run(client, output).await,
        Verb::Show { id } => show::run(id, client, output).await,
        Verb::Redrive { id, reason } => redrive::run(id, &reason, client, output).await,
        Verb::Drop { id, reason } => discard::run(id, &reason, client, output).await,
    }
}
