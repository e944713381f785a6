//! What the control plane and a computer say to each other.
//!
//! Read in this order: [`run`] is what a computer is asked to do ([`work`] how it is written down), [`outcome`] is what came of it, [`frame`] is how
//! both travel over an agent's WebSocket, [`journal`] is what a computer writes down about all of it. Nothing here does
//! I/O, and nothing here knows the database or the broker.

pub mod frame;
pub mod journal;
pub mod outcome;
pub mod run;
pub mod said;
pub mod signature;
pub mod work;

#[cfg(test)]
mod older;

pub use frame::{FromAgent, FromGateway, Hello, Refusal, RunState};
pub use journal::{JournalEvent, JournalLine};
pub use outcome::{Ending, RunOutcome, StepOutcome, StepStatus};
pub use run::{Interpreter, Run, Script, Step, StepKind, Then, Work};
pub use said::{Activity, Child, Said};
pub use signature::Signature;

/// The version of this protocol. A gateway refuses an agent of another major version with a reason a person can act on.
pub const PROTOCOL_VERSION: u32 = 1;
