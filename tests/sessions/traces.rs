//! Traces: whatever processes a session has passed through, it is one trace without orphans, whose waits and work add up
//! to its whole life, and whose stages link to the publication that caused them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use pitcrew::domain::SessionId;
use pitcrew::domain::session::Kind;
use pitcrew::telemetry::ids::Trace;

use super::collector::{Collector, Sent};
use super::installation::{Installation, SOON};
use crate::support::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_one_trace_over_all_processes() {
    let collector = Collector::start().await;
    let mut installation = Installation::new().await;
    installation.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint);
    installation.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    installation.set("OTEL_BSP_SCHEDULE_DELAY", "200");
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(5).await;
    installation.start_all();
    let sessions = installation.submit(Kind::Full, &computers).await;
    let finals = installation.finals(&sessions).await;
    let uuid = installation.store.installation().await.expect("the database answers");
    for session in finals {
        let trace = Trace::of(uuid, session.id).id.to_bytes().to_vec();
        let sent = until(SOON, || whole(&collector, &trace, 3), "the whole trace has arrived").await;
        examine(&sent, session.id);
    }
    let traces: HashSet<Vec<u8>> = of_sessions(&collector.spans()).map(|sent| sent.span.trace_id.clone()).collect();
    assert_eq!(traces.len(), 5, "five sessions are five traces");
}

/// The spans of one trace, once its root, so many actions and the publications of its three stages are there.
async fn whole(collector: &Collector, trace: &[u8], actions: usize) -> Option<Vec<Sent>> {
    let sent: Vec<Sent> = collector.spans().into_iter().filter(|sent| sent.span.trace_id == trace).collect();
    let count = |start: &str| sent.iter().filter(|sent| sent.span.name.starts_with(start)).count();
    let there =
        count("session full") == 1 && count("action ") == actions && count("publish ") == 3 && count("process ") == 3;
    there.then_some(sent)
}

fn of_sessions(sent: &[Sent]) -> impl Iterator<Item = &Sent> {
    sent.iter().filter(|sent| sent.span.attributes.iter().any(|attribute| attribute.key == "pitcrew.session.id"))
}

fn examine(sent: &[Sent], session: SessionId) {
    let services: BTreeSet<&str> = sent.iter().map(|sent| sent.service.as_str()).collect();
    assert!(services.len() >= 4, "session {session}: scheduler and three workers have told: {services:?}");

    let spans: Vec<&Span> = sent.iter().map(|sent| &sent.span).collect();
    let ids: BTreeMap<&[u8], &Span> = spans.iter().map(|span| (span.span_id.as_slice(), *span)).collect();
    assert_eq!(ids.len(), spans.len(), "session {session}: no span twice");
    let roots: Vec<&&Span> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    assert_eq!(roots.len(), 1, "session {session}: one root");
    let root = roots[0];
    for span in &spans {
        let parent = span.parent_span_id.as_slice();
        assert!(parent.is_empty() || ids.contains_key(parent), "session {session}: {} is an orphan", span.name);
    }

    let life = root.end_time_unix_nano - root.start_time_unix_nano;
    let parts: u64 = spans
        .iter()
        .filter(|span| span.name.starts_with("wait.") || span.name.starts_with("process "))
        .map(|span| span.end_time_unix_nano - span.start_time_unix_nano)
        .sum();
    let tolerance = Duration::from_millis(5).as_nanos().max(u128::from(life) / 100);
    assert!(u128::from(life.abs_diff(parts)) <= tolerance, "session {session}: lived {life} ns, parts are {parts} ns");

    for process in spans.iter().filter(|span| span.name.starts_with("process ")) {
        assert_eq!(process.kind, SpanKind::Consumer as i32);
        let link = process.links.first().expect("a stage links to its publication");
        let publish = ids.get(link.span_id.as_slice()).expect("the linked span is there");
        assert!(publish.name.starts_with("publish ") && publish.kind == SpanKind::Producer as i32, "{}", publish.name);
        assert_eq!(link.trace_id, process.trace_id);
    }
}
