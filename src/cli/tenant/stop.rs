//! `pitcrew tenant stop`

use serde_json::{Value, json};

use crate::cli::{Client, Failure, Output};

pub(super) async fn run(name: &str, reason: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.post(&["v1", "tenants", name, "stop"], &json!({ "reason": reason })).await?;
    output.show(&answer, |_: &Value| format!("Nothing of {name} is admitted any more; what is in work goes on."))
}
