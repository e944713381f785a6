//! The batch of spans that is sent from a thread of its own, bounded here so that what is lost can be counted.
//!
//! The SDK's batch drops what does not fit and tells of it only at the end. So this room never lets it fill up.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::metrics::{Counter, Meter};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};

use super::table;

/// How many spans are sent together at most.
const TOGETHER: usize = 2048;
/// How long a span waits for others to be sent with.
const DELAY: Duration = Duration::from_secs(1);

/// The one batch that both derived spans and the SDK's own go through.
#[derive(Clone)]
pub(super) struct Batch {
    processor: Arc<BatchSpanProcessor>,
    count: Arc<Count>,
}

/// What waits, and what was lost.
struct Count {
    waiting: AtomicUsize,
    bound: usize,
    dropped: Counter<u64>,
}

impl Count {
    fn lost(&self, spans: usize, why: &'static str) {
        self.dropped.add(u64::try_from(spans).unwrap_or(u64::MAX), &[KeyValue::new(table::ERROR_TYPE, why)]);
    }
}

impl Batch {
    /// A batch in which up to `bound` spans wait.
    pub(super) fn new(
        exporter: impl SpanExporter + 'static,
        bound: usize,
        resource: &Resource,
        meter: &Meter,
    ) -> Batch {
        let meaning = table::entry(table::SPANS_LOST).map_or("", |entry| entry.meaning);
        let dropped = meter.u64_counter(table::SPANS_LOST).with_description(meaning).build();
        let count = Arc::new(Count { waiting: AtomicUsize::new(0), bound, dropped });
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(bound)
            .with_max_export_batch_size(TOGETHER)
            .with_scheduled_delay(DELAY)
            .build();
        let mut processor = BatchSpanProcessor::new(Counted { exporter, count: count.clone() }, config);
        processor.set_resource(resource);
        Batch { processor: Arc::new(processor), count }
    }
}

impl SpanProcessor for Batch {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.count.waiting.fetch_add(1, Ordering::Relaxed) < self.count.bound {
            self.processor.on_end(span);
        } else {
            self.count.waiting.fetch_sub(1, Ordering::Relaxed);
            self.count.lost(1, "queue_full");
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout)
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("waiting", &self.count.waiting).finish_non_exhaustive()
    }
}

/// An exporter that counts what it takes out of the batch, and what it cannot deliver.
struct Counted<E> {
    exporter: E,
    count: Arc<Count>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let taken = spans.len();
        self.count.waiting.fetch_sub(taken, Ordering::Relaxed);
        let sent = self.exporter.export(spans).await;
        if sent.is_err() {
            self.count.lost(taken, "not_delivered");
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: fmt::Debug> fmt::Debug for Counted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exporter.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use std::sync::{Mutex, PoisonError};

    use opentelemetry::metrics::MeterProvider;
    use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    /// An exporter that says when it has a batch, and waits to be told how its delivery went.
    #[derive(Debug)]
    struct Told {
        has: SyncSender<usize>,
        goes: Mutex<Receiver<bool>>,
    }

    impl SpanExporter for Told {
        async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
            self.has.send(spans.len()).unwrap();
            // Once nobody is left to tell it, all goes well.
            let well = self.goes.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap_or(true);
            if well { Ok(()) } else { Err(OTelSdkError::InternalFailure("told so".into())) }
        }
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_what_was_sent_makes_room() {
        let (has, took) = sync_channel(16);
        let (go, goes) = sync_channel(16);
        let meters = SdkMeterProvider::builder().build();
        let exporter = Told { has, goes: Mutex::new(goes) };
        let batch = Batch::new(exporter, 3, &Resource::builder_empty().build(), &meters.meter("test"));
        let tracers = SdkTracerProvider::builder().with_span_processor(batch.clone()).build();
        let tell = |count: usize| {
            for _ in 0..count {
                tracers.tracer("test").start("x").end();
            }
        };
        tell(1);
        assert_eq!(took.recv().unwrap(), 1);
        // The exporter is busy with the first; three more fit and two do not.
        tell(5);
        assert_eq!(batch.count.waiting.load(Ordering::Relaxed), 3);
        go.send(false).unwrap();
        drop(go);
        // In how many batches is the timer's affair.
        let mut sent = 0;
        while sent < 3 {
            sent += took.recv().unwrap();
        }
        assert_eq!(sent, 3);
        tell(2);
        batch.shutdown_with_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(took.try_iter().sum::<usize>(), 2);
        assert_eq!(batch.count.waiting.load(Ordering::Relaxed), 0);
    }
}
