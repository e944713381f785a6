//! `pitcrew compliance recurring`

use clap::Args;

use super::filter::Filter;
use crate::cli::{Client, Failure, Output, output::Whole, render};
use crate::domain::report::Recurring;

/// What it takes.
#[derive(Debug, Args)]
pub struct Recur {
    #[command(flatten)]
    filter: Filter,
    /// Within so many days.
    #[arg(long, default_value_t = 30)]
    days: u16,
    /// In so many sessions at least.
    #[arg(long, default_value_t = 2)]
    least: u32,
    /// Lines at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

impl Recur {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut query = self.filter.query();
        query.push(("days", self.days.to_string()));
        query.push(("least", self.least.to_string()));
        query.push(("limit", self.limit.to_string()));
        let answer = client.get(&["v1", "compliance", "recurring"], &query).await?;
        output.show(&answer, |found: &Whole<Recurring>| render::recurring(&found.items, output.style))
    }
}
