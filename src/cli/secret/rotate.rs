//! `pitcrew secret rotate`

use serde_json::json;

use crate::cli::{Client, Failure, Output, render};

pub(super) async fn run(client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.post(&["v1", "secrets", "rotate"], &json!({})).await?;
    output.show(&answer, render::rotated)
}
