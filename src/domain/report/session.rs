//! A session as it is listed, and as it is shown alone.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::session::{Intent, Kind, Order, Priority, Session, Stage, Status, WaitingOn};
use crate::domain::transition::What;
use crate::domain::words::words;
use crate::domain::{ComputerId, SessionId, TenantId};

use super::rerun::RerunLine;
use super::timeline::TransitionLine;

/// One page of a list; the next one begins after `next`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The lines.
    pub items: Vec<T>,
    /// What to pass as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// Makes a page of what was found when one more than `limit` was asked for; `id` names the last line.
    pub fn of(mut items: Vec<T>, limit: usize, id: impl Fn(&T) -> i64) -> Page<T> {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(id) } else { None };
        Page { items, next }
    }
}

/// A session as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionLine {
    /// Its id.
    pub id: SessionId,
    /// The id of its tenant.
    pub tenant_id: TenantId,
    /// Its tenant.
    pub tenant: String,
    /// The id of its computer.
    pub computer_id: ComputerId,
    /// Its computer.
    pub computer: String,
    /// What it is for.
    pub kind: Kind,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it is.
    pub status: Status,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_on: Option<WaitingOn>,
    /// The stage that is next or in work, or in which it ended.
    pub stage: Stage,
    /// Failures of this stage so far.
    pub attempt: i32,
    /// From when on it may be admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_after: Option<Timestamp>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When its first stage was first claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it became final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The last thing that went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Who asked.
    pub by: String,
    /// What made it: `api`, `amqp`, `rerun`.
    #[serde(default)]
    pub origin: String,
    /// The one item that it is about; absent where there may be several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The group of sessions that were asked for together with it: the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<SessionId>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Actions of the latest plan that have ended.
    pub actions_done: i64,
    /// Actions of the latest plan.
    pub actions: i64,
    /// The item that is being worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doing: Option<String>,
}

words! {
    /// How far a stage of a session is.
    StageState {
        /// It was done.
        Done = "done",
        /// A worker has it.
        Running = "running",
        /// It waits, or is paused.
        Waiting = "waiting",
        /// The session ended in it.
        Ended = "ended",
        /// It has not been reached.
        Ahead = "ahead",
    }
}

/// A stage of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageLine {
    /// The stage.
    pub stage: Stage,
    /// How far it is.
    pub state: StageState,
    /// When it was done or the session ended in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A session as it is shown alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionDetail {
    /// As it is listed.
    #[serde(flatten)]
    pub line: SessionLine,
    /// What it was asked to do.
    pub order: Order,
    /// Its stages.
    pub stages: Vec<StageLine>,
    /// The current sending of the stage's job.
    pub dispatch: i32,
    /// Claims of this stage that were lost without an answer.
    pub losses: i32,
    /// Since when it has been in its present state.
    pub since: Timestamp,
    /// When its job was admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_at: Option<Timestamp>,
    /// The worker that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// It is to be cancelled, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Intent>,
    /// It is to be paused, or is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Intent>,
    /// The sessions that ran it, or one of its actions, again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reruns: Vec<RerunLine>,
    /// What it would have ended as with what its actions came to when they were run again; absent if none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Status>,
}

impl SessionDetail {
    /// Puts together what is shown of a session.
    pub fn of(line: SessionLine, session: Session, transitions: &[TransitionLine]) -> SessionDetail {
        SessionDetail {
            stages: stages(&session, transitions),
            order: session.order,
            dispatch: session.dispatch,
            losses: session.losses,
            since: session.since,
            admitted_at: session.admitted_at,
            owner: session.owner,
            cancel: session.cancel,
            pause: session.pause,
            reruns: Vec::new(),
            standing: None,
            line,
        }
    }
}

fn stages(session: &Session, transitions: &[TransitionLine]) -> Vec<StageLine> {
    let done_at = |stage: Stage| {
        let advanced = transitions.iter().rfind(|t| t.transition.stage == stage && t.transition.what == What::Advanced);
        advanced.map(|t| t.transition.at)
    };
    let line = |stage: &Stage| {
        let (state, at) = match stage.cmp(&session.stage) {
            std::cmp::Ordering::Less => (StageState::Done, done_at(*stage)),
            std::cmp::Ordering::Greater => (StageState::Ahead, None),
            std::cmp::Ordering::Equal => match session.status {
                Status::Running => (StageState::Running, None),
                Status::Pending | Status::Paused => (StageState::Waiting, None),
                Status::Completed | Status::PartiallyCompleted => (StageState::Done, session.finished_at),
                Status::Failed | Status::Cancelled | Status::Missed => (StageState::Ended, session.finished_at),
            },
        };
        StageLine { stage: *stage, state, at }
    };
    session.kind.stages().iter().map(line).collect()
}
