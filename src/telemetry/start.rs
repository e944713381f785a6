//! Beginning and end: what is on, and that nothing is lost at the end for want of a moment.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanProcessor};
use uuid::Uuid;

use super::batch::Batch;
use super::emit::{Inner, Telemetry};
use super::error::Error;
use super::metrics::Metrics;
use super::{logs, otlp};
use crate::config::Config;

/// How long the end may take while what has been told is sent.
const FLUSH: Duration = Duration::from_secs(3);
/// The name of the scope of all that is sent.
const SCOPE: &str = "pitcrew";

/// Keeps telemetry going. Its end sends what has been told so far, within a few seconds.
#[derive(Debug)]
#[must_use = "telemetry ends with its guard"]
pub struct Guard {
    telemetry: Telemetry,
    /// How long the end may take.
    pub(super) patience: Duration,
}

/// Sets up the log of this process and, if an endpoint is set, its traces and metrics. `service` names the program
/// unless the settings do. To be called once, inside a runtime of several threads.
///
/// # Errors
/// If the log filter or the endpoint cannot be used, or something else has set up the log.
pub async fn start(service: &str, config: &Config) -> Result<Guard, Error> {
    let guard = connect(service, config).await?;
    let tracer = guard.telemetry.0.as_deref().map(|inner| inner.tracers.tracer(SCOPE));
    logs::init(&config.log, tracer)?;
    Ok(guard)
}

/// The same without the log.
pub(super) async fn connect(service: &str, config: &Config) -> Result<Guard, Error> {
    let settings = &config.telemetry;
    if settings.endpoint.is_empty() {
        return Ok(Guard { telemetry: Telemetry::off(), patience: FLUSH });
    }
    // The HTTP client takes the process's TLS provider, and there has to be one. If there is, this changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (spans, metrics) = otlp::exporters(settings).await?;

    let service = if settings.service_name.is_empty() { service } else { &settings.service_name };
    let resource = Resource::builder()
        .with_service_name(service.to_owned())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", Uuid::new_v4().to_string()))
        .build();
    let reader = PeriodicReader::builder(metrics).with_interval(settings.metrics_every).build();
    let meters = SdkMeterProvider::builder().with_reader(reader).with_resource(resource.clone()).build();
    let meter = meters.meter(SCOPE);
    let spans = Batch::new(spans, settings.queue, &resource, &meter);
    // A session of which a part is missing explains nothing: everything is sent, whatever OTEL_TRACES_SAMPLER says.
    let tracers = SdkTracerProvider::builder()
        .with_span_processor(spans.clone())
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource)
        .build();
    let metrics = Metrics::new(&meter);
    let scope = InstrumentationScope::builder(SCOPE).with_version(env!("CARGO_PKG_VERSION")).build();
    let prefix = config.amqp.prefix.clone();
    let telemetry = Telemetry(Some(Arc::new(Inner { spans, scope, tracers, meters, metrics, prefix })));
    Ok(Guard { telemetry, patience: FLUSH })
}

impl Guard {
    /// What tells of the program's work.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Sends what has been told so far and ends, within a few seconds. What is told afterwards is lost.
    pub async fn finish(mut self) {
        if let Some(flushed) = flush(std::mem::take(&mut self.telemetry), self.patience) {
            warn_if_late(tokio::time::timeout(self.patience, flushed).await.is_ok());
        }
    }
}

impl Drop for Guard {
    /// The same for programs that end without [`Guard::finish`]. It holds up its thread, but only one of the runtime's.
    fn drop(&mut self) {
        if let Some(mut flushed) = flush(std::mem::take(&mut self.telemetry), self.patience) {
            let until = std::time::Instant::now() + self.patience;
            let mut done = || !matches!(flushed.try_recv(), Err(tokio::sync::oneshot::error::TryRecvError::Empty));
            while !done() && std::time::Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            warn_if_late(done());
        }
    }
}

/// Sends and ends in a thread of its own, which nobody has to wait for: the SDK's own bounds are not kept by all of its
/// parts, and a runtime waits for its blocking tasks.
fn flush(telemetry: Telemetry, patience: Duration) -> Option<tokio::sync::oneshot::Receiver<()>> {
    let inner = telemetry.0?;
    let (done, flushed) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("telemetry-flush".into());
    let started = thread.spawn(move || {
        // That it could not be sent is logged by the SDK; there is nothing left to do about it here.
        let _ = inner.spans.shutdown_with_timeout(patience);
        let _ = inner.meters.shutdown();
        let _ = done.send(());
    });
    started.is_ok().then_some(flushed)
}

fn warn_if_late(in_time: bool) {
    if !in_time {
        tracing::warn!("The last traces and metrics were not sent in time. Does the collector answer?");
    }
}
