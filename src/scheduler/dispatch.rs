//! Admits what may run now: reads what is due, chooses whose turn it is, commits the admissions, publishes the jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::turns::{Room, choose};
use crate::broker::Broker;
use crate::domain::session::Stage;
use crate::stage::credit::{SILENCE, window};
use crate::stage::publish::Jobs;
use crate::store::admission::Admission;
use crate::store::terms::Term;
use crate::store::{Error, Store};

/// The dispatcher of the leading scheduler.
pub struct Dispatch {
    /// The database.
    pub store: Store,
    /// The broker, for the depth of its queues.
    pub broker: Broker,
    /// Publishes what is admitted.
    pub jobs: Jobs,
    /// How many computers of the fleet may be held; zero means no limit.
    pub max_running: u32,
    /// How many times the workers' capacity may be in a queue.
    pub window_factor: u32,
    /// How many sessions of a tenant are looked at in one turn.
    pub look_ahead: u32,
    /// How long a job may stay untaken.
    pub pickup: Duration,
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// So many sessions were admitted.
    Admitted(usize),
    /// Another scheduler leads.
    Deposed,
}

impl Dispatch {
    /// One turn: admits and publishes what there is room for.
    pub async fn turn(&self, term: Term) -> Result<Turn, Error> {
        let stages = self.room().await?;
        let most: i64 = stages.values().map(|room| (*room).max(0)).sum();
        if most == 0 {
            return Ok(Turn::Admitted(0));
        }
        let room = Room { fleet: (self.max_running > 0).then_some(i64::from(self.max_running)), stages };
        // Twice the room: some of what is due may be for one computer or for a stage whose queue is full.
        let look_ahead = (most * 2).min(i64::from(self.look_ahead)).max(1);
        let open: Vec<Stage> = room.stages.iter().filter(|(_, room)| **room > 0).map(|(stage, _)| *stage).collect();
        match self.store.admit(term, look_ahead, &open, self.pickup, |due| choose(due, &room)).await? {
            Admission::Deposed => Ok(Turn::Deposed),
            Admission::Admitted(jobs) => {
                self.jobs.publish(&jobs).await;
                Ok(Turn::Admitted(jobs.len()))
            }
        }
    }

    /// The room in each stage's queue: what its workers want to have there, less what is there. A queue that cannot be
    /// asked has none.
    async fn room(&self) -> Result<BTreeMap<Stage, i64>, Error> {
        let capacities = self.store.capacities(SILENCE).await?;
        let mut room = BTreeMap::new();
        for stage in Stage::ALL {
            let window = window(&capacities, *stage, self.window_factor);
            let depth = match window {
                0 => 0,
                _ => self.broker.depth(&self.broker.topology().queue(stage.as_str())).await.map_or(window, i64::from),
            };
            room.insert(*stage, window - depth);
        }
        Ok(room)
    }
}
