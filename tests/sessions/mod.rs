//! Whole sessions through the real programs, and what becomes of them when programs, servers and the network fail.

mod fleet;
mod installation;
mod programs;
mod work;

mod collector;
mod events;
mod main_job;
mod traces;
mod workers;
