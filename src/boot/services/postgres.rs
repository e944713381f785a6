//! A private PostgreSQL: one cluster in one folder.
//!
//! It is meant to be trusted with data: what it says is committed is on the disk (`fsync` stays on unless a test asks
//! otherwise). It never listens on a socket file and never lets anyone in without its password.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio_postgres::{Client, NoTls};

use super::account::Account;
use super::folder::{Folder, write_private};
use super::process::{LOOK_EVERY, Manners, Process, end_orphans};
use super::{Error, ports, programs};

const SERVER: &str = "PostgreSQL";

/// The superuser of the cluster.
const USER: &str = "pitcrew";

/// The database that every cluster has.
const MAINTENANCE: &str = "postgres";

/// How long a start may take: after a crash it first replays what was not yet in its tables.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// An orderly stop cuts the sessions and writes a checkpoint.
const MANNERS: Manners = Manners { polite: Signal::INT, patience: Duration::from_secs(60), abrupt: Signal::QUIT };

/// How the server is run. The defaults fit a laptop.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many connections it accepts at once.
    pub max_connections: u32,
    /// Memory for its page cache, in MiB.
    pub shared_buffers_mib: u32,
    /// Whether a commit waits for the disk. Without it a crash of the machine loses or damages data: for tests alone.
    pub fsync: bool,
    /// Whether the folder is deleted when the handle is dropped, or its owner dies.
    pub ephemeral: bool,
    /// Further settings, as in `postgresql.conf`.
    pub settings: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Options { max_connections: 300, shared_buffers_mib: 256, fsync: true, ephemeral: false, settings: Vec::new() }
    }
}

/// A private PostgreSQL server. Dropping the handle stops it.
#[derive(Debug)]
pub struct Postgres {
    // Before the folder: the server must be gone when the folder is unlocked and, maybe, deleted.
    process: Option<Process>,
    folder: Folder,
    account: Option<Account>,
    bin: PathBuf,
    data: PathBuf,
    port: u16,
    secret: String,
    options: Options,
}

impl Postgres {
    /// Starts a server on `dir`: with the data that is there, or with an empty cluster. Returns when it answers.
    pub async fn start(dir: &Path, options: Options) -> Result<Postgres, Error> {
        let account = Account::for_postgres()?;
        let folder = Folder::open(dir, account.as_ref(), None, options.ephemeral)?;
        let data = folder.home().join("data");
        let bin = programs_for(&data)?;
        let secret = folder.secret()?;
        let mut server = Postgres { process: None, folder, account, bin, data, port: 0, secret, options };
        end_orphans("postgres", &server.data.to_string_lossy());
        if !server.data.join("PG_VERSION").exists() {
            server.create_cluster().await?;
        }
        server.start_again().await?;
        Ok(server)
    }

    /// The address of database `name` on this server, with everything needed to log in as its superuser.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{name}", self.secret, self.port)
    }

    /// The port it listens on, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes the database `name` unless it is there.
    pub async fn ensure_database(&self, name: &str) -> Result<(), Error> {
        let doing = || format!("make the database {name:?}");
        let client = self.connect().await.map_err(|source| Error::Database { doing: doing(), source })?;
        let quoted = name.replace('"', "\"\"");
        match client.batch_execute(&format!("CREATE DATABASE \"{quoted}\"")).await {
            Err(source) if source.code() != Some(&tokio_postgres::error::SqlState::DUPLICATE_DATABASE) => {
                Err(Error::Database { doing: doing(), source })
            }
            _ => Ok(()),
        }
    }

    /// Stops it in order: sessions are cut, what is committed is checkpointed.
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            tracing::info!("Stopping {SERVER}");
            process.stop().await;
        }
    }

    /// Starts it again on its data after [`Postgres::stop`] or [`Postgres::kill`], on the same port if it is still free.
    /// Does nothing if it runs.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        if self.process.as_mut().is_some_and(|process| process.ended().is_none()) {
            return Ok(());
        }
        self.process = None;
        let [port] = ports::persisted(&self.folder.file("ports"))?;
        self.port = port;
        self.forget_dead_owner()?;
        tracing::info!("Starting {SERVER} on 127.0.0.1:{port} in {}", self.data.display());
        let process = Process::spawn(self.command()?, MANNERS, &self.folder.remains())?;
        self.process = Some(process);
        self.ready().await
    }

    /// Stops it and starts it again.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.stop().await;
        self.start_again().await
    }

    /// Kills all its processes at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Freezes all its processes: connections stay open and nobody answers.
    pub fn pause(&self) {
        self.process.iter().for_each(Process::pause);
    }

    /// Lets it go on after [`Postgres::pause`].
    pub fn resume(&self) {
        self.process.iter().for_each(Process::resume);
    }

    /// The id of its first process while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Makes the cluster aside and moves it into place, so that one half made is never taken for one.
    async fn create_cluster(&self) -> Result<(), Error> {
        let (new, password) = (self.data.with_extension("new"), self.data.with_extension("password"));
        if new.exists() {
            std::fs::remove_dir_all(&new).map_err(Error::io("delete", &new))?;
        }
        write_private(&password, &self.secret)?;
        if let Some(account) = &self.account {
            account.give(&password)?;
        }
        tracing::info!("Making a PostgreSQL cluster in {}", self.data.display());
        let mut command = self.program("initdb");
        // Byte order is the one order that is the same on every machine and with every library.
        command.args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale"]);
        command.arg("--pwfile").arg(&password).arg("--pgdata").arg(&new);
        if !self.options.fsync {
            command.arg("--no-sync");
        }
        self.folder.record(&mut command)?;
        let status = Process::spawn(command, MANNERS, &self.folder.remains())?.wait().await;
        std::fs::remove_file(&password).map_err(Error::io("delete", &password))?;
        if !status.success() {
            return Err(Error::Failed { program: "initdb".into(), status, output: self.folder.tail() });
        }
        std::fs::rename(&new, &self.data).map_err(Error::io("move into place", &new))
    }

    /// Deletes the pid file of a server that is gone if another process has its number now, as is likely after a restart
    /// of the machine or container: PostgreSQL would take that one for a server. The folder's lock says that it is none,
    /// and orphans have been ended. In every other case the file stays: it tells PostgreSQL what else to clean up.
    fn forget_dead_owner(&self) -> Result<(), Error> {
        let file = self.data.join("postmaster.pid");
        let pid = std::fs::read_to_string(&file).unwrap_or_default();
        let pid = pid.lines().next().unwrap_or_default().trim();
        if pid.is_empty() || !Path::new("/proc").join(pid).exists() {
            return Ok(());
        }
        std::fs::remove_file(&file).map_err(Error::io("delete", &file))
    }

    fn command(&self) -> Result<Command, Error> {
        let mut command = self.program("postgres");
        command.arg("-D").arg(&self.data);
        let on_or_off = |on| if on { "on" } else { "off" }.to_owned();
        let settings = [
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("port", self.port.to_string()),
            ("unix_socket_directories", String::new()),
            ("max_connections", self.options.max_connections.to_string()),
            ("shared_buffers", format!("{}MB", self.options.shared_buffers_mib)),
            ("wal_compression", "on".to_owned()),
            ("max_wal_size", "2GB".to_owned()),
            ("fsync", on_or_off(self.options.fsync)),
            ("full_page_writes", on_or_off(self.options.fsync)),
        ];
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in &self.options.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        self.folder.record(&mut command)?;
        Ok(command)
    }

    /// One of its programs, as the right account, with nothing of our environment that could mislead it.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.current_dir(self.folder.home()).env_clear().env("PATH", programs::search_path()).env("LC_ALL", "C");
        if let Some(account) = &self.account {
            account.apply(&mut command);
        }
        command
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(MAINTENANCE), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Waits until it lets somebody in.
    async fn ready(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            // A server that was made a moment ago may still refuse; one that froze would never answer.
            if let Ok(Ok(_)) = tokio::time::timeout(Duration::from_secs(5), self.connect()).await {
                tracing::info!("{SERVER} answers on 127.0.0.1:{} after {} ms", self.port, begun.elapsed().as_millis());
                return Ok(());
            }
            if let Some(status) = self.process.as_mut().and_then(Process::ended) {
                let (log, tail) = (self.folder.log(), self.folder.tail());
                return Err(Error::Exited { server: SERVER, status, log, tail });
            }
            if begun.elapsed() > READY_WITHIN {
                let (log, tail) = (self.folder.log(), self.folder.tail());
                return Err(Error::NotReady { server: SERVER, waited: READY_WITHIN, log, tail });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop_blocking(self.options.ephemeral);
        }
    }
}

/// The `bin` folder of the version that wrote `data`, or the newest there is for a new cluster.
fn programs_for(data: &Path) -> Result<PathBuf, Error> {
    let found = programs::postgres();
    let newest = found.first().ok_or_else(|| Error::NotInstalled {
        server: SERVER,
        looked_in: programs::places(false),
        package: "postgresql-15 or newer".into(),
    })?;
    let Ok(written_by) = std::fs::read_to_string(data.join("PG_VERSION")) else { return Ok(newest.1.clone()) };
    let wanted = written_by.trim();
    let same = found.iter().find(|(version, _)| version.to_string() == wanted);
    same.map(|(_, bin)| bin.clone()).ok_or_else(|| Error::OtherVersion { dir: data.into(), wanted: wanted.into() })
}
