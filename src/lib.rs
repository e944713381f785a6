//! Pitcrew keeps every computer of a fleet in its desired state. This page is the map: the rooms in reading order.

pub mod boot;
pub mod config;
pub mod domain;
pub mod shutdown;
pub mod transport;
