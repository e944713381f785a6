//! What can be said of stored files.

use clap::Subcommand;

use super::{discard, list};
use crate::cli::{Client, Failure, Output};

/// What can be said of stored files.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the files that computers can fetch from the server. `pitcrew apply` stores those that fleet files name.
    List,
    /// Remove a file that nothing in the policy names any more.
    Drop {
        /// Its SHA-256, as it is listed.
        sha256: String,
    },
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::List => list::run(client, output).await,
        Verb::Drop { sha256 } => discard::run(&sha256, client, output).await,
    }
}
