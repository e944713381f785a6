//! Answers requests: judges each by the fence, records, acts. Both ways in, connection and exec, come through here.
//!
//! Everything here blocks, on files and for the moment in which a supervisor starts; call it where blocking is allowed.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use pitcrew_protocol::{Ending, FromAgent, FromGateway, JournalEvent, Refusal, Run, RunOutcome, RunState};
use uuid::Uuid;

use crate::clock::Clock;
use crate::fence::{self, Verdict};
use crate::process::Firmness;
use crate::settle::{InFlight, awaits_restart, settle};
use crate::spool::Known;
use crate::state::{Progress, RunFolder, StateDir};
use crate::{Error, boot, durable, error, process};

/// The computer, as far as the agent knows it.
#[derive(Debug, Clone)]
pub struct Computer {
    state: StateDir,
    sandbox: Option<PathBuf>,
    boot_id: String,
}

/// A request, as the fence sees it.
struct Asked {
    request: Uuid,
    epoch: i64,
    run_id: Option<Uuid>,
}

/// The answer to a request.
type Judged = Result<RunState, Refusal>;

impl Computer {
    /// Opens the state folder, and settles a run that was in flight when the agent or the computer last went down. In a
    /// sandbox this is also the moment at which a restart that was asked for happens.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn open(state: &Path, sandbox: Option<&Path>) -> Result<Computer, Error> {
        let state = StateDir::open(state)?;
        let sandbox = sandbox.map(|path| path.canonicalize().map_err(Error::io("find", path))).transpose()?;
        let lock = state.lock()?;
        state.journal().mend()?;
        let mut boot_id = boot::notice(&state, sandbox.is_some())?;
        if sandbox.is_some() && awaits_restart(&state)? {
            boot_id = boot::renew(&state)?;
        }
        settle(&state, &boot_id)?;
        drop(lock);
        Ok(Computer { state, sandbox, boot_id })
    }

    /// The state folder.
    pub fn state(&self) -> &StateDir {
        &self.state
    }

    /// The boot id.
    pub fn boot_id(&self) -> &str {
        &self.boot_id
    }

    /// True if restarts are only played.
    pub fn is_sandboxed(&self) -> bool {
        self.sandbox.is_some()
    }

    /// What is in flight.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn in_flight(&self) -> Result<InFlight, Error> {
        let _lock = self.state.lock()?;
        settle(&self.state, &self.boot_id)
    }

    /// Blocks until nobody supervises the run any more, and answers what is in flight then.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn wait(&self, run_id: Uuid) -> Result<InFlight, Error> {
        self.state.run_folder(run_id).wait_for_supervisor()?;
        self.in_flight()
    }

    /// The outcome of a run that has ended.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn outcome(&self, run_id: Uuid) -> Result<Option<RunOutcome>, Error> {
        match self.state.spool().find(run_id)? {
            Known::Ended(outcome) => Ok(Some(*outcome)),
            Known::No | Known::Forgotten => Ok(None),
        }
    }

    /// Carries out a request and answers it. What needs no answer (an acknowledgement, a greeting) gets none.
    pub fn answer(&self, frame: &FromGateway, clock: &Clock) -> Option<FromAgent> {
        match frame {
            FromGateway::Run { request, run } => {
                let asked = Asked { request: *request, epoch: run.epoch, run_id: Some(run.run_id) };
                Some(self.judged(asked, || self.run(run, clock)))
            }
            FromGateway::TakeOver { request, epoch, run_id } => {
                let asked = Asked { request: *request, epoch: *epoch, run_id: *run_id };
                Some(self.judged(asked, || self.take_over(*epoch, *run_id)))
            }
            FromGateway::Kill { request, epoch, run_id } => {
                let asked = Asked { request: *request, epoch: *epoch, run_id: Some(*run_id) };
                Some(self.judged(asked, || self.kill(*epoch, *run_id)))
            }
            FromGateway::Acknowledge { run_id } => {
                if let Err(error) = self.acknowledge(*run_id) {
                    tracing::error!(run_id = %run_id, "Could not note an acknowledgement: {}", error::chain(&error));
                }
                None
            }
            FromGateway::Ping { .. } => Some(FromAgent::Pong),
            FromGateway::Welcome { .. } | FromGateway::Goodbye { .. } => None,
        }
    }

    /// Tells the run in flight to end, as killed or as interrupted.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn end_run(&self, run_id: Uuid, ending: Ending) -> Result<(), Error> {
        let _lock = self.state.lock()?;
        if settle(&self.state, &self.boot_id)? == InFlight::Supervised(run_id) {
            self.begin_kill(run_id, self.state.epoch()?, ending)?;
        }
        Ok(())
    }

    /// Holds the request against the recorded epoch, records a higher one, then does what is asked, all under the lock.
    fn judged(&self, asked: Asked, act: impl FnOnce() -> Result<Judged, Error>) -> FromAgent {
        let Asked { request, epoch: asked, run_id } = asked;
        let journal = self.state.journal();
        let judged = || -> Result<Judged, Error> {
            let _lock = self.state.lock()?;
            let recorded = self.state.epoch()?;
            let answer = match fence::judge_epoch(recorded, asked) {
                Err(refusal) => Err(refusal),
                Ok(raise) => {
                    if let Some(epoch) = raise {
                        self.state.record_epoch(epoch)?;
                        journal.append(epoch, None, None, JournalEvent::EpochRaised { from: recorded })?;
                    }
                    act()?
                }
            };
            if let Err(refusal) = &answer {
                journal.append(asked, None, run_id, JournalEvent::Refused { refusal: refusal.clone() })?;
            }
            Ok(answer)
        };
        let answer = judged().unwrap_or_else(|error| {
            let message = error::chain(&error);
            tracing::error!("Could not carry out a request: {message}");
            Err(Refusal::Invalid { message })
        });
        let epoch = self.state.epoch().unwrap_or(0);
        match answer {
            Ok(state) => FromAgent::State { request, epoch, state },
            Err(refusal) => {
                tracing::warn!("Refused a request with epoch {asked}, the computer being at {epoch}: {refusal:?}");
                FromAgent::Refused { request, epoch, refusal }
            }
        }
    }

    fn run(&self, run: &Run, clock: &Clock) -> Result<Judged, Error> {
        let in_flight = settle(&self.state, &self.boot_id)?.run_id();
        let known = self.state.spool().find(run.run_id)?;
        match fence::judge_run(run, in_flight, known, clock.now()) {
            Verdict::Refuse(refusal) => Ok(Err(refusal)),
            Verdict::Known(state) => {
                if matches!(state, RunState::InFlight { .. }) {
                    self.state.journal().about(run, JournalEvent::RunAdopted)?;
                }
                Ok(Ok(state))
            }
            Verdict::Start => self.start(run, clock),
        }
    }

    /// Records the run, then starts its supervisor. From the record on the run is known, whatever happens.
    fn start(&self, run: &Run, clock: &Clock) -> Result<Judged, Error> {
        let progress = Progress {
            boot_id: self.boot_id.clone(),
            started_at: Timestamp::now(),
            steps: Vec::new(),
            step_started_at: None,
            rebooting: false,
        };
        let alive = self.state.record_run(run, &progress)?;
        // The disk may have kept us waiting, or the computer may have slept: this is the last moment to be late.
        if let Err(refusal) = fence::judge_time(run, clock.now()) {
            self.state.clear_run(run.run_id)?;
            return Ok(Err(refusal));
        }
        self.state.journal().about(run, JournalEvent::RunStarted)?;
        tracing::info!(run_id = %run.run_id, "Starts a run of {} steps for session {}", run.steps.len(), run.session);
        if let Err(error) = self.spawn_supervisor(run.run_id, alive) {
            tracing::error!(run_id = %run.run_id, "{}", error::chain(&error));
            settle(&self.state, &self.boot_id)?;
            if let Some(outcome) = self.outcome(run.run_id)? {
                return Ok(Ok(RunState::Ended(outcome)));
            }
        }
        Ok(Ok(RunState::InFlight { run_id: run.run_id }))
    }

    /// Starts the supervisor, with the lock that says it lives as its standard input, and waits for its first word.
    fn spawn_supervisor(&self, run_id: Uuid, alive: File) -> Result<(), Error> {
        let log = self.state.supervisor_log();
        let log_file = durable::private(OpenOptions::new().write(true).create(true).truncate(true), 0o600)
            .open(&log)
            .map_err(Error::io("write", &log))?;
        let program = own_program()?;
        let mut command = Command::new(&program);
        command.arg("supervise").arg("--state").arg(self.state.root()).arg("--run").arg(run_id.to_string());
        if let Some(sandbox) = &self.sandbox {
            command.arg("--sandbox").arg(sandbox);
        }
        command.env_remove("PITCREW_AGENT_TOKEN").stdin(Stdio::from(alive)).stdout(Stdio::piped()).stderr(log_file);
        let mut child = command.spawn().map_err(Error::io("start", &program))?;
        // The command still holds the lock that now belongs to the supervisor alone.
        drop(command);
        let mut word = [0];
        let ready = child.stdout.take().is_some_and(|mut stdout| stdout.read_exact(&mut word).is_ok());
        std::thread::spawn(move || child.wait());
        if ready { Ok(()) } else { Err(Error::Supervisor { log }) }
    }

    fn take_over(&self, epoch: i64, run_id: Option<Uuid>) -> Result<Judged, Error> {
        if let Some(run_id) = settle(&self.state, &self.boot_id)?.run_id() {
            let session = self.state.run_folder(run_id).read_run()?.map(|run| run.session);
            self.state.journal().append(epoch, session, Some(run_id), JournalEvent::RunAdopted)?;
            return Ok(Ok(RunState::InFlight { run_id }));
        }
        run_id.map_or(Ok(Ok(RunState::Idle)), |run_id| self.ended(run_id))
    }

    fn kill(&self, epoch: i64, run_id: Uuid) -> Result<Judged, Error> {
        match settle(&self.state, &self.boot_id)? {
            InFlight::Supervised(in_flight) if in_flight == run_id => {
                self.begin_kill(run_id, epoch, Ending::Killed)?;
                Ok(Ok(RunState::InFlight { run_id }))
            }
            InFlight::Rebooting(in_flight) if in_flight == run_id => Ok(Ok(RunState::InFlight { run_id })),
            InFlight::Nothing | InFlight::Supervised(_) | InFlight::Rebooting(_) => self.ended(run_id),
        }
    }

    fn ended(&self, run_id: Uuid) -> Result<Judged, Error> {
        Ok(match self.state.spool().find(run_id)? {
            Known::Ended(outcome) => Ok(RunState::Ended(*outcome)),
            Known::Forgotten => Err(fence::forgotten(run_id)),
            Known::No => Ok(RunState::Idle),
        })
    }

    fn begin_kill(&self, run_id: Uuid, epoch: i64, ending: Ending) -> Result<(), Error> {
        let folder = self.state.run_folder(run_id);
        let session = folder.read_run()?.map(|run| run.session);
        // The first reason stands: a kill on request is not made an interruption by the agent's stop.
        if folder.read_end()?.is_none() {
            durable::write_json(&folder.end(), &ending)?;
        }
        self.state.journal().append(epoch, session, Some(run_id), JournalEvent::KillBegun { ending })?;
        if let Some(supervisor) = RunFolder::read_pid(&folder.supervisor())? {
            process::signal_process(supervisor, Firmness::Terminate);
        }
        Ok(())
    }

    fn acknowledge(&self, run_id: Uuid) -> Result<(), Error> {
        let _lock = self.state.lock()?;
        if self.state.spool().acknowledge(run_id)? {
            self.state.journal().append(self.state.epoch()?, None, Some(run_id), JournalEvent::Acknowledged)?;
        }
        Ok(())
    }
}

/// This program. On Linux by the link that holds even after an upgrade has replaced the file.
fn own_program() -> Result<PathBuf, Error> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe().map_err(Error::io("find", Path::new("pitcrew-agent")))
}
