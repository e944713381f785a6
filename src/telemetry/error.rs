//! Why telemetry cannot start.

/// Why telemetry cannot start. A collector that does not answer is no reason: what is sent to it is lost, nothing else.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log filter cannot be read.
    #[error("log.filter cannot be read: it is a level, or levels by part, as in \"info,pitcrew::broker=debug\"")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Something else in this process writes the log already.
    #[error("the log is set up already: telemetry starts once in a process")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
    /// The exporter cannot be made.
    #[error("telemetry.endpoint or its OTEL_EXPORTER_OTLP_* companions cannot be used")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
    /// The thread that makes the exporter ended before it was made.
    #[error("the exporter of telemetry could not be made")]
    Thread(#[source] tokio::task::JoinError),
}
