//! What every way to a computer can do.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use pitcrew_protocol::{Run, RunOutcome, RunState};
use uuid::Uuid;

use super::Error;
use crate::domain::ComputerId;

/// A computer and how it is reached at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The computer.
    pub computer: ComputerId,
    /// How it is reached.
    pub way: Way,
}

/// How a computer is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By its agent, which dials out to a gateway.
    Agent {
        /// The gateway that has its connection; none if no gateway has.
        gateway: Option<String>,
    },
    /// It is the machine on which this program runs, or a folder of it that plays a computer.
    Local {
        /// The folder in which epoch, runs and outcomes are kept.
        state: PathBuf,
        /// The folder that plays the computer; none means the machine itself.
        sandbox: Option<PathBuf>,
    },
    /// It is imagined, and answers at once: for load tests and drills.
    Noop,
}

/// One start of a run.
///
/// Where only its name travels, because the far side reads the run from the database, `body` is never called. The run
/// must be committed to the database before it is started.
pub struct Start<'a> {
    /// The run.
    pub run_id: Uuid,
    /// The epoch of the session that asks.
    pub epoch: i64,
    /// Server time after which the run must not start.
    pub start_by: Timestamp,
    /// Makes the whole run, with its scripts' texts; `run_id`, `epoch` and `start_by` in it are those above.
    pub body: &'a (dyn Fn() -> Result<Run, Unready> + Send + Sync),
}

/// Why the whole run could not be made.
pub type Unready = Box<dyn std::error::Error + Send + Sync>;

impl Start<'_> {
    /// The whole run.
    ///
    /// # Errors
    /// [`Error::Broken`] with the reason.
    pub(super) fn run(&self, computer: ComputerId) -> Result<Run, Error> {
        (self.body)().map_err(|why| Error::Broken { computer, what: why.to_string() })
    }
}

/// A way of reaching computers.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Makes a link to a computer. It may be made without asking the computer anything.
    ///
    /// # Errors
    /// [`Error::Offline`] or [`Error::Broken`].
    async fn connect(&self, route: &Route) -> Result<Box<dyn Link>, Error>;
}

/// A link to one computer, for one session. Every call ends within seconds, [`Link::wait`] within its patience.
///
/// Each call may answer with any [`Error`]. After [`Error::Lost`] only [`Link::take_over`] tells what has happened.
#[async_trait]
pub trait Link: Send {
    /// Raises the computer's epoch, so that nothing older starts there any more, and learns what is in flight. If
    /// `run_id` is given and has ended, the answer is its outcome.
    async fn take_over(&mut self, epoch: i64, run_id: Option<Uuid>) -> Result<RunState, Error>;

    /// Starts a run. Answers once the computer has taken it, or with its state if it was known there already.
    async fn start(&mut self, start: &Start<'_>) -> Result<RunState, Error>;

    /// Waits for the outcome of a run that is in flight. None after `patience`: it goes on at the computer, and its
    /// outcome is kept there until it is acknowledged.
    async fn wait(&mut self, run_id: Uuid, patience: Duration) -> Result<Option<RunOutcome>, Error>;

    /// Kills a run, its whole process group. Its outcome follows.
    async fn kill(&mut self, epoch: i64, run_id: Uuid) -> Result<RunState, Error>;

    /// Lets the computer forget an outcome. To be called only after the outcome is committed to the database.
    async fn acknowledge(&mut self, run_id: Uuid) -> Result<(), Error>;
}
