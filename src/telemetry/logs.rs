//! The log, on the standard error stream: lines for people, or JSON.

use std::io;

use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, FilterFn};
use tracing_subscriber::fmt::MakeWriter;
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
    let lines = lines(log, io::stderr)?;
    registry().with(lines).with(tracer.map(traces)).try_init().map_err(Error::Twice)
}

/// What writes log lines.
fn lines<S, W>(log: &Log, to: W) -> Result<impl Layer<S>, Error>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.filter)).map_err(Error::Filter)?;
    // Where nobody reads the log any more, complaining about that in the same place would be a panic.
    let lines = fmt::layer().with_writer(to).log_internal_errors(false);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok(lines.with_filter(filter))
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, format: LogFormat) -> String {
        let page = Page::default();
        let to = page.clone();
        let lines = lines(&Log { filter: filter.into(), format }, move || to.clone()).unwrap();
        tracing::subscriber::with_default(registry().with(lines), || {
            let span = tracing::info_span!("stage", session.id = 42);
            let _inside = span.enter();
            tracing::info!(computer = "web-1", "Planned 4 actions");
            tracing::debug!("A detail");
            tracing::info!(target: "lapin::channel", "A library's chatter");
            tracing::warn!(target: "lapin::channel", "A library's warning");
        });
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn libraries_are_quiet_unless_asked() {
        let text = logged("info", LogFormat::Text);
        assert!(text.contains("Planned 4 actions") && text.contains("warning"), "{text}");
        assert!(!text.contains("detail") && !text.contains("chatter"), "{text}");
        let text = logged("warn,pitcrew=debug,lapin=info", LogFormat::Text);
        assert!(text.contains("detail") && text.contains("chatter"), "{text}");
    }

    #[test]
    fn for_machines_a_line_is_one_document() {
        let text = logged("info", LogFormat::Json);
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!((&line["message"], &line["computer"]), (&"Planned 4 actions".into(), &"web-1".into()));
        assert_eq!(line["span"]["session.id"], 42);
    }
}
