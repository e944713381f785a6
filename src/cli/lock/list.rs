//! `pitcrew lock list`

use serde::Deserialize;

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::LockLine;

#[derive(Deserialize)]
struct Locks {
    items: Vec<LockLine>,
}

pub(super) async fn run(client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "locks"], &[]).await?;
    output.show(&answer, |locks: &Locks| render::locks(&locks.items, output.style))
}
