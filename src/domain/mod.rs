//! Nouns: values without I/O, clock or async.
//!
//! These types are shared by every other room and use none of them.

pub mod counted;
pub mod ids;
pub mod suggest;
pub mod words;

pub mod computer;
pub mod deployment;
pub mod facts;
pub mod group;
pub mod item;
pub mod licence;
pub mod query;
pub mod rule;
pub mod script;
pub mod sequence;
pub mod software;
pub mod parameter;
pub mod given;
pub mod task;
pub mod tenant;
pub mod version;

pub mod truth;

mod aimed;
pub mod policy;

pub mod compliance;
pub mod findings;
pub mod outcome;
pub mod tally;
pub mod plan;
pub mod run;

pub mod job;
pub mod retry;
pub mod session;
pub mod submission;
pub mod transition;
pub mod event;

pub mod ticket;
pub mod report;
pub mod role;

mod canonical;
mod hex;
mod memo;

pub use compliance::{Judged, Judgement};
pub use computer::{Answered, Approval, Computer, Connection, Device, Os, PrimaryUser, ScriptAnswer};
pub use deployment::{Bearer, Decision, Deployment, DesiredState, DeviceFilter, Enforcement, Mode, Target};
pub use findings::{AnsweredVersion, Finding, Findings, Package, Seen};
pub use given::Given;
pub use group::{ComputerName, Filter, Group, Listed, Members};
pub use ids::{ComputerId, DeploymentId, SessionId, TenantId};
pub use item::{Item, ItemKind};
pub use licence::{Licence, LicenceNeed};
pub use outcome::{ActionOutcome, ActionResult, Reason};
pub use parameter::{Override, Parameter, ParameterType, ParameterValue, SecretId, Told};
pub use plan::{ActionType, Change, Does, Plan, PlannedAction, Recipe, Settled, Undo, Want};
pub use policy::Policy;
pub use role::Role;
pub use rule::{Consequence, Presence, Quantifier, Rule};
pub use run::{RunSpec, StepSpec};
pub use script::{Method, ScriptUse, Sha256Hash};
pub use sequence::Sequence;
pub use software::{
    Bounds, Conflict, Download, Origin, Otherwise, Prerequisite, RebootNeed, Software, SoftwareVersion, Upgrade,
};
pub use tally::Tally;
pub use task::Task;
pub use tenant::Tenant;
pub use truth::Truth;
pub use version::{Scheme, Version};
