//! How runs and outcomes travel: JSON text frames over an agent's WebSocket, one value of [`FromAgent`] or
//! [`FromGateway`] each. The agent dials `GET /v1/agent` with its token as bearer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Run, RunOutcome};

/// The first frame of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`].
    pub protocol: u32,
    /// The agent's version.
    pub agent_version: String,
    /// Changes at every boot of the computer.
    pub boot_id: String,
    /// The highest epoch the computer has seen.
    pub epoch: i64,
    /// The run in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<Uuid>,
    /// `linux`, `macos` or `windows`.
    pub os: String,
    /// `x86_64`, `aarch64` …
    pub arch: String,
    /// The name the computer gives itself.
    pub hostname: String,
}

/// What an agent sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromAgent {
    /// The first frame.
    Hello(Hello),
    /// The answer to [`FromGateway::Run`], [`FromGateway::TakeOver`] and [`FromGateway::Kill`], naming the request.
    State {
        /// The request that is answered.
        request: Uuid,
        /// The highest epoch the computer has seen.
        epoch: i64,
        /// What became of it.
        state: RunState,
    },
    /// A request was refused.
    Refused {
        /// The request that is refused.
        request: Uuid,
        /// The highest epoch the computer has seen.
        epoch: i64,
        /// Why.
        refusal: Refusal,
    },
    /// A run has ended. Sent again at every connection until acknowledged.
    Outcome(RunOutcome),
    /// The answer to [`FromGateway::Ping`].
    Pong,
}

/// The state of a run, or of the computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum RunState {
    /// The run is in flight; its outcome will follow.
    InFlight {
        /// The run.
        run_id: Uuid,
    },
    /// The run has ended; this is its outcome.
    Ended(RunOutcome),
    /// Nothing is in flight (the answer to [`FromGateway::TakeOver`] and to a kill of an unknown run).
    Idle,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Refusal {
    /// The computer has seen a higher epoch.
    StaleEpoch,
    /// The start-by time has passed.
    TooLate,
    /// Another run is in flight: adopt it or kill it first.
    Busy {
        /// The run in flight.
        run_id: Uuid,
    },
    /// The request cannot be understood or carried out.
    Invalid {
        /// What is wrong with it.
        message: String,
    },
}

/// What a gateway sends. `request` is made up by the asker and comes back in the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromGateway {
    /// The answer to [`FromAgent::Hello`].
    Welcome {
        /// The server's clock, from which the agent reckons start-by times (adding the round trip, so as to err late).
        server_time: Timestamp,
        /// How often the gateway pings, in milliseconds; an agent that hears nothing for three times that dials anew.
        ping_every_ms: u64,
    },
    /// The connection is refused; the agent waits and dials again.
    Goodbye {
        /// Why, in a sentence.
        reason: String,
        /// How long to wait before dialling again, in milliseconds.
        retry_after_ms: u64,
    },
    /// Start this run, or answer with its state if it is known.
    Run {
        /// Names the request.
        request: Uuid,
        /// The run.
        run: Run,
    },
    /// Raise the epoch and answer with the run in flight, or with the outcome of `run_id` if that one has ended.
    TakeOver {
        /// Names the request.
        request: Uuid,
        /// The new epoch.
        epoch: i64,
        /// The run that the asker believes to be in flight.
        run_id: Option<Uuid>,
    },
    /// Kill a run, its whole process group; its outcome follows.
    Kill {
        /// Names the request.
        request: Uuid,
        /// The epoch of the asker.
        epoch: i64,
        /// The run.
        run_id: Uuid,
    },
    /// The outcome is stored: the computer may forget it.
    Acknowledge {
        /// The run.
        run_id: Uuid,
    },
    /// Are you there?
    Ping {
        /// The server's clock, so that the agent's reckoning does not drift while a connection lasts; none from an older
        /// server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server_time: Option<Timestamp>,
        /// How many of its pings were answered on this connection by then: what passed since the last of those answers
        /// was sent is the longest that this ping may have been on its way.
        #[serde(default)]
        pongs: u64,
    },
}
