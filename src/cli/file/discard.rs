//! `pitcrew file drop`

use serde_json::Value;

use crate::cli::{Client, Failure, Output};

pub(super) async fn run(sha256: &str, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.delete(&["v1", "files", sha256]).await?;
    output.show(&answer, |_: &Value| format!("The file {sha256} is removed."))
}
