//! An errand: one run on one computer. What is in flight there is adopted, never worked beside; what is started is
//! committed first; what takes longer than a worker waits goes on without it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use pitcrew_protocol::{Refusal, RunOutcome, RunState as AtComputer};
use uuid::Uuid;

use super::answer::{Answer, Report};
use super::checkpoint::{Checkpoint, Fenced};
use crate::domain::computer::{Computer, Connection};
use crate::domain::policy::Policy;
use crate::domain::run::{Purpose, RunHead, RunSpec, Shelf};
use crate::domain::session::{Session, WaitingOn};
use crate::domain::{SecretId, Sha256Hash};
use crate::planning;
use crate::store::claims::RunState;
use crate::store::gate::{EndedAction, EndedRun};
use crate::store::runs::{StartRun, StartedAction};
use crate::transport::{Error, Link, Route, Start, Transport, Transports, Way};

/// A computer that is offline is tried again after this, unless it connects before.
const OFFLINE_POLL: Duration = Duration::from_secs(60);
/// A computer that did not answer is asked again after this.
const LOST_POLL: Duration = Duration::from_secs(5);
/// How long the end of a run is waited for that was killed.
const KILL_TAKES: Duration = Duration::from_secs(10);
/// A parked run is looked for so long after the latest time at which it should have ended.
const PARK_GRACE: Duration = Duration::from_secs(30);
/// A way on which nobody tells of an outcome is asked this often.
const UNTOLD_POLL: Duration = Duration::from_secs(15);
/// How long after the time that its steps may take a run on a computer that is gone is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);
/// A secret whose key this worker does not know is asked for again after this: by then another worker may have the key.
const KEY_POLL: Duration = Duration::from_secs(15);
/// Between two looks at what is wanted of the session.
const LOOK: Duration = Duration::from_millis(500);

/// The stage cannot go on now; this is its report.
pub type Halt = Box<Report>;

/// A computer as a stage has it.
pub struct Errand<'a> {
    session: &'a Session,
    checkpoint: &'a Checkpoint,
    link: Box<dyn Link>,
    way: Way,
    computer: &'a Computer,
    committed: bool,
}

/// What a run names, as a worker has it.
struct Shelved<'a> {
    policy: &'a Policy,
    secrets: HashMap<SecretId, String>,
    addresses: HashMap<Sha256Hash, String>,
}

impl Shelf for Shelved<'_> {
    fn text(&self, hash: &Sha256Hash) -> Option<Arc<str>> {
        planning::text_of(self.policy, hash)
    }

    fn secret(&self, id: &SecretId) -> Option<String> {
        self.secrets.get(id).cloned()
    }

    fn address(&self, file: &Sha256Hash) -> Option<String> {
        self.addresses.get(file).cloned()
    }
}

/// What is started.
pub struct Errands<'a> {
    /// The steps.
    pub spec: &'a RunSpec,
    /// What for.
    pub purpose: Purpose,
    /// The action it belongs to.
    pub action: Option<StartedAction>,
    /// The policy, for the texts of the scripts.
    pub policy: &'a Policy,
    /// What has ended since the last commit.
    pub ended_run: Option<EndedRun>,
    /// What has ended since the last commit.
    pub ended_actions: Vec<EndedAction>,
}

impl<'a> Errand<'a> {
    /// Makes a link to the session's computer.
    pub async fn open(
        transports: &Transports,
        session: &'a Session,
        computer: &'a Computer,
        gateway: Option<String>,
        checkpoint: &'a Checkpoint,
    ) -> Result<Errand<'a>, Halt> {
        let way = match &computer.connection {
            Connection::Agent => Way::Agent { gateway },
            Connection::Local { state, sandbox } => {
                Way::Local { state: PathBuf::from(state), sandbox: sandbox.as_ref().map(PathBuf::from) }
            }
            Connection::Noop => Way::Noop,
        };
        let route = Route { computer: computer.id, way: way.clone() };
        match transports.connect(&route).await {
            Ok(link) => Ok(Errand { session, checkpoint, link, way, computer, committed: false }),
            Err(error) => Err(halt(checkpoint, &error, session.run_in_flight)),
        }
    }

    /// Sees to the run that is recorded as in flight.
    pub async fn adopt(&mut self, run: &RunState) -> Result<Adopted, Halt> {
        if let Some(Ok(outcome)) = run.outcome.as_deref().map(serde_json::from_str) {
            return Ok(Adopted::Ended(outcome));
        }
        let id = run.run_id;
        match self.link.take_over(self.session.epoch, Some(id)).await {
            Ok(AtComputer::Ended(outcome)) if outcome.run_id == id => Ok(Adopted::Ended(outcome)),
            Ok(AtComputer::InFlight { run_id }) if run_id == id => {
                self.attend(id, run.deadline).await.map(Adopted::Ended)
            }
            // The epoch is raised: whatever was on its way under an older one is refused when it arrives.
            Ok(AtComputer::Ended(_) | AtComputer::InFlight { .. } | AtComputer::Idle) => Ok(Adopted::NeverStarted),
            // Its steps cannot be going on any more by their own bounds. What was in the middle is not known, and the
            // fence and the kill at the next start keep what may yet come out of it apart.
            Err(Error::Offline { .. } | Error::Lost { .. }) if self.checkpoint.now() > run.deadline + GIVE_UP_AFTER => {
                Ok(Adopted::GivenUp)
            }
            Err(error) => Err(halt(self.checkpoint, &error, Some(id))),
        }
    }

    /// Commits that a run starts, starts it, and waits for its outcome. Nothing is started if something else is wanted
    /// of the session by then.
    pub async fn start(&mut self, errand: Errands<'_>) -> Result<RunOutcome, Halt> {
        self.committed = false;
        let run_id = Uuid::now_v7();
        let start_by = self.checkpoint.start_by().map_err(fenced)?;
        // A computer that is this machine judges by this machine's clock.
        let judged_by = match self.way {
            Way::Local { .. } => Timestamp::now() + start_by.duration_since(self.checkpoint.now()),
            Way::Agent { .. } | Way::Noop => start_by,
        };
        let head = RunHead { run_id, session: self.session.id.0, epoch: self.session.epoch, start_by: judged_by };
        let shelf = shelf(&self.way, self.checkpoint, &errand, start_by).await;
        // Without the text of every script nothing is started.
        let prepared = shelf.and_then(|shelf| {
            let run = errand.spec.expand(head, &shelf);
            let run = run.map_err(|missing| Report::new(Answer::Stop, missing.to_string()))?;
            let body = serde_json::to_string(errand.spec)
                .map_err(|error| Report::new(Answer::Stop, format!("The run cannot be stored: {error}")))?;
            Ok((run, body))
        });
        let (run, body) = match prepared {
            Ok(prepared) => prepared,
            Err(mut halt) => {
                // What has ended before has ended all the same.
                halt.outcomes.extend(errand.ended_run);
                halt.ended.extend(errand.ended_actions);
                return Err(halt);
            }
        };
        let start = StartRun {
            run_id,
            computer: self.computer.id,
            epoch: self.session.epoch,
            action: errand.action,
            purpose: errand.purpose,
            start_by,
            body,
        };
        let wanted =
            self.checkpoint.record(errand.ended_run, errand.ended_actions, Some(start)).await.map_err(fenced)?;
        self.committed = true;
        if wanted.cancel || wanted.pause || wanted.stop {
            let note = "Something else was wanted before the next run was started.";
            return Err(Report::new(Answer::Snooze(WaitingOn::Turn, self.checkpoint.now()), note).into());
        }
        let body = move || Ok(run.clone());
        let start = Start { run_id, epoch: self.session.epoch, start_by: judged_by, body: &body };
        let mut state = self.link.start(&start).await;
        if let Err(Error::Refused { refusal: Refusal::Busy { run_id: other }, .. }) = state {
            self.clear(other).await?;
            state = self.link.start(&start).await;
        }
        let longest: Duration = errand.spec.steps.iter().map(|step| Duration::from_millis(step.timeout_ms)).sum();
        match state {
            Ok(AtComputer::Ended(outcome)) => Ok(outcome),
            Ok(AtComputer::InFlight { .. } | AtComputer::Idle) => self.attend(run_id, start_by + longest).await,
            Err(error @ Error::Lost { .. }) => Err(halt(self.checkpoint, &error, Some(run_id))),
            // In every other case the computer has certainly not started it.
            Err(error) => Err(halt(self.checkpoint, &error, None)),
        }
    }

    /// True if what was handed to the last [`Errand::start`] as ended is committed.
    pub fn committed(&self) -> bool {
        self.committed
    }

    /// Lets the computer forget an outcome that is committed, where nobody else does.
    pub async fn acknowledge(&mut self, run: Uuid) {
        // What cannot be acknowledged now stays on the computer and is harmless there.
        let _ = self.link.acknowledge(run).await;
    }

    /// True if outcomes have to be committed and acknowledged by the worker: no gateway does.
    pub fn must_acknowledge(&self) -> bool {
        matches!(self.way, Way::Local { .. })
    }

    /// Waits for a run that is in flight; kills it if the session is to be cancelled; parks the session when patience
    /// ends. By `deadline` its steps have taken the longest they may.
    async fn attend(&mut self, run: Uuid, deadline: Timestamp) -> Result<RunOutcome, Halt> {
        let mut waited = Duration::ZERO;
        loop {
            if self.checkpoint.intents().cancel {
                return self.kill(run, deadline).await;
            }
            let patience = self.checkpoint.patience();
            if waited >= patience {
                return Err(self.park(run, deadline));
            }
            let slice = LOOK.min(patience - waited);
            match self.link.wait(run, slice).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => waited += slice,
                // It goes on at the computer, whose outcome wakes the session.
                Err(_) => return Err(self.park(run, deadline)),
            }
        }
    }

    async fn kill(&mut self, run: Uuid, deadline: Timestamp) -> Result<RunOutcome, Halt> {
        match self.link.kill(self.session.epoch, run).await {
            Ok(AtComputer::Ended(outcome)) => return Ok(outcome),
            Ok(AtComputer::InFlight { .. } | AtComputer::Idle) => {}
            Err(error) => return Err(halt(self.checkpoint, &error, Some(run))),
        }
        match self.link.wait(run, KILL_TAKES).await {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) | Err(_) => Err(self.park(run, deadline)),
        }
    }

    /// Something that is not ours is in flight, left by a session that was given up: it is killed before we start.
    async fn clear(&mut self, other: Uuid) -> Result<(), Halt> {
        match self.link.kill(self.session.epoch, other).await {
            Ok(AtComputer::Ended(_) | AtComputer::Idle) => return Ok(()),
            Ok(AtComputer::InFlight { .. }) => {}
            Err(error) => return Err(halt(self.checkpoint, &error, None)),
        }
        match self.link.wait(other, KILL_TAKES).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(_) => {
                let until = self.checkpoint.now() + LOST_POLL;
                let note = "The computer is still busy with what another session has left there.";
                Err(Report::new(Answer::Snooze(WaitingOn::Turn, until), note).into())
            }
        }
    }

    fn park(&self, run: Uuid, deadline: Timestamp) -> Halt {
        let now = self.checkpoint.now();
        let late = (deadline + PARK_GRACE).max(now + UNTOLD_POLL);
        // Where nobody tells of the outcome it has to be asked for.
        let due = if self.must_acknowledge() { late.min(now + UNTOLD_POLL) } else { late };
        let mut report = Report::new(Answer::Park(WaitingOn::Computer, due), "A step goes on at the computer.");
        report.run_in_flight = Some(run);
        report.into()
    }
}

/// What came of a run that was recorded as in flight.
#[derive(Debug, Clone, PartialEq)]
pub enum Adopted {
    /// It has ended.
    Ended(RunOutcome),
    /// The computer does not know it, and will refuse it.
    NeverStarted,
    /// The computer is gone for longer than the run may take.
    GivenUp,
}

/// The report of a stage whose session is not the worker's any more; it is not written.
pub fn fenced(_: Fenced) -> Halt {
    Report::new(Answer::Retry, "The session is not this worker's any more.").into()
}

/// What a failure on the way to the computer means for the session.
fn halt(checkpoint: &Checkpoint, error: &Error, run_in_flight: Option<Uuid>) -> Halt {
    let now = checkpoint.now();
    let answer = match error {
        Error::Offline { .. } => Answer::Snooze(WaitingOn::Connectivity, now + OFFLINE_POLL),
        Error::Lost { .. } => Answer::Snooze(WaitingOn::Connectivity, now + LOST_POLL),
        // Nothing that waiting helps against: the computer has seen a newer owner, and this one is not fenced out.
        Error::Refused { refusal: Refusal::StaleEpoch, .. } => Answer::Stop,
        Error::Refused { refusal: Refusal::Busy { .. }, .. } => Answer::Snooze(WaitingOn::Turn, now + LOST_POLL),
        // Clocks that differ by more than a lease, a full disk, a defect: counted, so that it ends with its reason.
        Error::Refused { refusal: Refusal::TooLate | Refusal::Invalid { .. }, .. } | Error::Broken { .. } => {
            Answer::Retry
        }
    };
    let mut report = Report::new(answer, error.to_string());
    report.run_in_flight = run_in_flight;
    report.into()
}

/// What a run names that is sent from here. Of what a gateway sends it reads the secrets and the addresses itself, and they
/// never come near this worker.
async fn shelf<'p>(
    way: &Way,
    checkpoint: &Checkpoint,
    errand: &Errands<'p>,
    start_by: Timestamp,
) -> Result<Shelved<'p>, Halt> {
    let (ids, files, policy) = (errand.spec.secrets(), errand.spec.files(), errand.policy);
    match way {
        Way::Agent { .. } | Way::Noop => Ok(Shelved {
            policy,
            secrets: ids.into_iter().map(|id| (id, String::new())).collect(),
            addresses: files.into_iter().map(|file| (file, String::new())).collect(),
        }),
        Way::Local { .. } => {
            let unread = |error: crate::store::Error| {
                let answer = match error {
                    crate::store::Error::KeyNotKnown { .. } => {
                        Answer::Snooze(WaitingOn::Turn, checkpoint.now() + KEY_POLL)
                    }
                    _ if error.is_transient() => Answer::Retry,
                    _ => Answer::Stop,
                };
                Halt::new(Report::new(answer, format!("What a run takes could not be read: {error}")))
            };
            let secrets = checkpoint.secrets(&ids).await.map_err(unread)?;
            let addresses = checkpoint.file_addresses(&files, start_by).await.map_err(unread)?;
            Ok(Shelved { policy, secrets, addresses })
        }
    }
}
