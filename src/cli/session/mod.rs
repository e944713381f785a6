//! `pitcrew session …`

mod cancel;
mod chosen;
mod counts;
mod given;
mod intent;
mod list;
mod logs;
mod pause;
mod report;
mod rerun;
mod resume;
mod show;
mod start;
mod timeline;
mod verb;
pub(super) mod wait;
pub(super) mod watch;

pub(super) use verb::{Verb, run};
