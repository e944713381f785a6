//! `pitcrew session timeline`

use super::verb::One;
use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::Timeline;

pub(super) async fn run(one: &One, client: &Client, output: &Output) -> Result<(), Failure> {
    let answer = client.get(&["v1", "sessions", &one.id.to_string(), "timeline"], &[]).await?;
    output.show(&answer, |timeline: &Timeline| render::timeline(timeline, output.style))
}
