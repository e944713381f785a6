//! An agent's answers, on their way to the workers that asked.

use std::time::Duration;

use pitcrew_protocol::{Refusal, RunState};
use uuid::Uuid;

use super::agent::{Agent, Asker};
use super::outcomes::{self, Fate, Lies};
use super::start::House;
use crate::transport::message::{Reply, Tidings, VERSION};

/// How long a reply is worth delivering.
const WORTH: Duration = Duration::from_secs(60);

/// The agent tells the state of a run. An outcome in it is stored before it is passed on.
pub(super) async fn state(house: &House, agent: &Agent, request: Uuid, epoch: i64, state: RunState, lies: &mut Lies) {
    let in_flight = match &state {
        RunState::InFlight { run_id } => Some(*run_id),
        RunState::Ended(_) | RunState::Idle => None,
    };
    let asker = agent.answered(request, epoch, in_flight);
    let fate = match &state {
        RunState::Ended(outcome) => outcomes::store(house, agent, outcome, lies).await,
        RunState::InFlight { .. } | RunState::Idle => Fate::Stored,
    };
    let Some(asker) = asker else { return };
    let tidings = match fate {
        Fate::Stored => Tidings::State {
            state: match state {
                RunState::Ended(outcome) => RunState::Ended(outcomes::forwarded(outcome)),
                RunState::InFlight { .. } | RunState::Idle => state,
            },
        },
        Fate::Refused => Tidings::Broken { what: "it answered with an outcome that is not its own".to_owned() },
        Fate::NotStored => Tidings::Broken { what: "the outcome it answered with could not be stored".to_owned() },
    };
    tell(house, &asker, tidings);
}

/// The agent refuses.
pub(super) fn refused(house: &House, agent: &Agent, request: Uuid, epoch: i64, refusal: Refusal) {
    if let Some(asker) = agent.answered(request, epoch, None) {
        tell(house, &asker, Tidings::Refused { epoch, refusal });
    }
}

/// Sends a reply to a worker.
pub(super) fn tell(house: &House, asker: &Asker, tidings: Tidings) {
    let reply = Reply { v: VERSION, request: asker.request, tidings };
    house.post.offer(&asker.reply_to, asker.request, &reply, WORTH);
}
