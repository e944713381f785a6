//! An agent that says whatever a test wants it to say.

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use pitcrew_protocol::{Ending, FromAgent, FromGateway, Hello, PROTOCOL_VERSION, RunOutcome, RunState};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use uuid::Uuid;

use super::world::{Computer, House, SOON};

/// A connection that was let in at the door.
pub struct Wire(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Wire {
    /// Dials with this token.
    pub async fn dial(house: &House, token: &str) -> Result<Wire, Error> {
        let mut request = house.url().into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        Ok(Wire(connect_async(request).await?.0))
    }

    /// Dials, says hello and is welcomed.
    pub async fn connect(house: &House, computer: &Computer) -> Wire {
        let mut wire = Wire::dial(house, &computer.token).await.expect("the door opens");
        wire.say(&FromAgent::Hello(hello())).await;
        match wire.hear().await {
            Some(FromGateway::Welcome { .. }) => wire,
            other => panic!("not welcome: {other:?}"),
        }
    }

    pub async fn say(&mut self, frame: &FromAgent) {
        self.say_text(&serde_json::to_string(frame).unwrap()).await;
    }

    /// What cannot be sent any more is not sent.
    pub async fn say_text(&mut self, text: &str) {
        let _ = self.0.send(Message::text(text)).await;
    }

    /// The next frame, pings answered and left out; none once the connection is closed.
    pub async fn hear(&mut self) -> Option<FromGateway> {
        loop {
            let text = match timeout(SOON, self.0.next()).await.expect("a frame or the end") {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => continue,
            };
            match serde_json::from_str(&text).expect("a frame") {
                FromGateway::Ping { .. } => self.say(&FromAgent::Pong).await,
                frame => return Some(frame),
            }
        }
    }

    /// Hears so many pings and nothing else. Each tells the time, and counts no answer that was not given.
    pub async fn pinged(&mut self, times: u64) {
        for answered in 0..times {
            let Some(Ok(Message::Text(text))) = timeout(SOON, self.0.next()).await.expect("a ping") else {
                panic!("a ping was expected");
            };
            match serde_json::from_str(&text).expect("a frame") {
                FromGateway::Ping { server_time: Some(_), pongs } if pongs <= answered => {
                    self.say(&FromAgent::Pong).await;
                }
                other => panic!("a ping was expected: {other:?}"),
            }
        }
    }

    /// The reason of the goodbye that must come next.
    pub async fn goodbye(&mut self) -> String {
        match self.hear().await {
            Some(FromGateway::Goodbye { reason, .. }) => reason,
            other => panic!("a goodbye was expected: {other:?}"),
        }
    }

    /// The request that must come next, a run; it is answered as taken.
    pub async fn take_run(&mut self) -> pitcrew_protocol::Run {
        match self.hear().await {
            Some(FromGateway::Run { request, run }) => {
                let state = RunState::InFlight { run_id: run.run_id };
                self.say(&FromAgent::State { request, epoch: run.epoch, state }).await;
                run
            }
            other => panic!("a run was expected: {other:?}"),
        }
    }

    /// The acknowledgement that must come next.
    pub async fn acknowledged(&mut self) -> Uuid {
        match self.hear().await {
            Some(FromGateway::Acknowledge { run_id }) => run_id,
            other => panic!("an acknowledgement was expected: {other:?}"),
        }
    }
}

pub fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL_VERSION,
        agent_version: "0.0.0".into(),
        boot_id: "boot".into(),
        epoch: 0,
        in_flight: None,
        os: "linux".into(),
        arch: "x86_64".into(),
        hostname: "liar".into(),
    }
}

pub fn outcome(run_id: Uuid, boot_id: &str) -> RunOutcome {
    RunOutcome {
        run_id,
        session: 1,
        epoch: 1,
        boot_id: boot_id.into(),
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: Timestamp::UNIX_EPOCH,
        ending: Ending::Completed,
        steps: Vec::new(),
    }
}
