//! What can be said of locks.

use clap::Subcommand;

use super::list;
use crate::cli::{Client, Failure, Output};

/// What can be said of locks.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the fleet-wide locks of serial tasks that are held or waited for. To free one, cancel the session that holds it.
    List,
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::List => list::run(client, output).await,
    }
}
