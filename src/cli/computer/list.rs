//! `pitcrew computer list`

use clap::Args;

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::{ComputerLine, Page};

/// What it takes.
#[derive(Debug, Args)]
pub struct List {
    /// Only of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Lines at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Begin after this id.
    #[arg(long)]
    after: Option<i64>,
}

impl List {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        query.extend(self.after.map(|after| ("after", after.to_string())));
        let answer = client.get(&["v1", "computers"], &query).await?;
        output.show(&answer, |page: &Page<ComputerLine>| render::computers(page, output.style))
    }
}
