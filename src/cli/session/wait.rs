//! Waiting until sessions are final.

use std::time::Duration;

use crate::cli::{Client, Failure, output::read};
use crate::domain::SessionId;
use crate::domain::report::{Page, SessionLine};
use crate::domain::session::Status;
use crate::domain::submission::{Answer, ReplyV1};

/// The time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks without an answer after which the server is taken for gone; a restart of it passes in between.
const PATIENCE: u32 = 60;
/// Sessions that one request asks for: they have to fit into its address.
const AT_A_TIME: usize = 400;

/// The sessions that a submission is about: those it made, and those that were there already.
pub(crate) fn made(reply: &ReplyV1) -> Vec<SessionId> {
    match &reply.answer {
        Answer::Accepted { sessions, already, .. } => sessions.iter().chain(already).map(|made| made.id).collect(),
        Answer::Refused { .. } => Vec::new(),
    }
}

/// Looks at sessions until all are final, and hands each look to `see`. Returns them as they ended.
pub(crate) async fn until_final(
    client: &Client,
    ids: &[SessionId],
    mut see: impl FnMut(&[SessionLine]),
) -> Result<Vec<SessionLine>, Failure> {
    let mut missed = 0;
    loop {
        match look(client, ids).await {
            Ok(lines) => {
                missed = 0;
                see(&lines);
                if lines.iter().all(|line| line.status.is_final()) {
                    return Ok(lines);
                }
            }
            Err(failure @ (Failure::Unreachable(_) | Failure::Refused(_))) => {
                missed += 1;
                if missed > PATIENCE {
                    return Err(failure);
                }
            }
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look(client: &Client, ids: &[SessionId]) -> Result<Vec<SessionLine>, Failure> {
    let mut lines = Vec::with_capacity(ids.len());
    for some in ids.chunks(AT_A_TIME) {
        let words: Vec<String> = some.iter().map(ToString::to_string).collect();
        let query = [("ids", words.join(",")), ("limit", some.len().to_string())];
        let mut page: Page<SessionLine> = read(&client.get(&["v1", "sessions"], &query).await?)?;
        if let Some(absent) = some.iter().find(|id| page.items.iter().all(|line| line.id != **id)) {
            return Err(Failure::NotFound(format!("There is no session {absent}.")));
        }
        page.items.reverse();
        lines.extend(page.items);
    }
    Ok(lines)
}

/// Fails if any session ended other than completed.
pub(crate) fn verdict(lines: &[SessionLine]) -> Result<(), Failure> {
    let other: Vec<String> = lines
        .iter()
        .filter(|line| line.status != Status::Completed)
        .take(10)
        .map(|line| format!("session {} for {} is {}", line.id, line.computer, line.status))
        .collect();
    if other.is_empty() { Ok(()) } else { Err(Failure::NotCompleted(other.join("; "))) }
}
