//! What to do: from what is wanted and what was found to a plan, and from an action's run to a verdict.
//!
//! Pure: no clock, no randomness, no I/O; the same inputs give the same plan, byte for byte. In reading order: what
//! detection asks the computer, what its answer means, the table of desired states, the order of actions, what is said of
//! each item, what a whole fleet's sessions would do, what an action asks the computer, and what its answer means.

mod detection;
mod filters;
mod inventory;

mod answered;
mod findings;

mod decide;
mod versions;
mod words;

mod calls;
mod choices;
mod offers;
mod relations;
mod resolver;

mod before;
mod ladder;
mod licences;
mod needs;
mod order;

mod compliance;
mod session;

pub mod forecast;

mod steps;

mod judge;

mod children;

mod env;

pub use children::failed_below;
pub use detection::detection;
pub use filters::{Asked, answers, asked, filter_steps, keep_what_counts, knowing, looked_for, told_to_stop};
pub use findings::findings;
pub use inventory::{built_in_scripts, seen, text_of};
pub use judge::{Verdict, judge, judge_after_reboot};
pub use order::{plan, plan_and_judge};
pub use session::plan_for;
pub use steps::{reboot, steps, verification};

#[cfg(test)]
mod tests;
