//! The loop that the workers share: receive → claim → limit → run → settle → ack.
//!
//! [`worker`] has the loop on one page. A stage is given its [`Work`] and a [`Checkpoint`] and gives one of the answers
//! in [`answer`]; it knows neither the database nor the broker. Here, and in the scheduler and the gateway, the two meet.

pub mod answer;
pub mod checkpoint;
pub mod credit;
pub mod errand;
mod gather;
pub mod lease;
pub mod limit;
pub mod program;
pub mod publish;
pub mod recorder;
pub mod settle;
pub mod worker;

pub use answer::{Answer, Report};
pub use checkpoint::{Checkpoint, Fenced};
pub use program::program;
pub use worker::{Stage, Work};
