//! The message that sends a worker to a session's stage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::Stage;
use super::{SessionId, TenantId};

/// The version of the job message that this program writes, and the only one it reads.
pub const JOB_VERSION: u32 = 1;

/// A stage job: ids only. Whoever takes it reads everything else from the database, under the fence of `dispatch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The version of this message: 1.
    pub v: u32,
    /// The session.
    pub session: SessionId,
    /// Its tenant, for the workers' rate limits.
    pub tenant: TenantId,
    /// The stage.
    pub stage: Stage,
    /// The fence: the job counts only while this is the session's current dispatch.
    pub dispatch: i32,
}

impl Job {
    /// The message id, from which a duplicate is recognised.
    pub fn message_id(&self) -> String {
        format!("{}/{}/{}", self.session, self.stage, self.dispatch)
    }
}
