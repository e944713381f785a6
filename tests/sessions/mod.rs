//! Whole sessions through the real programs.

mod events;
mod installation;
mod main_job;
