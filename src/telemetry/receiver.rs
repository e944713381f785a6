//! A collector for tests: it speaks both protocols on real sockets and keeps what it is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::{Bytes, BytesMut};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};

/// What has come so far.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) spans: Vec<Span>,
    pub(super) metrics: Vec<Metric>,
    pub(super) services: Vec<String>,
    pub(super) requests: usize,
}

impl Received {
    fn take_in(&mut self, path: &str, body: &[u8]) {
        self.requests += 1;
        if path.ends_with("/v1/traces") || path.ends_with("trace.v1.TraceService/Export") {
            for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
                let attributes = resource.resource.unwrap().attributes;
                let name = attributes.into_iter().find(|attribute| attribute.key == "service.name").unwrap();
                self.services.push(format!("{:?}", name.value));
                self.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        } else if path.ends_with("/v1/metrics") || path.ends_with("metrics.v1.MetricsService/Export") {
            for resource in ExportMetricsServiceRequest::decode(body).unwrap().resource_metrics {
                self.metrics.extend(resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics));
            }
        } else {
            panic!("something was sent to {path}");
        }
    }
}

/// A collector that listens.
pub(super) struct Collector {
    pub(super) address: SocketAddr,
    pub(super) received: Arc<Mutex<Received>>,
}

impl Collector {
    /// Listens for OTLP over HTTP.
    pub(super) async fn http() -> Collector {
        let (listener, collector) = Collector::bind().await;
        let keep = |path: &'static str| {
            post(move |State(received): State<Arc<Mutex<Received>>>, body: Bytes| async move {
                received.lock().unwrap().take_in(path, &body);
            })
        };
        let router = Router::new()
            .route("/v1/traces", keep("/v1/traces"))
            .route("/v1/metrics", keep("/v1/metrics"))
            .with_state(collector.received.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        collector
    }

    /// Listens for OTLP over gRPC.
    pub(super) async fn grpc() -> Collector {
        let (listener, collector) = Collector::bind().await;
        let received = collector.received.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve_grpc(stream, received.clone()));
            }
        });
        collector
    }

    async fn bind() -> (TcpListener, Collector) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, Collector { address, received: Arc::default() })
    }
}

/// A call is one length-prefixed message; the answer is an empty one and a status in the trailers.
async fn serve_grpc(stream: TcpStream, received: Arc<Mutex<Received>>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let received = received.clone();
        tokio::spawn(async move {
            let path = request.uri().path().to_owned();
            let mut stream = request.into_body();
            let mut body = BytesMut::new();
            while let Some(chunk) = stream.data().await {
                let chunk = chunk.unwrap();
                stream.flow_control().release_capacity(chunk.len()).unwrap();
                body.extend_from_slice(&chunk);
            }
            assert_eq!(body[0], 0, "compressed, though nobody asked for it");
            received.lock().unwrap().take_in(&path, &body[5..]);
            let response = axum::http::Response::builder().header("content-type", "application/grpc").body(()).unwrap();
            let mut answer = respond.send_response(response, false).unwrap();
            answer.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
            let mut trailers = axum::http::HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            answer.send_trailers(trailers).unwrap();
        });
    }
}
