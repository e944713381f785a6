//! Groups for the database: what a worker records and what it settles is written in turn, one transaction at a time.
//!
//! A transaction costs about the same for a few sessions as for one. Two at a time would each find half of what is
//! waiting; in turn, each takes all that has come in while the other one was written. No timer: who comes when nothing is
//! being written is written at once.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};

/// The right to write; shared by those who take turns.
pub type Turns = Arc<Mutex<()>>;

/// Waits until something is there and it is our turn, and takes at most `most` of what is there by then. None when
/// nothing can come any more. The turn ends when the guard is dropped.
pub async fn gather<T>(
    inbox: &mut mpsc::Receiver<T>,
    most: usize,
    turns: &Turns,
) -> Option<(Vec<T>, OwnedMutexGuard<()>)> {
    let mut group = vec![inbox.recv().await?];
    let turn = turns.clone().lock_owned().await;
    while group.len() < most
        && let Ok(next) = inbox.try_recv()
    {
        group.push(next);
    }
    Some((group, turn))
}
