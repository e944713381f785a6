//! The life of one connection: hello, welcome, frames until one side ends it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use pitcrew_protocol::{FromAgent, FromGateway, Hello, PROTOCOL_VERSION, RunState};
use tokio::time::timeout;
use uuid::Uuid;

use super::agent::{Agent, Farewell};
use super::allowance::{Allowance, apart};
use super::start::House;
use super::{answers, outcomes, writer};
use crate::domain::ComputerId;
use crate::store::presence::Presence;

/// How long an agent may take to say hello.
const HELLO_MAX: Duration = Duration::from_secs(10);
/// When to come again after something that passes.
const SOON: Duration = Duration::from_secs(5);
/// When to come again after something that only a person can change.
const MUCH_LATER: Duration = Duration::from_secs(300);
/// Why a gateway that drains takes nobody in.
pub(super) const STOPPING: &str = "the gateway is being stopped; come to another one";
/// The longest text of a hello that is stored, in bytes.
const WORD_MAX: usize = 200;

/// Serves a connection to its end.
pub(super) async fn live(house: Arc<House>, computer: ComputerId, mut socket: WebSocket) {
    let hello = match timeout(HELLO_MAX, hello(&mut socket)).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(farewell)) => return writer::say_goodbye(&mut socket, &farewell).await,
        Err(_) => {
            let reason = format!("no hello came within {HELLO_MAX:?}");
            return writer::say_goodbye(&mut socket, &Farewell { reason, retry_after: SOON }).await;
        }
    };
    let presence = Presence {
        computer,
        connection: Uuid::new_v4(),
        agent_version: word(hello.agent_version),
        boot_id: word(hello.boot_id),
        epoch: hello.epoch,
    };
    let (agent, frames) = Agent::new(presence);
    let agent = Arc::new(agent);
    if house.registry.admit(&agent) {
        // One that comes in while everyone is sent away may have been overlooked.
        if house.shutdown.is_draining() {
            agent.close(STOPPING, SOON);
        }
        serve(&house, &agent, socket, frames).await;
        house.registry.forget(&agent);
        house.presence.left(agent.presence.clone()).await;
        tracing::info!(computer.id = %computer, "Computer {computer} has disconnected");
    } else {
        let reason = "this gateway has as many connections as it may have".to_owned();
        writer::say_goodbye(&mut socket, &Farewell { reason, retry_after: SOON + apart(SOON) }).await;
    }
}

/// The first frame.
async fn hello(socket: &mut WebSocket) -> Result<Hello, Farewell> {
    let refuse = |reason: String, retry_after| Err(Farewell { reason, retry_after });
    let Some(Ok(Message::Text(text))) = socket.recv().await else {
        return refuse("the first frame must be a hello, as text".to_owned(), MUCH_LATER);
    };
    match serde_json::from_str(&text) {
        Ok(FromAgent::Hello(hello)) if hello.protocol == PROTOCOL_VERSION => Ok(hello),
        Ok(FromAgent::Hello(hello)) => {
            let spoken = hello.protocol;
            let older = if spoken < PROTOCOL_VERSION { "agent" } else { "server" };
            refuse(
                format!("the agent speaks protocol {spoken}, this server {PROTOCOL_VERSION}: update the {older}"),
                MUCH_LATER,
            )
        }
        Ok(_) => refuse("the first frame must be a hello".to_owned(), MUCH_LATER),
        Err(error) => refuse(format!("the hello cannot be read: {error}"), MUCH_LATER),
    }
}

/// From the welcome to the end.
async fn serve(
    house: &Arc<House>,
    agent: &Arc<Agent>,
    socket: WebSocket,
    frames: tokio::sync::mpsc::Receiver<FromGateway>,
) {
    let computer = agent.computer();
    let ping_every = house.settings.ping_every;
    let (mut sink, stream) = socket.split();
    // The workers look the agent up in the database, so it is told before the agent is welcomed; and whatever is
    // commanded meanwhile waits until after the welcome.
    if house.presence.came(agent).await {
        agent.is_known_now();
        let ping_every_ms = u64::try_from(ping_every.as_millis()).unwrap_or(u64::MAX);
        if !writer::send(&mut sink, &FromGateway::Welcome { server_time: house.store.now(), ping_every_ms }).await {
            return agent.end();
        }
        tracing::info!(computer.id = %computer, "Computer {computer} has connected");
        let writing = house.shutdown.spawn(writer::write(agent.clone(), house.store.clone(), sink, frames, ping_every));
        read(house, agent, stream).await;
        agent.end();
        let _ = writing.await;
    } else {
        let reason = "the database cannot be reached at the moment".to_owned();
        writer::say_goodbye(&mut sink, &Farewell { reason, retry_after: SOON + apart(SOON) }).await;
        agent.end();
    }
}

/// Reads until the connection is over. An agent is read from only as fast as what it sends is dealt with.
async fn read(house: &Arc<House>, agent: &Arc<Agent>, mut stream: SplitStream<WebSocket>) {
    let silence = house.settings.ping_every * 3;
    let mut allowance = Allowance::new(Instant::now());
    let mut lies = outcomes::Lies::default();
    loop {
        let message = tokio::select! {
            () = agent.over().cancelled() => return,
            message = timeout(silence, stream.next()) => message,
        };
        let text = match message {
            Ok(Some(Ok(Message::Text(text)))) => text,
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => "".into(),
            Ok(Some(Ok(Message::Binary(_)))) => return cut(agent, "a binary frame: frames are text".to_owned()),
            Ok(Some(Ok(Message::Close(_))) | None) => return,
            Ok(Some(Err(error))) => return cut(agent, format!("a frame that cannot be taken: {error}")),
            Err(_) => return agent.close(format!("nothing was heard for {silence:?}"), Duration::ZERO),
        };
        if !allowance.take(Instant::now()) {
            return cut(agent, "more frames than an agent may send".to_owned());
        }
        if text.is_empty() {
            continue;
        }
        match serde_json::from_str(&text) {
            Ok(FromAgent::Pong) => agent.has_answered_a_ping(),
            Ok(FromAgent::State { request, epoch, mut state }) => {
                if let RunState::Ended(outcome) = &mut state {
                    outcome.replace_nul();
                }
                answers::state(house, agent, request, epoch, state, &mut lies).await;
            }
            Ok(FromAgent::Refused { request, epoch, refusal }) => {
                answers::refused(house, agent, request, epoch, refusal)
            }
            Ok(FromAgent::Outcome(mut outcome)) => {
                outcome.replace_nul();
                outcomes::arrived(house, agent, &outcome, &mut lies).await;
            }
            Ok(FromAgent::Hello(_)) => return cut(agent, "a second hello".to_owned()),
            Err(error) => return cut(agent, format!("a frame that cannot be read: {error}")),
        }
    }
}

/// Ends the connection of an agent that does not keep to the protocol.
fn cut(agent: &Agent, what: String) {
    tracing::warn!(computer.id = %agent.computer(), "Computer {} is disconnected, it sent {what}", agent.computer());
    agent.close(format!("the agent sent {what}"), MUCH_LATER);
}

/// A word that an agent says of itself, within bounds and without the one character that the database cannot hold.
fn word(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(WORD_MAX));
    text.replace('\0', "")
}
