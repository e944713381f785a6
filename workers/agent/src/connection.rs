//! One connection to the server, from the dialling to its end. It decides nothing and keeps nothing: requests go to
//! [`Computer`](crate::computer::Computer), and outcomes are read from the spool until they are acknowledged.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use pitcrew_protocol::{FromAgent, FromGateway, Hello, PROTOCOL_VERSION, Refusal, RunState};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use url::Url;
use uuid::Uuid;

use crate::clock::{Clock, Pings};
use crate::error::chain;
use crate::serve::Agent;

/// How long dialling may take, and how long the welcome may.
const GREETING_MAX: Duration = Duration::from_secs(15);
/// The shortest and the longest ping interval that is believed.
const PING_EVERY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(600));

/// Whom to dial.
#[derive(Debug, Clone)]
pub struct Server {
    /// The gateway: `ws` or `wss`, with the path `/v1/agent`.
    pub url: Url,
    /// The token that says which computer this is.
    pub token: String,
}

/// A connection that has ended.
#[derive(Debug)]
pub struct Conversation {
    /// How long it held after the welcome; zero without one.
    pub held: Duration,
    /// How long the server asked to be left alone.
    pub retry_after: Option<Duration>,
    /// Why it ended.
    pub end: End,
}

/// Why a connection has ended, or did not come about.
#[derive(Debug, thiserror::Error)]
pub enum End {
    /// The server refused us.
    #[error("the server says: {0}")]
    Goodbye(String, Duration),
    /// The server closed it.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing was heard, or nothing could be sent, for too long.
    #[error("nothing was heard for {} ms", .0.as_millis())]
    Silent(Duration),
    /// The first frame was no welcome.
    #[error("the server did not welcome us: {0}")]
    NotWelcome(String),
    /// The token cannot be sent.
    #[error("the token holds characters that no token has")]
    Token,
    /// The state folder could not be read.
    #[error("the state folder cannot be read: {0}")]
    State(String),
    /// The network.
    #[error("{}", chain(.0.as_ref()))]
    Network(#[from] Box<tungstenite::Error>),
}

/// Dials, greets, and serves the connection until it ends, as every connection does.
pub async fn converse(agent: &Arc<Agent>, server: &Server) -> Conversation {
    let mut held = Duration::ZERO;
    let Err(end) = dial_and_serve(agent, server, &mut held).await;
    let retry_after = match &end {
        End::Goodbye(_, retry_after) => Some(*retry_after),
        _ => None,
    };
    Conversation { held, retry_after, end }
}

type Never = std::convert::Infallible;

async fn dial_and_serve(agent: &Arc<Agent>, server: &Server, held: &mut Duration) -> Result<Never, End> {
    let mut link = timeout(GREETING_MAX, dial(server)).await.map_err(|_| End::Silent(GREETING_MAX))??;
    link.send(&FromAgent::Hello(hello(agent).await?)).await?;
    let greeted = Instant::now();
    let (clock, quiet_max) = match link.receive().await? {
        Heard::Frame(FromGateway::Welcome { server_time, ping_every_ms }) => {
            let every = Duration::from_millis(ping_every_ms).clamp(PING_EVERY.0, PING_EVERY.1);
            (Clock::heard(server_time, greeted.elapsed()), every * 3)
        }
        Heard::Frame(FromGateway::Goodbye { reason, retry_after_ms }) => return Err(goodbye(reason, retry_after_ms)),
        other => return Err(End::NotWelcome(format!("{other:?}"))),
    };
    tracing::info!("Connected to {}", server.url);
    link.quiet_max = quiet_max;
    let welcomed = Instant::now();
    let end = serve(agent, &mut link, Pings::new(clock)).await;
    *held = welcomed.elapsed();
    end
}

async fn serve(agent: &Arc<Agent>, link: &mut Link, mut pings: Pings) -> Result<Never, End> {
    let mut sent = HashSet::new();
    send_outcomes(agent, link, &mut sent).await?;
    loop {
        let heard = tokio::select! {
            heard = link.receive() => heard?,
            () = agent.run_ended.notified() => {
                send_outcomes(agent, link, &mut sent).await?;
                continue;
            }
        };
        match heard {
            Heard::Frame(FromGateway::Goodbye { reason, retry_after_ms }) => {
                return Err(goodbye(reason, retry_after_ms));
            }
            Heard::Frame(frame) => {
                // Also at every ping: whatever word of an ended run was lost, its outcome is found in the spool.
                let ping = matches!(frame, FromGateway::Ping { .. });
                if let FromGateway::Ping { server_time: Some(server_time), pongs } = frame {
                    pings.heard(server_time, pongs);
                }
                let clock = pings.clock();
                let answer = agent.blocking(move |computer| computer.answer(&frame, &clock)).await.flatten();
                if let Some(FromAgent::State { state: RunState::InFlight { run_id }, .. }) = &answer {
                    agent.watch(*run_id);
                }
                if let Some(answer) = answer {
                    if ping {
                        pings.answered();
                    }
                    link.send(&answer).await?;
                }
                if ping {
                    send_outcomes(agent, link, &mut sent).await?;
                }
            }
            Heard::Garbled { request, message } => {
                tracing::warn!("Passed over a frame that cannot be read: {message}");
                if let Some(request) = request {
                    let epoch = agent.computer().state().epoch().unwrap_or(0);
                    link.send(&FromAgent::Refused { request, epoch, refusal: Refusal::Invalid { message } }).await?;
                }
            }
            Heard::Nothing => {}
        }
    }
}

/// Sends what was not acknowledged, each outcome once a connection.
async fn send_outcomes(agent: &Arc<Agent>, link: &mut Link, sent: &mut HashSet<Uuid>) -> Result<(), End> {
    let outcomes = agent.blocking(|computer| computer.state().spool().unacknowledged()).await;
    for outcome in outcomes.transpose().map_err(|error| End::State(chain(&error)))?.unwrap_or_default() {
        if sent.insert(outcome.run_id) {
            link.send(&FromAgent::Outcome(outcome)).await?;
        }
    }
    Ok(())
}

async fn hello(agent: &Arc<Agent>) -> Result<Hello, End> {
    let looked = agent.blocking(|computer| Ok((computer.state().epoch()?, computer.in_flight()?.run_id()))).await;
    let (epoch, in_flight) = looked
        .transpose()
        .map_err(|error: crate::Error| End::State(chain(&error)))?
        .ok_or_else(|| End::State("reading it failed".into()))?;
    Ok(Hello {
        protocol: PROTOCOL_VERSION,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        boot_id: agent.computer().boot_id().to_owned(),
        epoch,
        in_flight,
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        hostname: hostname(),
    })
}

fn goodbye(reason: String, retry_after_ms: u64) -> End {
    End::Goodbye(reason, Duration::from_millis(retry_after_ms))
}

#[cfg(unix)]
fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn hostname() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// A WebSocket that speaks frames.
struct Link {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    quiet_max: Duration,
}

/// What was heard.
#[derive(Debug)]
enum Heard {
    Frame(FromGateway),
    Garbled { request: Option<Uuid>, message: String },
    Nothing,
}

async fn dial(server: &Server) -> Result<Link, End> {
    let mut request = server.url.as_str().into_client_request().map_err(Box::new)?;
    let bearer = HeaderValue::from_str(&format!("Bearer {}", server.token)).map_err(|_| End::Token)?;
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let (socket, _) = connect_async(request).await.map_err(Box::new)?;
    Ok(Link { socket, quiet_max: GREETING_MAX })
}

impl Link {
    async fn send(&mut self, frame: &FromAgent) -> Result<(), End> {
        let json = serde_json::to_string(frame).map_err(|error| End::State(error.to_string()))?;
        let sending = self.socket.send(Message::text(json));
        Ok(timeout(self.quiet_max, sending).await.map_err(|_| End::Silent(self.quiet_max))?.map_err(Box::new)?)
    }

    /// Waits for the next message. Dropping it loses nothing.
    async fn receive(&mut self) -> Result<Heard, End> {
        let heard = timeout(self.quiet_max, self.socket.next()).await.map_err(|_| End::Silent(self.quiet_max))?;
        match heard.transpose().map_err(Box::new)? {
            Some(Message::Text(text)) => Ok(read(text.as_str())),
            Some(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Ok(Heard::Nothing),
            Some(Message::Binary(_)) => Ok(Heard::Garbled { request: None, message: "it is binary".into() }),
            Some(Message::Close(_)) | None => Err(End::Closed),
        }
    }
}

/// Reads a frame; of one that cannot be read, the request that it names, so that its asker hears of it.
fn read(text: &str) -> Heard {
    match serde_json::from_str(text) {
        Ok(frame) => Heard::Frame(frame),
        Err(error) => Heard::Garbled { request: request_of(text), message: error.to_string() },
    }
}

/// The request that a frame names, whatever else it says.
pub fn request_of(text: &str) -> Option<Uuid> {
    #[derive(serde::Deserialize)]
    struct Named {
        request: Uuid,
    }
    serde_json::from_str(text).ok().map(|named: Named| named.request)
}
