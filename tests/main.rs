//! Pitcrew's integration tests, against a real PostgreSQL and a real RabbitMQ. One binary, so that they share one of each.

mod support;

mod api;
mod broker;
mod check;
mod cli;
mod demo;
mod fleet;
mod gateway;
mod harness;
mod migrations;
mod intake;
mod owner_dies;
mod parsers;
mod postgres;
mod rabbitmq;
mod schemas;
mod secrets;
mod sessions;
mod up;
