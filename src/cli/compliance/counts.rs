//! `pitcrew compliance counts`

use clap::Args;

use super::filter::Filter;
use crate::cli::{Client, Failure, Output, output::Whole, render};
use crate::domain::report::{ComplianceCount, CountedBy};

/// What it takes.
#[derive(Debug, Args)]
pub struct Counts {
    /// By tenant, deployment or item.
    #[arg(long, default_value_t = CountedBy::Deployment)]
    by: CountedBy,
    #[command(flatten)]
    filter: Filter,
}

impl Counts {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut query = self.filter.query();
        query.push(("by", self.by.to_string()));
        let answer = client.get(&["v1", "compliance", "counts"], &query).await?;
        output.show(&answer, |counts: &Whole<ComplianceCount>| {
            render::compliance_counts(&counts.items, self.by, output.style)
        })
    }
}
