//! `pitcrew session counts`

use clap::Args;
use jiff::Timestamp;

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::StatusCounts;

/// What it takes.
#[derive(Debug, Args)]
pub struct Counts {
    /// Only of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Count those that ended since then, such as 2030-01-31T22:00:00Z; without it, those of the last day.
    #[arg(long)]
    since: Option<Timestamp>,
}

impl Counts {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut query = Vec::new();
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        query.extend(self.since.map(|since| ("since", since.to_string())));
        let answer = client.get(&["v1", "sessions", "counts"], &query).await?;
        output.show(&answer, |counts: &StatusCounts| render::status_counts(counts, output.style))
    }
}
