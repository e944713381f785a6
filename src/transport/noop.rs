//! An imagined computer that answers at once: for load tests and drills. It does no I/O.
//!
//! Nothing is installed and no task is satisfied on it until an act or a set of the same item was done over the same
//! link; then what the act was to install is. Every step succeeds.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use pitcrew_protocol::{Ending, Run, RunOutcome, RunState, Step, StepKind, StepOutcome, StepStatus, Then, Work};
use uuid::Uuid;

use super::{Error, Link, Route, Start, Transport};
use crate::domain::ComputerId;

/// The versions that there are of everything on an imagined computer, as a script would answer.
const VERSIONS: &str = "[\"1\"]";

/// The way to imagined computers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Noop;

#[async_trait]
impl Transport for Noop {
    async fn connect(&self, route: &Route) -> Result<Box<dyn Link>, Error> {
        Ok(Box::new(Imagined::new(route.computer)))
    }
}

/// What is on the imagined computer, and what has ended there and was not acknowledged.
struct Imagined {
    computer: ComputerId,
    versions: HashMap<String, String>,
    satisfied: HashSet<String>,
    ended: HashMap<Uuid, RunOutcome>,
}

#[async_trait]
impl Link for Imagined {
    async fn take_over(&mut self, _epoch: i64, run_id: Option<Uuid>) -> Result<RunState, Error> {
        Ok(self.state(run_id))
    }

    async fn start(&mut self, start: &Start<'_>) -> Result<RunState, Error> {
        if !self.ended.contains_key(&start.run_id) {
            let outcome = self.run(start.run(self.computer)?);
            self.ended.insert(start.run_id, outcome);
        }
        Ok(self.state(Some(start.run_id)))
    }

    async fn wait(&mut self, run_id: Uuid, _patience: Duration) -> Result<Option<RunOutcome>, Error> {
        Ok(self.ended.get(&run_id).cloned())
    }

    async fn kill(&mut self, _epoch: i64, run_id: Uuid) -> Result<RunState, Error> {
        Ok(self.state(Some(run_id)))
    }

    async fn acknowledge(&mut self, run_id: Uuid) -> Result<(), Error> {
        self.ended.remove(&run_id);
        Ok(())
    }
}

impl Imagined {
    fn new(computer: ComputerId) -> Self {
        Imagined { computer, versions: HashMap::new(), satisfied: HashSet::new(), ended: HashMap::new() }
    }

    fn state(&self, run_id: Option<Uuid>) -> RunState {
        run_id.and_then(|run_id| self.ended.get(&run_id)).cloned().map_or(RunState::Idle, RunState::Ended)
    }

    fn run(&mut self, run: Run) -> RunOutcome {
        let now = Timestamp::now();
        let mut steps = Vec::with_capacity(run.steps.len());
        let mut ending = Ending::Completed;
        for step in run.steps {
            let observed = self.step(&step);
            let then = step.then;
            let outcome = StepOutcome {
                kind: step.kind,
                item: step.item,
                status: StepStatus::Succeeded,
                exit_code: matches!(step.work, Work::Script(_)).then_some(0),
                observed,
                warnings: Vec::new(),
                wants_reboot: false,
                said: Default::default(),
                output: if step.kind == StepKind::Versions { VERSIONS.to_owned() } else { String::new() },
                output_omitted: 0,
                started_at: now,
                duration_ms: 0,
            };
            let as_expected = match &then {
                Then::GoOn | Then::IfSucceeded => true,
                Then::IfObserved(expected) => outcome.observed == *expected,
                Then::DoneIfObserved(expected) => outcome.observed != *expected,
            };
            steps.push(outcome);
            if !as_expected {
                if matches!(then, Then::IfObserved(_)) {
                    ending = Ending::Stopped;
                }
                break;
            }
        }
        RunOutcome {
            run_id: run.run_id,
            session: run.session,
            epoch: run.epoch,
            boot_id: "imagined".to_owned(),
            started_at: now,
            ended_at: now,
            ending,
            steps,
        }
    }

    /// Does a step and says what it observed.
    fn step(&mut self, step: &Step) -> Option<String> {
        match step.kind {
            StepKind::Detect | StepKind::Verify => self.versions.get(&step.item).cloned(),
            StepKind::Test => Some(self.satisfied.contains(&step.item).to_string()),
            StepKind::Act => {
                self.act(step);
                None
            }
            StepKind::Set => {
                self.satisfied.insert(step.item.clone());
                None
            }
            StepKind::Download | StepKind::Inventory | StepKind::Versions | StepKind::Reboot => None,
        }
    }

    /// Installs what `PITCREW_VERSION` names, `1` if it names nothing; an empty one means that the item is removed.
    fn act(&mut self, step: &Step) {
        let version = match &step.work {
            Work::Script(script) => script.env.get("PITCREW_VERSION").map_or("1", String::as_str),
            Work::Download { .. } | Work::Fetch { .. } | Work::Reboot => "1",
        };
        if version.is_empty() {
            self.versions.remove(&step.item);
        } else {
            self.versions.insert(step.item.clone(), version.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pitcrew_protocol::{Interpreter, Script};

    use super::*;

    #[test]
    fn an_item_is_absent_until_it_was_acted_on_and_a_task_unsatisfied_until_it_was_set() {
        let mut imagined = Imagined::new(ComputerId(1));
        let first = imagined.run(run(vec![
            step(StepKind::Detect, "software/a", Then::IfObserved(None)),
            step(StepKind::Act, "software/a", Then::IfSucceeded),
            step(StepKind::Verify, "software/a", Then::IfObserved(Some("2.0".into()))),
            step(StepKind::Test, "task/t", Then::DoneIfObserved(Some("true".into()))),
            step(StepKind::Set, "task/t", Then::IfSucceeded),
            step(StepKind::Test, "task/t", Then::IfObserved(Some("true".into()))),
        ]));
        assert_eq!(first.ending, Ending::Completed);
        assert_eq!(first.steps.len(), 6);

        let drifted = imagined.run(run(vec![
            step(StepKind::Detect, "software/a", Then::IfObserved(None)),
            step(StepKind::Act, "software/a", Then::IfSucceeded),
        ]));
        assert_eq!((drifted.ending, drifted.steps.len()), (Ending::Stopped, 1));

        let satisfied = imagined.run(run(vec![
            step(StepKind::Test, "task/t", Then::DoneIfObserved(Some("true".into()))),
            step(StepKind::Set, "task/t", Then::IfSucceeded),
        ]));
        assert_eq!((satisfied.ending, satisfied.steps.len()), (Ending::Completed, 1));
    }

    #[tokio::test]
    async fn a_known_run_is_not_run_again_and_is_forgotten_once_acknowledged() {
        let mut imagined = Imagined::new(ComputerId(1));
        let run = run(vec![step(StepKind::Act, "software/a", Then::IfSucceeded)]);
        let body = || Ok(run.clone());
        let start = Start { run_id: run.run_id, epoch: run.epoch, start_by: run.start_by, body: &body };
        let first = imagined.start(&start).await.unwrap();
        assert!(matches!(&first, RunState::Ended(outcome) if outcome.run_id == run.run_id));
        assert_eq!(imagined.start(&start).await.unwrap(), first);
        imagined.acknowledge(run.run_id).await.unwrap();
        assert_eq!(imagined.take_over(2, Some(run.run_id)).await.unwrap(), RunState::Idle);
    }

    fn run(steps: Vec<Step>) -> Run {
        Run { run_id: Uuid::new_v4(), session: 1, epoch: 1, start_by: Timestamp::MAX, steps }
    }

    fn step(kind: StepKind, item: &str, then: Then) -> Step {
        let env = BTreeMap::from([("PITCREW_VERSION".to_owned(), "2.0".to_owned())]);
        let work = Work::Script(Script {
            interpreter: Interpreter::Sh,
            body: String::new(),
            env,
            secrets: Default::default(),
            files: Default::default(),
        });
        Step { kind, item: item.to_owned(), work, timeout_ms: 1_000, then }
    }
}
