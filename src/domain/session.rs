//! A session: one computer, one run of maintenance.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::parameter::ParameterValue;
use super::words::words;
use super::{ComputerId, Given, Item, SessionId, TenantId};

words! {
    /// What a session is for.
    Kind {
        /// Every required deployment of the computer.
        Full = "full",
        /// Chosen deployments only.
        Targeted = "targeted",
        /// Brings a new computer to the standard; onboarding deployments first.
        Onboarding = "onboarding",
        /// Reads only, and ends after planning: its plan is the preview of a full session.
        Detection = "detection",
        /// Brings one item about again, even if it looks as it should be, with what it needs and what configures it.
        Repair = "repair",
        /// Takes the inventory and nothing else.
        Inventory = "inventory",
        /// Says what the computer should have. Asks nothing of the computer, which may be offline.
        Resolution = "resolution",
        /// Looks and plans as a full session does, then only fetches the files, so that a later one need not wait.
        Download = "download",
    }
}

impl Kind {
    /// The stages that a session of this kind may pass through, in order.
    pub const fn stages(self) -> &'static [Stage] {
        match self {
            Kind::Full | Kind::Targeted | Kind::Onboarding | Kind::Repair | Kind::Download => Stage::ALL,
            Kind::Detection => &[Stage::Detection, Stage::Planning],
            Kind::Inventory => &[Stage::Detection],
            Kind::Resolution => &[Stage::Planning],
        }
    }

    /// The last stage that a session of this kind goes through if there is anything to do.
    pub fn last_stage(self) -> Stage {
        self.stages().last().copied().unwrap_or(Stage::Execution)
    }
}

words! {
    /// Where a session is. The final ones never change again.
    Status {
        /// It waits; `waiting_on` says for what.
        Pending = "pending",
        /// A worker has it.
        Running = "running",
        /// A person halted it; a person lets it go on.
        Paused = "paused",
        /// Final: everything was as it should be, or was brought there.
        Completed = "completed",
        /// Final: some actions failed.
        PartiallyCompleted = "partially_completed",
        /// Final: nothing could be achieved.
        Failed = "failed",
        /// Final: a person or a system called it off.
        Cancelled = "cancelled",
        /// Final: its window closed before it could start.
        Missed = "missed",
    }
}

impl Status {
    /// True of those that never change again.
    pub const fn is_final(self) -> bool {
        match self {
            Status::Pending | Status::Running | Status::Paused => false,
            Status::Completed | Status::PartiallyCompleted | Status::Failed | Status::Cancelled | Status::Missed => {
                true
            }
        }
    }
}

impl Status {
    /// True of the final ones that a session may reach in the middle of its work.
    pub const fn is_given_up(self) -> bool {
        match self {
            Status::Failed | Status::Cancelled | Status::Missed => true,
            Status::Pending | Status::Running | Status::Paused | Status::Completed | Status::PartiallyCompleted => {
                false
            }
        }
    }
}

words! {
    /// What a pending session waits for.
    WaitingOn {
        /// Its turn under the caps, the workers' capacity and the other tenants' shares.
        Turn = "turn",
        /// Its maintenance window.
        Window = "window",
        /// A chosen time.
        Schedule = "schedule",
        /// A person's approval.
        Approval = "approval",
        /// The computer's connection.
        Connectivity = "connectivity",
        /// The time its user postponed it to.
        Postponed = "postponed",
        /// The computer's restart.
        Reboot = "reboot",
        /// The end of a back-off after a transient failure.
        Retry = "retry",
        /// A long step that goes on at the computer.
        Computer = "computer",
        /// A fleet-wide lock that another session holds.
        Lock = "lock",
    }
}

impl WaitingOn {
    /// True if the computer stays reserved while the session waits: a step or a reboot is in flight there.
    pub const fn keeps_hold(self) -> bool {
        match self {
            WaitingOn::Computer | WaitingOn::Reboot => true,
            WaitingOn::Turn
            | WaitingOn::Window
            | WaitingOn::Schedule
            | WaitingOn::Approval
            | WaitingOn::Connectivity
            | WaitingOn::Postponed
            | WaitingOn::Retry
            | WaitingOn::Lock => false,
        }
    }
}

words! {
    /// The fixed sequence of a session's stages.
    Stage {
        /// Finds out what the computer has.
        Detection = "detection",
        /// Decides what to do: a pure function of findings and policy.
        Planning = "planning",
        /// Does it, action by action.
        Execution = "execution",
    }
}

words! {
    /// How urgent a session is. It orders a tenant's own turn and never takes another tenant's share, `emergency` aside.
    Priority {
        /// Before everything, other tenants included.
        Emergency = "emergency",
        /// Before the tenant's ordinary work.
        High = "high",
        /// The ordinary.
        Normal = "normal",
        /// After the tenant's ordinary work.
        Low = "low",
    }
}

impl Priority {
    /// The rank in the database: 0 is the most urgent.
    pub const fn rank(self) -> i16 {
        match self {
            Priority::Emergency => 0,
            Priority::High => 1,
            Priority::Normal => 2,
            Priority::Low => 3,
        }
    }

    /// The priority of a rank; whatever is beyond the ends is the nearest end.
    pub const fn from_rank(rank: i16) -> Priority {
        match rank {
            i16::MIN..=0 => Priority::Emergency,
            1 => Priority::High,
            2 => Priority::Normal,
            3..=i16::MAX => Priority::Low,
        }
    }
}

words! {
    /// Whether a session may restart its computer.
    RebootPolicy {
        /// Never, whatever asks for it.
        Never = "never",
        /// When an action asks for it.
        IfNeeded = "if_needed",
    }
}

/// What a person or a system asked of a session; workers learn of it at every heartbeat and step commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Intent {
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was asked.
    pub at: Timestamp,
}

/// A live session, as the database has it: what every decision in [`crate::lifecycle`] starts from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The tenant of its computer.
    pub tenant: TenantId,
    /// Its computer.
    pub computer: ComputerId,
    /// What it is for.
    pub kind: Kind,
    /// How urgent it is.
    pub priority: Priority,
    /// What it was asked to do; never changes.
    pub order: Order,
    /// Where it is.
    pub status: Status,
    /// What it waits for while pending.
    pub waiting_on: Option<WaitingOn>,
    /// The stage that is next or in work.
    pub stage: Stage,
    /// Names one sending of the stage's job; rises at every admission, wake and re-publication.
    pub dispatch: i32,
    /// Failures of this stage so far.
    pub attempt: i32,
    /// Claims of this stage that were lost without an answer.
    pub losses: i32,
    /// From when on it may be admitted; none while it is admitted or paused.
    pub run_after: Option<Timestamp>,
    /// What it waited for before the current dispatch was admitted.
    pub waited_on: Option<WaitingOn>,
    /// The `run_after` with which the current dispatch was admitted: from then on it waited for its turn.
    pub due_at: Option<Timestamp>,
    /// When the current dispatch was admitted.
    pub admitted_at: Option<Timestamp>,
    /// When a worker claimed the current dispatch.
    pub taken_at: Option<Timestamp>,
    /// The worker that claimed it.
    pub owner: Option<String>,
    /// When rescue looks at the current dispatch: the end of the worker's lease, or of the time a job has to be taken.
    pub deadline: Option<Timestamp>,
    /// The computer's epoch of the last claim that may command it.
    pub epoch: i64,
    /// The run that is recorded as in flight at the computer.
    pub run_in_flight: Option<Uuid>,
    /// Cancel it.
    pub cancel: Option<Intent>,
    /// Pause it.
    pub pause: Option<Intent>,
    /// Rises with every change: a writer that read an older one writes nothing.
    pub revision: i32,
    /// Since when it has been in its present state: where the next timeline entry begins.
    pub since: Timestamp,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When its first stage was first claimed.
    pub started_at: Option<Timestamp>,
    /// When it became final.
    pub finished_at: Option<Timestamp>,
    /// The last thing that went wrong, in a sentence.
    pub last_error: Option<String>,
}

/// What a session was asked to do, kept as it was submitted, for reruns and audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The deployments of a targeted session, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<String>,
    /// The one item that it is about: of a repair, and where one action is run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub item: Option<Item>,
    /// What it gives the parameters of items, in the place of what deployments say.
    #[serde(default, skip_serializing_if = "Given::is_empty")]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, ParameterValue>>")]
    pub parameters: Given,
    /// Take the inventory in detection.
    #[serde(default)]
    pub inventory: bool,
    /// Whether the computer may be restarted.
    pub reboot: RebootPolicy,
    /// Who asked.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What made it: `api`, `amqp`, `schedule`, `rerun` …
    pub origin: String,
    /// The sessions that were asked for together; none where there is one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The session that this one runs again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<SessionId>,
    /// The trace of the submission, which the session's trace links to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Sessions that were asked for together. It bears the id of the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// The first session.
    pub id: SessionId,
    /// The last one. Others may lie between them that do not belong to it.
    pub last: SessionId,
}

impl Session {
    /// True while a job of the current dispatch is out, taken or not.
    pub fn is_admitted(&self) -> bool {
        self.admitted_at.is_some()
    }
}
