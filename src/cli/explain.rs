//! `pitcrew explain`

use clap::Args;

use super::{Client, Failure, Output, render};
use crate::domain::report::{Explanation, Survey};

/// What it takes.
#[derive(Debug, Args)]
pub struct Explain {
    /// The computer: a name, tenant/name, or an id.
    #[arg(required_unless_present_any = ["over", "tenant"])]
    computer: Option<String>,
    /// Only this item, such as software/editor or task/clock.
    #[arg(value_name = "ITEM")]
    item_of_computer: Option<String>,
    /// Instead of a computer: this item, over all computers.
    #[arg(long = "item", id = "over", value_name = "ITEM", conflicts_with = "computer")]
    item: Option<String>,
    /// Instead of a computer: all deployments, or those of the item, over the computers of this tenant.
    #[arg(long, conflicts_with = "computer")]
    tenant: Option<String>,
    /// As in an onboarding.
    #[arg(long, requires = "computer")]
    onboarding: bool,
    /// As in a targeted session that names these.
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "computer", conflicts_with = "onboarding")]
    deployment: Vec<String>,
}

impl Explain {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut query = Vec::new();
        if let Some(computer) = &self.computer {
            query.extend(self.item_of_computer.clone().map(|item| ("item", item)));
            query.extend(self.onboarding.then(|| ("onboarding", "true".to_owned())));
            query.extend((!self.deployment.is_empty()).then(|| ("deployments", self.deployment.join(","))));
            let answer = client.get(&["v1", "computers", computer, "explain"], &query).await?;
            return output.show(&answer, |told: &Explanation| render::explanation(told, output.style));
        }
        query.extend(self.item.clone().map(|item| ("item", item)));
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        let answer = client.get(&["v1", "explain"], &query).await?;
        output.show(&answer, |survey: &Survey| render::survey(survey, output.style))
    }
}
