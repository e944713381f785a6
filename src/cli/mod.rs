//! The operator's verbs, over HTTP only. In reading order: what can be said, how the server is asked, how a program ends,
//! how answers look, and the verbs, one a file.
//!
//! Nothing here touches the database or the broker.

mod client;
mod exit;
mod output;
mod verb;

pub mod render;

mod apply;
mod compliance;
mod computer;
mod dead_letter;
mod deploy;
mod deployment;
mod durations;
mod forecast;
mod explain;
mod file;
mod input;
mod lock;
mod plan;
mod preview;
mod secret;
mod session;
mod status;
mod stop;
mod tenant;
mod why;

pub use client::Client;
pub use exit::{EXIT_CODES, Failure};
pub use output::{Format, Output};
pub use verb::{Common, Verb, run};
