//! This machine, or a folder of it that plays a computer.
//!
//! Every request is one short process of the agent program, `pitcrew-agent exec`, which takes one frame on standard
//! input and answers with frames, one a line. It keeps epoch, runs and outcomes in the state folder like an agent that
//! is connected, so the fence holds here too; and the run that it starts has a supervisor of its own, which outlives
//! this worker.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use pitcrew_protocol::{FromAgent, FromGateway, RunOutcome, RunState};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use uuid::Uuid;

use super::{Error, Link, Route, Start, Transport, Way};
use crate::domain::ComputerId;

/// Names the agent program where it does not lie beside this one.
pub const PROGRAM_VARIABLE: &str = "PITCREW_AGENT_PROGRAM";
/// How long the agent program may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// When a run is asked after again whose process ended without telling its outcome: its supervisor restarts the computer.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// How much of the agent program's complaint is repeated, in bytes.
const COMPLAINT_MAX: u64 = 2_000;

/// The way to this machine.
#[derive(Debug, Clone)]
pub struct Local {
    program: PathBuf,
}

impl Local {
    /// With this agent program.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Local { program: program.into() }
    }

    /// With the program that [`PROGRAM_VARIABLE`] names, or else the one beside the running program.
    pub fn find() -> Self {
        let named = std::env::var_os(PROGRAM_VARIABLE).map(PathBuf::from);
        let beside = || {
            let folder = std::env::current_exe().ok()?;
            Some(folder.parent()?.join("pitcrew-agent").with_extension(std::env::consts::EXE_EXTENSION))
        };
        Local::new(named.or_else(beside).unwrap_or_else(|| "pitcrew-agent".into()))
    }
}

#[async_trait]
impl Transport for Local {
    async fn connect(&self, route: &Route) -> Result<Box<dyn Link>, Error> {
        let Way::Local { state, sandbox } = &route.way else {
            return Err(Error::Broken { computer: route.computer, what: "it is not this machine".to_owned() });
        };
        let agent = Agent {
            computer: route.computer,
            program: self.program.clone(),
            state: state.clone(),
            sandbox: sandbox.clone(),
        };
        Ok(Box::new(LocalLink { agent, epoch: 0, following: None }))
    }
}

struct LocalLink {
    agent: Agent,
    /// The epoch that was last used, to ask after a run without raising it.
    epoch: i64,
    /// The run in flight, and the process that will tell of its outcome.
    following: Option<(Uuid, Talk)>,
}

impl LocalLink {
    async fn ask(&mut self, epoch: i64, request: Uuid, frame: &FromGateway) -> Result<RunState, Error> {
        self.epoch = epoch;
        let (state, talk) = self.agent.ask(request, frame).await?;
        if let RunState::InFlight { run_id } = &state {
            self.following = Some((*run_id, talk));
        }
        Ok(state)
    }
}

#[async_trait]
impl Link for LocalLink {
    async fn take_over(&mut self, epoch: i64, run_id: Option<Uuid>) -> Result<RunState, Error> {
        let request = Uuid::new_v4();
        self.ask(epoch, request, &FromGateway::TakeOver { request, epoch, run_id }).await
    }

    async fn start(&mut self, start: &Start<'_>) -> Result<RunState, Error> {
        let request = Uuid::new_v4();
        let run = start.run(self.agent.computer)?;
        self.ask(start.epoch, request, &FromGateway::Run { request, run }).await
    }

    async fn wait(&mut self, run_id: Uuid, patience: Duration) -> Result<Option<RunOutcome>, Error> {
        let until = Instant::now() + patience;
        loop {
            if let Some((followed, talk)) = &mut self.following
                && *followed == run_id
            {
                match timeout_at(until, talk.outcome_of(run_id)).await {
                    Err(_) => return Ok(None),
                    Ok(None) => self.following = None,
                    Ok(told) => {
                        self.following = None;
                        return Ok(told);
                    }
                }
                sleep_until(until.min(Instant::now() + ASK_AGAIN)).await;
            }
            match self.take_over(self.epoch, Some(run_id)).await? {
                RunState::Ended(outcome) if outcome.run_id == run_id => return Ok(Some(outcome)),
                RunState::InFlight { run_id: in_flight } if in_flight == run_id => {}
                RunState::Ended(_) | RunState::InFlight { .. } | RunState::Idle => {
                    return Err(self.agent.broken(format!("it does not know run {run_id}")));
                }
            }
        }
    }

    async fn kill(&mut self, epoch: i64, run_id: Uuid) -> Result<RunState, Error> {
        let request = Uuid::new_v4();
        self.ask(epoch, request, &FromGateway::Kill { request, epoch, run_id }).await
    }

    async fn acknowledge(&mut self, run_id: Uuid) -> Result<(), Error> {
        self.agent.tell(&FromGateway::Acknowledge { run_id }).await
    }
}

/// How the agent program is called for one computer.
struct Agent {
    computer: ComputerId,
    program: PathBuf,
    state: PathBuf,
    sandbox: Option<PathBuf>,
}

impl Agent {
    /// Sends a request and waits for its answer. The conversation is handed back, for what may follow.
    async fn ask(&self, request: Uuid, frame: &FromGateway) -> Result<(RunState, Talk), Error> {
        let asked = Instant::now();
        let mut talk = self.open(frame).await?;
        let answered = timeout(ANSWER_MAX, talk.answer_to(request)).await;
        match answered.map_err(|_| Error::Lost { computer: self.computer, after: ANSWER_MAX })? {
            Some(FromAgent::State { mut state, .. }) => {
                if let RunState::Ended(outcome) = &mut state {
                    outcome.replace_nul();
                }
                Ok((state, talk))
            }
            Some(FromAgent::Refused { refusal, epoch, .. }) => {
                Err(Error::Refused { computer: self.computer, refusal, epoch })
            }
            // What was to be started may have been.
            Some(_) | None if matches!(frame, FromGateway::Run { .. }) => {
                tracing::warn!(computer.id = %self.computer, "Computer {}: {}", self.computer, talk.complaint().await);
                Err(Error::Lost { computer: self.computer, after: asked.elapsed() })
            }
            Some(_) | None => Err(self.broken(talk.complaint().await)),
        }
    }

    /// Sends a request that has no answer and waits until it was carried out.
    async fn tell(&self, frame: &FromGateway) -> Result<(), Error> {
        let mut talk = self.open(frame).await?;
        match timeout(ANSWER_MAX, talk.child.wait()).await {
            Err(_) => Err(Error::Lost { computer: self.computer, after: ANSWER_MAX }),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(_) => Err(self.broken(talk.complaint().await)),
        }
    }

    async fn open(&self, frame: &FromGateway) -> Result<Talk, Error> {
        let failed = |error: std::io::Error| {
            let program = self.program.display();
            self.broken(format!("{program} could not be run: {error}; install it there or set {PROGRAM_VARIABLE}"))
        };
        let mut line = serde_json::to_vec(frame).map_err(|error| self.broken(error.to_string()))?;
        line.push(b'\n');
        let mut command = self.command();
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut input) = child.stdin.take() {
            // A program that ends without reading says why on standard error; that is the better message.
            let _ = timeout(ANSWER_MAX, input.write_all(&line)).await;
        }
        let output = child.stdout.take().ok_or_else(|| self.broken("its output is not readable".to_owned()))?;
        Ok(Talk { child, lines: BufReader::new(output).lines(), has_answered: false })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("exec").arg("--state").arg(&self.state);
        if let Some(sandbox) = &self.sandbox {
            command.arg("--sandbox").arg(sandbox);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn broken(&self, what: String) -> Error {
        Error::Broken { computer: self.computer, what }
    }
}

/// A conversation with one process of the agent program. The messenger ends with it; what that has started is another
/// process, and goes on.
struct Talk {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    has_answered: bool,
}

impl Talk {
    /// The answer to a request; none if the process ends without one.
    async fn answer_to(&mut self, asked: Uuid) -> Option<FromAgent> {
        loop {
            match self.next().await? {
                FromAgent::State { request, .. } | FromAgent::Refused { request, .. } if request != asked => {}
                answer @ (FromAgent::State { .. } | FromAgent::Refused { .. }) => {
                    self.has_answered = true;
                    return Some(answer);
                }
                FromAgent::Hello(_) | FromAgent::Outcome(_) | FromAgent::Pong => {}
            }
        }
    }

    /// The outcome of a run; none if the process ends without telling it.
    async fn outcome_of(&mut self, run_id: Uuid) -> Option<RunOutcome> {
        loop {
            match self.next().await? {
                FromAgent::Outcome(mut outcome) if outcome.run_id == run_id => {
                    outcome.replace_nul();
                    return Some(outcome);
                }
                FromAgent::Outcome(_)
                | FromAgent::Hello(_)
                | FromAgent::State { .. }
                | FromAgent::Refused { .. }
                | FromAgent::Pong => {}
            }
        }
    }

    async fn next(&mut self) -> Option<FromAgent> {
        let line = self.lines.next_line().await.ok()??;
        serde_json::from_str(&line).ok()
    }

    /// What the process says on standard error, once it has gone wrong.
    async fn complaint(&mut self) -> String {
        let mut text = Vec::new();
        if let Some(errors) = self.child.stderr.take() {
            let _ = timeout(Duration::from_secs(1), errors.take(COMPLAINT_MAX).read_to_end(&mut text)).await;
        }
        let text = String::from_utf8_lossy(&text);
        format!("its agent program ended without an answer and said: {}", text.trim())
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // One that has not answered may be in the middle of starting a run; it is let finish that, and ends by itself.
        if self.has_answered {
            let _ = self.child.start_kill();
        }
    }
}
