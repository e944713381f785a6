//! Chooses the way to a computer.

use std::sync::Arc;

use async_trait::async_trait;

use super::agent::Agents;
use super::local::Local;
use super::noop::Noop;
use crate::broker::Broker;

use super::{Error, Link, Route, Transport, Way};

/// The ways that this process has. The imagined one needs nothing and is always there.
#[derive(Default, Clone)]
pub struct Transports {
    /// To computers with an agent.
    pub agent: Option<Arc<dyn Transport>>,
    /// To this machine.
    pub local: Option<Arc<dyn Transport>>,
}

impl Transports {
    /// Every way that there is: agents answer to `name` over the broker, this machine's agent program is found beside
    /// this one.
    pub fn all(broker: &Broker, name: &str) -> Transports {
        Transports { agent: Some(Arc::new(Agents::start(broker, name))), local: Some(Arc::new(Local::find())) }
    }
}

#[async_trait]
impl Transport for Transports {
    async fn connect(&self, route: &Route) -> Result<Box<dyn Link>, Error> {
        let (way, name) = match &route.way {
            Way::Agent { .. } => (&self.agent, "through an agent"),
            Way::Local { .. } => (&self.local, "as this machine itself"),
            Way::Noop => return Noop.connect(route).await,
        };
        match way {
            Some(way) => way.connect(route).await,
            None => Err(Error::Broken {
                computer: route.computer,
                what: format!("it is reached {name}, and this worker was started without that; see its configuration"),
            }),
        }
    }
}
