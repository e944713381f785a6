//! `pitcrew file list`

use crate::cli::output::Whole;
use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::FileLine;

pub(super) async fn run(client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "files"], &[]).await?;
    output.show(&answer, |files: &Whole<FileLine>| render::files(&files.items, output.style))
}
