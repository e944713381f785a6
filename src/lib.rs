//! Pitcrew keeps every computer of a large fleet in its desired state. This page is the map: the rooms in reading order.
//!
//! A session's journey by file names: `cli` or `api` or `scheduler/intake` → `domain/submission` → `lifecycle/submit` →
//! `store/sessions` → `scheduler/dispatch` → `stage/publish` → `stage/worker` (receive, claim, limit, run) →
//! `workers/detection` → `stage/settle` → the same with `workers/planning`, then `workers/execution` →
//! `lifecycle/finish`.

// Nouns: values without I/O, clock or async.
pub mod domain;
// Verbs: what can happen to a session, one file each; pure.
pub mod lifecycle;
// Fleet files: YAML in, documents or every fault out; pure.
pub mod fleet;
// Which deployment wins; pure.
pub mod resolve;
// What to do about it; pure.
pub mod planning;

// Postgres: the only SQL, and the one gate through which a session changes.
pub mod store;
// RabbitMQ: topology, publishing and consuming in groups.
pub mod broker;
// Reaching computers: one trait, several ways.
pub mod transport;

// The loop that the workers share.
pub mod stage;
// Agents that decide when: dispatch, rescue, intake.
pub mod scheduler;
// The agents' connections.
pub mod gateway;
// HTTP and JSON for people, programs and the command line.
pub mod api;
// The operator's verbs, over HTTP only.
pub mod cli;
// The documents that others build on, made from the types.
pub mod schemas;

// What others are told.
pub mod notify;

// What every server program begins and ends with.
pub mod process;
pub mod config;
pub mod telemetry;
pub mod shutdown;
// Everything on one machine: private services, supervision, the demo.
pub mod boot;
// Whether what must hold did hold, from the evidence that is left.
pub mod check;
