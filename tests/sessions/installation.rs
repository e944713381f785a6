//! An installation: a database, a prefix on the broker, and the programs as processes.
//!
//! Times are short, so that losses show soon; no test relies on how short.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use pitcrew::broker::{Broker, Topology};
use pitcrew::domain::TenantId;
use pitcrew::store::{Store, migrate};
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

use super::programs::Programs;
use crate::support::{Database, SECRET_KEY, database, prefix, program, scratch, services, store, until};

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(120);

/// Of these a check may find some for a moment after all is done: what is dropped is still on its way.
const SETTLING: [&str; 2] = ["queues_are_empty", "nothing_goes_on_unwatched"];

/// An installation.
pub struct Installation {
    // Dropped first: the programs end before the database goes.
    pub programs: Programs,
    pub store: Store,
    pub sql: Client,
    pub tenant: TenantId,
    pub env: BTreeMap<String, String>,
    /// Where the computers' folders are.
    pub folder: PathBuf,
    /// Where servers listen: given out beforehand, so that one that is started again is found again.
    pub port: u16,
    /// How the checker reaches the database, whatever the programs' way is.
    database_url: String,
    _database: Option<Database>,
}

impl Installation {
    /// One with a tenant and nothing else, on the servers that all tests share.
    pub async fn new() -> Installation {
        let database = database().await;
        Installation::on(database.url.clone(), Some(database)).await
    }

    /// One on a PostgreSQL of one's own.
    pub async fn on_own(database_url: &str) -> Installation {
        let store = Store::new(database_url, 1).expect("the database's address");
        migrate(&store).await.expect("the migrations apply");
        Installation::on(database_url.to_owned(), None).await
    }

    async fn on(database_url: String, database: Option<Database>) -> Installation {
        let store = store(&database_url, 4);
        let (sql, connection) = tokio_postgres::connect(&database_url, NoTls).await.expect("PostgreSQL answers");
        tokio::spawn(connection);
        let row = sql.query_one("INSERT INTO tenant (name) VALUES ('acme') RETURNING id", &[]).await.expect("a tenant");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let env = [
            ("PITCREW_DATABASE_URL", database_url.clone()),
            ("PITCREW_AMQP_URL", services().amqp_url.clone()),
            ("PITCREW_AMQP__PREFIX", prefix()),
            ("PITCREW_API__LISTEN", format!("127.0.0.1:{port}")),
            ("PITCREW_SECRET_KEY", SECRET_KEY.to_owned()),
            ("PITCREW_DATABASE__POOL_SIZE", "6".to_owned()),
            ("PITCREW_WORKER__LEASE", "3 s".to_owned()),
            ("PITCREW_WORKER__HEARTBEAT", "500 ms".to_owned()),
            ("PITCREW_WORKER__PATIENCE", "2 s".to_owned()),
            ("PITCREW_SCHEDULER__TAKE_WITHIN", "3 s".to_owned()),
            ("PITCREW_SCHEDULER__TERM", "3 s".to_owned()),
            ("PITCREW_SCHEDULER__RESCUE_FIRST", "100 ms".to_owned()),
            ("PITCREW_SCHEDULER__MAX_LOSSES", "50".to_owned()),
            ("PITCREW_RETRY__FIRST", "200 ms".to_owned()),
            ("PITCREW_RETRY__LONGEST", "1 s".to_owned()),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let folder = scratch();
        std::fs::create_dir_all(&folder).expect("a folder");
        Installation {
            programs: Programs::default(),
            store,
            sql,
            tenant: TenantId(row.get("id")),
            env,
            folder,
            port,
            database_url,
            _database: database,
        }
    }

    /// Sets a variable for programs that are started from now on.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.insert(name.to_owned(), value.into());
    }

    /// Lets leases and jobs last longer than anything takes here: what is lost then was lost by a defect.
    pub fn never_lapse(&mut self) {
        self.set("PITCREW_WORKER__LEASE", "10 min");
        self.set("PITCREW_SCHEDULER__TAKE_WITHIN", "10 min");
    }

    /// What the names of its exchanges and queues begin with.
    pub fn prefix(&self) -> String {
        self.env["PITCREW_AMQP__PREFIX"].clone()
    }

    /// Starts a scheduler and one worker of each stage.
    pub fn start_all(&mut self) {
        for name in ["scheduler", "detection", "planning", "execution"] {
            self.start(name);
        }
    }

    /// Starts `scheduler`, `server`, `detection`, `planning` or `execution`; `execution-2` is another one of its kind.
    pub fn start(&mut self, name: &str) {
        self.programs.start(name, &self.env);
    }

    /// A broker connection of the test's own.
    pub async fn broker(&self) -> Broker {
        let topology = Topology::new(&self.prefix());
        let broker = Broker::connect(&self.env["PITCREW_AMQP_URL"], topology, "a test").expect("an address");
        broker.up(SOON).await.expect("the broker answers");
        broker
    }

    /// Connects to the database again, when it was away.
    pub async fn reconnect(&mut self) {
        let (sql, connection) = tokio_postgres::connect(&self.database_url, NoTls).await.expect("PostgreSQL answers");
        tokio::spawn(connection);
        self.sql = sql;
    }

    /// One more connection to the database, with the task that keeps it.
    pub async fn another_connection(&self) -> (Client, tokio::task::JoinHandle<()>) {
        let (sql, connection) = tokio_postgres::connect(&self.database_url, NoTls).await.expect("PostgreSQL answers");
        (sql, tokio::spawn(async move { drop(connection.await) }))
    }

    /// How many rows a query counts.
    pub async fn count(&self, query: &str) -> i64 {
        self.sql.query_one(query, &[]).await.expect("the database answers").get(0)
    }

    /// Waits until a query counts at least so many.
    pub async fn until_counts(&self, least: i64, query: &str) {
        let enough = async || (self.sql.query_one(query, &[]).await.ok()?.get::<_, i64>(0) >= least).then_some(());
        until(SOON, enough, query).await;
    }

    /// The end of every test: waits until nothing is live or held, and has the checker look whether everything held.
    pub async fn at_rest(&mut self) {
        self.at_rest_with(&[]).await;
    }

    /// The same with further arguments to the checker.
    pub async fn at_rest_with(&mut self, arguments: &[&str]) {
        let query = "SELECT (SELECT count(*) FROM session) + (SELECT count(*) FROM computer_hold)";
        let rest = async || (self.sql.query_one(query, &[]).await.ok()?.get::<_, i64>(0) == 0).then_some(());
        until(SOON, rest, "the system to be at rest").await;
        let clean = async || {
            let checked = Command::new(program("pitcrew-check"))
                .args(["--at-rest", "--database", &self.database_url, "--amqp", &self.env["PITCREW_AMQP_URL"]])
                .args(["--prefix", &self.prefix(), "--journal"])
                .arg(&self.folder)
                .args(arguments)
                .output()
                .await
                .expect("the checker runs");
            let said = String::from_utf8_lossy(&checked.stdout);
            let violations: Vec<&str> = said.lines().filter(|line| !line.contains("in the database and in")).collect();
            let settling = violations.iter().all(|line| SETTLING.iter().any(|name| line.starts_with(name)));
            assert!(
                settling && checked.status.code().is_some_and(|code| code < 2),
                "{said}{}",
                String::from_utf8_lossy(&checked.stderr)
            );
            violations.is_empty().then_some(())
        };
        until(SOON, clean, "the queues to be empty").await;
        self.programs.end().await;
        let broker = self.broker().await;
        // Deletions that fail leave a little litter on a broker that goes with the tests.
        let _ = broker.delete().await;
        broker.close().await;
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.programs.kill_all();
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left: {error}", self.folder.display());
        }
    }
}
