//! Pitcrew keeps every computer of a large fleet in its desired state. This page is the map: the rooms in reading order.

pub mod boot;
pub mod broker;
pub mod config;
pub mod domain;
pub mod fleet;
pub mod gateway;
pub mod lifecycle;
pub mod planning;
pub mod process;
pub mod resolve;
pub mod scheduler;
pub mod shutdown;
pub mod stage;
pub mod store;
pub mod telemetry;
pub mod transport;
