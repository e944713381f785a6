//! A gateway, as far as an agent sees one.

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use pitcrew_protocol::{FromAgent, FromGateway, Hello, Refusal, Run, RunOutcome, RunState};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use url::Url;
use uuid::Uuid;

use super::{DEADLINE, run_frame};

pub struct Gateway {
    listener: TcpListener,
}

/// The connection of one agent, after its hello.
pub struct Link {
    socket: WebSocketStream<TcpStream>,
    pub hello: Hello,
}

impl Gateway {
    pub async fn start() -> Gateway {
        Gateway { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub fn url(&self) -> Url {
        format!("ws://{}/v1/agent", self.listener.local_addr().unwrap()).parse().unwrap()
    }

    /// Waits for an agent and welcomes it.
    pub async fn accept(&self) -> Link {
        self.accept_with(Timestamp::now(), 60_000).await
    }

    pub async fn accept_with(&self, server_time: Timestamp, ping_every_ms: u64) -> Link {
        let mut link = self.accept_unwelcomed().await;
        link.send(FromGateway::Welcome { server_time, ping_every_ms }).await;
        link
    }

    pub async fn accept_unwelcomed(&self) -> Link {
        let (stream, _) = timeout(DEADLINE, self.listener.accept()).await.expect("no agent dialled").unwrap();
        let mut socket = accept_hdr_async(stream, check_token).await.unwrap();
        let hello = match next(&mut socket).await {
            Some(FromAgent::Hello(hello)) => hello,
            other => panic!("expected a hello, got {other:?}"),
        };
        Link { socket, hello }
    }
}

impl Link {
    pub async fn send(&mut self, frame: FromGateway) {
        self.send_text(&serde_json::to_string(&frame).unwrap()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next frame; none when the agent has closed the connection.
    pub async fn receive(&mut self) -> Option<FromAgent> {
        next(&mut self.socket).await
    }

    pub async fn ask(&mut self, frame: FromGateway) -> FromAgent {
        self.send(frame).await;
        self.receive().await.expect("the agent has closed the connection")
    }

    pub async fn state(&mut self, frame: FromGateway) -> RunState {
        match self.ask(frame).await {
            FromAgent::State { state, .. } => state,
            other => panic!("expected a state, got {other:?}"),
        }
    }

    pub async fn refusal(&mut self, frame: FromGateway) -> Refusal {
        match self.ask(frame).await {
            FromAgent::Refused { refusal, .. } => refusal,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    pub async fn outcome(&mut self) -> RunOutcome {
        match self.receive().await {
            Some(FromAgent::Outcome(outcome)) => outcome,
            other => panic!("expected an outcome, got {other:?}"),
        }
    }

    pub async fn start(&mut self, run: &Run) {
        assert_eq!(self.state(run_frame(run)).await, RunState::InFlight { run_id: run.run_id });
    }

    /// Starts a run, waits for its end, and acknowledges it.
    pub async fn run_through(&mut self, run: &Run) -> RunOutcome {
        self.start(run).await;
        let outcome = self.outcome().await;
        assert_eq!(outcome.run_id, run.run_id);
        self.acknowledge(run.run_id).await;
        outcome
    }

    /// Acknowledges an outcome; the pong says that the agent has noted it.
    pub async fn acknowledge(&mut self, run_id: Uuid) {
        self.send(FromGateway::Acknowledge { run_id }).await;
        assert_eq!(self.ask(FromGateway::Ping { server_time: None, pongs: 0 }).await, FromAgent::Pong);
    }
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Option<FromAgent> {
    loop {
        match timeout(DEADLINE, socket.next()).await.expect("the agent said nothing") {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(text.as_str()).unwrap()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

// The size of the error is the library's choice.
#[allow(clippy::result_large_err)]
fn check_token(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    assert_eq!(request.uri().path(), "/v1/agent");
    assert_eq!(request.headers()["authorization"], "Bearer secret-token");
    Ok(response)
}
