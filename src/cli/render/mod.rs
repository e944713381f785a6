//! How answers look to people: pure functions from values to text, also used where several reports are shown at once.

mod compliance;
mod computers;
mod counts;
mod durations;
mod forecast;
mod explanation;
mod letters;
mod locks;
mod logs;
mod overview;
mod progress;
mod report;
mod reports;
mod sessions;
mod style;
mod timeline;
mod timelines;
mod why;

pub use compliance::{compliance, compliance_counts, item_history, recurring};
pub use computers::{computer, computers};
pub use counts::status_counts;
pub use durations::durations;
pub use explanation::{explanation, preview, preview_count, survey};
pub use forecast::forecast;
pub use letters::{letter, letters};
pub use locks::locks;
pub use logs::logs;
pub use overview::overview;
pub use progress::{progress, progress_line};
pub use report::report;
pub use reports::reports;
pub use sessions::{session, sessions};
pub use style::{Style, took};
pub use timeline::timeline;
pub use timelines::timelines;
pub use why::why;
