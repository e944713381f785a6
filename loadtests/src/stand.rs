//! The bench's own PostgreSQL and RabbitMQ, and under which conditions they run.

use std::path::PathBuf;

use anyhow::Context;
use pitcrew::boot::services::{Postgres, RabbitMq, postgres, rabbitmq};
use tokio_postgres::{Client, NoTls};

use crate::cpu::Meter;
use crate::options::Options;

/// What PostgreSQL is told beside its defaults. A checkpoint in the middle of one run and not of the other would compare
/// two different things, so there is room for several runs between two.
const SETTINGS: [(&str, &str); 5] = [
    ("synchronous_commit", "on"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "30min"),
    ("effective_io_concurrency", "100"),
    ("random_page_cost", "1.1"),
];

/// The running servers. Gone with this.
pub struct Stand {
    postgres: Postgres,
    rabbitmq: RabbitMq,
    rabbitmq_dir: PathBuf,
    statements: bool,
}

impl Stand {
    /// Starts both.
    pub async fn start(options: &Options) -> anyhow::Result<Stand> {
        std::fs::create_dir_all(&options.folder)?;
        let folder = options.folder.canonicalize()?;
        let mut settings: Vec<(String, String)> =
            SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if options.statements {
            settings.push(("shared_preload_libraries".to_owned(), "pg_stat_statements".to_owned()));
        }
        let of_postgres =
            postgres::Options { max_connections: 120, shared_buffers_mib: 512, fsync: true, ephemeral: true, settings };
        let of_rabbitmq = rabbitmq::Options { ephemeral: true, ..Default::default() };
        let (postgres_dir, rabbitmq_dir) = (folder.join("postgres"), folder.join("rabbitmq"));
        let (postgres, rabbitmq) =
            tokio::try_join!(Postgres::start(&postgres_dir, of_postgres), RabbitMq::start(&rabbitmq_dir, of_rabbitmq))?;
        Ok(Stand { postgres, rabbitmq, rabbitmq_dir, statements: options.statements })
    }

    /// The address of a new database.
    pub async fn database(&self, name: &str) -> anyhow::Result<String> {
        self.postgres.ensure_database(name).await?;
        Ok(self.postgres.url(name))
    }

    /// Deletes a database, and writes out what it left in memory so that the next run does not pay for this one.
    pub async fn drop_database(&self, name: &str) -> anyhow::Result<()> {
        let client = connect(&self.postgres.url("postgres")).await?;
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        client.batch_execute("CHECKPOINT").await?;
        Ok(())
    }

    /// The broker's address.
    pub fn amqp(&self) -> String {
        self.rabbitmq.url()
    }

    /// Whether statements are counted.
    pub fn statements(&self) -> bool {
        self.statements
    }

    /// Measures the servers.
    pub fn meter(&self) -> Meter {
        let mut meter = Meter::default();
        if let Some(pid) = self.postgres.process_id() {
            meter.watch("postgres", pid);
        }
        for pid in self.rabbitmq.process_ids() {
            meter.watch("rabbitmq", pid);
        }
        meter
    }

    /// Prints on what all this runs.
    pub async fn conditions(&self, options: &Options) -> anyhow::Result<()> {
        let client = connect(&self.postgres.url("postgres")).await?;
        let mut known = Vec::new();
        let names =
            ["server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_compression", "shared_buffers"];
        for name in names.iter().copied().chain(SETTINGS.iter().map(|(name, _)| *name).skip(1)) {
            let row = client.query_one(&format!("SHOW {name}"), &[]).await?;
            known.push(format!("{name}={}", row.get::<_, String>(0)));
        }
        let cores = std::thread::available_parallelism()?;
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("Conditions");
        println!("  machine     {cores} cores, Linux {}, load before {}", kernel.trim(), first_words(&load, 3));
        println!("  PostgreSQL  {}", known.join(" "));
        println!("  RabbitMQ    {}, durable quorum queues as Pitcrew declares them, confirms", self.broker_version());
        println!(
            "  ceiling     three hops, groups of up to {}, one transaction and one acknowledgement a group",
            options.group
        );
        println!(
            "  engine      one scheduler, one worker of each stage, capacity {} each, window {} times that, groups of \
             up to {}, {} tenant(s)",
            options.capacity, options.window, options.group, options.tenants
        );
        Ok(())
    }

    /// The node says it when it starts.
    fn broker_version(&self) -> String {
        let log = std::fs::read_to_string(self.rabbitmq_dir.join("server.log")).unwrap_or_default();
        log.split("RabbitMQ ")
            .skip(1)
            .filter_map(|rest| rest.split_whitespace().next())
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
            .unwrap_or("of an unknown version")
            .to_owned()
    }
}

/// A connection to a database.
pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("connecting to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}

fn first_words(text: &str, count: usize) -> String {
    text.split_whitespace().take(count).collect::<Vec<_>>().join(" ")
}
