//! Whole sessions through the real programs.

mod installation;
mod main_job;
