//! The agent that stays: it keeps a connection, watches what is in flight, and stops in order.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pitcrew_protocol::{Ending, JournalEvent};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::computer::Computer;
use crate::connection::{self, Server};
use crate::error::chain;
use crate::settle::InFlight;
use crate::{Error, backoff};

/// How long a connection must have held for the next failure to count as the first.
const HELD_MIN: Duration = Duration::from_secs(10);
/// How long the end of an interrupted run is waited for: a script may clean up for two seconds.
const INTERRUPT_MAX: Duration = Duration::from_secs(5);
/// The longest that a gateway can send an agent away for.
const SENT_AWAY_MAX: Duration = Duration::from_secs(3600);
/// How often a restart that was asked for is looked for.
const REBOOT_LOOK: Duration = Duration::from_secs(1);

/// Why the agent has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was told to.
    Stopped,
    /// A run in the sandbox has restarted the computer: start the agent again.
    Rebooting,
}

/// The agent, as its connection and its watchers share it.
#[derive(Debug)]
pub struct Agent {
    computer: Computer,
    watched: Mutex<HashSet<Uuid>>,
    /// Told whenever a run has ended.
    pub run_ended: Notify,
    rebooting: CancellationToken,
}

/// Keeps a connection to the server until `stop` is cancelled; then gives a run in flight `grace` to end, and interrupts
/// it if it does not.
///
/// # Errors
/// [`Error::AlreadyRunning`], or what the state folder could not do. The connection's failures are no errors: it is
/// dialled anew for ever.
pub async fn serve(
    computer: Computer,
    server: Server,
    grace: Duration,
    stop: CancellationToken,
) -> Result<Exit, Error> {
    let _only_agent = computer.state().lock_agent()?;
    let started = JournalEvent::AgentStarted { agent_version: env!("CARGO_PKG_VERSION").to_owned() };
    computer.state().journal().append(computer.state().epoch()?, None, None, started)?;
    let agent = Arc::new(Agent {
        computer,
        watched: Mutex::default(),
        run_ended: Notify::new(),
        rebooting: CancellationToken::new(),
    });
    if let Some(run_id) = agent.computer.in_flight()?.run_id() {
        let state = agent.computer.state();
        if let Some(run) = state.run_folder(run_id).read_run()? {
            state.journal().about(&run, JournalEvent::RunAdopted)?;
        }
        tracing::info!(run_id = %run_id, "Found a run in flight and waits for its end");
        agent.watch(run_id);
    }
    tokio::select! {
        () = dial_for_ever(&agent, &server) => {}
        () = agent.rebooting.cancelled() => {
            tracing::info!("Leaves, to be started again after the restart of the sandbox");
            return Ok(Exit::Rebooting);
        }
        () = stop.cancelled() => {}
    }
    drain(&agent, grace).await?;
    Ok(Exit::Stopped)
}

async fn dial_for_ever(agent: &Arc<Agent>, server: &Server) {
    let mut failures = 0_u32;
    loop {
        let conversation = connection::converse(agent, server).await;
        if conversation.held > HELD_MIN {
            failures = 0;
        }
        let mut wait = backoff::wait(failures, rand::random());
        failures = failures.saturating_add(1);
        if let Some(sent_away) = conversation.retry_after {
            wait += sent_away.min(SENT_AWAY_MAX);
        }
        tracing::warn!("No connection to {}: {}; dials again in {} ms", server.url, conversation.end, wait.as_millis());
        tokio::time::sleep(wait).await;
    }
}

/// Waits for the end of the run in flight, first patiently, then firmly.
async fn drain(agent: &Arc<Agent>, grace: Duration) -> Result<(), Error> {
    let Some(run_id) = agent.computer.in_flight()?.run_id() else { return Ok(()) };
    tracing::info!(run_id = %run_id, "Stops once the run in flight has ended, or in {} s", grace.as_secs());
    if tokio::time::timeout(grace, agent.until_ended(run_id)).await.is_err() {
        agent.computer.end_run(run_id, Ending::Interrupted)?;
        if tokio::time::timeout(INTERRUPT_MAX, agent.until_ended(run_id)).await.is_err() {
            tracing::warn!(run_id = %run_id, "The run has not ended yet; its supervisor stays behind");
        }
    }
    Ok(())
}

impl Agent {
    /// The computer.
    pub fn computer(&self) -> &Computer {
        &self.computer
    }

    /// Does what blocks where blocking is allowed. None only if it panicked.
    pub async fn blocking<T: Send + 'static>(&self, act: impl FnOnce(&Computer) -> T + Send + 'static) -> Option<T> {
        let computer = self.computer.clone();
        tokio::task::spawn_blocking(move || act(&computer)).await.ok()
    }

    /// Watches a run until it has ended; once, however often it is asked to. It is a thread and no task, because it
    /// waits for a lock that the system gives back when the supervisor ends, and nothing shall wait for the thread.
    pub fn watch(self: &Arc<Agent>, run_id: Uuid) {
        if !self.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(run_id) {
            return;
        }
        let agent = self.clone();
        std::thread::spawn(move || {
            loop {
                match agent.computer.wait(run_id) {
                    Ok(InFlight::Rebooting(_)) if agent.computer.is_sandboxed() => return agent.rebooting.cancel(),
                    Ok(in_flight) if in_flight.run_id() == Some(run_id) => {}
                    Ok(_) => break,
                    Err(error) => tracing::error!(run_id = %run_id, "Cannot watch the run: {}", chain(&error)),
                }
                std::thread::sleep(REBOOT_LOOK);
            }
            agent.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(&run_id);
            agent.run_ended.notify_one();
        });
    }

    async fn until_ended(self: &Arc<Agent>, run_id: Uuid) {
        self.watch(run_id);
        while self.watched.lock().unwrap_or_else(PoisonError::into_inner).contains(&run_id) {
            self.run_ended.notified().await;
        }
    }
}
