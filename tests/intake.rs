//! The submit queue and the dead letters, on a real broker and a real database.

use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use pitcrew::broker::{Broker, Topology};
use pitcrew::domain::SessionId;
use pitcrew::domain::TenantId;
use pitcrew::domain::job::{JOB_VERSION, Job};
use pitcrew::domain::session::{Intent, Stage};
use pitcrew::scheduler::dead_letters::DeadLetters;
use pitcrew::scheduler::intake::Intake;
use pitcrew::store::Store;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{Database, Proxy, database, prefix, services, until};

const SOON: Duration = Duration::from_secs(60);

/// The tenants contoso, for which the broker's user may submit, and fabrikam, for which it may not.
const FLEET: &str = "
    INSERT INTO tenant (name) VALUES ('contoso'), ('fabrikam');
    INSERT INTO computer (tenant_id, name, os, arch, connection) VALUES
        (1, 'pc-1', 'linux', 'x86_64', '{\"via\": \"noop\"}'), (1, 'pc-2', 'linux', 'x86_64', '{\"via\": \"noop\"}'),
        (2, 'pc-9', 'linux', 'x86_64', '{\"via\": \"noop\"}')";

/// Intake and keeper of dead letters at work, and a foreign system beside them.
struct Desk {
    database: Database,
    store: Store,
    broker: Broker,
    /// To the database.
    proxy: Proxy,
    foreign: Foreign,
    _end: DropGuard,
}

struct Foreign {
    channel: Channel,
    answers: Consumer,
    user: String,
}

async fn desk() -> Desk {
    let database = database().await;
    database.connect().await.batch_execute(FLEET).await.unwrap();
    let foreign = Foreign::connect().await;
    let store = Store::new(&database.url, 4).unwrap();
    store.allow_broker_user(&foreign.user, TenantId(1)).await.unwrap();
    let proxy = Proxy::to(&database.url).await;
    let theirs = Store::new(&proxy.url(&database.url), 4).unwrap();
    let topology = Topology::new(prefix().trim_end_matches('.'));
    let broker = Broker::connect(&services().amqp_url, topology, "test").unwrap();
    broker.up(SOON).await.unwrap();
    let end = CancellationToken::new();
    let intake = Intake { store: theirs.clone(), broker: broker.clone() };
    let letters = DeadLetters { store: theirs, broker: broker.clone(), intake: intake.clone() };
    let (one, other) = (end.clone(), end.clone());
    tokio::spawn(async move { intake.run(one).await });
    tokio::spawn(async move { letters.run(other).await });
    Desk { database, store, broker, proxy, foreign, _end: end.drop_guard() }
}

impl Foreign {
    async fn connect() -> Foreign {
        let url = &services().amqp_url;
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let answers = channel
            .basic_consume("amq.rabbitmq.reply-to".into(), "answers".into(), options, FieldTable::default())
            .await
            .unwrap();
        let user = url::Url::parse(url).unwrap().username().to_owned();
        Foreign { channel, answers, user }
    }

    /// Properties as they should be.
    fn properties(&self, id: &str) -> BasicProperties {
        BasicProperties::default()
            .with_message_id(id.into())
            .with_user_id(self.user.as_str().into())
            .with_delivery_mode(2)
            .with_reply_to("amq.rabbitmq.reply-to".into())
    }

    async fn answer(&mut self) -> (String, Value) {
        let answer = tokio::time::timeout(SOON, self.answers.next()).await.expect("an answer in time");
        let answer = answer.expect("an answer").expect("an answer");
        let id = answer.properties.correlation_id().as_ref().map(ToString::to_string).unwrap_or_default();
        (id, serde_json::from_slice(&answer.data).unwrap())
    }
}

impl Desk {
    async fn send(&self, properties: BasicProperties, body: &[u8]) {
        let exchange = self.broker.topology().submit();
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let sent =
            self.foreign.channel.basic_publish(exchange.as_str().into(), "tenant.1".into(), options, body, properties);
        let confirmed = sent.await.unwrap().await.unwrap();
        assert!(confirmed.is_ack(), "{confirmed:?}");
    }

    async fn ask(&mut self, properties: BasicProperties, body: &[u8]) -> Value {
        self.send(properties, body).await;
        self.foreign.answer().await.1
    }

    async fn count(&self, sql: &str) -> i64 {
        self.database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn until_count(&self, sql: &str, count: i64) {
        until(SOON, || async { (self.count(sql).await == count).then_some(()) }, sql).await;
    }

    /// Nothing is left on the broker.
    async fn at_rest(self) {
        let queue = self.broker.topology().queue("submit");
        until(SOON, || async { (self.broker.depth(&queue).await.ok()? == 0).then_some(()) }, "an empty queue").await;
        self.broker.delete().await.unwrap();
    }
}

fn order(computers: &[&str]) -> Vec<u8> {
    serde_json::to_vec(&json!({"v": 1, "target": {"computers": computers}})).unwrap()
}

fn codes(answer: &Value) -> Vec<&str> {
    answer["violations"].as_array().expect("violations").iter().map(|v| v["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_submission_is_answered_and_makes_its_sessions_once() {
    let mut desk = desk().await;
    let body = order(&["pc-1", "pc-2"]);
    let properties = desk.foreign.properties("m-1").with_correlation_id("c-1".into());
    desk.send(properties, &body).await;
    let (correlation, first) = desk.foreign.answer().await;
    assert_eq!((correlation.as_str(), &first["answer"], &first["key"]), ("c-1", &json!("accepted"), &json!("m-1")));
    assert_eq!(first["before"], false);
    let again = desk.ask(desk.foreign.properties("m-1"), &body).await;
    assert_eq!((&again["before"], &again["sessions"]), (&json!(true), &first["sessions"]));
    let other = desk.ask(desk.foreign.properties("m-1"), &order(&["pc-1"])).await;
    assert_eq!(codes(&other), ["key_conflict"]);
    // A key in the document counts before the message's id.
    let keyed = json!({"v": 1, "key": "m-1", "target": {"computers": ["pc-1", "pc-2"]}}).to_string();
    let keyed = desk.ask(desk.foreign.properties("m-2"), keyed.as_bytes()).await;
    assert_eq!(keyed["sessions"], first["sessions"]);
    assert_eq!(desk.count("SELECT count(*) FROM session").await, 2);
    assert_eq!(desk.count("SELECT count(*) FROM audit WHERE actor LIKE 'amqp:%'").await, 1);
    desk.at_rest().await;
}

#[tokio::test]
async fn what_is_wrong_is_answered_with_everything_and_kept() {
    let mut desk = desk().await;
    let good = order(&["pc-1"]);
    let wrong: [(&[u8], &[&str]); 5] = [
        (b"{ \"v\": 1,\n oops", &["not_json"]),
        (b"{ \"v\": 7 }", &["unknown_version"]),
        (
            br#"{ "v": 1, "target": {"computers": ["pc-1"]}, "kind": "ful", "prio": 1 }"#,
            &["unknown_field", "unknown_word"],
        ),
        (br#"{ "v": 1, "target": {"computers": ["pc-9"]} }"#, &["unknown_computer"]),
        (br#"{ "v": 1, "target": {"tenant": "contoso"}, "expires_at": "2020-01-01T00:00:00Z" }"#, &["expired"]),
    ];
    for (place, (body, expected)) in wrong.into_iter().enumerate() {
        let answer = desk.ask(desk.foreign.properties(&format!("w-{place}")), body).await;
        assert_eq!(codes(&answer), expected, "{answer}");
    }
    let large = vec![b' '; 256 * 1024 + 1];
    assert_eq!(codes(&desk.ask(desk.foreign.properties("large"), &large).await), ["too_large"]);
    let nobody = BasicProperties::default().with_reply_to("amq.rabbitmq.reply-to".into()).with_message_id("n".into());
    assert_eq!(codes(&desk.ask(nobody, &good).await), ["no_user"]);
    let unnamed = BasicProperties::default()
        .with_user_id(desk.foreign.user.as_str().into())
        .with_reply_to("amq.rabbitmq.reply-to".into());
    assert_eq!(codes(&desk.ask(unnamed, &good).await), ["missing"]);
    assert_eq!(desk.count("SELECT count(*) FROM rejected_submission").await, 8);

    // An answer is never sent to one of our own queues, where it would be taken for a job.
    let ours = desk.broker.topology().queue("execution");
    desk.send(desk.foreign.properties("evil").with_reply_to(ours.as_str().into()), &good).await;
    desk.until_count("SELECT count(*) FROM rejected_submission WHERE violations @> '[{\"code\": \"reply_to\"}]'", 1)
        .await;
    assert_eq!(desk.broker.depth(&ours).await.unwrap(), 0);
    assert_eq!(desk.count("SELECT count(*) FROM session").await, 0);

    desk.database.connect().await.batch_execute("DELETE FROM broker_submitter").await.unwrap();
    assert_eq!(codes(&desk.ask(desk.foreign.properties("stranger"), &good).await), ["not_allowed"]);
    for n in 0..120 {
        desk.store.keep_rejected("flood", format!("{n}").as_bytes(), &[]).await.unwrap();
    }
    assert_eq!(desk.count("SELECT count(*) FROM rejected_submission WHERE submitter = 'flood'").await, 100);
    desk.at_rest().await;
}

/// A task that sessions may tell something, and must tell something else.
const TOLD: &str = "
kind: task
name: join
test: echo false
set: exit 0
parameters: {domain: {override: required}, password: {type: password, override: allowed, required: false}, fixed: {default: x}}
---
{kind: deployment, name: join, task: join, target: everyone}
";

#[tokio::test]
async fn what_parameters_are_given_is_checked_and_no_secret_is_kept() {
    let mut desk = desk().await;
    let told = ("told.yaml".to_owned(), TOLD.to_owned());
    desk.store.apply_files(&[told], false).await.unwrap();
    let body = |parameters: Value| {
        let document = json!({
            "v": 1, "kind": "targeted", "deployments": ["join"], "target": {"computers": ["pc-1"]}, "parameters": parameters,
        });
        serde_json::to_vec(&document).unwrap()
    };
    let wrong =
        body(json!({"join": {"fixed": "y", "password": "hunter2-plain", "pasword": "hunter2-plain"}, "jion": {}}));
    let answer = desk.ask(desk.foreign.properties("m-1"), &wrong).await;
    let mut told: Vec<_> = answer["violations"].as_array().expect("violations").iter().collect();
    told.sort_by_key(|it| it["pointer"].as_str().unwrap().to_owned());
    let told: Vec<_> =
        told.iter().map(|it| format!("{} {}", it["pointer"].as_str().unwrap(), it["code"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            "/parameters/jion unknown_item",
            "/parameters/join/fixed not_overridable",
            "/parameters/join/password secret_by_value",
            "/parameters/join/pasword unknown_parameter",
            "/parameters/task~1join/domain missing",
        ]
    );
    let stranger = uuid::Uuid::new_v4();
    let unknown = body(json!({"join": {"domain": "lab", "password": {"secret": stranger}}}));
    assert_eq!(codes(&desk.ask(desk.foreign.properties("m-2"), &unknown).await), ["unknown_secret"]);
    desk.until_count("SELECT count(*) FROM rejected_submission", 2).await;
    let kept = "SELECT string_agg(convert_from(body, 'UTF8') || violations::text, ' ') FROM rejected_submission";
    let kept: String = desk.database.connect().await.query_one(kept, &[]).await.unwrap().get(0);
    assert!(!kept.contains("hunter2") && kept.contains("[not kept]"), "{kept}");
    assert!(kept.contains(&stranger.to_string()), "an id is no secret: {kept}");

    let right = body(json!({"task/join": {"domain": "lab"}}));
    let first = desk.ask(desk.foreign.properties("m-3"), &right).await;
    assert_eq!(first["answer"], "accepted", "{first}");
    let again = desk.ask(desk.foreign.properties("m-3"), &right).await;
    assert_eq!((&again["before"], &again["sessions"]), (&json!(true), &first["sessions"]));
    let other = body(json!({"task/join": {"domain": "other"}}));
    assert_eq!(codes(&desk.ask(desk.foreign.properties("m-3"), &other).await), ["key_conflict"]);
    // It is no such session as the first, so it is made beside it.
    let beside = desk.ask(desk.foreign.properties("m-4"), &other).await;
    assert_eq!(beside["sessions"].as_array().expect("sessions").len(), 1, "{beside}");
    let same = desk.ask(desk.foreign.properties("m-5"), &other).await;
    assert_eq!(same["already"], beside["sessions"]);
    desk.at_rest().await;
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_lost_and_nothing_is_burnt() {
    let mut desk = desk().await;
    desk.proxy.cut();
    for n in 0..30 {
        let order = json!({"v": 1, "target": {"computers": ["pc-1"]}, "again": true}).to_string();
        desk.send(desk.foreign.properties(&format!("m-{n}")), order.as_bytes()).await;
    }
    // Longer than it would take to deliver each of them twenty times over.
    let given_back = desk.broker.topology().queue("submit");
    until(SOON, || async { (desk.broker.depth(&given_back).await.ok()? > 0).then_some(()) }, "intake to pause").await;
    desk.proxy.pass();
    for _ in 0..30 {
        assert_eq!(desk.foreign.answer().await.1["answer"], "accepted");
    }
    assert_eq!(desk.count("SELECT count(*) FROM session").await, 30);
    assert_eq!(desk.count("SELECT count(*) FROM dead_letter").await, 0);
    desk.at_rest().await;
}

#[tokio::test]
async fn a_dead_job_has_its_session_looked_at_and_is_kept() {
    let mut desk = desk().await;
    desk.ask(desk.foreign.properties("m"), &order(&["pc-1"])).await;
    let admit =
        "UPDATE session SET run_after = NULL, dispatch = 1, admitted_at = now(), deadline = now() + interval '1 h'";
    desk.database.connect().await.batch_execute(admit).await.unwrap();
    let session: i64 = desk.count("SELECT id FROM session").await;
    let job =
        Job { v: JOB_VERSION, session: SessionId(session), tenant: TenantId(1), stage: Stage::Detection, dispatch: 1 };
    let message = pitcrew::broker::Message::new(
        desk.broker.topology().jobs(),
        "detection",
        job.message_id(),
        serde_json::to_vec(&job).unwrap(),
    );
    desk.broker.publisher().publish(message).await.unwrap();
    let worker = desk.broker.consume(&desk.broker.topology().queue("detection"), 1);
    worker.next_group(1).await.pop().unwrap().receipt.reject(false).await;
    desk.until_count("SELECT count(*) FROM dead_letter", 1).await;
    desk.until_count("SELECT count(*) FROM session WHERE deadline <= now()", 1).await;
    let letter = desk.store.dead_letter(1).await.unwrap().unwrap();
    assert_eq!((letter.session, letter.reason.as_str()), (Some(SessionId(session)), "rejected"));
    assert_eq!(letter.queue, desk.broker.topology().queue("detection"));
    assert_eq!(letter.headers.unwrap()["headers"]["x-death"][0]["count"], 1);
    // The letter of an earlier dispatch changes nothing.
    desk.database.connect().await.batch_execute("UPDATE session SET deadline = now() + interval '1 h'").await.unwrap();
    assert!(!desk.store.look_at(&Job { dispatch: 0, ..job }).await.unwrap());
    desk.at_rest().await;
}

#[tokio::test]
async fn a_dead_submission_is_submitted_again_when_somebody_wants_it() {
    let desk = desk().await;
    let properties = json!({"message_id": "m-1", "user_id": desk.foreign.user, "headers": {}});
    let client = desk.database.connect().await;
    client
        .execute(
            "INSERT INTO dead_letter (queue, at, reason, message_id, headers, body, state)
             VALUES ('submit', now(), 'delivery_limit', 'm-1', $1, $2, 'open')",
            &[&properties, &order(&["pc-2"])],
        )
        .await
        .unwrap();
    let wanted = Intent { by: "olga".into(), reason: "fixed".into(), at: desk.store.ask_time().await.unwrap() };
    assert!(desk.store.want_redrive(1, &wanted).await.unwrap());
    desk.until_count("SELECT count(*) FROM dead_letter WHERE state = 'redriven' AND resolved_by = 'olga'", 1).await;
    assert_eq!(desk.count("SELECT count(*) FROM session WHERE computer_id = 2").await, 1);
    desk.at_rest().await;
}

#[tokio::test]
async fn keys_are_forgotten_after_thirty_days() {
    let mut desk = desk().await;
    desk.ask(desk.foreign.properties("old"), &order(&["pc-1"])).await;
    desk.ask(desk.foreign.properties("new"), &order(&["pc-1"])).await;
    let age = "UPDATE submission SET created_at = now() - interval '31 days' WHERE key = 'old'";
    desk.database.connect().await.batch_execute(age).await.unwrap();
    assert_eq!(desk.store.forget_old_keys().await.unwrap(), 1);
    assert_eq!(desk.count("SELECT count(*) FROM submission WHERE key = 'new'").await, 1);
    desk.at_rest().await;
}

/// Needs the environment that `make python` makes.
#[tokio::test]
async fn a_foreign_program_submits_in_twenty_lines() {
    let desk = desk().await;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut child = tokio::process::Command::new(root.join(".pitcrew/venv/bin/python"))
        .arg(root.join("schemas/examples/submit.py"))
        .args([&services().amqp_url, &desk.broker.topology().submit()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("`make python` was run");
    child.stdin.take().unwrap().write_all(&order(&["pc-1"])).await.unwrap();
    let output = tokio::time::timeout(SOON, child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&answer["answer"], &answer["sessions"][0]["computer"]), (&json!("accepted"), &json!("pc-1")));
    desk.at_rest().await;
}
