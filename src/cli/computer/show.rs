//! `pitcrew computer show`

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::ComputerLine;

pub(super) async fn run(computer: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "computers", computer], &[]).await?;
    output.show(&answer, |line: &ComputerLine| render::computer(line, output.style))
}
