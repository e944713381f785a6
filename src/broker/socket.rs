//! A connection that can always be cut.
//!
//! The client library serves a connection on a thread of its own, and a broker that is stopped or cut off in the middle
//! of a handshake holds that thread for ever. So the socket is opened here, with limits, and a second handle to it is
//! kept: shutting it down ends the thread whatever it waits for.

use std::{
    io,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lapin::{
    AsyncTcpStream, Connection, ConnectionProperties,
    tcp::OwnedTLSConfig,
    uri::{AMQPScheme, AMQPUri},
};

use super::{Error, address};

/// How long name resolution, TCP and TLS may take.
const OPEN: Duration = Duration::from_secs(5);
/// How long the AMQP handshake may take, the opening included.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long an orderly good-bye may take.
const CLOSE: Duration = Duration::from_secs(2);

/// A second handle to a connection's socket, which shuts the socket down when it is dropped.
#[derive(Clone, Default)]
struct Cutter(Arc<Mutex<Option<TcpStream>>>);

/// An open connection and the means to end it.
pub(super) struct Wire {
    pub(super) connection: Connection,
    cutter: Cutter,
}

impl Wire {
    /// Connects and shakes hands, or gives up and leaves nothing behind.
    pub(super) async fn open(uri: AMQPUri, name: &str) -> Result<Self, Error> {
        let doing = format!("accept a connection at {}", address::host(&uri));
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let runtime = lapin::runtime::default_runtime()
            .map_err(|source| Error::Failed { doing: "find a runtime".into(), source })?;
        let cutter = Cutter::default();
        let keep = cutter.clone();
        // Written as an argument, because only there is the type of its runtime known.
        let handshake = Connection::connector(
            uri,
            runtime,
            async move |uri: AMQPUri, runtime| {
                let open = async {
                    let host = uri.authority.host.as_str();
                    let hosts: Vec<_> = tokio::net::lookup_host((host, uri.authority.port)).await?.collect();
                    let stream = AsyncTcpStream::connect(&runtime, hosts).await?;
                    if let AsyncTcpStream::Plain(plain) = &stream {
                        keep.hold(plain.get_ref().as_fd().try_clone_to_owned()?.into());
                    }
                    match uri.scheme {
                        AMQPScheme::AMQP => Ok(stream),
                        AMQPScheme::AMQPS => stream.into_tls(host, OwnedTLSConfig::default().as_ref()).await,
                    }
                };
                let opened = tokio::time::timeout(OPEN, open).await;
                opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(lapin::Error::from)
            },
            properties,
        );
        match tokio::time::timeout(HANDSHAKE, handshake).await {
            Ok(Ok(connection)) => Ok(Wire { connection, cutter }),
            Ok(Err(source)) => Err(Error::Failed { doing, source }),
            Err(_) => {
                cutter.cut();
                Err(Error::Timeout { doing, within: HANDSHAKE })
            }
        }
    }

    /// Says good-bye, but does not wait long for an answer.
    pub(super) async fn close(&self) {
        let _ = tokio::time::timeout(CLOSE, self.connection.close(200, "bye".into())).await;
        self.cutter.cut();
    }
}

/// A wire that is no longer used by anyone goes away even if nobody closed it.
impl Drop for Wire {
    fn drop(&mut self) {
        self.cutter.cut();
    }
}

impl Cutter {
    fn hold(&self, socket: TcpStream) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket);
    }

    fn cut(&self) {
        if let Some(socket) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // The peer may have closed it already; either way it is closed now.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
