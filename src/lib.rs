//! Pitcrew.
