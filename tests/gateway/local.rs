//! This machine, by the real agent program.

use std::time::Duration;

use jiff::Timestamp;
use pitcrew::domain::ComputerId;
use pitcrew::transport::local::Local;
use pitcrew::transport::{Error, Link, Route, Start, Transport, Transports, Way};
use pitcrew_protocol::{Ending, Interpreter, Refusal, Run, RunState, Script, Step, StepKind, Then, Work};
use std::sync::Arc;
use tempfile::{TempDir, tempdir};
use uuid::Uuid;

use super::world::SOON;
use crate::support::program;

async fn link(folder: &TempDir) -> Box<dyn Link> {
    let transports =
        Transports { local: Some(Arc::new(Local::new(program("pitcrew-agent")))), ..Transports::default() };
    let way = Way::Local { state: folder.path().join("state"), sandbox: None };
    transports.connect(&Route { computer: ComputerId(1), way }).await.unwrap()
}

fn run(epoch: i64, script: &str) -> Run {
    let work = Work::Script(Script {
        interpreter: Interpreter::Sh,
        body: script.into(),
        env: Default::default(),
        secrets: Default::default(),
        files: Default::default(),
    });
    let step = Step { kind: StepKind::Detect, item: "software/x".into(), work, timeout_ms: 60_000, then: Then::GoOn };
    let start_by = Timestamp::now() + Duration::from_secs(60);
    Run { run_id: Uuid::new_v4(), session: 1, epoch, start_by, steps: vec![step] }
}

async fn start(link: &mut dyn Link, run: &Run) -> Result<RunState, Error> {
    let body = || Ok(run.clone());
    link.start(&Start { run_id: run.run_id, epoch: run.epoch, start_by: run.start_by, body: &body }).await
}

#[tokio::test]
async fn a_run_ends_and_is_known_until_it_is_acknowledged() {
    let folder = tempdir().unwrap();
    let mut link = link(&folder).await;
    assert_eq!(link.take_over(1, None).await, Ok(RunState::Idle));
    let run = run(1, "echo 24.09");
    assert_eq!(start(&mut *link, &run).await, Ok(RunState::InFlight { run_id: run.run_id }));
    let outcome = link.wait(run.run_id, SOON).await.unwrap().expect("it ends");
    assert_eq!((&outcome.ending, outcome.steps[0].observed.as_deref()), (&Ending::Completed, Some("24.09")));
    assert_eq!(start(&mut *link, &run).await, Ok(RunState::Ended(outcome)));
    link.acknowledge(run.run_id).await.unwrap();
    assert!(folder.path().join("state/outcomes").read_dir().unwrap().next().is_none());
}

#[tokio::test]
async fn a_run_outlives_its_link_and_the_next_one_adopts_or_kills_it() {
    let folder = tempdir().unwrap();
    let mut first = link(&folder).await;
    let run = run(1, "sleep 600");
    let in_flight = RunState::InFlight { run_id: run.run_id };
    assert_eq!(start(&mut *first, &run).await, Ok(in_flight.clone()));
    assert_eq!(first.wait(run.run_id, Duration::from_millis(50)).await, Ok(None));
    drop(first);

    let mut second = link(&folder).await;
    assert_eq!(second.take_over(2, Some(run.run_id)).await, Ok(in_flight));
    let mut stale = link(&folder).await;
    let error = stale.kill(1, run.run_id).await.unwrap_err();
    assert!(matches!(error, Error::Refused { refusal: Refusal::StaleEpoch, epoch: 2, .. }), "{error}");
    second.kill(2, run.run_id).await.unwrap();
    let outcome = second.wait(run.run_id, SOON).await.unwrap().expect("it ends");
    assert_eq!(outcome.ending, Ending::Killed);
}

#[tokio::test]
async fn a_program_that_is_missing_or_fails_says_so() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("state"), "a file in the way").unwrap();
    let error = link(&folder).await.take_over(1, None).await.unwrap_err();
    assert!(matches!(&error, Error::Broken { what, .. } if what.contains("state")), "{error}");

    let way = Way::Local { state: folder.path().into(), sandbox: None };
    let route = Route { computer: ComputerId(1), way };
    let mut missing = Local::new("/nowhere/pitcrew-agent").connect(&route).await.unwrap();
    let error = missing.take_over(1, None).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/pitcrew-agent"), "{error}");
    let error = Transports::default().connect(&route).await.err().expect("no link");
    assert!(matches!(error, Error::Broken { .. }), "{error}");
}
