//! `pitcrew dead-letter show`

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::LetterLine;

pub(super) async fn run(id: i64, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "dead-letters", &id.to_string()], &[]).await?;
    output.show(&answer, |letter: &LetterLine| render::letter(letter))
}
