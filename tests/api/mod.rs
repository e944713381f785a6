//! The API over real HTTP, on a real database.

mod access;
pub mod house;
mod sessions;
mod views;
mod wakes;
