//! An installation: a database, a prefix on the broker, a fleet of computers that answer at once, and Pitcrew's programs
//! as processes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use pitcrew::broker::{Broker, Topology};
use pitcrew::domain::session::{Kind, Order, Priority, RebootPolicy};
use pitcrew::domain::{ComputerId, TenantId};
use pitcrew::lifecycle::submit::Submission;
use pitcrew::store::{Store, migrate};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio_postgres::Client;

use super::statements;
use crate::cpu::Meter;
use crate::options::Options;
use crate::stand::{Stand, connect};

/// Programs start, and end, well within this.
const SOON: Duration = Duration::from_secs(60);
/// Between two looks at the database; each look costs it something.
const LOOK: Duration = Duration::from_millis(200);

/// Sessions that go through before anything is measured: connections are made, statements prepared, and tables are no
/// longer empty, which would be planned for quite differently.
const WARM_UP: u32 = 2000;

/// An installation.
pub struct Installation {
    // Dropped first: the programs end before the rest.
    programs: Vec<(&'static str, Child)>,
    /// Submits.
    pub store: Store,
    /// Looks.
    pub sql: Client,
    /// One for each session of a run.
    computers: Vec<(TenantId, ComputerId)>,
    name: String,
    env: BTreeMap<&'static str, String>,
    sessions: u32,
    /// The sessions that count have ids above this.
    pub first: i64,
    statements: bool,
}

impl Installation {
    /// Makes one for so many sessions, each with a computer of its own and three deployments that find nothing there.
    pub async fn new(stand: &Stand, options: &Options, name: &str, sessions: u32) -> anyhow::Result<Installation> {
        let url = stand.database(name).await?;
        let store = Store::new(&url, 8)?;
        migrate(&store).await?;
        let sql = connect(&url).await?;
        if stand.statements() {
            sql.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await?;
        }
        deployments(&sql).await.context("making deployments")?;
        let computers = computers(&sql, options.tenants, sessions.max(WARM_UP)).await.context("making computers")?;
        sql.batch_execute("VACUUM ANALYZE computer").await?;
        let capacity = options.capacity.to_string();
        let env = BTreeMap::from([
            ("PITCREW_DATABASE_URL", url),
            ("PITCREW_AMQP_URL", stand.amqp()),
            ("PITCREW_AMQP__PREFIX", name.to_owned()),
            ("PITCREW_WORKER__CAPACITY__DETECTION", capacity.clone()),
            ("PITCREW_WORKER__CAPACITY__PLANNING", capacity.clone()),
            ("PITCREW_WORKER__CAPACITY__EXECUTION", capacity),
            ("PITCREW_WORKER__GROUP", options.group.to_string()),
            ("PITCREW_SCHEDULER__WINDOW_FACTOR", options.window.to_string()),
            ("PITCREW_LOG", "error,lapin=off".to_owned()),
        ]);
        Ok(Installation {
            programs: Vec::new(),
            store,
            sql,
            computers,
            name: name.to_owned(),
            env,
            sessions,
            first: 0,
            statements: stand.statements(),
        })
    }

    /// Starts everything and lets some sessions through. The scheduler is stopped again: nothing runs until it starts.
    pub async fn warm_up(&mut self) -> anyhow::Result<()> {
        self.start_workers().await?;
        self.start_scheduler()?;
        Installation::submit(&self.store, &self.computers[..WARM_UP as usize]).await?;
        self.at_rest(SOON).await?;
        let (_, scheduler) = self.programs.pop().context("the scheduler was started last")?;
        stop("scheduler", scheduler).await?;
        self.sql.batch_execute("ANALYZE").await?;
        if self.statements {
            self.sql.batch_execute("SELECT pg_stat_statements_reset(); SELECT pg_stat_reset()").await?;
        }
        // The next id is the first that counts.
        self.first = self.sql.query_one("SELECT nextval('session_id')", &[]).await?.get(0);
        Ok(())
    }

    /// Starts one worker of each stage and waits until they have said what they can take.
    async fn start_workers(&mut self) -> anyhow::Result<()> {
        for (name, program) in
            [("detection", "pitcrew-detection"), ("planning", "pitcrew-planning"), ("execution", "pitcrew-execution")]
        {
            self.start(name, program, &[])?;
        }
        let begun = Instant::now();
        while self.sql.query_one("SELECT count(*) FROM worker", &[]).await?.get::<_, i64>(0) < 3 {
            self.still_running()?;
            anyhow::ensure!(begun.elapsed() < SOON, "the workers did not report within {} s", SOON.as_secs());
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Starts the scheduler: from now on sessions run.
    pub fn start_scheduler(&mut self) -> anyhow::Result<()> {
        self.start("scheduler", "pitcrew", &["scheduler"])
    }

    fn start(&mut self, name: &'static str, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let child = Command::new(beside(program)?)
            .args(arguments)
            .envs(&self.env)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {program}"))?;
        self.programs.push((name, child));
        Ok(())
    }

    /// Measures the programs beside the servers.
    pub fn watch(&self, meter: &mut Meter) {
        for (name, child) in &self.programs {
            if let Some(pid) = child.id() {
                meter.watch(name, pid);
            }
        }
    }

    /// Submits a full session for so many computers, from this place in the fleet on.
    pub async fn submit(store: &Store, computers: &[(TenantId, ComputerId)]) -> anyhow::Result<()> {
        let submissions = computers.iter().map(|(tenant, computer)| Submission {
            tenant: *tenant,
            computer: *computer,
            kind: Kind::Full,
            priority: Priority::Normal,
            order: Order {
                deployments: Vec::new(),
                item: None,
                parameters: Default::default(),
                inventory: false,
                reboot: RebootPolicy::IfNeeded,
                by: "bench".to_owned(),
                reason: String::new(),
                origin: "bench".to_owned(),
                group: None,
                rerun_of: None,
                traceparent: None,
            },
            not_before: None,
        });
        store.submit(submissions.collect(), None).await?;
        store.wake_scheduler();
        Ok(())
    }

    /// The fleet.
    pub fn computers(&self) -> &[(TenantId, ComputerId)] {
        &self.computers[..self.sessions as usize]
    }

    /// Waits until every session is final. Says how many are left if that takes longer than `within`.
    pub async fn at_rest(&mut self, within: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.sql.query_one("SELECT EXISTS (SELECT FROM session)", &[]).await?.get(0) {
            self.still_running()?;
            if begun.elapsed() > within {
                let left: i64 = self.sql.query_one("SELECT count(*) FROM session", &[]).await?.get(0);
                bail!("{left} sessions are not final after {} s", within.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    fn still_running(&mut self) -> anyhow::Result<()> {
        for (name, child) in &mut self.programs {
            if let Some(status) = child.try_wait()? {
                bail!("the {name} program has ended: {status}");
            }
        }
        Ok(())
    }

    /// Drains the programs, shows what the statements cost if they were counted, and takes everything away.
    pub async fn end(mut self, stand: &Stand, sessions: u64) -> anyhow::Result<()> {
        for (name, child) in self.programs.drain(..).rev() {
            stop(name, child).await?;
        }
        if stand.statements() {
            statements::show(&self.sql, sessions).await?;
        }
        let broker = Broker::connect(&stand.amqp(), Topology::new(&self.name), "bench")?;
        broker.up(SOON).await?;
        broker.delete().await?;
        broker.close().await;
        stand.drop_database(&self.name).await
    }
}

/// Drains a program.
async fn stop(name: &str, mut child: Child) -> anyhow::Result<()> {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
        kill_process(pid, Signal::TERM)?;
    }
    let status = tokio::time::timeout(SOON, child.wait()).await;
    let status = status.with_context(|| format!("the {name} program did not end when it was told to"))??;
    anyhow::ensure!(status.success(), "the {name} program ended with {status}");
    Ok(())
}

/// The workspace's programs, beside which this one was built.
fn beside(program: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(program);
    anyhow::ensure!(path.exists(), "{} is not there: cargo build --workspace --bins --release", path.display());
    Ok(path)
}

/// Three pieces of software for everyone.
async fn deployments(sql: &Client) -> anyhow::Result<()> {
    let (detect, install) = (script(sql, "true # detect").await?, script(sql, "true # install").await?);
    for name in ["one", "two", "three"] {
        let software = json!({
            "name": name, "detect": detect, "install": install, "versions": [{ "version": "1" }], "upgrade": "over",
        });
        sql.execute("INSERT INTO software (name, body) VALUES ($1, $2)", &[&name, &software]).await?;
        let (item, body) = (format!("software/{name}"), json!({ "target": "everyone", "state": "any" }));
        sql.execute("INSERT INTO deployment (name, item, body) VALUES ($1, $2, $3)", &[&name, &item, &body]).await?;
    }
    sql.execute("UPDATE installation SET policy_version = policy_version + 1", &[]).await?;
    Ok(())
}

async fn script(sql: &Client, body: &str) -> anyhow::Result<Value> {
    sql.execute(
        "INSERT INTO script (hash, body) VALUES (sha256(convert_to($1::text, 'UTF8')), $1) ON CONFLICT DO NOTHING",
        &[&body],
    )
    .await?;
    let row = sql.query_one("SELECT encode(sha256(convert_to($1::text, 'UTF8')), 'hex')", &[&body]).await?;
    Ok(json!({ "hash": row.get::<_, String>(0), "interpreter": "sh" }))
}

async fn computers(sql: &Client, tenants: u32, count: u32) -> anyhow::Result<Vec<(TenantId, ComputerId)>> {
    sql.execute(
        "INSERT INTO tenant (name) SELECT 'tenant-' || n FROM generate_series(1, $1::bigint) n",
        &[&i64::from(tenants.max(1))],
    )
    .await?;
    let rows = sql
        .query(
            "INSERT INTO computer (tenant_id, name, os, arch, connection)
             SELECT t.id, 'pc-' || n, 'linux', 'x86_64', '{\"via\": \"noop\"}'
             FROM generate_series(0, $1::bigint - 1) n
             JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS all FROM tenant) t
               ON t.place = n % t.all
             ORDER BY n RETURNING tenant_id, id",
            &[&i64::from(count)],
        )
        .await?;
    Ok(rows.iter().map(|row| (TenantId(row.get(0)), ComputerId(row.get(1)))).collect())
}
