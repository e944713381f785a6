//! `pitcrew compliance history`

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::ItemHistory;

pub(super) async fn run(computer: String, item: String, client: &Client, output: &Output) -> Result<(), Failure> {
    let query = [("computer", computer), ("item", item)];
    let answer = client.get(&["v1", "compliance", "history"], &query).await?;
    output.show(&answer, |history: &ItemHistory| render::item_history(history, output.style))
}
