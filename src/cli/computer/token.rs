//! `pitcrew computer token`

use serde::Deserialize;
use serde_json::json;

use crate::cli::{Client, Failure, Output};

#[derive(Deserialize)]
struct Minted {
    token: String,
}

pub(super) async fn run(computer: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.post(&["v1", "computers", computer, "agent-token"], &json!({})).await?;
    output.show(&answer, |minted: &Minted| minted.token.clone())
}
