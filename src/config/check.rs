//! What no type says of the settings: bounds, and what must agree with what.

use std::time::Duration;

use super::sections::Config;
use crate::store::Keyring;

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
        must(
            Keyring::read(self.secrets.key.expose()).is_ok(),
            "secrets.key",
            "must be 64 hexadecimal digits, or several such keys with commas or blanks between them",
        );
        must(
            self.secrets.key.is_empty() || self.secrets.key_file.is_empty(),
            "secrets.key_file",
            "and secrets.key cannot both be set: put all keys in one place",
        );
        must(scheme(&self.api.url, &["http://", "https://"]), "api.url", "must begin with http:// or https://");
        must(
            scheme(self.api.for_computers(), &["http://", "https://"]),
            "api.public_url",
            "must begin with http:// or https://, or be empty",
        );
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
