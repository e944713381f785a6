//! `pitcrew dead-letter drop`

use serde_json::json;

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::LetterLine;

pub(super) async fn run(id: i64, reason: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.post(&["v1", "dead-letters", &id.to_string(), "drop"], &json!({ "reason": reason })).await?;
    output.show(&answer, |letter: &LetterLine| render::letter(letter))
}
