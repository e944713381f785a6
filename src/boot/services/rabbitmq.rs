//! A private RabbitMQ: one node in one folder, with its own Erlang cookie and its own port mapper (epmd).
//!
//! It reads none of the machine's RabbitMQ configuration and cannot be found by, or join, any other node.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Error;
use super::folder::Folder;
use super::ports;
use super::process::{LOOK_EVERY, Manners, Process, end_orphans};

mod control;
mod node;

pub use control::Permissions;
use node::{Node, Ports};

const SERVER: &str = "RabbitMQ";

/// How long a start may take: Erlang on a small, busy machine is in no hurry.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// An orderly stop hands nothing over, for there is nobody, but it closes files and connections.
const MANNERS: Manners = Manners { polite: Signal::TERM, patience: Duration::from_secs(60), abrupt: Signal::KILL };

/// How long the port mapper may take to listen.
const MAPPER_READY_WITHIN: Duration = Duration::from_secs(30);

/// How the node is run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether it serves the management API and page, on a port of its own.
    pub management: bool,
    /// Whether whatever an earlier run has left in the folder, queues and messages and users, is forgotten at the start.
    pub fresh: bool,
    /// Whether the folder is deleted when the handle is dropped, or its owner dies.
    pub ephemeral: bool,
    /// A root folder that holds another system with another RabbitMQ, to run that one (`deploy/local/rabbit4.sh` makes
    /// one). Needs root.
    pub root: Option<PathBuf>,
    /// Further settings, as in `rabbitmq.conf`.
    pub settings: Vec<(String, String)>,
}

impl Options {
    /// The RabbitMQ of the system that is in `root`.
    #[must_use]
    pub fn external(root: &Path) -> Self {
        Options { root: Some(root.to_owned()), ..Options::default() }
    }
}

/// A private RabbitMQ node. Dropping the handle stops it.
#[derive(Debug)]
pub struct RabbitMq {
    // Before the folder: all must be gone when the folder is unlocked and, maybe, deleted.
    broker: Option<Process>,
    mapper: Option<Process>,
    node: Node,
    options: Options,
    folder: Folder,
}

impl RabbitMq {
    /// Starts a node on `dir`: with the queues that are there, or empty. Returns when it speaks AMQP.
    pub async fn start(dir: &Path, options: Options) -> Result<RabbitMq, Error> {
        let folder = Folder::open(dir, None, options.root.as_deref(), options.ephemeral)?;
        let node = Node::new(&folder, &options)?;
        end_orphans("beam.smp", &node.mark);
        if let Some(ports) = ports::noted(&folder.file("ports")) {
            end_orphans("epmd", &Ports::from(ports).mapper.to_string());
        }
        let mut server = RabbitMq { broker: None, mapper: None, node, options, folder };
        if server.options.fresh {
            server.wipe()?;
        }
        server.start_again().await?;
        Ok(server)
    }

    /// The address of its default virtual host, with everything needed to log in as its administrator.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_for(node::ADMINISTRATOR, &self.node.secret)
    }

    /// The same for another user, such as one made with [`RabbitMq::create_user`].
    #[must_use]
    pub fn url_for(&self, user: &str, password: &str) -> String {
        format!("amqp://{user}:{password}@127.0.0.1:{}/%2f", self.node.ports.amqp)
    }

    /// The address of the management API, if it was asked for.
    #[must_use]
    pub fn management_url(&self) -> Option<String> {
        let (user, secret, port) = (node::ADMINISTRATOR, &self.node.secret, self.node.ports.management);
        self.options.management.then(|| format!("http://{user}:{secret}@127.0.0.1:{port}"))
    }

    /// The port it speaks AMQP on, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.node.ports.amqp
    }

    /// Stops it in order. Its port mapper stays, as a machine's would.
    pub async fn stop(&mut self) {
        if let Some(broker) = self.broker.take() {
            tracing::info!("Stopping {SERVER}");
            broker.stop().await;
        }
    }

    /// Starts it again on its data after [`RabbitMq::stop`] or [`RabbitMq::kill`], on the same port if it is still free.
    /// Does nothing if it runs.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        if self.broker.as_mut().is_some_and(|broker| broker.ended().is_none()) {
            return Ok(());
        }
        // The port mapper goes too: only a port that nobody holds can be told from one that was taken meanwhile.
        (self.broker, self.mapper) = (None, None);
        self.node.ports = Ports::from(ports::persisted(&self.folder.file("ports"))?);
        self.node.configure(&self.options)?;
        self.mapper = Some(Process::spawn(self.node.mapper(), MANNERS, &self.folder.remains())?);
        self.mapper_ready().await;
        let port = self.node.ports.amqp;
        tracing::info!("Starting {SERVER} on 127.0.0.1:{port} in {}", self.folder.home().display());
        let mut command = self.node.server();
        self.folder.record(&mut command)?;
        self.broker = Some(Process::spawn(command, MANNERS, &self.folder.remains())?);
        self.ready().await
    }

    /// Stops it and starts it again.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.stop().await;
        self.start_again().await
    }

    /// Kills all its processes at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.kill();
        }
    }

    /// Deletes everything the stopped node knew: queues, messages, users. The next start is a first start.
    pub fn wipe(&mut self) -> Result<(), Error> {
        if self.broker.as_mut().is_some_and(|broker| broker.ended().is_none()) {
            return Err(Error::Running { server: SERVER });
        }
        let data = self.folder.home().join(node::DATA);
        match std::fs::remove_dir_all(&data) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("delete", &data)(error)),
            _ => Ok(()),
        }
    }

    /// Freezes all its processes: connections stay open and nobody answers.
    pub fn pause(&self) {
        self.broker.iter().for_each(Process::pause);
    }

    /// Lets it go on after [`RabbitMq::pause`].
    pub fn resume(&self) {
        self.broker.iter().for_each(Process::resume);
    }

    /// The ids of its first processes, broker and port mapper, while they run.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        self.broker.iter().chain(&self.mapper).map(Process::id).collect()
    }

    /// Waits until the port mapper listens: Erlang would otherwise start one that is nobody's.
    async fn mapper_ready(&self) {
        let deadline = Instant::now() + MAPPER_READY_WITHIN;
        while Instant::now() < deadline && TcpStream::connect(("127.0.0.1", self.node.ports.mapper)).await.is_err() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until it answers the AMQP handshake.
    async fn ready(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let port = self.node.ports.amqp;
        loop {
            if let Ok(Ok(())) = tokio::time::timeout(Duration::from_secs(5), greet(port)).await {
                tracing::info!("{SERVER} answers on 127.0.0.1:{port} after {} ms", begun.elapsed().as_millis());
                return Ok(());
            }
            if let Some(status) = self.broker.as_mut().and_then(Process::ended) {
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

impl Drop for RabbitMq {
    fn drop(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.stop_blocking(self.options.ephemeral);
        }
    }
}

/// Says hello in AMQP 0-9-1 and waits for `connection.start`, a frame on channel 0: the port alone opens earlier.
async fn greet(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
    let mut frame = [0; 3];
    stream.read_exact(&mut frame).await?;
    if frame == [1, 0, 0] { Ok(()) } else { Err(std::io::ErrorKind::InvalidData.into()) }
}
