//! Every route, and what happens around all of them: the body's limit, the request's id, its span, and panics.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use uuid::Uuid;

use super::problem::Problem;
use super::{
    apply, approvals, compliance, computers, dead_letters, deploy, deployments, durations, explain, files, forecast,
    intents, locks, preview, secrets, session, sessions, several, status, tenants,
};
use crate::store::Store;
use crate::store::policies::Policies;
use crate::telemetry::http::{answered, request_span};

/// The largest body of an ordinary request, in bytes: a submission that names ten thousand computers fits.
const BODY_MAX: usize = 4 * 1024 * 1024;
/// The largest body of fleet files, in bytes.
const FLEET_MAX: usize = 32 * 1024 * 1024;
/// Pieces of stored files that are read from the database at the same time.
const FILE_READS_MAX: usize = 4;
/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from a caller.
const LONGEST_REQUEST_ID: usize = 64;

/// What every route uses.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) store: Store,
    pub(super) policies: Arc<Policies>,
    /// Bounds what giving out files takes of the database.
    pub(super) file_room: Arc<Semaphore>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api")
    }
}

/// Every route of the API.
pub fn router(store: Store) -> Router {
    let policies = Arc::new(Policies::new(store.clone()));
    let api = Api { store, policies, file_room: Arc::new(Semaphore::new(FILE_READS_MAX)) };
    Router::new()
        .route("/healthz", get(status::alive))
        .route("/readyz", get(status::ready))
        .route("/v1/status", get(status::overview))
        .route("/v1/apply", post(apply::apply).layer(DefaultBodyLimit::max(FLEET_MAX)))
        .route("/v1/files", get(files::list))
        .route(
            "/v1/files/{sha256}",
            get(files::show).put(files::put).delete(files::discard).layer(DefaultBodyLimit::disable()),
        )
        .route("/v1/files/{sha256}/content", get(files::content))
        .route("/v1/forecast", post(forecast::forecast).layer(DefaultBodyLimit::max(FLEET_MAX)))
        .route("/v1/durations", get(durations::list))
        .route("/v1/sessions", get(sessions::list).post(sessions::submit))
        .route("/v1/sessions/counts", get(sessions::counts))
        .route("/v1/sessions/cancel", post(several::cancel))
        .route("/v1/sessions/pause", post(several::pause))
        .route("/v1/sessions/resume", post(several::resume))
        .route("/v1/sessions/rerun", post(several::rerun))
        .route("/v1/sessions/{id}", get(session::show))
        .route("/v1/sessions/{id}/actions", get(session::actions))
        .route("/v1/sessions/{id}/logs", get(session::logs))
        .route("/v1/sessions/{id}/timeline", get(session::timeline))
        .route("/v1/sessions/{id}/report", get(session::report))
        .route("/v1/sessions/{id}/plan", get(session::plan))
        .route("/v1/sessions/{id}/why", get(session::why))
        .route("/v1/sessions/{id}/cancel", post(intents::cancel))
        .route("/v1/sessions/{id}/pause", post(intents::pause))
        .route("/v1/sessions/{id}/resume", post(intents::resume))
        .route("/v1/sessions/{id}/rerun", post(intents::rerun))
        .route("/v1/computers", get(computers::list))
        .route("/v1/computers/{id}", get(computers::show))
        .route("/v1/computers/{id}/agent-token", post(computers::mint))
        .route("/v1/computers/{id}/explain", get(explain::computer))
        .route("/v1/computers/{id}/approvals", post(approvals::decide))
        .route("/v1/deployments", get(deployments::list))
        .route("/v1/deployments/{name}", get(deployments::show))
        .route("/v1/deployments/{name}/verdict", post(deployments::settle))
        .route("/v1/deployments/{name}/override", post(deployments::replace))
        .route("/v1/deploy", post(deploy::deploy))
        .route("/v1/explain", get(explain::survey))
        .route("/v1/preview", get(preview::list))
        .route("/v1/preview/count", get(preview::count))
        .route("/v1/compliance", get(compliance::list))
        .route("/v1/compliance/counts", get(compliance::counts))
        .route("/v1/compliance/recurring", get(compliance::recurring))
        .route("/v1/compliance/history", get(compliance::history))
        .route("/v1/tenants/{name}/stop", post(tenants::stop))
        .route("/v1/tenants/{name}/start", post(tenants::start))
        .route("/v1/fleet/stop", post(tenants::stop_fleet))
        .route("/v1/fleet/resume", post(tenants::resume_fleet))
        .route("/v1/locks", get(locks::list))
        .route("/v1/secrets", get(secrets::list).post(secrets::store))
        .route("/v1/secrets/rotate", post(secrets::rotate))
        .route("/v1/dead-letters", get(dead_letters::list))
        .route("/v1/dead-letters/{id}", get(dead_letters::show))
        .route("/v1/dead-letters/{id}/redrive", post(dead_letters::redrive))
        .route("/v1/dead-letters/{id}/drop", post(dead_letters::discard))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(around))
        .with_state(api)
}

/// Names the request, traces it, and writes it to the log.
async fn around(mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let given = request.headers().get(&REQUEST_ID).filter(|id| {
        id.len() <= LONGEST_REQUEST_ID && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    });
    let drawn = || HeaderValue::from_str(&Uuid::new_v4().to_string()).ok();
    let id = given.filter(|id| !id.is_empty()).cloned().or_else(drawn).unwrap_or(HeaderValue::from_static("-"));
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let route = request.extensions().get::<MatchedPath>().map_or("nowhere", MatchedPath::as_str).to_owned();
    let method = request.method().as_str().to_owned();
    let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let span = request_span(&method, &route, parent.as_deref());
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    answered(&span, status);
    tracing::debug!(
        request.id = ?id,
        "Answered {method} {route} with {status} after {} ms",
        begun.elapsed().as_millis()
    );
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

async fn nowhere(request: Request) -> Problem {
    Problem::not_found(format!("page {}", request.uri().path()))
}

async fn not_so(request: Request) -> Problem {
    let detail = format!("{} is not for {}.", request.uri().path(), request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let why = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason was given");
    tracing::error!("A request met a defect of the program: {why}");
    let detail = "The request met a defect of the program; the server's log says more.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
}
