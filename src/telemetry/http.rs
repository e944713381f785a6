//! Spans of requests to the API. They begin and end while the code runs, so they are ordinary `tracing` spans.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::ids::{read_traceparent, traceparent};
use super::table;

/// The target of the `tracing` spans that are sent.
pub const TARGET: &str = "pitcrew::trace";

/// The span of a request: `route` is the route's pattern, `parent` the caller's header `traceparent`.
pub fn request_span(method: &str, route: &str, parent: Option<&str>) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        { table::HTTP_METHOD } = method,
        { table::HTTP_ROUTE } = route,
        { table::HTTP_STATUS } = field::Empty,
    );
    if let Some(parent) = parent.and_then(read_traceparent) {
        // This fails only when nothing is sent.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    span
}

/// Says what a request was answered with.
pub fn answered(span: &Span, status: u16) {
    span.record(table::HTTP_STATUS, i64::from(status));
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// The `traceparent` of the span that is being worked in: what a submission keeps, for its session's trace to link to.
pub fn current_traceparent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| traceparent(span))
}
