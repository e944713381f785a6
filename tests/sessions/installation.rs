//! An installation: a database, a prefix on the broker, and the programs as processes that can be stopped, frozen and
//! killed.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use pitcrew::domain::session::{Kind, Order, Priority, RebootPolicy, Session, Status};
use pitcrew::domain::{ComputerId, SessionId, TenantId};
use pitcrew::lifecycle::submit::Submission;
use pitcrew::store::Store;
use pitcrew::store::sessions::Accepted;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::process::{Child, Command};
use tokio_postgres::Client;

use crate::support::{Database, database, prefix, program, services, until};

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// An installation.
pub struct Installation {
    // Dropped first: the programs end before the database goes.
    programs: Vec<Child>,
    pub store: Store,
    pub sql: Client,
    pub tenant: TenantId,
    env: BTreeMap<String, String>,
    _database: Database,
}

impl Installation {
    /// One with a tenant and nothing else, and short leases so that losses show soon.
    pub async fn new() -> Installation {
        let database = database().await;
        let store = Store::new(&database.url, 4).expect("the database's address");
        let sql = database.connect().await;
        let row = sql.query_one("INSERT INTO tenant (name) VALUES ('acme') RETURNING id", &[]).await.expect("a tenant");
        let env = [
            ("PITCREW_DATABASE_URL", database.url.clone()),
            ("PITCREW_AMQP_URL", services().amqp_url.clone()),
            ("PITCREW_AMQP__PREFIX", prefix()),
            ("PITCREW_DATABASE__POOL_SIZE", "6".to_owned()),
            ("PITCREW_WORKER__LEASE", "3 s".to_owned()),
            ("PITCREW_WORKER__HEARTBEAT", "500 ms".to_owned()),
            ("PITCREW_WORKER__PATIENCE", "2 s".to_owned()),
            ("PITCREW_SCHEDULER__TAKE_WITHIN", "3 s".to_owned()),
            ("PITCREW_SCHEDULER__TERM", "3 s".to_owned()),
            ("PITCREW_SCHEDULER__RESCUE_FIRST", "100 ms".to_owned()),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Installation { programs: Vec::new(), store, sql, tenant: TenantId(row.get("id")), env, _database: database }
    }

    /// Sets a variable for the programs that are started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// What the names of its exchanges and queues begin with.
    pub fn prefix(&self) -> String {
        self.env["PITCREW_AMQP__PREFIX"].clone()
    }

    /// Starts a scheduler and one worker of each stage.
    pub fn start_all(&mut self) {
        self.start("pitcrew", &["scheduler"]);
        for worker in ["pitcrew-detection", "pitcrew-planning", "pitcrew-execution"] {
            self.start(worker, &[]);
        }
    }

    /// Starts a program. Its log goes to this test's output.
    fn start(&mut self, name: &str, arguments: &[&str]) {
        let child = Command::new(program(name))
            .args(arguments)
            .envs(&self.env)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        self.programs.push(child);
    }

    /// A script's text, stored under its hash; its use as JSON.
    pub async fn script(&self, body: &str) -> Value {
        let hash = Sha256::digest(body.as_bytes()).to_vec();
        self.sql
            .execute("INSERT INTO script (hash, body) VALUES ($1, $2) ON CONFLICT DO NOTHING", &[&hash, &body])
            .await
            .expect("a script");
        let text: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "hash": text, "interpreter": "sh" })
    }

    /// Three pieces of software for everyone, which a no-op computer lacks.
    pub async fn three_deployments(&self) {
        let (detect, install) = (self.script("true # detect").await, self.script("true # install").await);
        for name in ["one", "two", "three"] {
            let software = json!({
                "name": name, "detect": detect, "install": install,
                "versions": [{ "version": "1" }], "upgrade": "over",
            });
            self.sql
                .execute("INSERT INTO software (name, body) VALUES ($1, $2)", &[&name, &software])
                .await
                .expect("a software");
            let body = json!({ "target": "everyone", "state": "any" });
            let item = format!("software/{name}");
            self.sql
                .execute("INSERT INTO deployment (name, item, body) VALUES ($1, $2, $3)", &[&name, &item, &body])
                .await
                .expect("a deployment");
        }
        self.sql.execute("UPDATE installation SET policy_version = policy_version + 1", &[]).await.expect("a version");
    }

    /// Computers that answer at once.
    pub async fn noop_computers(&self, count: i32) -> Vec<ComputerId> {
        let rows = self
            .sql
            .query(
                "INSERT INTO computer (tenant_id, name, os, arch, connection)
                 SELECT $1, 'pc-' || n, 'linux', 'x86_64', '{\"via\": \"noop\"}' FROM generate_series(1, $2) n
                 RETURNING id",
                &[&self.tenant.0, &count],
            )
            .await
            .expect("computers");
        rows.iter().map(|row| ComputerId(row.get("id"))).collect()
    }

    /// Submits a session of this kind for each of these computers.
    pub async fn submit(&self, kind: Kind, computers: &[ComputerId]) -> Vec<SessionId> {
        let submissions = computers
            .iter()
            .map(|computer| Submission {
                tenant: self.tenant,
                computer: *computer,
                kind,
                priority: Priority::Normal,
                order: Order {
                    deployments: Vec::new(),
                    inventory: false,
                    reboot: RebootPolicy::IfNeeded,
                    by: "test".to_owned(),
                    reason: String::new(),
                    origin: "test".to_owned(),
                    rerun_of: None,
                    traceparent: None,
                },
                not_before: None,
            })
            .collect();
        let accepted = self.store.submit(submissions, None).await.expect("the database answers");
        self.store.wake_scheduler();
        match accepted {
            Accepted::New(ids) => ids,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until these sessions are final.
    pub async fn finals(&self, ids: &[SessionId]) -> Vec<Session> {
        let ids_text: Vec<i64> = ids.iter().map(|id| id.0).collect();
        until(
            SOON * 2,
            || async {
                let row = self
                    .sql
                    .query_one("SELECT count(*) AS n FROM session_history WHERE id = ANY($1)", &[&ids_text])
                    .await
                    .ok()?;
                (row.get::<_, i64>("n") == ids.len() as i64).then_some(())
            },
            "all sessions are final",
        )
        .await;
        let mut sessions = Vec::new();
        for id in ids {
            sessions.push(self.store.session(*id).await.expect("the database answers").expect("the session is there"));
        }
        sessions
    }

    /// Waits until these sessions are final, and says how many ended as what.
    pub async fn tally(&self, ids: &[SessionId]) -> BTreeMap<Status, usize> {
        let mut tally = BTreeMap::new();
        for session in self.finals(ids).await {
            if let Some(error) = &session.last_error {
                println!("session {} is {}: {error}", session.id, session.status);
            }
            *tally.entry(session.status).or_default() += 1;
        }
        tally
    }

    /// Waits until nothing is live, held or leased.
    pub async fn at_rest(&self) {
        until(
            SOON,
            || async {
                let row = self
                    .sql
                    .query_one("SELECT (SELECT count(*) FROM session) + (SELECT count(*) FROM computer_hold) AS n", &[])
                    .await
                    .ok()?;
                (row.get::<_, i64>("n") == 0).then_some(())
            },
            "the system is at rest",
        )
        .await;
    }
}
