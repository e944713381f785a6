//! What the programs stand on: a database that is up to date, a broker, an address for the API, and a token.
//!
//! Whatever the operator has named is used as it is; the rest is made here, in the folder.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::services::{Postgres, RabbitMq, ports, postgres, rabbitmq};
use super::terminal::Terminal;
use super::{Error, Folder, env_file, first_token};
use crate::broker::{Broker, Topology};
use crate::config::Loaded;
use crate::store::{self, Store};

/// How long the broker may take to take a connection.
const CONNECTED_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);

/// Which installation on the servers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    /// The database.
    pub database: &'static str,
    /// What the names on the broker begin with.
    pub prefix: &'static str,
    /// The folder of its broker, if that is its own.
    pub broker: &'static str,
    /// Whether it begins from nothing each time. Sessions are then numbered anew, so jobs of an earlier run must not be
    /// found on the broker.
    pub fresh: bool,
}

/// What the programs stand on. Dropping it stops the servers that are its own.
pub(super) struct Ground {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where it is found.
    pub api_url: String,
    /// An administrator's token.
    pub token: String,
    /// The file with the key of the secrets; empty if it was given otherwise.
    key_file: String,
    database_url: String,
    amqp_url: String,
    prefix: String,
    /// Whether what it has on a broker of others is deleted in the end.
    passes: bool,
    postgres: Option<Postgres>,
    rabbitmq: Option<RabbitMq>,
}

impl Ground {
    /// Makes what is missing.
    pub(super) async fn lay(
        folder: &Folder,
        loaded: &Loaded,
        plot: Plot,
        terminal: &Terminal,
    ) -> Result<Ground, Error> {
        let config = &loaded.config;
        let (listen, api_url) = address(folder, loaded)?;
        let named = |key, url: &str| loaded.is_set(key) && !is_own(folder, url);

        // The broker takes longer to start than all the rest, so it begins first.
        let given_broker = config.amqp.url.expose();
        let starting = (!named("amqp.url", given_broker)).then(|| start_rabbitmq(folder.join(plot.broker), plot.fresh));
        let given = config.database.url.expose();
        let (postgres, given_database) = if named("database.url", given) {
            terminal.print(&format!("  {:<12} the one at {}", "PostgreSQL", config.database.url));
            (None, given.to_owned())
        } else {
            let (dir, options) = (folder.join("postgres"), postgres::Options::default());
            let start = Postgres::start(&dir, options);
            let server = terminal.step("PostgreSQL", "starting", "ready", start).await?;
            if !plot.fresh {
                server.ensure_database(plot.database).await?;
            }
            let url = server.url(plot.database);
            (Some(server), url)
        };
        let (rabbitmq, amqp_url) = if let Some(starting) = starting {
            let server = terminal.step("RabbitMQ", "starting", "ready", starting).await?;
            let url = server.url();
            (Some(server), url)
        } else {
            terminal.print(&format!("  {:<12} the one at {}", "RabbitMQ", config.amqp.url));
            (None, given_broker.to_owned())
        };
        let passes = plot.fresh && rabbitmq.is_none();
        let prefix = match loaded.is_set("amqp.prefix") && !is_own(folder, given_broker) {
            // Queues that were deleted a moment ago and are made again under the same names are hard on some brokers.
            _ if passes => format!("{}-{}", plot.prefix, uuid::Uuid::new_v4().simple()),
            true => config.amqp.prefix.clone(),
            false => plot.prefix.to_owned(),
        };
        let database_url =
            if plot.fresh { remake_database(&given_database, plot.database).await? } else { given_database };

        let store = Store::new(&database_url, 4)?;
        terminal.step("Database", "bringing it up to date", "up to date", store::migrate(&store)).await?;
        let given = config.api.token.expose();
        let token = if given.is_empty() { first_token::kept(&folder.join("token"))? } else { given.to_owned() };
        first_token::admit(&store, &token).await?;
        let (own_key, given) = (folder.join("secret-key"), &config.secrets.key_file);
        let is_given = loaded.is_set("secrets.key") || loaded.is_set("secrets.key_file");
        let key_file = if is_given && Path::new(given) != own_key {
            given.clone()
        } else {
            first_token::keep_key(&own_key, &store.sealed_under().await?)?;
            own_key.display().to_string()
        };
        Ok(Ground { listen, api_url, token, key_file, database_url, amqp_url, prefix, passes, postgres, rabbitmq })
    }

    /// What the programs are told by their environment.
    pub(super) fn for_programs(&self) -> Vec<(String, String)> {
        let mut variables = self.for_shells();
        variables.push(("PITCREW_API__LISTEN".into(), self.listen.to_string()));
        variables
    }

    /// What a shell has to know.
    pub(super) fn for_shells(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair(DATABASE_URL, &self.database_url),
            pair(AMQP_URL, &self.amqp_url),
            pair(PREFIX, &self.prefix),
            pair(API_URL, &self.api_url),
            pair("PITCREW_TOKEN", &self.token),
            pair("PITCREW_SECRETS__KEY_FILE", &self.key_file),
        ]
    }

    /// Stops the servers that are its own, in order.
    pub(super) async fn clear(mut self) {
        if self.passes
            && let Err(error) = delete_from_broker(&self.amqp_url, &self.prefix).await
        {
            tracing::warn!("The queues that begin with {} stay on the broker: {error}", self.prefix);
        }
        if let Some(server) = &mut self.rabbitmq {
            server.stop().await;
        }
        if let Some(server) = &mut self.postgres {
            server.stop().await;
        }
    }
}

const DATABASE_URL: &str = "PITCREW_DATABASE_URL";
const AMQP_URL: &str = "PITCREW_AMQP_URL";
const PREFIX: &str = "PITCREW_AMQP__PREFIX";
const API_URL: &str = "PITCREW_API_URL";

/// Starts RabbitMQ beside what else there is to do.
fn start_rabbitmq(dir: PathBuf, fresh: bool) -> impl Future<Output = Result<RabbitMq, Error>> {
    let start = async move { RabbitMq::start(&dir, rabbitmq::Options { fresh, ..Default::default() }).await };
    let started = AbortOnDropHandle::new(tokio::spawn(start));
    async { Ok(started.await.map_err(|_| Error::Stopped)??) }
}

/// True if this is the address of a server of this folder: a shell has it from an earlier run, and the server may not be
/// running now.
fn is_own(folder: &Folder, url: &str) -> bool {
    ["postgres", "rabbitmq", "rabbitmq-demo"].iter().any(|server| {
        let secret = std::fs::read_to_string(folder.join(server).join("secret")).unwrap_or_default();
        !secret.is_empty() && url.contains(&secret)
    })
}

/// Where the API listens and is found. An address that was chosen is used or refused; in place of the usual one, if it is
/// taken, another is found and kept.
fn address(folder: &Folder, loaded: &Loaded) -> Result<(SocketAddr, String), Error> {
    let api = &loaded.config.api;
    let is_free = |listen: SocketAddr| TcpListener::bind(listen).is_ok();
    let url_is_named = loaded.is_set("api.url") && !env_file::has(folder, API_URL, &api.url);
    let named = match (loaded.is_set("api.listen"), url_is_named) {
        (true, _) => Some(api.listen),
        (false, true) => listen_of(&api.url),
        (false, false) => None,
    };
    let listen = match named {
        Some(listen) if is_free(listen) => listen,
        Some(listen) => return Err(Error::AddressTaken { listen }),
        None if is_free(api.listen) => api.listen,
        None => {
            let [port] = ports::persisted(&folder.join("api-port"))?;
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        }
    };
    let url = if url_is_named { api.url.clone() } else { format!("http://{listen}") };
    Ok((listen, url))
}

/// The address in a URL that names one of this machine, rather than a proxy before it.
fn listen_of(url: &str) -> Option<SocketAddr> {
    let url = Url::parse(url).ok()?;
    let addresses = url.socket_addrs(|| None).ok()?;
    addresses.into_iter().find(|address| url.scheme() == "http" && address.ip().is_loopback())
}

/// Deletes an installation's exchanges and queues.
async fn delete_from_broker(url: &str, prefix: &str) -> Result<(), Error> {
    let broker = Broker::connect(url, Topology::new(prefix), "pitcrew-up")?;
    let deleted = async {
        broker.up(CONNECTED_WITHIN).await?;
        broker.delete().await
    };
    let deleted = deleted.await;
    broker.close().await;
    Ok(deleted?)
}

/// Makes the database anew on the server of `url`, and returns its address.
async fn remake_database(url: &str, name: &str) -> Result<String, Error> {
    let on_server = |name: &str| match Url::parse(url) {
        Ok(mut url) => {
            url.set_path(name);
            url.to_string()
        }
        // The store says better than we could what is wrong with it.
        Err(_) => url.to_owned(),
    };
    Store::new(&on_server("postgres"), 2)?.remake_database(name).await?;
    Ok(on_server(name))
}
