//! `pitcrew secret store`

use std::io::Read;

use serde::Deserialize;
use serde_json::json;

use crate::cli::{Client, Failure, Output};

#[derive(Deserialize)]
struct Kept {
    id: String,
    name: String,
}

pub(super) async fn run(name: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let mut value = String::new();
    let read = std::io::stdin().read_to_string(&mut value);
    read.map_err(|error| Failure::BadInput(format!("the standard input cannot be read: {error}")))?;
    // Whoever writes a line means what is in it.
    let value = value.strip_suffix('\n').map_or(value.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    let answer = client.post(&["v1", "secrets"], &json!({ "name": name, "value": value })).await?;
    output.show(&answer, |kept: &Kept| format!("secret {} is {}", kept.name, kept.id))
}
