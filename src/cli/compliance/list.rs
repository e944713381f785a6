//! `pitcrew compliance list`

use clap::Args;

use super::filter::Filter;
use crate::cli::{Client, Failure, Output, render};
use crate::domain::compliance::State;
use crate::domain::report::{CompliancePage, Place};

/// What it takes.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    filter: Filter,
    /// Only in one of these: compliant, non_compliant, unknown, not_judged.
    #[arg(long, value_delimiter = ',')]
    state: Vec<State>,
    /// Only what is out of order: non_compliant or unknown.
    #[arg(long, conflicts_with = "state")]
    out: bool,
    /// Lines at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Begin after this place.
    #[arg(long, value_name = "PLACE")]
    after: Option<Place>,
}

impl List {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut query = self.filter.query();
        query.push(("limit", self.limit.to_string()));
        let states: Vec<&str> = match self.out {
            true => State::ALL.iter().filter(|state| state.is_out()).map(|state| state.as_str()).collect(),
            false => self.state.iter().map(|state| state.as_str()).collect(),
        };
        query.extend((!states.is_empty()).then(|| ("state", states.join(","))));
        query.extend(self.after.clone().map(|after| ("after", String::from(after))));
        let answer = client.get(&["v1", "compliance"], &query).await?;
        output.show(&answer, |page: &CompliancePage| render::compliance(page, output.style))
    }
}
