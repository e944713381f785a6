//! What people are shown: the answers of the API, which the command line prints. Values only; the store fills them.

mod action;
mod compliance;
mod computer;
mod deployment;
mod duration;
mod file;
mod forecast;
mod explanation;
mod letter;
mod lock;
mod numbers;
mod overview;
mod rerun;
mod secret;
mod session;
mod several;
mod summary;
mod timeline;
mod why;

pub use action::{ActionLine, LogEntry, Takes};
pub use compliance::{
    ComplianceCount, ComplianceLine, CompliancePage, CountedBy, ItemHistory, Looked, NotAPlace, PastAction, PastState,
    Place, Recurring,
};
pub use computer::{ComputerLine, LastSession, Presence};
pub use deployment::{Deployed, DeploymentLine, QuickDeploy};
pub use duration::Duration;
pub use explanation::{Contender, ExplainedItem, Explanation, PreviewCount, PreviewLine, Survey, SurveyLine};
pub use file::FileLine;
pub use forecast::{Ages, Computers, Difference, Forecast, Radius, SampleAction, SampleComputer};
pub use letter::{LetterLine, LetterState};
pub use lock::{LockLine, LockSession};
pub use numbers::Numbers;
pub use overview::{Count, Overview, Scheduler, WorkerLine};
pub use rerun::{RerunLine, standing};
pub use secret::{Rotated, SecretLine};
pub use session::{Page, SessionDetail, SessionLine, StageLine, StageState};
pub use several::{Reruns, RunAgain, Several, StatusCounts, Unchanged};
pub use summary::{Found, Report};
pub use timeline::{Doing, Part, Sums, Timeline, TransitionLine, timeline};
pub use why::{Facts, Other, Why, why};
