//! `pitcrew durations`

use clap::Args;

use super::{Client, Failure, Output, output::Whole, render};
use crate::domain::report::Duration;

/// What it takes.
#[derive(Debug, Args)]
pub struct Durations {
    /// Only of this item, such as software/editor.
    #[arg(long)]
    item: Option<String>,
    /// Lines at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

impl Durations {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.item.clone().map(|item| ("item", item)));
        let answer = client.get(&["v1", "durations"], &query).await?;
        output.show(&answer, |found: &Whole<Duration>| render::durations(&found.items, output.style))
    }
}
