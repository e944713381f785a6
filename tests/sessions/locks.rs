//! Serial tasks: one computer of the fleet at a time, whoever dies, and nobody waits with a worker.

use std::path::PathBuf;

use pitcrew::domain::report::LockLine;
use pitcrew::domain::session::{Stage, Status, WaitingOn};

use super::fleet::Played;
use super::installation::{Installation, SOON};
use crate::support::until;

/// Writes down its turn, and that another had it at the same time.
const FLEET: &str = r#"
kind: task
name: door
serial: controller
test: '[ -e "$PITCREW_SANDBOX/done" ] && echo true || echo false'
set: |
  echo $$ > "$PITCREW_SANDBOX/acting"
  fleet="$PITCREW_SANDBOX/../.."
  mkdir "$fleet/turn" || echo "$PITCREW_SESSION" >> "$fleet/collisions"
  while [ -e "$PITCREW_SANDBOX/busy" ]; do sleep 0.05; done
  echo "$PITCREW_SESSION" >> "$fleet/turns"
  rmdir "$fleet/turn"
  touch "$PITCREW_SANDBOX/done"
---
{kind: deployment, name: door, task: door, target: everyone, retries: 0}
"#;

impl Installation {
    async fn locks(&self) -> Vec<LockLine> {
        self.store.locks(None).await.expect("the database answers")
    }

    /// Waits until the lock has a holder and so many waiters.
    async fn until_locked(&self, waiters: usize) -> LockLine {
        let locked = async || {
            let lock = self.store.locks(None).await.ok()?.pop()?;
            (lock.holder.is_some() && lock.waiters.len() == waiters).then_some(lock)
        };
        until(SOON, locked, "the lock to be waited for").await
    }

    fn turns(&self) -> Vec<String> {
        let turns = std::fs::read_to_string(self.folder.join("turns")).unwrap_or_default();
        turns.lines().map(str::to_owned).collect()
    }

    fn collisions(&self) -> PathBuf {
        self.folder.join("collisions")
    }

    async fn door_computers(&self, count: usize) -> Vec<Played> {
        self.apply(FLEET).await;
        let mut computers = Vec::new();
        for _ in 0..count {
            computers.push(self.local_computer().await);
        }
        computers
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_has_the_lock_at_a_time_though_workers_die_and_who_waits_has_no_worker() {
    let mut installation = Installation::new().await;
    let computers = installation.door_computers(10).await;
    computers[0].hold_up("busy");
    installation.start_all();
    let first = installation.session_for(computers[0].id).await;
    computers[0].until_it_is("acting").await;
    let mut all = vec![first];
    for computer in &computers[1..] {
        all.push(installation.session_for(computer.id).await);
    }
    let lock = installation.until_locked(9).await;
    assert_eq!(lock.name, "controller");
    let holder = lock.holder.expect("a holder");
    assert_eq!((holder.session, holder.item.as_deref()), (first, Some("task/door")));
    for waiter in &lock.waiters {
        let waits = |session: &pitcrew::domain::session::Session| session.waiting_on == Some(WaitingOn::Lock);
        let session = installation.until_session(waiter.session, "it to wait for the lock", waits).await;
        assert_eq!((session.status, session.stage, session.attempt), (Status::Pending, Stage::Execution, 0));
        assert_eq!(session.owner, None);
    }
    // The computers of those who wait are free for others.
    installation.until_counts(1, "SELECT (count(*) <= 1)::int::bigint FROM computer_hold").await;
    let facts = installation.store.facts(&installation.session(all[5]).await).await.expect("the database answers");
    let why = pitcrew::domain::report::why(&installation.session(all[5]).await, &facts, installation.store.now());
    assert!(why.answer.starts_with(&format!("It waits for the lock controller, which session {first} of")), "{why:?}");

    // A new worker takes the step over; nobody else comes in between.
    installation.programs.kill("execution").await;
    installation.start("execution-2");
    installation.until_session(first, "rescue", |session| session.losses > 0).await;
    let lock = installation.locks().await.remove(0);
    assert_eq!(lock.holder.map(|holder| holder.session), Some(first), "the lock is the session's, not the worker's");
    assert!(installation.turns().is_empty());
    computers[0].release("busy");
    // And another one dies somewhere among the turns of the others.
    until(SOON, async || (installation.turns().len() >= 4).then_some(()), "some turns").await;
    installation.programs.kill("execution-2").await;
    installation.start("execution-3");
    installation.all_complete(&all).await;
    let mut turns = installation.turns();
    assert_eq!(turns.len(), 10, "each had one turn: {turns:?}");
    turns.sort();
    turns.dedup();
    assert_eq!(turns.len(), 10);
    assert!(!installation.collisions().exists(), "two had the lock at once");
    assert!(installation.locks().await.is_empty());
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_free_once_its_holder_is_called_off_and_a_paused_waiter_keeps_nobody_waiting() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_WORKER__PATIENCE", "60 s");
    let computers = installation.door_computers(3).await;
    computers[0].hold_up("busy");
    installation.start_all();
    let holder = installation.session_for(computers[0].id).await;
    computers[0].until_it_is("acting").await;
    let paused = installation.session_for(computers[1].id).await;
    installation.until_locked(1).await;
    let next = installation.session_for(computers[2].id).await;
    installation.until_locked(2).await;
    for id in [paused, next] {
        installation.until_session(id, "it to wait", |session| session.waiting_on == Some(WaitingOn::Lock)).await;
    }
    installation.store.pause(&[paused], "me", "").await.expect("the database answers");
    // What is killed leaves its turn behind.
    std::fs::remove_dir(installation.folder.join("turn")).expect("the holder's turn");
    installation.store.cancel(&[holder], "me", "").await.expect("the database answers");
    assert_eq!(installation.finals(&[holder]).await[0].status, Status::Cancelled);
    installation.all_complete(&[next]).await;
    assert_eq!(installation.turns(), [next.to_string()]);
    installation.store.resume(&[paused], "me", "").await.expect("the database answers");
    installation.store.wake_scheduler();
    installation.all_complete(&[paused]).await;
    assert!(!installation.collisions().exists());
    installation.at_rest().await;
}
