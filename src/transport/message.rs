//! What workers and gateways say to each other over the commands exchange: ids, never scripts. The one larger thing is
//! the outcome of a run, which goes to the one worker that waits for it; very long output is left out of it, and stored.

use jiff::Timestamp;
use pitcrew_protocol::{Refusal, RunOutcome, RunState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::ComputerId;

/// The version of both messages that this program writes, and the only one it reads.
pub const VERSION: u32 = 1;

/// A command from a worker, on its way to a computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// The version of this message: 1.
    pub v: u32,
    /// Names the command; the answer, and the outcome of the run that the answer finds in flight, come back with it.
    pub request: Uuid,
    /// The routing key on the commands exchange to answer to.
    pub reply_to: String,
    /// The computer.
    pub computer: ComputerId,
    /// The epoch of the session that commands.
    pub epoch: i64,
    /// What is commanded.
    #[serde(flatten)]
    pub verb: Verb,
}

/// What is commanded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Verb {
    /// Start a run, which the gateway reads from the database.
    Run {
        /// The run.
        run_id: Uuid,
        /// Server time after which it must not start.
        start_by: Timestamp,
    },
    /// Raise the epoch and tell what is in flight.
    TakeOver {
        /// The run that the worker believes to be in flight.
        run_id: Option<Uuid>,
    },
    /// Kill a run.
    Kill {
        /// The run.
        run_id: Uuid,
    },
}

/// What a gateway has to tell about a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The version of this message: 1.
    pub v: u32,
    /// The command.
    pub request: Uuid,
    /// What there is to tell.
    #[serde(flatten)]
    pub tidings: Tidings,
}

/// What there is to tell about a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Tidings {
    /// The computer's answer. An outcome in it is stored already.
    State {
        /// The state.
        state: RunState,
    },
    /// The computer, or the gateway in its place, refuses.
    Refused {
        /// The highest epoch that is known of the computer.
        epoch: i64,
        /// Why.
        refusal: Refusal,
    },
    /// The computer cannot be reached from here at the moment; the command did not reach it.
    Offline {
        /// How that is known.
        why: String,
    },
    /// The gateway could not carry it out; the command did not reach the computer.
    Broken {
        /// What is wrong.
        what: String,
    },
    /// The run that the answer found in flight has ended. It is stored already.
    Outcome {
        /// What came of it.
        outcome: RunOutcome,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_messages_come_back_as_they_were_sent() {
        let request = Uuid::from_u128(7);
        let verbs = [
            Verb::Run { run_id: Uuid::from_u128(1), start_by: Timestamp::UNIX_EPOCH },
            Verb::TakeOver { run_id: None },
            Verb::Kill { run_id: Uuid::from_u128(1) },
        ];
        for verb in verbs {
            let command =
                Command { v: VERSION, request, reply_to: "w".into(), computer: ComputerId(3), epoch: 9, verb };
            let text = serde_json::to_string(&command).unwrap();
            assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command, "{text}");
        }
        let tidings = [
            Tidings::State { state: RunState::InFlight { run_id: Uuid::from_u128(1) } },
            Tidings::Refused { epoch: 3, refusal: Refusal::Busy { run_id: Uuid::from_u128(1) } },
            Tidings::Offline { why: "gone".into() },
        ];
        for tidings in tidings {
            let reply = Reply { v: VERSION, request, tidings };
            let text = serde_json::to_string(&reply).unwrap();
            assert_eq!(serde_json::from_str::<Reply>(&text).unwrap(), reply, "{text}");
        }
    }
}
