//! Who is connected to this gateway: one connection for each computer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::agent::Agent;
use super::allowance::apart;
use crate::domain::ComputerId;

/// How long an agent waits that was replaced. Two machines with one token, a cloned disk, would otherwise push each
/// other out without pause.
const REPLACED_WAIT: Duration = Duration::from_secs(30);
/// Agents that are sent to another gateway come there within this time, each at a time of its own.
const SPREAD: Duration = Duration::from_secs(3);

/// The connected agents.
pub(super) struct Registry {
    max: usize,
    agents: Mutex<HashMap<ComputerId, Arc<Agent>>>,
}

impl Registry {
    pub(super) fn new(max: usize) -> Self {
        Registry { max, agents: Mutex::default() }
    }

    /// Lets a connection in; an older one of the same computer is closed. False if there are too many.
    pub(super) fn admit(&self, agent: &Arc<Agent>) -> bool {
        let replaced = {
            let mut agents = self.agents();
            if agents.len() >= self.max && !agents.contains_key(&agent.computer()) {
                return false;
            }
            agents.insert(agent.computer(), agent.clone())
        };
        if let Some(old) = replaced {
            tracing::info!(computer.id = %old.computer(), "A newer connection of computer {} replaces one", old.computer());
            old.close("a newer connection of this computer has replaced this one", REPLACED_WAIT);
        }
        true
    }

    /// The connection of a computer.
    pub(super) fn of(&self, computer: ComputerId) -> Option<Arc<Agent>> {
        self.agents().get(&computer).cloned()
    }

    /// Forgets a connection, unless a newer one is in its place.
    pub(super) fn forget(&self, agent: &Arc<Agent>) {
        let mut agents = self.agents();
        if agents.get(&agent.computer()).is_some_and(|current| Arc::ptr_eq(current, agent)) {
            agents.remove(&agent.computer());
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Agent>> {
        self.agents().values().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.agents().len()
    }

    /// Ends a connection whose computer has a newer one at another gateway.
    pub(super) fn replaced_elsewhere(agent: &Agent) {
        agent.close("a newer connection of this computer, at another gateway, has replaced this one", REPLACED_WAIT);
    }

    /// Sends everyone away, to come back elsewhere a little apart.
    pub(super) fn close_all(&self, reason: &str) {
        for agent in self.all() {
            agent.close(reason, apart(SPREAD));
        }
    }

    fn agents(&self) -> MutexGuard<'_, HashMap<ComputerId, Arc<Agent>>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
