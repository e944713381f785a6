//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures Pitcrew's engine against the ceiling of its broker and database, side by side.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Options {
    /// Sessions in the backlog of each repetition.
    #[arg(long, default_value_t = 20_000)]
    pub sessions: u32,
    /// How often ceiling and engine are run, in turn.
    #[arg(long, default_value_t = 3)]
    pub repetitions: u32,
    /// Sessions submitted per second when latency is measured.
    #[arg(long, default_value_t = 1000)]
    pub rate: u32,
    /// For how long they are submitted, in seconds; the first three do not count.
    #[arg(long, default_value_t = 25)]
    pub seconds: u32,
    /// Run this part alone; can be given several times.
    #[arg(long)]
    pub only: Vec<Part>,
    /// Sessions in one transaction at most, of the ceiling and of the engine.
    #[arg(long, default_value_t = 256)]
    pub group: u16,
    /// Sessions that each worker of the engine has in work at a time.
    #[arg(long, default_value_t = 256)]
    pub capacity: u16,
    /// How many times that may be admitted.
    #[arg(long, default_value_t = 3)]
    pub window: u32,
    /// Tenants among which the engine's sessions are spread.
    #[arg(long, default_value_t = 1)]
    pub tenants: u32,
    /// Deployments that are resolved and planned for each computer, in memory.
    #[arg(long, default_value_t = 1_000)]
    pub deployments: usize,
    /// Computers for which they are.
    #[arg(long, default_value_t = 10_000)]
    pub computers: usize,
    /// Show the statements that cost most, which costs something itself.
    #[arg(long)]
    pub statements: bool,
    /// Where the servers keep their data meanwhile. It should be on the disk that is to be measured.
    #[arg(long, default_value = ".pitcrew/bench")]
    pub folder: PathBuf,
}

/// A part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Resolving and planning, in memory.
    Policy,
    /// The same durable work without Pitcrew.
    Ceiling,
    /// A backlog through the engine.
    Engine,
    /// A fixed rate through the engine.
    Steady,
}

impl Options {
    /// Whether this part is to be run.
    pub fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}
