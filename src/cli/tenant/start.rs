//! `pitcrew tenant start`

use serde_json::{Value, json};

use crate::cli::{Client, Failure, Output};

pub(super) async fn run(name: &str, reason: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.post(&["v1", "tenants", name, "start"], &json!({ "reason": reason })).await?;
    output.show(&answer, |_: &Value| format!("{name} goes on."))
}
