//! Secrets reach the scripts that are told them, and are read nowhere else: not in the database or on its wire, in no
//! message, log, trace or metric, and in no file on the computer.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pitcrew::domain::Role;
use pitcrew::domain::session::{Kind, Status};
use pitcrew::store::{Keyring, Store};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::collector::Collector;
use super::installation::{Installation, SOON};
use crate::support::{Proxy, SECRET_KEY, until};

const PASSWORD: &str = "correct-horse-battery-staple";
const STORED: &str = "stapled-battery-horse";
const LICENCE: &str = "CAD-2-LICENCE-0123456789";

/// Its scripts print what they are told wherever they can, and fail with it.
const FLEET: &str = r#"
kind: task
name: talkative
test: |
  echo "testing with $PARAM_PASSWORD"
  echo "::pitcrew {\"activity\": \"with $PARAM_PASSWORD\", \"$PARAM_PASSWORD\": 1}"
  [ -e "$PITCREW_SANDBOX/talkative" ] && echo true || echo "::pitcrew {\"child\": {\"key\": \"one\", \"title\": \"$PARAM_PASSWORD\"}}"
set: |
  printf %s "$PARAM_PASSWORD" > "$PITCREW_SANDBOX/told"
  echo "$PARAM_PASSWORD" >&2
  touch "$PITCREW_SANDBOX/talkative"
parameters: {password: {type: password}}
---
kind: task
name: failing
test: echo "$PARAM_PASSWORD"
set: exit 1
parameters: {password: {secret: true}}
---
kind: task
name: ending
test: echo false
set: |
  echo "::pitcrew {\"stop\": \"it was $PARAM_PASSWORD\"}"
  exit 1
parameters: {password: {secret: true}}
---
kind: software
name: cad
licence: required
detect: cat "$PITCREW_SANDBOX/cad" 2>/dev/null || true
install: |
  env | grep CAD-2 > "$PITCREW_SANDBOX/licence"
  env | grep CAD-2
  echo 2 > "$PITCREW_SANDBOX/cad"
versions: [2]
---
{kind: licence, name: cad-2, software: cad, major: 2, key: LICENCE}
---
{kind: deployment, name: cad, software: cad, target: everyone}
---
{kind: deployment, name: talkative, task: talkative, target: everyone, parameters: {password: PASSWORD}}
---
{kind: deployment, name: failing, task: failing, target: everyone, parameters: {password: PASSWORD}}
---
{kind: deployment, name: zz-ending, task: ending, target: everyone, parameters: {password: PASSWORD}}
---
{kind: order, end: [task/ending]}
"#;

impl Installation {
    /// The tables in which a text can be read, as it is or as bytes.
    pub async fn tables_with(&self, text: &str) -> Vec<String> {
        let tables = self
            .sql
            .query(
                "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
                &[],
            )
            .await
            .expect("the tables");
        let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut found = Vec::new();
        for row in &tables {
            let table: String = row.get(0);
            let query =
                format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{text}%' OR t::text LIKE '%{bytes}%'");
            if self.count(&query).await > 0 {
                found.push(table);
            }
        }
        found
    }
}

/// The files in a folder, however deep, in which a text can be read.
pub fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if std::fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text)) {
            found.push(path);
        }
    }
    found
}

/// True if bytes hold a text, as it is or encoded.
fn hold(bytes: &[u8], text: &str) -> bool {
    let hexadecimal: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let encoded = STANDARD.encode(text);
    // Its last characters depend on what follows.
    let encoded = &encoded[..encoded.len() - 4];
    let all = String::from_utf8_lossy(bytes);
    [text, &hexadecimal, encoded].iter().any(|form| all.contains(form))
}

async fn post(installation: &Installation, token: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://127.0.0.1:{}{path}", installation.port);
    let send = async || http.post(&url).bearer_auth(token).json(&body).send().await.ok();
    let answer = until(SOON, send, "the server to answer").await;
    (answer.status(), answer.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_read_where_it_does_not_belong() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let collector = Collector::start().await;
    let mut installation = Installation::new().await;
    let (database, amqp) =
        (installation.env["PITCREW_DATABASE_URL"].clone(), installation.env["PITCREW_AMQP_URL"].clone());
    let (database_wire, broker_wire) = (Proxy::listening_to(&database).await, Proxy::listening_to(&amqp).await);
    for (name, value) in [
        ("PITCREW_DATABASE_URL", database_wire.url(&database).as_str()),
        ("PITCREW_AMQP_URL", broker_wire.url(&amqp).as_str()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("PITCREW_TELEMETRY__METRICS_EVERY", "1 s"),
        ("PITCREW_LOG", "debug"),
    ] {
        installation.set(name, value);
    }
    let logs = installation.folder.join("logs");
    installation.programs.logs = Some(logs.clone());
    let near = installation.local_computer().await;
    let far = installation.agent_computer().await;
    installation.start_all();
    installation.start("server");
    installation.start_agent("agent", &far, None);

    let admin = installation.store.mint_token("root", Role::Admin, None).await.expect("a token");
    let text = FLEET
        .replace("key: LICENCE", &format!("key: {LICENCE}"))
        .replace("password: PASSWORD", &format!("password: {PASSWORD}"));
    let (status, answer) =
        post(&installation, &admin, "/v1/apply", json!({ "files": [{ "name": "fleet.yaml", "text": text }] })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (status, answer) =
        post(&installation, &admin, "/v1/secrets", json!({ "name": "other", "value": STORED })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    installation.until_connected(1).await;

    let sessions = installation.submit(Kind::Full, &[near.id, far.id]).await;
    assert_eq!(installation.tally(&sessions).await, [(Status::Cancelled, 2)].into(), "a script has ended each");
    for (computer, session) in [(&near, sessions[0]), (&far, sessions[1])] {
        let told = |file: &str| std::fs::read_to_string(computer.sandbox.join(file)).expect("it was told");
        assert_eq!(told("told"), PASSWORD);
        assert!(told("licence").contains(LICENCE));
        let logs = installation.store.logs(session, None).await.expect("the database answers");
        assert!(logs.iter().any(|entry| entry.output.contains("testing with [secret]")));
        let actions = installation.store.actions(session).await.expect("the database answers");
        assert!(actions.iter().any(|action| action.item == "task/talkative#one" && action.why_text == "[secret]"));
    }
    let heard = async || (collector.bodies().len() > 10).then_some(());
    until(SOON, heard, "traces and metrics").await;
    installation.at_rest().await;

    for value in [PASSWORD, STORED, LICENCE] {
        assert_eq!(installation.tables_with(value).await, Vec::<String>::new(), "in the database");
        assert_eq!(files_with(&logs, value), Vec::<PathBuf>::new(), "in logs");
        assert_eq!(files_with(&near.state, value), Vec::<PathBuf>::new(), "on a computer");
        assert_eq!(files_with(&far.state, value), Vec::<PathBuf>::new(), "on a computer");
        for (what, bytes) in [
            ("in a message", broker_wire.heard()),
            ("on the way to the database", database_wire.heard()),
            ("in telemetry", collector.bodies().iter().map(|body| body.to_vec()).collect()),
        ] {
            assert!(!bytes.is_empty());
            assert!(!bytes.iter().any(|bytes| hold(bytes, value)), "{value} is {what}");
        }
    }
    // What is looked through is what is looked for: names that are no secrets are found there.
    assert!(database_wire.heard().iter().any(|bytes| hold(bytes, "talkative")));
    assert!(collector.bodies().iter().any(|body| hold(body, "talkative")));
    assert!(broker_wire.heard().iter().any(|bytes| hold(bytes, &sessions[0].to_string())));
    assert!(!files_with(&logs, "pitcrew-execution").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_waits_for_the_key_that_its_worker_was_not_told_yet() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_RETRY__ATTEMPTS", "1");
    let fleet = r#"
kind: task
name: told
test: |
  [ -e "$PITCREW_SANDBOX/told" ] && echo true || echo false
set: printf %s "$PARAM_PASSWORD" > "$PITCREW_SANDBOX/told"
parameters: {password: {type: password}}
---
{kind: deployment, name: told, task: told, target: everyone, parameters: {password: PASSWORD}}
"#;
    installation.apply(&fleet.replace("PASSWORD}}", &format!("{PASSWORD}}}}}"))).await;
    let (near, far) = (installation.local_computer().await, installation.agent_computer().await);
    let keys = format!("{}\n{SECRET_KEY}", SECRET_KEY.replace("5ea1ed", "0ddba1"));
    let ahead = Store::new(&installation.env["PITCREW_DATABASE_URL"], 1).expect("an address");
    let ahead = ahead.with_keys(Keyring::read(&keys).expect("keys"));
    assert_eq!(ahead.rotate_secrets("me").await.expect("the database answers").resealed, 1);
    installation.start_all();
    installation.start("server");
    installation.start_agent("agent", &far, None);
    installation.until_connected(1).await;
    let sessions = installation.submit(Kind::Full, &[near.id, far.id]).await;
    for session in &sessions {
        let told = format!(
            "SELECT count(*) FROM transition WHERE session_id = {session} AND what = 'snoozed' AND note LIKE '%is sealed under the key%'"
        );
        installation.until_counts(1, &told).await;
        assert_eq!(installation.session(*session).await.attempt, 0, "it is no fault of the session");
    }
    installation.set("PITCREW_SECRET_KEY", keys);
    for name in ["detection", "execution", "server"] {
        installation.programs.kill(name).await;
        installation.start(name);
    }
    assert_eq!(installation.tally(&sessions).await, [(Status::Completed, 2)].into());
    for computer in [&near, &far] {
        assert_eq!(std::fs::read_to_string(computer.sandbox.join("told")).expect("it was told"), PASSWORD);
    }
    installation.at_rest().await;
}
