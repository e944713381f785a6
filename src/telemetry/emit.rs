//! Hands finished spans to the batch that is sent from a thread of its own.
//!
//! The SDK's tracer makes ids itself and knows only the present. A session's spans have derived ids and lie in the past,
//! so they are built here and given to the SDK's batch processor directly.

use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{Link, SpanContext, SpanId, Status, TraceFlags, TraceState};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanEvents, SpanLinks, SpanProcessor};
use uuid::Uuid;

use super::batch::Batch;
use super::metrics::Metrics;
use super::sessions::Sessions;
use super::spans::SpanSpec;

/// What tells of the program's work. Clones are the same; when it is off, every call is one branch.
#[derive(Debug, Clone, Default)]
pub struct Telemetry(pub(super) Option<Arc<Inner>>);

/// What there is when telemetry is on.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) spans: Batch,
    pub(super) scope: InstrumentationScope,
    pub(super) tracers: SdkTracerProvider,
    pub(super) meters: SdkMeterProvider,
    pub(super) metrics: Metrics,
    /// What the broker's names begin with.
    pub(super) prefix: String,
}

impl Telemetry {
    /// One that tells nobody.
    pub fn off() -> Telemetry {
        Telemetry(None)
    }

    /// True if it tells anybody.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The metrics, if it is on.
    pub fn metrics(&self) -> Option<&Metrics> {
        self.0.as_deref().map(|inner| &inner.metrics)
    }

    /// What tells of the sessions of an installation; its id makes theirs unique.
    pub fn sessions(&self, installation: Uuid) -> Sessions {
        Sessions::new(self.clone(), installation)
    }
}

impl Inner {
    /// Puts a span into the batch, or drops it if the batch is full. Never waits.
    pub(super) fn emit(&self, spec: SpanSpec) {
        let context = SpanContext::new(spec.trace, spec.id, TraceFlags::SAMPLED, false, TraceState::NONE);
        let mut links = SpanLinks::default();
        links.links.extend(spec.link.map(Link::with_context));
        self.spans.on_end(SpanData {
            span_context: context,
            parent_span_id: spec.parent.unwrap_or(SpanId::INVALID),
            parent_span_is_remote: false,
            span_kind: spec.kind,
            name: spec.name.into(),
            start_time: SystemTime::from(spec.start),
            end_time: SystemTime::from(spec.end),
            attributes: spec.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: spec.failure.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        });
    }
}
