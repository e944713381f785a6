//! A server of its own, with a small fleet and a token for each role.

use pitcrew::api;
use pitcrew::domain::Role;
use pitcrew::store::Store;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{Database, database, store};

/// A fleet of two tenants: contoso with pc-1, pc-2, spare (excluded) and shared; fabrikam with shared and pc-9.
const FLEET: &str = "
    INSERT INTO tenant (name) VALUES ('contoso'), ('fabrikam');
    INSERT INTO computer (tenant_id, name, os, arch, connection, excluded) VALUES
        (1, 'pc-1', 'linux', 'x86_64', '{\"via\": \"agent\"}', false),
        (1, 'pc-2', 'linux', 'x86_64', '{\"via\": \"noop\"}', false),
        (1, 'spare', 'linux', 'x86_64', '{\"via\": \"noop\"}', true),
        (1, 'shared', 'linux', 'x86_64', '{\"via\": \"noop\"}', false),
        (2, 'shared', 'linux', 'x86_64', '{\"via\": \"noop\"}', false),
        (2, 'pc-9', 'linux', 'x86_64', '{\"via\": \"noop\"}', false);
    INSERT INTO deployment (name, item, body) VALUES
        ('editor', 'software/editor', '{\"target\": {\"tenant\": {\"name\": \"contoso\"}}, \"state\": \"any\"}');";

pub struct House {
    pub database: Database,
    pub store: Store,
    pub url: String,
    pub admin: String,
    pub operator: String,
    pub viewer: String,
    /// An operator of contoso only.
    pub contoso: String,
    http: Client,
    _end: DropGuard,
}

pub async fn house() -> House {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // What the server logs is shown with a test that fails. Only the first test sets it up.
    let _ = tracing_subscriber::fmt().with_test_writer().try_init();
    let database = database().await;
    database.connect().await.batch_execute(FLEET).await.expect("a fleet");
    let store = store(&database.url, 4);
    let mint = async |name, role, tenant| store.mint_token(name, role, tenant).await.expect("a token");
    let admin = mint("root", Role::Admin, None).await;
    let operator = mint("olga", Role::Operator, None).await;
    let viewer = mint("vera", Role::Viewer, None).await;
    let contoso = mint("carl", Role::Operator, Some("contoso")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let end = CancellationToken::new();
    let routes = api::router(store.clone());
    let ended = end.clone();
    tokio::spawn(async move { axum::serve(listener, routes).with_graceful_shutdown(ended.cancelled_owned()).await });
    let http = Client::builder().no_proxy().build().expect("a client");
    House { database, store, url, admin, operator, viewer, contoso, http, _end: end.drop_guard() }
}

impl House {
    pub async fn call(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        assert!(response.headers().contains_key("x-request-id"), "{path} names its request");
        let status = response.status();
        let kind = response.headers()["content-type"].to_str().expect("a text").to_owned();
        let expected = if status.is_success() { "application/json" } else { "application/problem+json" };
        assert_eq!(kind, expected, "{path} answers {status}");
        (status, response.json().await.expect("JSON"))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call(&self.viewer, Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(&self.operator, Method::POST, path, Some(body)).await
    }

    /// Submits, and returns the sessions' ids.
    pub async fn submit(&self, body: Value) -> Vec<i64> {
        let (status, answer) = self.post("/v1/sessions", body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        ids(&answer)
    }

    pub async fn count(&self, sql: &str) -> i64 {
        self.database.connect().await.query_one(sql, &[]).await.expect("a count").get(0)
    }
}

pub fn ids(answer: &Value) -> Vec<i64> {
    answer["sessions"].as_array().expect("sessions").iter().map(|made| made["id"].as_i64().expect("an id")).collect()
}

/// `pointer code` of every violation, sorted.
pub fn violations(answer: &Value) -> Vec<String> {
    let mut found: Vec<String> = answer["violations"]
        .as_array()
        .expect("violations")
        .iter()
        .map(|v| format!("{} {}", v["pointer"].as_str().unwrap(), v["code"].as_str().unwrap()))
        .collect();
    found.sort();
    found
}
