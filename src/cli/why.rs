//! `pitcrew why`

use super::{Client, Failure, Output, render};
use crate::domain::SessionId;
use crate::domain::report::Why;

pub(super) async fn run(session: SessionId, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "sessions", &session.to_string(), "why"], &[]).await?;
    output.show(&answer, |why: &Why| render::why(why, output.style))
}
