//! RABBITMQ: the only room that speaks AMQP. In reading order:
//!
//! - `topology`: what exists on the broker, as data, with the reason for each argument
//! - `declare`: brings the broker to that topology, and says precisely where it differs
//! - `address`, `socket`: where the broker is, and a connection to it that can always be cut
//! - `link`: one connection kept up for ever
//! - `client`: the two links of a process, and everything that is done over them
//! - `message`, `publish`: groups of messages out, their confirms awaited together
//! - `consume`, `inbox`, `subscription`: deliveries in, in groups, across every kind of interruption
//! - `settle`, `outstanding`: deliveries acknowledged in groups
//! - `depth`: how many messages are waiting
//! - `trace`: the trace context in a message's headers
//! - `call`, `error`: every question to the broker has an end, and every failure says what to do
//!
//! This room moves bytes. It never reads a message's body, never decides what a message means, and never uses `store`.

mod address;
mod call;
mod client;
mod consume;
mod declare;
mod depth;
mod error;
mod headers;
mod inbox;
mod link;
mod message;
mod outstanding;
mod publish;
pub mod settle;
mod socket;
mod subscription;
pub mod topology;
pub mod trace;

pub use client::Broker;
pub use consume::{Consumer, Flow};
pub use error::{Error, PublishError};
pub use inbox::Delivery;
pub use link::State;
pub use message::Message;
pub use publish::Publisher;
pub use settle::Receipt;
pub use topology::Topology;
