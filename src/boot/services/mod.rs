//! A private PostgreSQL and a private RabbitMQ, for one machine: a laptop's demo, and every test that needs the real thing.
//!
//! Each is an owned handle: it runs as long as its handle lives, listens on 127.0.0.1 alone, keeps everything in the one
//! folder it was given, and goes on with that folder's data when it is started there again. If the owner dies without a
//! word, a small watchdog takes the server down with it.
//!
//! This module never touches a service of the operating system, never opens a port to the network, and never runs as
//! root a server that refuses it. Freezing and killing whole process trees reads `/proc` and so works on Linux alone.

pub mod postgres;
pub mod rabbitmq;

mod account;
mod error;
mod folder;
pub(super) mod ports;
mod process;
mod programs;

pub use error::Error;
pub use postgres::Postgres;
pub use rabbitmq::RabbitMq;
