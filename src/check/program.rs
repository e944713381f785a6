//! The checker's program: reads journals and database, looks at the broker's queues if it is given one, and says what
//! does not hold.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use pitcrew_protocol::JournalLine;
use uuid::Uuid;

use super::compare::compare;
use super::journal::{self, ToldRun};
use super::{Verdict, Violation};
use crate::broker::topology::STAGES;
use crate::broker::{Broker, Topology};
use crate::store::Store;
use crate::store::check::{Bounds, INVARIANTS};

/// How long the broker may take to answer.
const BROKER_ANSWERS: Duration = Duration::from_secs(20);
/// So many runs are looked up at a time.
const RUNS_AT_A_TIME: usize = 10_000;

/// Checks from the database and the computers' journals that everything held that Pitcrew promises.
///
/// Exits with 0 if it did, with 1 if something did not, and with 2 if that cannot be told.
#[derive(Parser)]
#[command(version)]
pub struct Arguments {
    /// Where Postgres is: postgres://user:password@host:port/database
    #[arg(long, env = "PITCREW_DATABASE_URL", hide_env_values = true)]
    pub database: String,
    /// An agent's journal, or a folder below which every `journal.jsonl` is read. May be given several times.
    #[arg(long = "journal", value_name = "FILE|DIR")]
    pub journals: Vec<PathBuf>,
    /// All work should be done: sessions that are live, computers that are held and jobs that wait are violations, too.
    #[arg(long)]
    pub at_rest: bool,
    /// What is late by no more than so many seconds is being seen to.
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS")]
    pub grace: f64,
    /// How many computers of the fleet were allowed to be in work at a time.
    #[arg(long, value_name = "COUNT")]
    pub max_running: Option<i64>,
    /// Where RabbitMQ is, to look whether jobs wait in its queues (with --at-rest).
    #[arg(long, value_name = "URL")]
    pub amqp: Option<String>,
    /// What the names of the installation's queues begin with.
    #[arg(long, default_value = "pitcrew")]
    pub prefix: String,
    /// How many violations of each kind are printed at most.
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    pub most: i64,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    pub output: Output,
    /// Print what is checked in the database, and check nothing.
    #[arg(long)]
    pub list: bool,
}

/// How violations are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people: a line each.
    Text,
    /// For machines: one document.
    Json,
}

/// Runs the program. True if everything held.
///
/// # Errors
/// Evidence that cannot be read.
pub async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    if arguments.list {
        for invariant in INVARIANTS {
            let when = if invariant.at_rest { " (at rest)" } else { "" };
            println!("{}: {}{when}", invariant.name, invariant.holds);
        }
        return Ok(true);
    }
    let verdict = check(arguments).await?;
    match arguments.output {
        Output::Text => println!("{verdict}"),
        Output::Json => println!("{}", serde_json::to_string_pretty(&verdict)?),
    }
    Ok(verdict.is_clean())
}

/// Looks at everything.
///
/// # Errors
/// Evidence that cannot be read.
pub async fn check(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut told: Vec<(String, Vec<ToldRun>)> = Vec::new();
    for path in files(&arguments.journals)? {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).with_context(|| format!("{name} cannot be read"))?;
        let lines = JournalLine::read_all(&text).with_context(|| format!("{name} is no journal of an agent"))?;
        let journal::Told { runs, violations } = journal::read(&name, &lines);
        verdict.violations.extend(violations);
        verdict.runs += runs.len();
        told.push((name, runs));
    }
    verdict.journals = told.len();

    let store = Store::new(&arguments.database, 1)?;
    let bounds = Bounds {
        at_rest: arguments.at_rest,
        grace: Duration::try_from_secs_f64(arguments.grace).context("--grace must be a number of seconds")?,
        max_running: arguments.max_running,
        most: arguments.most,
    };
    let breaches = store.breaches(bounds).await.context("the database cannot be checked")?;
    verdict.violations.extend(breaches.into_iter().map(Violation::from));

    let ids: Vec<Uuid> = told.iter().flat_map(|(_, runs)| runs).map(|run| run.run_id).collect();
    let mut known = std::collections::HashMap::new();
    for some in ids.chunks(RUNS_AT_A_TIME) {
        known.extend(store.known_runs(some).await.context("the journals' runs cannot be looked for")?);
    }
    verdict.violations.extend(compare(&told, &known, arguments.at_rest));

    if let (Some(amqp), true) = (&arguments.amqp, arguments.at_rest) {
        verdict.violations.extend(waiting(amqp, &arguments.prefix).await?);
    }
    Ok(verdict)
}

/// The stage queues in which jobs wait.
async fn waiting(amqp: &str, prefix: &str) -> anyhow::Result<Vec<Violation>> {
    let broker = Broker::connect(amqp, Topology::new(prefix), "pitcrew-check")?;
    broker.up(BROKER_ANSWERS).await.context("the broker cannot be asked")?;
    let mut violations = Vec::new();
    for stage in STAGES {
        let queue = broker.topology().queue(stage);
        let depth = broker.depth(&queue).await.with_context(|| format!("queue {queue} cannot be asked"))?;
        if depth > 0 {
            let (subject, evidence) = (format!("queue {queue}"), format!("{depth} jobs wait in it"));
            violations.push(Violation { invariant: "queues_are_empty", subject, evidence });
        }
    }
    broker.close().await;
    Ok(violations)
}

/// The journals at and below these paths, each once.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut left: Vec<PathBuf> = paths.to_vec();
    while let Some(path) = left.pop() {
        if !path.is_dir() {
            found.push(path);
            continue;
        }
        let unreadable = || format!("{} cannot be looked through", path.display());
        for entry in std::fs::read_dir(&path).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            // Links are not followed: they may lead round in a circle.
            let kind = entry.file_type().with_context(unreadable)?;
            if kind.is_dir() || (kind.is_file() && entry.file_name() == Path::new("journal.jsonl").as_os_str()) {
                left.push(entry.path());
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}
