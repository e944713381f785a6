//! What the tests share: a place with a state folder, a gateway that the agent dials, and short words for runs.

mod gateway;
mod place;
mod runs;

pub use gateway::Gateway;
pub use place::{Place, eventually, is_alive};
pub use runs::{code, kill, now, reboot, run, run_frame, script, sh, take_over, then};

/// The longest that anything is waited for.
pub const DEADLINE: std::time::Duration = std::time::Duration::from_secs(60);
