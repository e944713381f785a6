//! What can be said of secrets.

use clap::Subcommand;

use super::{list, rotate, store};
use crate::cli::{Client, Failure, Output};

/// What can be said of secrets.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Store a secret, its value read from the standard input, and print its id. A name that has one gets a new one.
    #[command(after_help = "Example:\n  pitcrew secret store enrolment-key < key.txt")]
    Store {
        /// Its name.
        name: String,
    },
    /// List secrets by what gives them, without their values.
    List,
    /// Seal every secret under the first of the keys that the server was told.
    Rotate,
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::Store { name } => store::run(&name, client, output).await,
        Verb::List => list::run(client, output).await,
        Verb::Rotate => rotate::run(client, output).await,
    }
}
