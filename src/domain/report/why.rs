//! Why a session is not further, or why it ended as it did: a sentence first, then what it rests on.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::SessionId;
use crate::domain::session::{Intent, Kind, Session, Stage, Status, WaitingOn};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Why {
    /// The answer in a sentence.
    pub answer: String,
    /// What it rests on, and what else is in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// As of when, by the database's clock.
    pub as_of: Timestamp,
    /// How old the oldest fact it rests on may be, in milliseconds: workers and schedulers report now and then.
    pub age_ms: i64,
}

/// What has to be known besides the session.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Its tenant.
    pub tenant: String,
    /// Its computer.
    pub computer: String,
    /// Since when its tenant is stopped.
    pub stopped_at: Option<Timestamp>,
    /// The stop of the whole fleet.
    pub fleet_stop: Option<Intent>,
    /// The most computers of the tenant that may be in work at once.
    pub tenant_most: Option<i32>,
    /// How many are.
    pub tenant_holds: i64,
    /// The session that has the computer.
    pub held_by: Option<SessionId>,
    /// Earlier sessions of the same computer that are live.
    pub others: Vec<Other>,
    /// Whether the computer's agent is connected; none where no agent is needed.
    pub agent_connected: Option<bool>,
    /// The lock that it waits for, and the session and the computer of who holds it.
    pub lock: Option<(String, Option<(SessionId, String)>)>,
    /// Living workers of the session's stage, by whether they were heard lately.
    pub workers: i64,
    /// How many sessions they can take together.
    pub capacity: i64,
    /// How many sessions they have.
    pub in_flight: i64,
    /// Sessions of the tenant that come before it.
    pub ahead: i64,
    /// Admitted jobs of its stage that nobody has taken.
    pub queued: i64,
    /// Whether a scheduler leads.
    pub scheduler_leads: bool,
    /// How old the workers' reports are at most, in milliseconds.
    pub age_ms: i64,
    /// Who ended it, and what was said of that.
    pub ended: Option<(String, String)>,
    /// Actions that failed, as `item: message`, at most ten.
    pub failed: Vec<String>,
}

/// Another session of the same computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The session.
    pub id: SessionId,
    /// Where it is.
    pub status: Status,
}

/// Says why `session` is where it is.
pub fn why(session: &Session, facts: &Facts, now: Timestamp) -> Why {
    let mut told = Told { answer: String::new(), because: Vec::new(), advice: None };
    match session.status {
        Status::Pending => pending(session, facts, now, &mut told),
        Status::Running => running(session, now, &mut told),
        Status::Paused => {
            told.answer = match &session.pause {
                Some(pause) => format!("{} paused it{}.", pause.by, reason(&pause.reason)),
                None => "It is paused.".to_owned(),
            };
            told.advice = Some(format!("Let it go on with: pitcrew session resume {}", session.id));
        }
        Status::Completed => {
            told.answer = match session.kind {
                Kind::Detection => "It has looked and planned; a full session would do this.".to_owned(),
                Kind::Inventory => "The inventory was taken; nothing else was looked at.".to_owned(),
                Kind::Resolution => "It says what the computer should have; the computer was not asked.".to_owned(),
                Kind::Download => "It has fetched what is to be installed; a full session installs it.".to_owned(),
                Kind::Full | Kind::Targeted | Kind::Onboarding | Kind::Repair => {
                    "Everything was as it should be, or was brought there.".to_owned()
                }
            };
        }
        Status::PartiallyCompleted => {
            told.answer = "Some actions did not succeed.".to_owned();
            told.because.extend(facts.failed.iter().cloned());
            told.advice = Some(format!("See: pitcrew session report {}", session.id));
        }
        Status::Failed => {
            let note = facts.ended.as_ref().map(|(_, note)| note.as_str()).filter(|note| !note.is_empty());
            let error = note.or(session.last_error.as_deref());
            told.answer = match (error, facts.failed.first()) {
                (Some(error), _) => error.to_owned(),
                (None, Some(_)) => "No action succeeded.".to_owned(),
                (None, None) => format!("{} failed.", session.stage),
            };
            told.because.extend(facts.failed.iter().cloned());
            told.advice = Some(format!(
                "See: pitcrew session report {0}. When the cause is gone: pitcrew session rerun {0}",
                session.id
            ));
        }
        Status::Cancelled => {
            told.answer = match (&session.cancel, &facts.ended) {
                (Some(cancel), _) => format!("{} called it off{}.", cancel.by, reason(&cancel.reason)),
                (None, Some((by, note))) => format!("{by} called it off{}.", reason(note)),
                (None, None) => "It was called off.".to_owned(),
            };
        }
        Status::Missed => told.answer = "Its maintenance window closed before it could start.".to_owned(),
    }
    let age_ms = if session.status.is_final() { 0 } else { facts.age_ms };
    Why { answer: told.answer, because: told.because, advice: told.advice, as_of: now, age_ms }
}

struct Told {
    answer: String,
    because: Vec<String>,
    advice: Option<String>,
}

fn pending(session: &Session, facts: &Facts, now: Timestamp, told: &mut Told) {
    if session.is_admitted() {
        told.answer = format!("Its {} is in the queue and waits for a free worker.", session.stage);
        workers(session.stage, facts, told);
        told.because.push(format!("{} jobs of this stage are in the queue.", facts.queued));
        return;
    }
    let until = session.run_after.filter(|time| *time > now);
    let at = until.map_or_else(|| "now".to_owned(), |time| format!("{time:.0}"));
    match session.waiting_on {
        Some(WaitingOn::Turn) | None => turn(session, facts, told),
        Some(WaitingOn::Window) => told.answer = format!("It waits for its maintenance window, which opens at {at}."),
        Some(WaitingOn::Schedule) if until.is_some() => {
            told.answer = format!("It was asked to start no earlier than {at}.");
        }
        Some(WaitingOn::Approval) => told.answer = "It waits for a person's approval of its plan.".to_owned(),
        Some(WaitingOn::Connectivity) if facts.agent_connected != Some(true) && until.is_some() => {
            told.answer = format!("The computer {} is not connected.", facts.computer);
            told.because.push(format!("It goes on when its agent connects, and looks again at {at}."));
            told.advice = Some(format!("See: pitcrew computer show {}", facts.computer));
        }
        Some(WaitingOn::Postponed) if until.is_some() => told.answer = format!("Its user postponed it to {at}."),
        Some(WaitingOn::Reboot) if until.is_some() => {
            told.answer = format!("The computer {} restarts; it is looked for again at {at}.", facts.computer);
        }
        Some(WaitingOn::Retry) if until.is_some() => {
            told.answer = format!("{} failed for a reason that may pass; it is tried again at {at}.", session.stage);
        }
        Some(WaitingOn::Computer) if until.is_some() => {
            told.answer = format!("A long step goes on at the computer {}.", facts.computer);
            told.because.push(format!("It goes on when the outcome comes, and looks again at {at}."));
        }
        Some(WaitingOn::Lock) if until.is_some() => match &facts.lock {
            Some((name, Some((holder, computer)))) => {
                told.answer = format!("It waits for the lock {name}, which session {holder} of {computer} holds.");
                told.because.push(format!("It is woken when the lock is free, and looks again at {at}."));
                told.advice = Some(format!("See: pitcrew lock list; pitcrew why {holder}"));
            }
            Some((name, None)) => told.answer = format!("It waits for the lock {name}, which has just become free."),
            None => told.answer = "It waits for a lock.".to_owned(),
        },
        Some(
            WaitingOn::Schedule
            | WaitingOn::Connectivity
            | WaitingOn::Postponed
            | WaitingOn::Reboot
            | WaitingOn::Retry
            | WaitingOn::Computer
            | WaitingOn::Lock,
        ) => turn(session, facts, told),
    }
    if let Some(error) = &session.last_error {
        told.because.push(format!("The last thing that went wrong: {error}"));
    }
    if session.attempt > 0 {
        told.because.push(format!("{} has failed {} times.", session.stage, session.attempt));
    }
    if session.losses > 0 {
        told.because.push(format!("Workers were lost with it {} times.", session.losses));
    }
}

/// It may run, and only its turn is missing: the first of these is the reason.
fn turn(session: &Session, facts: &Facts, told: &mut Told) {
    let other = facts.held_by.filter(|other| *other != session.id);
    if let Some(stop) = &facts.fleet_stop {
        told.answer = format!("The whole fleet has been stopped by {} since {:.0}: {}", stop.by, stop.at, stop.reason);
        told.advice = Some("Let it go on with: pitcrew resume --fleet".to_owned());
    } else if let Some(since) = facts.stopped_at {
        told.answer = format!("The tenant {} has been stopped since {since:.0}.", facts.tenant);
        told.advice = Some(format!("Let it go on with: pitcrew tenant start {}", facts.tenant));
    } else if let Some(other) = other {
        told.answer = format!("The computer {} is in work by session {other}; one runs at a time.", facts.computer);
        told.advice = Some(format!("See: pitcrew why {other}"));
    } else if !facts.scheduler_leads {
        told.answer = "No scheduler leads, so nothing is admitted.".to_owned();
        told.advice = Some("Start one: pitcrew scheduler".to_owned());
    } else if facts.workers == 0 {
        told.answer = format!("There is no {0} worker.", session.stage);
        told.advice = Some(format!("Start one: pitcrew-{}", session.stage));
    } else if facts.tenant_most.is_some_and(|most| facts.tenant_holds >= i64::from(most)) {
        told.answer =
            format!("The tenant {} has as many computers in work as it may: {}.", facts.tenant, facts.tenant_holds);
    } else {
        told.answer = "It waits for its turn.".to_owned();
        told.because.push(format!("{} sessions of the tenant {} come before it.", facts.ahead, facts.tenant));
        workers(session.stage, facts, told);
    }
    for earlier in facts.others.iter().filter(|earlier| Some(earlier.id) != other) {
        told.because.push(format!("Session {} of the same computer is {}.", earlier.id, earlier.status));
    }
}

fn running(session: &Session, now: Timestamp, told: &mut Told) {
    let owner = session.owner.as_deref().unwrap_or("?");
    let seconds = session.taken_at.map_or(0, |taken| (now.as_second() - taken.as_second()).max(0));
    told.answer = format!("Worker {owner} has been at its {} for {seconds} s.", session.stage);
    if let Some(cancel) = &session.cancel {
        told.because.push(format!("{} called it off{}; the worker is told.", cancel.by, reason(&cancel.reason)));
    }
    if let Some(pause) = &session.pause {
        told.because.push(format!(
            "{} paused it{}; it halts at its next point between actions.",
            pause.by,
            reason(&pause.reason)
        ));
    }
    if session.run_in_flight.is_some() {
        told.because.push("Something runs on the computer.".to_owned());
    }
}

fn workers(stage: Stage, facts: &Facts, told: &mut Told) {
    told.because.push(match facts.workers {
        0 => format!("There is no {stage} worker."),
        count => format!("{count} {stage} workers have {} of {} places in use.", facts.in_flight, facts.capacity),
    });
}

fn reason(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}
