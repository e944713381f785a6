//! An installation with one tenant, as many gateways as a test wants, and a worker's way to its computers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use pitcrew::broker::{Broker, Topology};
use pitcrew::domain::run::WorkSpec;
use pitcrew::domain::{ComputerId, RunSpec, ScriptUse, Sha256Hash, StepSpec};
use pitcrew::gateway::{self, Gateway, Settings};
use pitcrew::shutdown::Shutdown;
use pitcrew::store::Store;
use pitcrew::transport::agent::Agents;
use pitcrew::transport::{Link, Route, Start, Transport, Way};
use pitcrew_protocol::{Interpreter, Run, StepKind, Then};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::support::{Database, Proxy, database, prefix, program, services, until};

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// Any port that is free.
pub const FREE_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The installation.
pub struct World {
    pub database: Database,
    pub topology: Topology,
    pub store: Store,
    pub broker: Broker,
    pub agents: Agents,
    tenant: i64,
}

/// A gateway with a runtime of its own, so that it can be killed.
pub struct House {
    pub name: String,
    pub gateway: Gateway,
    pub shutdown: Shutdown,
    pub address: SocketAddr,
    runtime: Option<Runtime>,
}

/// A computer and its agent's token.
#[derive(Clone)]
pub struct Computer {
    pub id: ComputerId,
    pub token: String,
}

/// A stored run.
#[derive(Clone, Copy)]
pub struct Stored {
    pub run_id: Uuid,
    pub epoch: i64,
    pub start_by: Timestamp,
}

impl World {
    pub async fn new() -> World {
        let database = database().await;
        let topology = Topology::new(prefix().trim_end_matches('.'));
        let broker = Broker::connect(&services().amqp_url, topology.clone(), "worker").expect("an address");
        broker.up(SOON).await.expect("the broker answers");
        let agents = Agents::start(&broker, "worker");
        let client = database.connect().await;
        let row =
            client.query_one("INSERT INTO tenant (name) VALUES ('acme') RETURNING id", &[]).await.expect("a tenant");
        let store = Store::new(&database.url, 2).expect("an address");
        World { tenant: row.get("id"), store, database, topology, broker, agents }
    }

    pub async fn computer(&self) -> Computer {
        let token = Uuid::new_v4().to_string();
        let hash = Sha256::digest(&token).to_vec();
        let client = self.database.connect().await;
        let row = client
            .query_one(
                "INSERT INTO computer (tenant_id, name, os, arch, connection, agent_token_hash)
                 VALUES ($1, $2, 'linux', 'x86_64', '{\"via\": \"agent\"}', $3) RETURNING id",
                &[&self.tenant, &token, &hash],
            )
            .await
            .expect("a computer");
        Computer { id: ComputerId(row.get("id")), token }
    }

    /// A gateway on a free port, with short intervals.
    pub async fn gateway(&self, name: &str) -> House {
        self.gateway_at(name, FREE_PORT, &self.database.url, &services().amqp_url).await
    }

    /// A gateway whose way to the database can fail.
    pub async fn gateway_through(&self, name: &str, database: &Proxy) -> House {
        self.gateway_at(name, FREE_PORT, &database.url(&self.database.url), &services().amqp_url).await
    }

    /// A gateway at this address, with these servers.
    pub async fn gateway_at(&self, name: &str, address: SocketAddr, database: &str, amqp: &str) -> House {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (database, amqp) = (database.to_owned(), amqp.to_owned());
        let (topology, own_name) = (self.topology.clone(), name.to_owned());
        let started = runtime.spawn(async move {
            let store = Store::new(&database, 4).unwrap();
            let broker = Broker::connect(&amqp, topology, &own_name).unwrap();
            broker.up(SOON).await.unwrap();
            let shutdown = Shutdown::new(Duration::from_secs(10));
            let (ping_every, seen_every) = (Duration::from_secs(1), Duration::from_millis(200));
            let settings = Settings { ping_every, seen_every, database_work_max: 2, ..Settings::new(own_name) };
            let gateway = Gateway::start(settings, store, &broker, &shutdown).await.unwrap();
            let listener = TcpListener::bind(address).await.unwrap();
            let address = listener.local_addr().unwrap();
            let router = gateway::router(gateway.clone());
            tokio::spawn(async move { axum::serve(listener, router).await });
            (gateway, shutdown, address)
        });
        let (gateway, shutdown, address) = started.await.expect("the gateway starts");
        let house = House { name: name.to_owned(), gateway, shutdown, address, runtime: Some(runtime) };
        self.until_it_takes_commands(&house).await;
        house
    }

    /// A gateway that takes commands says of a computer that nobody has that it is not connected; one that does not take
    /// them yet is not there.
    pub async fn until_it_takes_commands(&self, house: &House) {
        let nobody = Computer { id: ComputerId(-1), token: String::new() };
        let answers = || async {
            let error = self.link(house, &nobody).await.take_over(1, None).await.unwrap_err();
            error.to_string().contains("is not connected to gateway").then_some(())
        };
        until(SOON, answers, "the gateway to take commands").await;
    }

    /// A worker's link to a computer through this gateway.
    pub async fn link(&self, house: &House, computer: &Computer) -> Box<dyn Link> {
        let way = Way::Agent { gateway: Some(house.name.clone()) };
        self.agents.connect(&Route { computer: computer.id, way }).await.expect("a link")
    }

    /// Stores a run of one shell script, as a worker does before it starts it.
    pub async fn run(&self, computer: &Computer, epoch: i64, script: &str) -> Stored {
        let hash = Sha256Hash::of(script.as_bytes());
        let step = StepSpec {
            kind: StepKind::Detect,
            item: None,
            work: WorkSpec::Script {
                secrets: Default::default(),
                files: Default::default(),
                script: ScriptUse {
                    hash,
                    interpreter: Interpreter::Sh,
                    timeout_ms: None,
                    method: None,
                    variants: Default::default(),
                },
                env: Default::default(),
            },
            timeout_ms: 60_000,
            then: Then::GoOn,
        };
        let stored = Stored { run_id: Uuid::new_v4(), epoch, start_by: Timestamp::now() + 1.minute() };
        let body = serde_json::to_value(RunSpec { steps: vec![step] }).unwrap();
        let client = self.database.connect().await;
        client
            .execute(
                "INSERT INTO script (hash, body) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                &[&hash.0.as_slice(), &script],
            )
            .await
            .expect("a script");
        client
            .execute(
                "INSERT INTO run (run_id, session_id, computer_id, dispatch, epoch, purpose, start_by, body)
                 VALUES ($1, 1, $2, 1, $3, 'act', $4, $5)",
                &[&stored.run_id, &computer.id.0, &epoch, &stored.start_by, &body],
            )
            .await
            .expect("a run");
        stored
    }

    /// The stored outcome of a run.
    pub async fn outcome(&self, run_id: Uuid) -> Option<serde_json::Value> {
        let client = self.database.connect().await;
        let row = client.query_one("SELECT outcome FROM run WHERE run_id = $1", &[&run_id]).await.expect("a run");
        row.get("outcome")
    }

    /// How many rows a query counts.
    pub async fn count(&self, query: &str) -> i64 {
        self.database.connect().await.query_one(query, &[]).await.expect("a count").get(0)
    }

    /// The gateway that the database says has a computer's agent.
    pub async fn gateway_of(&self, computer: &Computer) -> Option<String> {
        self.store.gateway_of(computer.id).await.expect("an answer")
    }

    /// Waits until the database says that this gateway has the computer's agent.
    pub async fn until_connected(&self, computer: &Computer, house: &House) {
        let connected = || async { (self.gateway_of(computer).await.as_ref() == Some(&house.name)).then_some(()) };
        until(SOON, connected, "the agent to connect").await;
    }

    /// Takes away what the installation has on the broker.
    pub async fn end(self) {
        self.broker.delete().await.expect("the topology is deleted");
        self.broker.close().await;
    }
}

impl House {
    /// Ends it in the middle of whatever it does.
    pub fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/v1/agent", self.address)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Stored {
    /// Starts it. The far side reads it from the database, so it is never made here.
    pub fn start(&self) -> Start<'static> {
        let body: &'static (dyn Fn() -> Result<Run, _> + Send + Sync) = &|| Err("it is read by the gateway".into());
        Start { run_id: self.run_id, epoch: self.epoch, start_by: self.start_by, body }
    }
}

/// The real agent, gone with its handle.
pub fn real_agent(computer: &Computer, url: &str, state: &Path) -> Child {
    Command::new(program("pitcrew-agent"))
        .args(["run", "--url", url, "--state"])
        .arg(state)
        .env("PITCREW_AGENT_TOKEN", &computer.token)
        .kill_on_drop(true)
        .spawn()
        .expect("the agent starts")
}
