//! Short words for runs and requests; a test states only what matters to it.

use jiff::{SignedDuration, Timestamp};
use pitcrew_protocol::{FromGateway, Interpreter, Run, Script, Step, StepKind, StepOutcome, Then, Work};
use uuid::Uuid;

pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A run that may start within a minute.
pub fn run(epoch: i64, steps: Vec<Step>) -> Run {
    let start_by = now() + SignedDuration::from_secs(60);
    Run { run_id: Uuid::now_v7(), session: 7, epoch, start_by, steps }
}

/// An action of POSIX shell that the run goes on after.
pub fn sh(body: &str) -> Step {
    script(StepKind::Act, Interpreter::Sh, body)
}

pub fn script(kind: StepKind, interpreter: Interpreter, body: &str) -> Step {
    let script = Script {
        interpreter,
        body: body.to_owned(),
        env: Default::default(),
        secrets: Default::default(),
        files: Default::default(),
    };
    Step { kind, item: "software/x".into(), work: Work::Script(script), timeout_ms: 60_000, then: Then::GoOn }
}

pub fn reboot() -> Step {
    let (kind, work) = (StepKind::Reboot, Work::Reboot);
    Step { kind, item: "computer".into(), work, timeout_ms: 60_000, then: Then::IfSucceeded }
}

pub fn then(step: Step, then: Then) -> Step {
    Step { then, ..step }
}

pub fn run_frame(run: &Run) -> FromGateway {
    FromGateway::Run { request: Uuid::now_v7(), run: run.clone() }
}

pub fn take_over(epoch: i64, run_id: Option<Uuid>) -> FromGateway {
    FromGateway::TakeOver { request: Uuid::now_v7(), epoch, run_id }
}

pub fn kill(epoch: i64, run_id: Uuid) -> FromGateway {
    FromGateway::Kill { request: Uuid::now_v7(), epoch, run_id }
}

/// The failure code of a step.
pub fn code(step: &StepOutcome) -> &str {
    step.status.code().unwrap_or("succeeded")
}
