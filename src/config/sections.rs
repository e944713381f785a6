//! The settings as typed values, one struct for each section of `default.toml`, where each key is explained.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use serde::Deserialize;

use super::secret::Secret;
use crate::domain::retry::RetryPolicy;
use crate::domain::session::Stage;

/// All settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Postgres.
    pub database: Database,
    /// RabbitMQ.
    pub amqp: Amqp,
    /// The keys of the secrets.
    pub secrets: Secrets,
    /// The API and its clients.
    pub api: Api,
    /// The agents' connections.
    pub gateway: Gateway,
    /// The workers of all stages.
    pub worker: Worker,
    /// The scheduler.
    pub scheduler: Scheduler,
    /// Retries of a stage.
    pub retry: Retry,
    /// Rates.
    pub limits: Limits,
    /// Logs.
    pub log: Log,
    /// Traces and metrics.
    pub telemetry: Telemetry,
}

/// Postgres.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://…`
    pub url: Secret,
    /// Connections of one process at most.
    pub pool_size: usize,
}

/// RabbitMQ.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amqp {
    /// `amqp://…` or `amqps://…`
    pub url: Secret,
    /// What all names begin with.
    pub prefix: String,
}

/// The keys of the secrets.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// The keys themselves; empty if they are in a file.
    pub key: Secret,
    /// The file that they are in; empty if there is none.
    pub key_file: String,
}

/// The file with the keys of the secrets cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the file that secrets.key_file names, {file}, cannot be read")]
pub struct NoKeys {
    file: String,
    #[source]
    source: std::io::Error,
}

impl Secrets {
    /// The keys, from the setting or its file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn keys(&self) -> Result<Secret, NoKeys> {
        if self.key_file.is_empty() {
            return Ok(self.key.clone());
        }
        let file = self.key_file.clone();
        std::fs::read_to_string(&file).map(Secret::new).map_err(|source| NoKeys { file, source })
    }
}

/// The API and its clients.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Where clients find it.
    pub url: String,
    /// Where computers find it; empty for `url`.
    pub public_url: String,
    /// What clients present; empty if there is none.
    pub token: Secret,
}

impl Api {
    /// Where computers find the server.
    pub fn for_computers(&self) -> &str {
        if self.public_url.is_empty() { &self.url } else { &self.public_url }
    }
}

/// The agents' connections.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// The gateway's own name; empty to make one from host and process.
    pub name: String,
}

/// The workers of all stages.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Results in one transaction at most.
    pub group: usize,
    /// How long a claim is valid.
    #[serde(with = "duration")]
    pub lease: Duration,
    /// How often leases are renewed.
    #[serde(with = "duration")]
    pub heartbeat: Duration,
    /// How long to wait for a step at a computer.
    #[serde(with = "duration")]
    pub patience: Duration,
    /// How long to keep one delivery.
    #[serde(with = "duration")]
    pub delivery_budget: Duration,
    /// How long to finish in after being told to stop.
    #[serde(with = "duration")]
    pub drain_grace: Duration,
    /// Sessions in work at a time.
    pub capacity: Capacity,
}

/// Sessions that one worker has in work at a time, by stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// In detection.
    pub detection: u16,
    /// In planning.
    pub planning: u16,
    /// In execution.
    pub execution: u16,
}

impl Worker {
    /// How many sessions of a stage one worker has in work at a time.
    pub fn capacity(&self, stage: Stage) -> u16 {
        match stage {
            Stage::Detection => self.capacity.detection,
            Stage::Planning => self.capacity.planning,
            Stage::Execution => self.capacity.execution,
        }
    }

    /// How many deliveries the broker may send ahead of their acknowledgement: twice the capacity, so that the next jobs
    /// are there while a group of finished ones is being written.
    pub fn prefetch(&self, stage: Stage) -> u16 {
        self.capacity(stage).saturating_mul(2)
    }
}

/// The scheduler.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduler {
    /// Computers in work at a time; 0 for no limit.
    pub max_running: u32,
    /// How many times the workers' capacity may be admitted.
    pub window_factor: u32,
    /// The shortest time between two looks for due work.
    #[serde(with = "duration")]
    pub tick_min: Duration,
    /// The longest.
    #[serde(with = "duration")]
    pub tick_max: Duration,
    /// Waiting sessions of one tenant looked at in one turn.
    pub look_ahead: u32,
    /// How long an admitted job may lie in its queue.
    #[serde(with = "duration")]
    pub take_within: Duration,
    /// The first wait of a session whose worker or job was lost.
    #[serde(with = "duration")]
    pub rescue_first: Duration,
    /// The longest.
    #[serde(with = "duration")]
    pub rescue_longest: Duration,
    /// Losses that a stage may have.
    pub max_losses: i32,
    /// For how long a leader leads.
    #[serde(with = "duration")]
    pub term: Duration,
}

/// Retries of a stage that failed for a transient reason.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Failures that end the stage.
    pub attempts: i32,
    /// The ceiling of the first wait.
    #[serde(with = "duration")]
    pub first: Duration,
    /// The ceiling of every wait.
    #[serde(with = "duration")]
    pub longest: Duration,
}

impl Retry {
    /// The policy that decides.
    pub fn policy(&self) -> RetryPolicy {
        RetryPolicy { attempts: self.attempts, first: self.first, longest: self.longest }
    }
}

/// Rates.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Stage starts per second of one tenant; 0 for no limit.
    pub tenant_per_second: u32,
    /// Downloads per second from one package source; 0 for no limit.
    pub source_per_second: u32,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Levels by part.
    pub filter: String,
    /// For whom.
    pub format: LogFormat,
}

/// For whom log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// People.
    Text,
    /// Machines.
    Json,
}

/// Traces and metrics.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Where they are sent to; empty for nowhere.
    pub endpoint: String,
    /// How.
    pub protocol: Protocol,
    /// The process's name in them; empty to name it by program.
    pub service_name: String,
    /// Spans that may wait to be sent.
    pub queue: usize,
    /// How often metrics are sent.
    #[serde(with = "duration")]
    pub metrics_every: Duration,
}

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Protocol {
    /// Over gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// As protobuf over HTTP.
    #[serde(rename = "http/protobuf")]
    Http,
}
