//! `pitcrew deployment show`

use crate::cli::{Client, Failure, Output};
use crate::domain::report::DeploymentLine;

pub(super) async fn run(name: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "deployments", name], &[]).await?;
    output.show(&answer, |line: &DeploymentLine| line.document.clone().unwrap_or_default())
}
