//! `pitcrew session show`

use super::verb::One;
use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::SessionDetail;

pub(super) async fn run(one: &One, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "sessions", &one.id.to_string()], &[]).await?;
    output.show(&answer, |detail: &SessionDetail| render::session(detail, output.style))
}
