//! Whole sessions through the real programs.

mod collector;
mod events;
mod installation;
mod main_job;
mod traces;
