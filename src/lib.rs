//! Pitcrew keeps every computer of a large fleet in its desired state. This page is the map: the rooms in reading order.

pub mod domain;
pub mod lifecycle;
pub mod resolve;
pub mod planning;
pub mod store;
pub mod broker;
pub mod transport;
pub mod stage;
pub mod scheduler;
pub mod gateway;
pub mod config;
pub mod telemetry;
pub mod shutdown;
pub mod process;
pub mod boot;
