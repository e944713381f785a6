//! `pitcrew session resume`

use serde_json::json;

use super::verb::OneWithReason;
use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::SessionLine;

pub(super) async fn run(one: &OneWithReason, client: &Client, output: &Output) -> Result<(), Failure> {
    let path = ["v1", "sessions", &one.id.to_string(), "resume"];
    let answer = client.post(&path, &json!({ "reason": one.reason })).await?;
    output.show(&answer, |line: &SessionLine| render::progress_line(line, output.style))
}
