//! The demo: computers and work to look at, real in everything but the computers' size.
//!
//! [`mod@run`] is the page to read first. Each computer of the sample is a folder under `.pitcrew/demo` with an agent of its
//! own; nothing outside that folder is changed. What is expected of each computer is data, in `deploy/local/demo`, and is
//! compared with what came about.

mod archives;
mod client;
mod error;
mod expect;
mod files;
mod report;
mod run;
mod sample;
mod sandboxes;
mod watch;

pub use error::Error;
pub use run::run;
