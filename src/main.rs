//! The control program of Pitcrew.

use clap::{Parser, Subcommand};

/// Keeps every computer of a large fleet in its desired state.
#[derive(Parser)]
#[command(version)]
struct Program {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Decides when sessions run; one leads, others stand by.
    Scheduler,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Program::parse().verb {
        Verb::Scheduler => runtime.block_on(pitcrew::scheduler::program::run()),
    }
}
