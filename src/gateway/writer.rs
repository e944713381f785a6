//! What goes out to an agent: frames in their order, pings, and a last word.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::SplitSink;
use futures_util::{Sink, SinkExt};
use pitcrew_protocol::FromGateway;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::agent::{Agent, Farewell};
use super::allowance::apart;
use crate::store::Store;

/// How long one frame may take to be written; an agent that reads slower than that is gone.
const WRITE_MAX: Duration = Duration::from_secs(10);

/// Writes until the connection is over, and says the last word.
pub(super) async fn write(
    agent: Arc<Agent>,
    store: Store,
    mut socket: SplitSink<WebSocket, Message>,
    mut frames: mpsc::Receiver<FromGateway>,
    ping_every: Duration,
) {
    // Agents that came together are pinged apart.
    let mut pings = interval_at(Instant::now() + apart(ping_every), ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let frame = tokio::select! {
            biased;
            () = agent.over().cancelled() => break,
            Some(frame) = frames.recv() => frame,
            _ = pings.tick() => FromGateway::Ping { server_time: Some(store.now()), pongs: agent.pongs() },
        };
        if !send(&mut socket, &frame).await {
            agent.end();
            return;
        }
    }
    if let Some(farewell) = agent.farewell() {
        say_goodbye(&mut socket, farewell).await;
    }
}

/// Sends the last word and closes.
pub(super) async fn say_goodbye(socket: &mut (impl Sink<Message> + Unpin), farewell: &Farewell) {
    let retry_after_ms = u64::try_from(farewell.retry_after.as_millis()).unwrap_or(u64::MAX);
    if send(socket, &FromGateway::Goodbye { reason: farewell.reason.clone(), retry_after_ms }).await {
        let close = Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: "goodbye".into() }));
        let _ = timeout(WRITE_MAX, socket.send(close)).await;
    }
}

/// Writes one frame; false if that was not possible in time.
pub(super) async fn send(socket: &mut (impl Sink<Message> + Unpin), frame: &FromGateway) -> bool {
    let Ok(text) = serde_json::to_string(frame) else { return false };
    matches!(timeout(WRITE_MAX, socket.send(Message::Text(text.into()))).await, Ok(Ok(())))
}
