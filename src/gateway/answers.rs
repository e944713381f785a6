//! An agent's answers, on their way to the workers that asked.

use std::time::Duration;

use pitcrew_protocol::{Refusal, RunState};
use uuid::Uuid;

use super::agent::{Agent, Asker};
use super::forwarded::{forwarded, shortened};
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
    // Where the command has reached the computer and its answer cannot be used, silence is the one true reply: the worker
    // takes the command for lost, and finds out.
    let (Some(asker), Fate::Stored) = (asker, fate) else { return };
    let state = match state {
        RunState::Ended(outcome) => RunState::Ended(forwarded(outcome)),
        RunState::InFlight { .. } | RunState::Idle => state,
    };
    tell(house, &asker, Tidings::State { state });
}

/// The agent refuses.
pub(super) fn refused(house: &House, agent: &Agent, request: Uuid, epoch: i64, refusal: Refusal) {
    let refusal = match refusal {
        Refusal::Invalid { message } => Refusal::Invalid { message: shortened(message) },
        Refusal::StaleEpoch | Refusal::TooLate | Refusal::Busy { .. } => refusal,
    };
    if let Some(asker) = agent.answered(request, epoch, None) {
        tell(house, &asker, Tidings::Refused { epoch, refusal });
    }
}

/// Sends a reply to a worker.
pub(super) fn tell(house: &House, asker: &Asker, tidings: Tidings) {
    let reply = Reply { v: VERSION, request: asker.request, tidings };
    house.post.offer(&asker.reply_to, asker.request, &reply, WORTH);
}
