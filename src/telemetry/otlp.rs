//! The exporters, over gRPC or HTTP.

use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithTonicConfig};

use super::error::Error;
use crate::config::{Protocol, Telemetry};

/// Makes both exporters. Must be called inside a runtime.
pub(super) async fn exporters(config: &Telemetry) -> Result<(SpanExporter, MetricExporter), Error> {
    match config.protocol {
        // The gRPC channel lives on the runtime and must be made inside it.
        Protocol::Grpc => grpc(&config.endpoint).map_err(Error::Exporter),
        // The HTTP client is a blocking one, since it is used from the batch's own thread; it must not be made on one
        // of the runtime's.
        Protocol::Http => {
            let endpoint = config.endpoint.clone();
            tokio::task::spawn_blocking(move || http(&endpoint)).await.map_err(Error::Thread)?.map_err(Error::Exporter)
        }
    }
}

type Built = Result<(SpanExporter, MetricExporter), opentelemetry_otlp::ExporterBuildError>;

fn grpc(endpoint: &str) -> Built {
    let mut spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
    let mut metrics = MetricExporter::builder().with_tonic().with_endpoint(endpoint);
    if endpoint.starts_with("https://") {
        // The library's own choice for https trusts nobody.
        let tls = || ClientTlsConfig::new().with_native_roots();
        (spans, metrics) = (spans.with_tls_config(tls()), metrics.with_tls_config(tls()));
    }
    Ok((spans.build()?, metrics.build()?))
}

fn http(endpoint: &str) -> Built {
    // An endpoint that is handed over is taken as it is; the paths are ours to add.
    let base = endpoint.trim_end_matches('/');
    let spans = SpanExporter::builder().with_http().with_endpoint(format!("{base}/v1/traces")).build()?;
    let metrics = MetricExporter::builder().with_http().with_endpoint(format!("{base}/v1/metrics")).build()?;
    Ok((spans, metrics))
}
