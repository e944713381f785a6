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

/// The API and its clients.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Where clients find it.
    pub url: String,
    /// What clients present; empty if there is none.
    pub token: Secret,
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

impl Config {
    /// What no type says: each key whose value cannot work, and why.
    pub(super) fn check(&self) -> Vec<(&'static str, String)> {
        let (worker, scheduler) = (&self.worker, &self.scheduler);
        let mut wrong = Vec::new();
        let mut must = |right: bool, key: &'static str, message: &str| {
            if !right {
                wrong.push((key, message.to_owned()));
            }
        };
        let scheme = |url: &str, schemes: &[&str]| schemes.iter().any(|scheme| url.starts_with(scheme));
        must(
            scheme(self.database.url.expose(), &["postgres://", "postgresql://"]),
            "database.url",
            "must begin with postgres://",
        );
        must(self.database.pool_size >= 2, "database.pool_size", "must be at least 2");
        must(
            scheme(self.amqp.url.expose(), &["amqp://", "amqps://"]),
            "amqp.url",
            "must begin with amqp:// or amqps://",
        );
        let name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        must(
            !self.amqp.prefix.is_empty() && self.amqp.prefix.len() <= 64 && name(&self.amqp.prefix),
            "amqp.prefix",
            "must be 1 to 64 letters, digits, '-', '_' or '.'",
        );
        must(scheme(&self.api.url, &["http://", "https://"]), "api.url", "must begin with http:// or https://");
        must(name(&self.gateway.name), "gateway.name", "may have letters, digits, '-', '_' and '.'");
        must((1..=256).contains(&worker.group), "worker.group", "must be 1 to 256");
        must(!worker.heartbeat.is_zero(), "worker.heartbeat", "must be longer than nothing");
        must(worker.lease >= worker.heartbeat * 3, "worker.lease", "must be at least three times worker.heartbeat");
        must(
            worker.delivery_budget > worker.patience,
            "worker.delivery_budget",
            "must be longer than worker.patience, or no step could ever end in it",
        );
        must(
            worker.delivery_budget <= Duration::from_secs(900),
            "worker.delivery_budget",
            "must be at most 15 min: the broker takes back what is kept for 30",
        );
        must(worker.capacity.detection > 0, "worker.capacity.detection", "must be at least 1");
        must(worker.capacity.planning > 0, "worker.capacity.planning", "must be at least 1");
        must(worker.capacity.execution > 0, "worker.capacity.execution", "must be at least 1");
        must((1..=10).contains(&scheduler.window_factor), "scheduler.window_factor", "must be 1 to 10");
        must(!scheduler.tick_min.is_zero(), "scheduler.tick_min", "must be longer than nothing");
        must(scheduler.tick_max >= scheduler.tick_min, "scheduler.tick_max", "must not be below scheduler.tick_min");
        must((1..=1000).contains(&scheduler.look_ahead), "scheduler.look_ahead", "must be 1 to 1000");
        must(!scheduler.take_within.is_zero(), "scheduler.take_within", "must be longer than nothing");
        must(
            scheduler.rescue_longest >= scheduler.rescue_first,
            "scheduler.rescue_longest",
            "must not be below scheduler.rescue_first",
        );
        must(scheduler.max_losses >= 1, "scheduler.max_losses", "must be at least 1");
        must(scheduler.term >= Duration::from_secs(1), "scheduler.term", "must be at least 1 s");
        must(self.retry.attempts >= 1, "retry.attempts", "must be at least 1");
        must(self.retry.longest >= self.retry.first, "retry.longest", "must not be below retry.first");
        must(
            tracing_subscriber::EnvFilter::try_new(&self.log.filter).is_ok(),
            "log.filter",
            "must be a level, or levels by part, as in \"info,pitcrew::broker=debug\"",
        );
        let endpoint = &self.telemetry.endpoint;
        must(
            endpoint.is_empty() || scheme(endpoint, &["http://", "https://"]) && url::Url::parse(endpoint).is_ok(),
            "telemetry.endpoint",
            "must be a URL with its scheme, such as http://127.0.0.1:4317",
        );
        must(self.telemetry.queue >= 16_384, "telemetry.queue", "must be at least 16384");
        must(self.telemetry.metrics_every >= Duration::from_secs(1), "telemetry.metrics_every", "must be at least 1 s");
        wrong
    }
}
