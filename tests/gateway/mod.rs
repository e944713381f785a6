//! The gateway and the ways to computers: real agents and lying ones, a real broker, a real database.

mod wire;
mod world;

mod commands;
mod connections;
mod handover;
mod lies;
mod local;
mod outcomes;
