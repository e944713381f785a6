//! Tells others what happened to sessions: every transition becomes an event on the broker, at least once.

mod events;

pub use events::Events;
