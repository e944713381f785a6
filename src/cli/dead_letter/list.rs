//! `pitcrew dead-letter list`

use clap::Args;

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::{LetterLine, LetterState, Page};

/// What it takes.
#[derive(Debug, Args)]
pub struct List {
    /// Only open, redriven or dropped ones.
    #[arg(long)]
    state: Option<LetterState>,
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
        query.extend(self.state.map(|state| ("state", state.to_string())));
        query.extend(self.after.map(|after| ("after", after.to_string())));
        let answer = client.get(&["v1", "dead-letters"], &query).await?;
        output.show(&answer, |page: &Page<LetterLine>| render::letters(page, output.style))
    }
}
