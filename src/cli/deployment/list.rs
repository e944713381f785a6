//! `pitcrew deployment list`

use clap::Args;

use crate::cli::output::Whole;
use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::DeploymentLine;

/// What it takes.
#[derive(Debug, Args)]
pub struct List {
    /// Only of this item, such as software/editor.
    #[arg(long)]
    item: Option<String>,
    /// Only those that others recommend.
    #[arg(long)]
    recommended: bool,
    /// Only those that others recommend and about which nothing is decided.
    #[arg(long)]
    undecided: bool,
}

impl List {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut query = Vec::new();
        query.extend(self.item.clone().map(|item| ("item", item)));
        query.extend(self.recommended.then(|| ("recommended", "true".to_owned())));
        query.extend(self.undecided.then(|| ("undecided", "true".to_owned())));
        let answer = client.get(&["v1", "deployments"], &query).await?;
        output.show(&answer, |list: &Whole<DeploymentLine>| render::deployments(&list.items, output.style))
    }
}
