//! `pitcrew session pause`

use super::chosen::Chosen;
use super::intent;
use crate::cli::{Client, Failure, Output};

pub(super) async fn run(chosen: &Chosen, client: &Client, output: &Output) -> Result<(), Failure> {
    intent::run(chosen, "pause", "paused", client, output).await
}
