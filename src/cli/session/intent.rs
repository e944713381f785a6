//! What `cancel`, `pause` and `resume` have in common.

use serde_json::json;

use super::chosen::{Chosen, listed, unchanged};
use crate::cli::{Client, Failure, Output, render};
use crate::domain::counted::counted;
use crate::domain::report::{SessionLine, Several};

/// Asks it of one session, and shows how far that is; or of several, and says which it reached.
pub(super) async fn run(
    chosen: &Chosen,
    verb: &str,
    word: &str,
    client: &Client,
    output: &Output,
) -> Result<(), Failure> {
    if let Some(id) = chosen.one() {
        let path = ["v1", "sessions", &id.to_string(), verb];
        let answer = client.post(&path, &json!({ "reason": chosen.reason })).await?;
        return output.show(&answer, |line: &SessionLine| render::progress_line(line, output.style));
    }
    let answer = chosen.ask(verb, json!({}), client).await?;
    output.show(&answer, |several: &Several| {
        let mut lines = Vec::new();
        if !several.sessions.is_empty() {
            let all = counted(several.sessions.len() as u64, "session");
            lines.push(format!("{all} {word}: {}", listed(&several.sessions)));
        }
        unchanged(&mut lines, &several.unchanged);
        lines.join("\n")
    })
}
