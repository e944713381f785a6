//! The API: HTTP and JSON over the store. In reading order:
//!
//! - [`mod@serve`]: a listener, until the drain
//! - [`mod@router`]: every route
//! - [`caller`]: who calls, and what they may do
//! - [`problem`]: every refusal has one form (RFC 9457)
//! - [`query`], [`body`]: what is taken from a request
//! - the routes, by noun: [`apply`], [`files`], [`sessions`], [`session`], [`intents`], [`several`], [`computers`],
//!   [`compliance`], [`forecast`], [`durations`], [`explain`], [`preview`], [`approvals`], [`deployments`], [`deploy`],
//!   [`tenants`], [`dead_letters`], [`status`]
//!
//! It writes rows and returns; it never speaks to the broker, and works while that is away. It has no SQL of its own.

mod apply;
mod approvals;
mod body;
mod caller;
mod compliance;
mod computers;
mod dead_letters;
mod deploy;
mod deployments;
mod durations;
mod forecast;
mod intents;
mod explain;
mod files;
mod preview;
mod locks;
mod problem;
mod query;
mod router;
mod scan;
mod secrets;
mod serve;
mod session;
mod sessions;
mod several;
mod status;
mod tenants;

pub use problem::{FileFault, Problem};
pub use router::router;
pub use serve::serve;
