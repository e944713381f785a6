//! The broker as one process uses it: two links, so that a broker that stops taking messages still takes
//! acknowledgements, and everything that is done over them.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, watch};

use super::{
    Consumer, Error, Publisher, State, Topology,
    address::Addresses,
    declare,
    depth::Gauge,
    link::{Link, Upkeep},
    subscription::Source,
};

/// A process's access to the broker. Cheap to clone; the connections close when the last clone, publisher and consumer
/// are gone, or at [`close`](Self::close).
#[derive(Clone)]
pub struct Broker {
    topology: Arc<Topology>,
    publishing: Link,
    consuming: Link,
    publisher: Publisher,
    gauge: Gauge,
}

impl Broker {
    /// Starts connecting to the broker at `url`, one URI or a list, and returns at once: a process starts, and
    /// stays, whether the broker is there or not. `name` is what the broker shows for the connections. Each time the
    /// consuming connection comes up, the topology is declared on it.
    ///
    /// # Errors
    ///
    /// [`Error::Address`] if the address cannot be read.
    pub fn connect(url: &str, topology: Topology, name: &str) -> Result<Self, Error> {
        let addresses = Addresses::parse(url)?;
        let topology = Arc::new(topology);
        let missing = Arc::new(Notify::new());
        let upkeep = Upkeep { topology: topology.clone(), missing: missing.clone() };
        let consuming = Link::start(addresses.clone(), format!("{name} consuming"), Some(upkeep));
        let publishing = Link::start(addresses, format!("{name} publishing"), None);
        let publisher = Publisher::new(publishing.clone(), topology.commands(), missing);
        let gauge = Gauge::new(consuming.clone());
        Ok(Broker { topology, publishing, consuming, publisher, gauge })
    }

    /// Waits until both connections stand and the topology is declared.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] at once; after `within`, the last failure.
    pub async fn up(&self, within: Duration) -> Result<(), Error> {
        let deadline = tokio::time::Instant::now() + within;
        for link in [&self.consuming, &self.publishing] {
            let mut state = link.state();
            let settled = state.wait_for(|state| !matches!(state, State::Down(error) if !is_mismatch(error)));
            let settled =
                tokio::time::timeout_at(deadline, settled).await.map(|state| state.map(|state| state.clone()));
            let last = match settled {
                Ok(Ok(state)) => state,
                Ok(Err(_)) | Err(_) => link.state().borrow().clone(),
            };
            if let State::Down(error) = last {
                return Err(error);
            }
        }
        Ok(())
    }

    /// What is declared.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// What the publishing connection is doing, to be watched.
    pub fn publishing(&self) -> watch::Receiver<State> {
        self.publishing.state()
    }

    /// What the consuming connection is doing, to be watched.
    pub fn consuming(&self) -> watch::Receiver<State> {
        self.consuming.state()
    }

    /// The process's publisher, to be used or cloned.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Subscribes to a queue of the topology; at most `prefetch` deliveries are unsettled at a time.
    pub fn consume(&self, queue: &str, prefetch: u16) -> Consumer {
        let source = Source::Shared { queue: queue.to_owned() };
        Consumer::start(self.consuming.clone(), self.topology.clone(), source, prefetch)
    }

    /// Subscribes to what is sent to `routing_key` on the commands exchange, through a queue of this process alone. It
    /// goes away with the connection, and what is sent meanwhile is unroutable; it is made anew with the next one.
    pub fn commands(&self, routing_key: &str, prefetch: u16) -> Consumer {
        let source = Source::Private {
            queue: self.topology.private(routing_key),
            exchange: self.topology.commands(),
            routing_key: routing_key.to_owned(),
        };
        Consumer::start(self.consuming.clone(), self.topology.clone(), source, prefetch)
    }

    /// Messages that wait in a queue, not counting those that are delivered and unsettled. Cheap enough to ask 20 times
    /// a second.
    ///
    /// # Errors
    ///
    /// [`Error::NoQueue`], or no answer.
    pub async fn depth(&self, queue: &str) -> Result<u32, Error> {
        self.gauge.depth(queue).await
    }

    /// Declares the topology now.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`], or no answer.
    pub async fn declare(&self) -> Result<(), Error> {
        declare::declare(&self.consuming.now()?.wire.connection, &self.topology).await
    }

    /// Deletes the whole topology with all messages in it. For tests and for taking an installation away.
    ///
    /// # Errors
    ///
    /// No answer; it can be repeated.
    pub async fn delete(&self) -> Result<(), Error> {
        declare::delete(&self.consuming.now()?.wire.connection, &self.topology).await
    }

    /// Closes both connections in an orderly way, within seconds. What is unsettled is delivered to somebody else.
    pub async fn close(&self) {
        tokio::join!(self.consuming.close(), self.publishing.close());
    }
}

fn is_mismatch(error: &Error) -> bool {
    matches!(error, Error::Mismatch { .. })
}
