//! The agent's program, against a real WebSocket server, real processes and a real disk.

mod support;

mod connection;
mod crash;
mod download;
mod exec;
mod fence;
mod reboot;
mod steps;
