//! `pitcrew secret store`

use serde::Deserialize;
use serde_json::json;

use crate::cli::{Client, Failure, Output, input};

#[derive(Deserialize)]
struct Kept {
    id: String,
    name: String,
}

pub(super) async fn run(name: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let value = input::secret()?;
    let answer = client.post(&["v1", "secrets"], &json!({ "name": name, "value": value })).await?;
    output.show(&answer, |kept: &Kept| format!("secret {} is {}", kept.name, kept.id))
}
