//! `pitcrew status`

use super::{Client, Failure, Output, render};
use crate::domain::report::Overview;

pub(super) async fn run(client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "status"], &[]).await?;
    output.show(&answer, |overview: &Overview| render::overview(overview, output.style))
}
