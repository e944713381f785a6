//! `pitcrew session report`

use super::verb::One;
use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::Report;

pub(super) async fn run(one: &One, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "sessions", &one.id.to_string(), "report"], &[]).await?;
    output.show(&answer, |report: &Report| render::report(report, output.style))
}
