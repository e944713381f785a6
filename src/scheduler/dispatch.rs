//! Admits what may run now: reads what is due, chooses whose turn it is, commits the admissions, publishes the jobs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::turns::{Room, choose};
use crate::broker::Broker;
use crate::domain::SessionId;
use crate::domain::session::Stage;
use crate::stage::credit::{SILENCE, window};
use crate::stage::publish::Jobs;
use crate::store::admission::{Admission, Due};
use crate::store::terms::Term;
use crate::store::workers::Capacity;
use crate::store::{Error, Store};

/// How often the workers' capacity is asked for.
const CAPACITY_EVERY: Duration = Duration::from_millis(200);
/// How long queues that were half empty are taken to be as they were, plus what was sent there.
const DEPTH_EVERY: Duration = Duration::from_millis(50);
/// Where more is due than there is room for, a quarter of the window is made free before the next look, but no longer
/// than this.
const CROWDED: Duration = Duration::from_millis(100);

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
    /// What the last turns have seen.
    pub seen: Seen,
}

/// What the last turns have seen.
#[derive(Debug, Default)]
pub struct Seen {
    capacities: Option<(Instant, Vec<Capacity>)>,
    queues: Option<(Instant, BTreeMap<Stage, Queue>)>,
    /// When candidates were left over for want of room, and for which stages.
    left: Option<(Instant, Vec<Stage>)>,
}

/// A stage's queue: what its workers want to have there, and what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Queue {
    window: i64,
    depth: i64,
}

impl Queue {
    fn room(self) -> i64 {
        (self.window - self.depth).max(0)
    }
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// So many sessions were admitted.
    Admitted(usize),
    /// There is more than there is room for: nothing was looked at.
    Full,
    /// Another scheduler leads.
    Deposed,
}

impl Dispatch {
    /// One turn: admits and publishes what there is room for.
    pub async fn turn(&mut self, term: Term) -> Result<Turn, Error> {
        let queues = self.queues().await?;
        let most: i64 = queues.values().map(|queue| queue.room()).sum();
        if most == 0 {
            let nobody_works = queues.values().all(|queue| queue.window == 0);
            return Ok(if nobody_works { Turn::Admitted(0) } else { Turn::Full });
        }
        if self.seen.left.as_ref().is_some_and(|(since, stages)| crowded(*since, stages, &queues)) {
            return Ok(Turn::Full);
        }
        let fleet = (self.max_running > 0).then_some(i64::from(self.max_running));
        let room = Room {
            fleet,
            stages: queues.iter().map(|(stage, queue)| (*stage, queue.room())).collect(),
            way: way(&queues),
        };
        // Twice the room: some of what is due may be for one computer or for a stage whose queue is full.
        let look_ahead = (most * 2).min(i64::from(self.look_ahead)).max(1);
        let open: Vec<Stage> = room.stages.iter().filter(|(_, room)| **room > 0).map(|(stage, _)| *stage).collect();
        let (mut sent, mut left) = (BTreeMap::new(), Vec::new());
        let choose = |due: &Due| {
            let chosen = choose(due, &room);
            (sent, left) = tell(due, &chosen);
            chosen
        };
        let admission = self.store.admit(term, look_ahead, &open, self.pickup, choose).await;
        self.seen.left = (!left.is_empty()).then(|| (Instant::now(), left));
        if let Some((_, queues)) = &mut self.seen.queues {
            for (stage, queue) in queues {
                queue.depth += sent.get(stage).copied().unwrap_or(0);
            }
        }
        match admission? {
            Admission::Deposed => Ok(Turn::Deposed),
            Admission::Admitted(jobs) => {
                self.jobs.publish(&jobs).await;
                Ok(Turn::Admitted(jobs.len()))
            }
        }
    }

    /// Each stage's queue. One that cannot be asked is full.
    async fn queues(&mut self) -> Result<BTreeMap<Stage, Queue>, Error> {
        if let Some((at, queues)) = &self.seen.queues
            && at.elapsed() < DEPTH_EVERY
            && queues.values().all(|queue| queue.depth * 2 < queue.window)
        {
            return Ok(queues.clone());
        }
        let capacities = match &self.seen.capacities {
            Some((at, capacities)) if at.elapsed() < CAPACITY_EVERY => capacities.clone(),
            _ => {
                let capacities = self.store.capacities(SILENCE).await?;
                self.seen.capacities = Some((Instant::now(), capacities.clone()));
                capacities
            }
        };
        let asked = Stage::ALL.iter().map(|stage| async {
            let window = window(&capacities, *stage, self.window_factor);
            let depth = match window {
                0 => 0,
                _ => self.broker.depth(&self.broker.topology().queue(stage.as_str())).await.map_or(window, i64::from),
            };
            (*stage, Queue { window, depth })
        });
        let queues: BTreeMap<Stage, Queue> = join_all(asked).await.into_iter().collect();
        self.seen.queues = Some((Instant::now(), queues.clone()));
        Ok(queues)
    }
}

/// The room that a stage has for what is admitted to an earlier one: what is queued before it comes there next. A stage
/// without workers bounds nothing; what comes there waits in the database.
fn way(queues: &BTreeMap<Stage, Queue>) -> BTreeMap<Stage, i64> {
    let mut queued = 0;
    let mut way = BTreeMap::new();
    for stage in Stage::ALL {
        let Some(queue) = queues.get(stage) else { continue };
        queued += queue.depth;
        if queue.window > 0 {
            way.insert(*stage, queue.window - queued);
        }
    }
    way
}

/// Whether what was left over last time is better left alone for now.
fn crowded(since: Instant, stages: &[Stage], queues: &BTreeMap<Stage, Queue>) -> bool {
    let way = way(queues);
    let little = |stage: &Stage| {
        let Some(queue) = queues.get(stage) else { return false };
        let later = way.range(stage..).map(|(_, room)| *room).min().unwrap_or(queue.window);
        queue.room().min(later) * 4 < queue.window
    };
    since.elapsed() < CROWDED && stages.iter().all(little)
}

/// How many of each stage were chosen, and for which stages some were left over.
fn tell(due: &Due, chosen: &[SessionId]) -> (BTreeMap<Stage, i64>, Vec<Stage>) {
    let chosen: std::collections::HashSet<SessionId> = chosen.iter().copied().collect();
    let (mut sent, mut left) = (BTreeMap::new(), Vec::new());
    for candidate in due.tenants.iter().flat_map(|tenant| &tenant.due) {
        if chosen.contains(&candidate.session) {
            *sent.entry(candidate.stage).or_default() += 1;
        } else if !left.contains(&candidate.stage) {
            left.push(candidate.stage);
        }
    }
    (sent, left)
}
