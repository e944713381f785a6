//! Commits what workers record in the middle of a stage, in groups: what came in while one group was being written
//! forms the next.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::gather::{Turns, gather};
use crate::store::Store;
use crate::store::runs::{Progress, Recorded};

/// How many wait to be recorded before those who ask have to wait.
const WAITING: usize = 1024;

struct Request {
    progress: Progress,
    answer: oneshot::Sender<Recorded>,
}

/// Records progress; cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    requests: mpsc::Sender<Request>,
}

impl Recorder {
    /// Starts the recorder of a worker.
    pub fn start(store: Store, worker: String, group: usize, turns: Turns) -> Recorder {
        let (requests, inbox) = mpsc::channel(WAITING);
        tokio::spawn(write(store, worker, inbox, group, turns));
        Recorder { requests }
    }

    /// Records progress and says whether the session is still the worker's. While the database cannot be reached this
    /// waits; the caller's lease bounds how long that makes sense.
    pub async fn record(&self, progress: Progress) -> Recorded {
        let (answer, answered) = oneshot::channel();
        if self.requests.send(Request { progress, answer }).await.is_err() {
            return Recorded::Fenced;
        }
        answered.await.unwrap_or(Recorded::Fenced)
    }
}

async fn write(store: Store, worker: String, mut inbox: mpsc::Receiver<Request>, most: usize, turns: Turns) {
    while let Some((group, _turn)) = gather(&mut inbox, most, &turns).await {
        commit(&store, &worker, group).await;
    }
}

/// Writes a group. One that the database refuses is halved until the one that it refuses is alone; that one is fenced.
async fn commit(store: &Store, worker: &str, group: Vec<Request>) {
    let mut stack = vec![group];
    while let Some(mut group) = stack.pop() {
        group.retain(|request| !request.answer.is_closed());
        if group.is_empty() {
            continue;
        }
        let progress: Vec<&Progress> = group.iter().map(|request| &request.progress).collect();
        match store.record(worker, &progress).await {
            Ok(recorded) => {
                for (request, recorded) in group.into_iter().zip(recorded) {
                    // Nobody listens any more when the lease was lost meanwhile.
                    let _ = request.answer.send(recorded);
                }
            }
            Err(error) if error.is_transient() => {
                warn!(error = &error as &dyn std::error::Error, "Progress of {} sessions waits", group.len());
                tokio::time::sleep(Duration::from_millis(200)).await;
                stack.push(group);
            }
            Err(error) if group.len() == 1 => {
                warn!(error = &error as &dyn std::error::Error, "Progress cannot be recorded");
            }
            Err(_) => {
                let rest = group.split_off(group.len() / 2);
                stack.push(rest);
                stack.push(group);
            }
        }
    }
}
