//! The API over real HTTP, on a real database.

mod access;
mod compliance;
mod deployments;
mod files;
pub mod house;
mod sessions;
mod several;
mod targets;
mod views;
mod wakes;
