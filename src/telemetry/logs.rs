//! The log, on the standard error stream: lines for people, or JSON.

use std::io;

use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, FilterFn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::error::Error;
use super::http::TARGET;
use crate::config::{Log, LogFormat};

/// Libraries that say more at `info` than an operator needs. A filter that names them overrules this.
const QUIET: &str = "opentelemetry=warn,opentelemetry_sdk=warn,opentelemetry-otlp=warn,h2=warn,hyper=warn,\
    hyper_util=warn,tonic=warn,tower=warn,reqwest=warn,rustls=warn,lapin=warn,refinery_core=warn,tokio_postgres=warn,\
    tungstenite=warn";

/// Sets up the process's log. With a tracer, `tracing` spans of the target [`TARGET`] are sent as well; all others are
/// context for log lines only, so that neither loops nor the exporter itself are ever traced.
pub(super) fn init(log: &Log, tracer: Option<SdkTracer>) -> Result<(), Error> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.filter)).map_err(Error::Filter)?;
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    registry().with(lines.with_filter(filter)).with(tracer.map(traces)).try_init().map_err(Error::Twice)
}

/// What sends `tracing` spans, if they are meant to be sent.
pub(super) fn traces<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(FilterFn::new(|metadata| metadata.is_span() && metadata.target() == TARGET))
}
