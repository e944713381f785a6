//! Nouns: values without I/O, clock or async.
//!
//! These types are shared by every other room and use none of them.

pub mod ids;
pub mod job;
pub mod retry;
pub mod session;
pub mod transition;

pub use ids::{ComputerId, SessionId, TenantId};
