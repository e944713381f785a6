//! Commands: from the gateway's own queue to the agents.
//!
//! A command is worth nothing to anyone but the worker that waits for its answer, and that one finds out by a takeover
//! what became of a command without an answer. So it is acknowledged to the broker once it was sent on, and what the
//! broker may have delivered and not seen acknowledged bounds the work that waits here.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::sync::Arc;

use jiff::Timestamp;
use pitcrew_protocol::{FromGateway, Refusal, Run};
use uuid::Uuid;

use super::agent::{Agent, Asker};
use super::answers::tell;
use super::start::House;
use crate::broker::{Consumer, Receipt, settle};
use crate::domain::run::{RunHead, Shelf};
use crate::domain::{RunSpec, SecretId, Sha256Hash};
use crate::store::Error;
use crate::transport::message::{Command, Tidings, VERSION, Verb};

/// Commands that are delivered and not settled.
pub(super) const PREFETCH: u16 = 512;
/// Commands that are taken at a time.
const GROUP_MAX: usize = 64;

/// Takes commands until the queue has ended.
pub(super) async fn take(house: &Arc<House>, queue: &Consumer) {
    loop {
        let group = queue.next_group(GROUP_MAX).await;
        if group.is_empty() {
            return;
        }
        let mut done = Vec::with_capacity(group.len());
        for delivery in group {
            match serde_json::from_slice::<Command>(&delivery.body) {
                Ok(command) => done.extend(deal_with(house, command, delivery.receipt)),
                Err(error) => {
                    tracing::warn!("A command that cannot be read was ignored: {error}");
                    done.push(delivery.receipt);
                }
            }
        }
        settle::ack_group(done).await;
    }
}

/// Sends a command on, or tells why not, and gives the receipt back. A run must be read first: it takes a task of its own,
/// and the receipt with it.
fn deal_with(house: &Arc<House>, command: Command, receipt: Receipt) -> Option<Receipt> {
    let Command { v, request, reply_to, computer, epoch, verb } = command;
    let asker = Asker { request, reply_to };
    if v != VERSION {
        let what = format!("the command has version {v}, its gateway reads {VERSION}: run the same version everywhere");
        tell(house, &asker, Tidings::Broken { what });
        return Some(receipt);
    }
    let Some(agent) = house.registry.of(computer) else {
        let why = format!("its agent is not connected to gateway {}", house.settings.name);
        tell(house, &asker, Tidings::Offline { why });
        return Some(receipt);
    };
    match verb {
        Verb::TakeOver { run_id } => send(house, &agent, asker, FromGateway::TakeOver { request, epoch, run_id }),
        Verb::Kill { run_id } => send(house, &agent, asker, FromGateway::Kill { request, epoch, run_id }),
        Verb::Run { start_by, .. } if house.store.now() > start_by => too_late(house, &agent, &asker),
        Verb::Run { run_id, start_by } => {
            let start = start(house.clone(), agent, asker, RunCommand { run_id, epoch, start_by });
            house.shutdown.spawn(async move {
                start.await;
                receipt.ack().await;
            });
            return None;
        }
    }
    Some(receipt)
}

/// Which run to start, under which fence.
#[derive(Clone, Copy)]
struct RunCommand {
    run_id: Uuid,
    epoch: i64,
    start_by: Timestamp,
}

async fn start(house: Arc<House>, agent: Arc<Agent>, asker: Asker, command: RunCommand) {
    match read(&house, &agent, command).await {
        Err(why_not) => tell(&house, &asker, why_not),
        Ok(_) if house.store.now() > command.start_by => too_late(&house, &agent, &asker),
        Ok(run) => {
            let request = asker.request;
            send(&house, &agent, asker, FromGateway::Run { request, run });
        }
    }
}

fn send(house: &House, agent: &Agent, asker: Asker, frame: FromGateway) {
    agent.asked(asker.clone());
    if !agent.send(frame) {
        let why = "its agent is disconnecting, or does not read what it is sent".to_owned();
        tell(house, &asker, Tidings::Offline { why });
    }
}

fn too_late(house: &House, agent: &Agent, asker: &Asker) {
    tell(house, asker, Tidings::Refused { epoch: agent.epoch(), refusal: Refusal::TooLate });
}

/// What a run names, as it was just read.
struct Shelved {
    texts: HashMap<Sha256Hash, Arc<str>>,
    secrets: HashMap<SecretId, String>,
    addresses: HashMap<Sha256Hash, String>,
}

impl Shelf for Shelved {
    fn text(&self, hash: &Sha256Hash) -> Option<Arc<str>> {
        self.texts.get(hash).cloned()
    }

    fn secret(&self, id: &SecretId) -> Option<String> {
        self.secrets.get(id).cloned()
    }

    fn address(&self, file: &Sha256Hash) -> Option<String> {
        self.addresses.get(file).cloned()
    }
}

/// Reads a run, the texts of its scripts, its secrets and where its files are, or says why that is not possible.
async fn read(house: &House, agent: &Agent, command: RunCommand) -> Result<Run, Tidings> {
    let RunCommand { run_id, epoch, start_by } = command;
    let unread = |error: Error| match error.is_nobodys_fault() {
        true => Tidings::Offline { why: format!("its gateway cannot read run {run_id} at the moment: {error}") },
        false => Tidings::Broken { what: format!("run {run_id} cannot be read: {error}") },
    };
    let broken = |why: &dyn Display| Tidings::Broken { what: format!("run {run_id} cannot be sent: {why}") };
    let _permit = house.database_work.acquire().await.map_err(|closed| broken(&closed))?;
    let stored = house.store.run_body(run_id, agent.computer()).await.map_err(unread)?;
    let stored = stored.ok_or_else(|| broken(&"it is not stored for this computer"))?;
    let spec: RunSpec = serde_json::from_str(&stored.body).map_err(|error| broken(&error))?;
    let wanted: HashSet<_> = spec.scripts().into_iter().collect();
    let texts = house.scripts.of(&house.store, wanted).await.map_err(unread)?;
    let head = RunHead { run_id, session: stored.session.0, epoch, start_by };
    let secrets = house.store.secrets(&spec.secrets()).await.map_err(unread)?;
    let addresses = house.store.file_addresses(&spec.files(), start_by).await.map_err(unread)?;
    spec.expand(head, &Shelved { texts, secrets, addresses }).map_err(|missing| broken(&missing))
}
