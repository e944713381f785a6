//! Computers with an agent: commands go to the gateway that has the agent's connection, answers and outcomes come back
//! to a queue of this worker alone.
//!
//! Only ids travel out. The gateway reads the run from the database, stores its outcome there, acknowledges it to the
//! computer, and then forwards it; so an outcome that comes from here is stored already.

use std::time::Duration;

use async_trait::async_trait;
use pitcrew_protocol::{RunOutcome, RunState};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::message::{Command, Tidings, VERSION, Verb};
use super::post::Post;
use super::replies::{Expected, Replies};
use super::{Error, Link, Route, Start, Transport, Way};
use crate::broker::{Broker, PublishError};
use crate::domain::ComputerId;

/// How long a command may take, from the worker to the computer and back.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The way to computers with an agent.
#[derive(Clone)]
pub struct Agents {
    post: Post,
    replies: Replies,
}

impl Agents {
    /// Starts listening for replies to `name`, a routing key on the commands exchange that no other process uses.
    pub fn start(broker: &Broker, name: &str) -> Self {
        Agents { post: Post::start(broker), replies: Replies::start(broker, name) }
    }
}

#[async_trait]
impl Transport for Agents {
    async fn connect(&self, route: &Route) -> Result<Box<dyn Link>, Error> {
        let computer = route.computer;
        match &route.way {
            Way::Agent { gateway: Some(gateway) } => Ok(Box::new(AgentLink {
                agents: self.clone(),
                computer,
                gateway: gateway.clone(),
                epoch: 0,
                following: None,
            })),
            Way::Agent { gateway: None } => {
                Err(Error::Offline { computer, why: "its agent is connected to no gateway".to_owned() })
            }
            Way::Local { .. } | Way::Noop => {
                Err(Error::Broken { computer, what: "it is not reached through an agent".to_owned() })
            }
        }
    }
}

struct AgentLink {
    agents: Agents,
    computer: ComputerId,
    gateway: String,
    /// The epoch that was last used, to ask after a run without raising it.
    epoch: i64,
    /// The run in flight, and the request under which its outcome will come.
    following: Option<(Uuid, Expected)>,
}

#[async_trait]
impl Link for AgentLink {
    async fn take_over(&mut self, epoch: i64, run_id: Option<Uuid>) -> Result<RunState, Error> {
        self.ask(epoch, Verb::TakeOver { run_id }).await
    }

    async fn start(&mut self, start: &Start<'_>) -> Result<RunState, Error> {
        self.ask(start.epoch, Verb::Run { run_id: start.run_id, start_by: start.start_by }).await
    }

    async fn wait(&mut self, run_id: Uuid, patience: Duration) -> Result<Option<RunOutcome>, Error> {
        let until = Instant::now() + patience;
        if !matches!(&self.following, Some((followed, _)) if *followed == run_id) {
            match self.take_over(self.epoch, Some(run_id)).await? {
                RunState::Ended(outcome) if outcome.run_id == run_id => return Ok(Some(outcome)),
                RunState::InFlight { run_id: in_flight } if in_flight == run_id => {}
                RunState::Ended(_) | RunState::InFlight { .. } | RunState::Idle => {
                    return Err(self.broken(format!("it does not know run {run_id}")));
                }
            }
        }
        let Some((_, expected)) = &mut self.following else { return Ok(None) };
        loop {
            match timeout_at(until, expected.next()).await {
                Ok(Some(Tidings::Outcome { outcome })) if outcome.run_id == run_id => {
                    self.following = None;
                    return Ok(Some(outcome));
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return Ok(None),
            }
        }
    }

    async fn kill(&mut self, epoch: i64, run_id: Uuid) -> Result<RunState, Error> {
        self.ask(epoch, Verb::Kill { run_id }).await
    }

    /// The gateway has done it.
    async fn acknowledge(&mut self, _run_id: Uuid) -> Result<(), Error> {
        Ok(())
    }
}

impl AgentLink {
    /// Sends a command and waits for its answer. If that finds a run in flight, its outcome will come to this command.
    async fn ask(&mut self, epoch: i64, verb: Verb) -> Result<RunState, Error> {
        self.epoch = epoch;
        let computer = self.computer;
        let request = Uuid::new_v4();
        let mut expected = self.agents.replies.expect(request);
        let reply_to = self.agents.replies.name().to_owned();
        let command = Command { v: VERSION, request, reply_to, computer, epoch, verb };
        let until = Instant::now() + ANSWER_MAX;
        let lost = || Error::Lost { computer, after: ANSWER_MAX };

        let sent = timeout_at(until, self.agents.post.send(&self.gateway, request, &command, ANSWER_MAX)).await;
        match sent.map_err(|_| lost())? {
            Ok(()) => {}
            Err(PublishError::Unroutable { .. }) => {
                let why = format!("gateway {}, which had its connection, is gone", self.gateway);
                return Err(Error::Offline { computer, why });
            }
            Err(error) if error.certainly_not_stored() => {
                return Err(Error::Offline { computer, why: format!("its gateway cannot be told: {error}") });
            }
            // It may be on its way: the answer tells.
            Err(_) => {}
        }
        loop {
            match timeout_at(until, expected.next()).await {
                Ok(Some(Tidings::State { state })) => {
                    if let RunState::InFlight { run_id } = &state {
                        self.following = Some((*run_id, expected));
                    }
                    return Ok(state);
                }
                Ok(Some(Tidings::Refused { epoch, refusal })) => {
                    return Err(Error::Refused { computer, refusal, epoch });
                }
                Ok(Some(Tidings::Offline { why })) => return Err(Error::Offline { computer, why }),
                Ok(Some(Tidings::Broken { what })) => return Err(self.broken(what)),
                Ok(Some(Tidings::Outcome { .. })) => {}
                Ok(None) | Err(_) => return Err(lost()),
            }
        }
    }

    fn broken(&self, what: String) -> Error {
        Error::Broken { computer: self.computer, what }
    }
}
