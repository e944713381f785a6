//! What holds of every session whatever happens to it, in whatever order and however often: the schema's own checks, a
//! timeline without gap, fences that only rise, final states that stay, and a computer that is never let go of while
//! something may be going on there.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::admit::admit;
use super::cancel::cancel;
use super::claim::{Claim, claim};
use super::fail::fail;
use super::finish::finish;
use super::lose::{LossPolicy, lose};
use super::park::{outcome_is_here, park};
use super::pause::pause;
use super::resume::resume;
use super::snooze::snooze;
use super::submit::{Submission, submit};
use super::succeed::{Next, succeed};
use super::wake::wake;
use super::{Change, Hold};
use crate::domain::job::{JOB_VERSION, Job};
use crate::domain::retry::RetryPolicy;
use crate::domain::session::{Intent, Kind, Order, Priority, RebootPolicy, Session, Stage, Status, WaitingOn};
use crate::domain::transition::{Transition, What};
use crate::domain::{ComputerId, SessionId, TenantId};

const PICKUP: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(30);
const WORKER: &str = "a worker";

/// Something that may happen. What cannot happen to a session as it is does nothing.
#[derive(Debug, Clone)]
enum Event {
    Admit,
    Claim { behind: i32, stage: Stage },
    RunStarts,
    RunEnds,
    Succeed { to: Option<Stage>, credit: bool },
    Fail(f64),
    Snooze(WaitingOn, i64),
    Park { reboot: bool, due: i64, outcome_is_here: bool },
    Stop,
    Wake,
    Lose(f64),
    Cancel,
    Pause,
    Resume,
}

fn event() -> impl Strategy<Value = Event> {
    let stage = || prop::sample::select(Stage::ALL);
    let off = [WaitingOn::Turn, WaitingOn::Connectivity, WaitingOn::Computer];
    prop_oneof![
        6 => Just(Event::Admit),
        6 => (prop_oneof![4 => Just(0), 1 => -2..3], stage()).prop_map(|(behind, stage)| Event::Claim { behind, stage }),
        4 => Just(Event::RunStarts),
        2 => Just(Event::RunEnds),
        3 => (prop::option::of(stage()), any::<bool>()).prop_map(|(to, credit)| Event::Succeed { to, credit }),
        2 => (0.0..1.0).prop_map(Event::Fail),
        2 => (prop::sample::select(off.to_vec()), -5..60i64).prop_map(|(why, until)| Event::Snooze(why, until)),
        2 => (any::<bool>(), -5..60i64, any::<bool>())
            .prop_map(|(reboot, due, outcome_is_here)| Event::Park { reboot, due, outcome_is_here }),
        1 => Just(Event::Stop),
        2 => Just(Event::Wake),
        3 => (0.0..1.0).prop_map(Event::Lose),
        1 => Just(Event::Cancel),
        2 => Just(Event::Pause),
        2 => Just(Event::Resume),
    ]
}

/// A session, its computer's reservation and its timeline, as the store would have them.
struct Life {
    session: Session,
    holds: bool,
    timeline: Vec<Transition>,
}

impl Life {
    fn begin(now: Timestamp) -> Life {
        let order = Order {
            deployments: Vec::new(),
            item: None,
            parameters: Default::default(),
            inventory: false,
            reboot: RebootPolicy::IfNeeded,
            by: "me".to_owned(),
            reason: String::new(),
            origin: "test".to_owned(),
            group: None,
            rerun_of: None,
            traceparent: None,
        };
        let (tenant, computer) = (TenantId(1), ComputerId(1));
        let (kind, priority, not_before) = (Kind::Full, Priority::Normal, None);
        let submission = Submission { tenant, computer, kind, priority, order, not_before };
        let change = submit(SessionId(1), submission, now);
        Life { session: change.after, holds: false, timeline: change.transition.into_iter().collect() }
    }

    /// What the event decides; none if it has no say.
    fn decide(&mut self, event: &Event, now: Timestamp) -> Option<Change> {
        let running = self.session.status == Status::Running;
        let later = |seconds: i64| now + SignedDuration::from_secs(seconds);
        let intent = || Intent { by: "me".to_owned(), reason: "so".to_owned(), at: now };
        let session = &self.session;
        if session.status.is_final() {
            return None;
        }
        match event {
            Event::Admit => session.run_after.is_some_and(|due| due <= now).then(|| admit(session, now, PICKUP)),
            Event::Claim { behind, stage } => {
                let dispatch = session.dispatch - behind;
                let job = Job { v: JOB_VERSION, session: session.id, tenant: session.tenant, stage: *stage, dispatch };
                match claim(Some(session), &job, WORKER, now, LEASE, session.epoch + 1) {
                    Claim::Take(change) => {
                        assert_eq!((*behind, *stage), (0, session.stage), "only the current job is taken");
                        Some(*change)
                    }
                    Claim::Republish(job) => {
                        assert_eq!((job.dispatch, job.stage), (session.dispatch, session.stage));
                        assert!(session.taken_at.is_none());
                        None
                    }
                    Claim::Drop => None,
                }
            }
            Event::RunStarts | Event::RunEnds => {
                if running && session.stage != Stage::Planning {
                    self.session.run_in_flight = matches!(event, Event::RunStarts).then(|| Uuid::from_u128(7));
                }
                None
            }
            // A stage is done when nothing is in flight any more; see the report in `stage::answer`.
            Event::Succeed { to, credit } => running.then(|| {
                let next = to.map_or(Next::End(Status::Completed), |stage| Next::Stage { stage, credit: *credit });
                let session = Session { run_in_flight: None, ..session.clone() };
                succeed(&session, next, WORKER, "", now, PICKUP)
            }),
            Event::Fail(random) => running.then(|| fail(session, "why", &RetryPolicy::default(), *random, WORKER, now)),
            Event::Snooze(why, until) => running.then(|| snooze(session, *why, later(*until), "why", WORKER, now)),
            Event::Park { reboot, due, outcome_is_here: here } => {
                (running && session.run_in_flight.is_some()).then(|| {
                    let why = if *reboot { WaitingOn::Reboot } else { WaitingOn::Computer };
                    let mut change = park(session, why, later(*due), "why", WORKER, now);
                    if *here {
                        outcome_is_here(&mut change);
                    }
                    change
                })
            }
            Event::Stop => running.then(|| finish(session, Status::Failed, WORKER, "why", now)),
            Event::Wake => wake(session, "why", "computer", now),
            Event::Lose(random) => lose(session, &LossPolicy::default(), *random, "scheduler", now),
            Event::Cancel => cancel(session, intent(), now),
            Event::Pause => pause(session, intent(), now),
            Event::Resume => resume(session, "me", "so", now),
        }
    }

    fn take_in(&mut self, change: Change) -> Result<(), TestCaseError> {
        let before = std::mem::replace(&mut self.session, change.after);
        let after = &self.session;
        prop_assert_eq!(change.before, before.revision);
        prop_assert_eq!(after.revision, before.revision + 1);
        prop_assert!(after.dispatch >= before.dispatch);
        prop_assert!(after.epoch >= before.epoch, "the epoch never falls");
        let unchanged = |session: &Session| (session.id, session.tenant, session.computer, session.created_at);
        prop_assert_eq!(unchanged(after), unchanged(&before));
        prop_assert!(before.started_at.is_none() || after.started_at == before.started_at);
        match change.hold {
            Hold::Take => self.holds = true,
            Hold::Release => self.holds = false,
            Hold::Keep => {}
        }
        if let Some(job) = change.publish {
            prop_assert_eq!((job.stage, job.dispatch), (after.stage, after.dispatch));
            prop_assert!(after.dispatch > before.dispatch && after.admitted_at.is_some());
        }
        // Whoever had it is fenced out by the dispatch, or has it still.
        if before.owner.is_some() && after.owner != before.owner {
            prop_assert!(after.dispatch > before.dispatch || after.status.is_final());
        }
        if let Some(transition) = change.transition {
            prop_assert_eq!(transition.since, self.timeline.last().map_or(before.created_at, |last| last.at));
            prop_assert_eq!(transition.at, after.since);
            prop_assert_eq!(transition.seq, after.revision);
            in_order(&transition)?;
            self.timeline.push(transition);
        } else {
            prop_assert_eq!(after.since, before.since);
        }
        Ok(())
    }

    fn holds_together(&self) -> Result<(), TestCaseError> {
        let session = &self.session;
        let finals = self.timeline.iter().filter(|entry| entry.what == What::Finished).count();
        prop_assert_eq!(finals, usize::from(session.status.is_final()));
        if session.status.is_final() {
            prop_assert_eq!(session.finished_at, self.timeline.last().map(|last| last.at));
            prop_assert!(!self.holds && session.run_in_flight.is_none());
            return Ok(());
        }
        // The checks of the table `session`.
        let (admitted, taken) = (session.admitted_at.is_some(), session.taken_at.is_some());
        prop_assert_eq!(session.status == Status::Pending, session.waiting_on.is_some());
        prop_assert_eq!(session.status == Status::Running, taken);
        prop_assert_eq!(taken, session.owner.is_some());
        prop_assert!(!taken || admitted);
        prop_assert_eq!(admitted, session.deadline.is_some());
        let states = [session.run_after.is_some(), admitted, session.status == Status::Paused];
        prop_assert_eq!(states.into_iter().filter(|state| *state).count(), 1);
        prop_assert!(session.attempt >= 0 && session.losses >= 0);
        // The reservation.
        prop_assert!(!admitted || self.holds, "an admitted session has its computer");
        prop_assert!(session.run_in_flight.is_none() || self.holds, "what may be going on has the computer");
        prop_assert!(session.status != Status::Paused || !self.holds);
        // A cancel is never left lying: whoever can act on it has it, or will be given it as soon as it is its turn.
        if session.cancel.is_some() && session.status == Status::Pending && !admitted {
            prop_assert!(session.run_in_flight.is_some(), "nothing is in the way of a cancel");
        }
        Ok(())
    }
}

fn in_order(entry: &Transition) -> Result<(), TestCaseError> {
    let times = [Some(entry.since), entry.due_at, entry.admitted_at, entry.taken_at, Some(entry.at)];
    let times: Vec<Timestamp> = times.into_iter().flatten().collect();
    prop_assert!(times.is_sorted(), "{:?}", entry);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn whatever_happens_a_session_holds_together(
        events in prop::collection::vec((event(), -3..40i64), 0..60),
    ) {
        let mut now = Timestamp::from_second(1_000_000).unwrap();
        let mut life = Life::begin(now);
        for (event, passed) in events {
            // Clocks of several processes meet: time may seem to run back a little.
            now += SignedDuration::from_secs(passed);
            if let Some(change) = life.decide(&event, now) {
                life.take_in(change)?;
            }
            life.holds_together()?;
        }
    }
}
