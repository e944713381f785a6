//! A network that can fail: a TCP proxy to put between Pitcrew and a server.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

/// What the network does at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Everything is passed on, so much later.
    Fair(Duration),
    /// Everything is held back, in both directions, and connections stay open.
    Paused,
    /// Every connection is closed, and every new one at once.
    Cut,
}

/// What each connection has carried in each direction.
type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

/// A proxy to one server, on 127.0.0.1. Dropping it closes everything.
pub struct Proxy {
    address: SocketAddr,
    heard: Option<Heard>,
    weather: watch::Sender<Weather>,
    _end: DropGuard,
}

impl Proxy {
    /// Listens, and passes on to the host and port of `url`.
    pub async fn to(url: &str) -> Proxy {
        Proxy::with(url, None).await
    }

    /// The same, and it keeps all that it passes on.
    pub async fn listening_to(url: &str) -> Proxy {
        Proxy::with(url, Some(Heard::default())).await
    }

    async fn with(url: &str, heard: Option<Heard>) -> Proxy {
        let url: Url = url.parse().expect("an address");
        let host = url.host_str().expect("a host").to_owned();
        let target = (host, url.port().expect("a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (weather, forecast) = watch::channel(Weather::Fair(Duration::ZERO));
        let end = CancellationToken::new();
        let (ended, kept) = (end.clone(), heard.clone());
        tokio::spawn(async move {
            while let Some(Ok((inbound, _))) = ended.run_until_cancelled(listener.accept()).await {
                let (target, forecast, ended, kept) = (target.clone(), forecast.clone(), ended.clone(), kept.clone());
                tokio::spawn(async move { ended.run_until_cancelled(carry(inbound, target, forecast, kept)).await });
            }
        });
        Proxy { address, heard, weather, _end: end.drop_guard() }
    }

    /// `url` with this proxy in place of its host and port.
    pub fn url(&self, url: &str) -> String {
        let mut url: Url = url.parse().expect("an address");
        url.set_ip_host(self.address.ip()).expect("a host");
        url.set_port(Some(self.address.port())).expect("a port");
        url.into()
    }

    /// What was passed on so far, each connection and direction by itself; nothing unless it was told to listen.
    pub fn heard(&self) -> Vec<Vec<u8>> {
        let heard = self.heard.as_ref().map(|heard| heard.lock().expect("nobody panicked").clone());
        heard.unwrap_or_default()
    }

    /// Passes everything on at once: what was held back, too, and new connections again.
    pub fn pass(&self) {
        self.weather.send_replace(Weather::Fair(Duration::ZERO));
    }

    /// Passes everything on, every piece `by` later than the one before it or than it came.
    pub fn delay(&self, by: Duration) {
        self.weather.send_replace(Weather::Fair(by));
    }

    /// Holds everything back.
    pub fn pause(&self) {
        self.weather.send_replace(Weather::Paused);
    }

    /// Closes every connection and lets none come about until [`Proxy::pass`].
    pub fn cut(&self) {
        self.weather.send_replace(Weather::Cut);
    }
}

/// Carries one connection until either side closes it or the network is cut.
async fn carry(
    inbound: TcpStream,
    target: (String, u16),
    mut forecast: watch::Receiver<Weather>,
    heard: Option<Heard>,
) -> io::Result<()> {
    if *forecast.borrow() == Weather::Cut {
        return Ok(());
    }
    let outbound = TcpStream::connect(target).await?;
    let ((from_client, to_client), (from_server, to_server)) = (inbound.into_split(), outbound.into_split());
    let up = pump(from_client, to_server, forecast.clone(), heard.clone());
    let down = pump(from_server, to_client, forecast.clone(), heard);
    tokio::select! {
        result = up => result,
        result = down => result,
        _ = forecast.wait_for(|weather| *weather == Weather::Cut) => Ok(()),
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut forecast: watch::Receiver<Weather>,
    heard: Option<Heard>,
) -> io::Result<()> {
    let place = heard.as_ref().map(|heard| {
        let mut heard = heard.lock().expect("nobody panicked");
        heard.push(Vec::new());
        heard.len() - 1
    });
    let mut piece = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        if let (Some(heard), Some(place)) = (&heard, place) {
            heard.lock().expect("nobody panicked")[place].extend_from_slice(&piece[..length]);
        }
        let fair = forecast.wait_for(|weather| matches!(weather, Weather::Fair(_))).await.map(|weather| *weather);
        let Ok(Weather::Fair(delay)) = fair else { return Ok(()) };
        tokio::time::sleep(delay).await;
        to.write_all(&piece[..length]).await?;
    }
}
