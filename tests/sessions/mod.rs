//! Whole sessions through the real programs, and what becomes of them when programs, servers and the network fail.

mod fleet;
mod installation;
mod killers;
mod kinds;
mod locks;
mod programs;
mod stalls;
pub mod work;

mod agents;
mod broker;
mod children;
mod compliance;
mod collector;
mod database;
mod deliveries;
mod detection_faults;
mod drills;
mod events;
mod filters;
mod installers;
mod forecast;
mod main_job;
mod overrides;
mod people;
mod policy_changes;
mod removals;
mod rolling;
mod schedulers;
mod secrets;
mod stops;
mod targets;
mod tasks;
mod traces;
mod workers;
