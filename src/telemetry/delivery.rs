//! What is told arrives: over both protocols, complete, and as it was derived.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};
use opentelemetry::trace::TracerProvider;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tracing_subscriber::layer::SubscriberExt;
use uuid::Uuid;

use super::ids::{Part, Trace};
use super::receiver::{Collector, Received};
use super::sessions::ActionDone;
use super::start::{Guard, connect, start};
use super::table::{self, Sort};
use super::{Error, Telemetry, http, logs};
use crate::config::{self, Config, Protocol};
use crate::domain::job::{JOB_VERSION, Job};
use crate::domain::session::{Kind, Order, Priority, RebootPolicy, Session, Stage, Status, WaitingOn};
use crate::domain::transition::{Transition, What};
use crate::domain::{ComputerId, SessionId, TenantId};

const INSTALLATION: Uuid = Uuid::from_u128(7);

async fn started(protocol: Protocol, endpoint: String) -> Guard {
    let mut config = Config::defaults().unwrap();
    config.telemetry.protocol = protocol;
    config.telemetry.endpoint = endpoint;
    // Neither timer comes into it: what arrives is what the end has sent.
    config.telemetry.metrics_every = Duration::from_secs(3600);
    let mut guard = connect("pitcrew-test", &config).await.unwrap();
    // On a busy machine too, all must be sent.
    guard.patience = Duration::from_secs(60);
    guard
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_micros(micros)
}

fn session(id: i64, status: Status) -> Session {
    Session {
        id: SessionId(id),
        tenant: TenantId(3),
        computer: ComputerId(9),
        kind: Kind::Full,
        priority: Priority::Normal,
        order: Order {
            deployments: Vec::new(),
            item: None,
            parameters: Default::default(),
            inventory: false,
            reboot: RebootPolicy::Never,
            by: "test".into(),
            reason: String::new(),
            origin: "api".into(),
            group: None,
            rerun_of: None,
            traceparent: None,
        },
        status,
        waiting_on: None,
        waited_on: None,
        due_at: None,
        stage: Stage::Detection,
        dispatch: 1,
        attempt: 0,
        losses: 0,
        run_after: None,
        admitted_at: None,
        taken_at: None,
        owner: None,
        deadline: None,
        epoch: 0,
        run_in_flight: None,
        cancel: None,
        pause: None,
        revision: 4,
        since: time(0),
        created_at: time(0),
        started_at: None,
        finished_at: None,
        last_error: None,
    }
}

fn finished() -> Transition {
    Transition {
        seq: 4,
        what: What::Finished,
        at: time(1_000_001),
        since: time(0),
        stage: Stage::Detection,
        dispatch: 1,
        waited_on: Some(WaitingOn::Window),
        due_at: Some(time(10)),
        admitted_at: Some(time(300)),
        taken_at: Some(time(7000)),
        by: "worker-1".into(),
        note: String::new(),
        traceparent: None,
    }
}

/// Tells of everything there is, for one session.
fn tell(telemetry: &Telemetry, id: i64) {
    let sessions = telemetry.sessions(INSTALLATION);
    let job = Job { v: JOB_VERSION, session: SessionId(id), tenant: TenantId(3), stage: Stage::Detection, dispatch: 1 };
    let publish = sessions.publish(&job);
    let expected = sessions.trace(job.session).traceparent(Part::Publish(1));
    assert_eq!(publish.traceparent(), telemetry.is_on().then_some(expected));
    publish.end(None);
    sessions.action_done(ActionDone {
        job: &job,
        planned_by: 1,
        seq: 2,
        attempt: 1,
        item: "nginx",
        kind: "install",
        result: "failed",
        message: "no space",
        started: time(8000),
        ended: time(9000),
    });
    sessions.transition_committed(&session(id, Status::Completed), &finished());
    if let Some(metrics) = telemetry.metrics() {
        metrics.limited("tenant", Duration::from_millis(3));
        metrics.dead_letter("submit");
    }
}

fn find<'a>(received: &'a Received, trace: &Trace, part: Part) -> &'a Span {
    let mut found = received
        .spans
        .iter()
        .filter(|span| span.trace_id == trace.id.to_bytes() && span.span_id == trace.span(part).to_bytes());
    let span = found.next().unwrap_or_else(|| panic!("no span of {part:?}"));
    assert!(found.next().is_none(), "{part:?} came twice");
    span
}

fn nanos(time: Timestamp) -> u64 {
    SystemTime::from(time).duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap()
}

fn arrived_as_derived(received: &Received) {
    let trace = Trace::of(INSTALLATION, SessionId(42));
    let root = find(received, &trace, Part::Root);
    assert_eq!((root.name.as_str(), root.kind, root.parent_span_id.len()), ("session full", 2, 0));
    let bounds = |part| {
        let span = find(received, &trace, part);
        (span.start_time_unix_nano, span.end_time_unix_nano)
    };
    let between = |start, end| (nanos(time(start)), nanos(time(end)));
    assert_eq!(bounds(Part::Root), between(0, 1_000_001));
    assert_eq!(bounds(Part::Wait(4)), between(0, 10));
    assert_eq!(bounds(Part::Turn(4)), between(10, 300));
    assert_eq!(bounds(Part::Queue(4)), between(300, 7000));
    assert_eq!(bounds(Part::Stage(1)), between(7000, 1_000_001));
    assert_eq!(bounds(Part::Action(1, 2, 1)), between(8000, 9000));
    let process = find(received, &trace, Part::Stage(1));
    assert_eq!(process.kind, 5);
    assert_eq!(process.links.len(), 1);
    assert_eq!(process.links[0].trace_id, trace.id.to_bytes());
    assert_eq!(process.links[0].span_id, trace.span(Part::Publish(1)).to_bytes());
    let action = find(received, &trace, Part::Action(1, 2, 1));
    assert_eq!(action.parent_span_id, process.span_id);
    assert_eq!(action.status.as_ref().unwrap().message, "no space");
    for part in [Part::Publish(1), Part::Wait(4), Part::Queue(4), Part::Stage(1)] {
        assert_eq!(find(received, &trace, part).parent_span_id, root.span_id);
    }
}

fn all_in_the_table(received: &Received) {
    for span in &received.spans {
        assert!(table::span_entry(&span.name).is_some(), "{} is not in the table", span.name);
        for attribute in &span.attributes {
            let sort = table::entry(&attribute.key).map(|entry| entry.sort);
            match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
                Some(Value::IntValue(_)) => assert_eq!(sort, Some(Sort::Int), "{}", attribute.key),
                Some(Value::StringValue(_)) => assert_eq!(sort, Some(Sort::Text), "{}", attribute.key),
                other => panic!("{} is {other:?}", attribute.key),
            }
        }
    }
    for metric in &received.metrics {
        assert!(table::entry(&metric.name).is_some(), "{} is not in the table", metric.name);
    }
    let wanted = |sort| table::TABLE.iter().filter(move |entry| entry.sort == sort);
    for entry in wanted(Sort::Histogram).chain(wanted(Sort::Counter)) {
        let told = received.metrics.iter().any(|metric| metric.name == entry.name);
        // The sessions of these tests were neither tried again nor lost, and neither were their spans.
        assert_eq!(told, ![table::RETRIES, table::LOSSES, table::SPANS_LOST].contains(&entry.name), "{}", entry.name);
    }
}

/// The spans of one session: root, wait, turn, queue, process, publish, action.
const SPANS: usize = 7;
/// More than is sent together.
const MANY: i64 = 300;

async fn delivers(protocol: Protocol, collector: Collector) {
    let guard = started(protocol, format!("http://{}", collector.address)).await;
    tell(guard.telemetry(), 42);
    for id in 1000..1000 + MANY {
        tell(guard.telemetry(), id);
    }
    let tracer = guard.telemetry().0.as_ref().unwrap().tracers.tracer("test");
    tracing::subscriber::with_default(tracing_subscriber::registry().with(logs::traces(tracer)), || {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let request = http::request_span("GET", "/v1/sessions/{id}", Some(parent));
        request.in_scope(|| {
            let current = http::current_traceparent().unwrap();
            assert!(current.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{current}");
            // Of another target: a context for log lines, never sent.
            tracing::info_span!("poll").in_scope(|| {});
        });
        http::answered(&request, 503);
    });
    guard.finish().await;

    let received = collector.received.lock().unwrap();
    assert_eq!(received.spans.len(), SPANS * (1 + usize::try_from(MANY).unwrap()) + 1);
    assert!(received.services.iter().all(|service| service.contains("pitcrew-test")));
    arrived_as_derived(&received);
    all_in_the_table(&received);
    let request = received.spans.iter().find(|span| span.name == "GET /v1/sessions/{id}").unwrap();
    assert_eq!((request.kind, request.status.as_ref().unwrap().code), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_arrives_over_http() {
    delivers(Protocol::Http, Collector::http().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_arrives_over_grpc() {
    delivers(Protocol::Grpc, Collector::grpc().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_arrives_though_the_guard_is_only_dropped() {
    let collector = Collector::grpc().await;
    let guard = started(Protocol::Grpc, format!("http://{}", collector.address)).await;
    tell(guard.telemetry(), 42);
    drop(guard);
    arrived_as_derived(&collector.received.lock().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_when_it_is_off() {
    let collector = Collector::http().await;
    let guard = started(Protocol::Http, String::new()).await;
    assert!(!guard.telemetry().is_on());
    tell(guard.telemetry(), 42);
    guard.finish().await;
    assert_eq!(collector.received.lock().unwrap().requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_a_collector_that_never_answers() {
    // It accepts connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ends = async |protocol| {
        let mut guard = started(protocol, format!("http://{}", silent.local_addr().unwrap())).await;
        guard.patience = Duration::from_millis(100);
        tell(guard.telemetry(), 42);
        // Ends at all: a request's own time-out is longer than this.
        tokio::time::timeout(Duration::from_secs(9), guard.finish()).await.unwrap();
    };
    tokio::join!(ends(Protocol::Http), ends(Protocol::Grpc));
}

/// Says by its presence that the test program was started again as a program that tells.
const CHILD: &str = "PITCREW_TEST_TELLS";

/// In a process of its own, whose log is its own too: starts as a program does. In the tests' own process: nothing.
#[test]
fn child() {
    if std::env::var(CHILD).is_err() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = config::load(None, std::env::vars()).unwrap().config;
        let guard = start("pitcrew-child", &config).await.unwrap();
        assert!(matches!(start("pitcrew-child", &config).await, Err(Error::Twice(_))));
        tell(guard.telemetry(), 42);
        http::request_span("POST", "/v1/sessions", None).in_scope(|| tracing::info!("Something was told"));
        guard.finish().await;
    });
    std::process::exit(0);
}

/// A program is started with the standard variables, and told to log all there is: of the exporter's own doings, nothing
/// may be sent.
async fn program_tells(protocol: &str, collector: Collector) {
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "telemetry::delivery::child", "--nocapture"])
        .env(CHILD, "1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address))
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        .env("PITCREW_LOG", "trace,h2=trace,hyper=trace,tonic=trace,tower=trace,opentelemetry=trace")
        .env("PITCREW_LOG_FORMAT", "json")
        .output()
        .await
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{log}");
    let line = log.lines().find(|line| line.contains("Something was told")).expect("the line is logged");
    serde_json::from_str::<serde_json::Value>(line).unwrap();

    let received = collector.received.lock().unwrap();
    arrived_as_derived(&received);
    // The request besides. `connect` was called twice: the one that could not start has told of nothing.
    assert_eq!(received.spans.len(), SPANS + 1, "{:?}", received.spans);
    assert!(received.services.iter().all(|service| service.contains("pitcrew-child")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_tells_by_the_standard_variables_over_http() {
    program_tells("http/protobuf", Collector::http().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_tells_by_the_standard_variables_over_grpc() {
    program_tells("grpc", Collector::grpc().await).await;
}
