//! `pitcrew secret list`

use serde::Deserialize;

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::SecretLine;

#[derive(Deserialize)]
struct Secrets {
    items: Vec<SecretLine>,
}

pub(super) async fn run(client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "secrets"], &[]).await?;
    output.show(&answer, |secrets: &Secrets| render::secrets(&secrets.items, output.style))
}
