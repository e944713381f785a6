//! An OTLP collector on a real socket that keeps the spans it is sent.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;

/// The collector.
pub struct Collector {
    /// Where it listens, for OTEL_EXPORTER_OTLP_ENDPOINT over http/protobuf.
    pub endpoint: String,
    spans: Kept,
    bodies: Bodies,
}

/// A span, and the program that sent it.
#[derive(Debug, Clone)]
pub struct Sent {
    pub service: String,
    pub span: Span,
}

type Kept = Arc<Mutex<Vec<Sent>>>;
type Bodies = Arc<Mutex<Vec<Bytes>>>;

impl Collector {
    /// Starts one on a free port.
    pub async fn start() -> Collector {
        let (spans, bodies) = (Kept::default(), Bodies::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/v1/traces", post(keep))
            .route("/v1/metrics", post(keep_body))
            .with_state((spans.clone(), bodies.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the collector serves") });
        Collector { endpoint, spans, bodies }
    }

    /// Every message that has come so far, as it came.
    pub fn bodies(&self) -> Vec<Bytes> {
        self.bodies.lock().expect("nobody panicked").clone()
    }

    /// What has come so far.
    pub fn spans(&self) -> Vec<Sent> {
        self.spans.lock().expect("nobody panicked").clone()
    }
}

async fn keep_body(State((_, bodies)): State<(Kept, Bodies)>, body: Bytes) {
    bodies.lock().expect("nobody panicked").push(body);
}

async fn keep(State((kept, bodies)): State<(Kept, Bodies)>, body: Bytes) {
    bodies.lock().expect("nobody panicked").push(body.clone());
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
    for resource in request.resource_spans {
        let service = resource
            .resource
            .iter()
            .flat_map(|resource| &resource.attributes)
            .find(|attribute| attribute.key == "service.name")
            .map(|attribute| format!("{:?}", attribute.value))
            .unwrap_or_default();
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        let mut kept = kept.lock().expect("nobody panicked");
        kept.extend(spans.map(|span| Sent { service: service.clone(), span }));
    }
}
