//! What Pitcrew has on the broker: exchanges, queues and bindings, as data.
//!
//! Declaring, documentation and `pitcrew topology` all read this one table. Queue names carry a version: an argument of
//! an existing queue can never change, so a change of arguments is a new name. Arguments come only from the subset that
//! RabbitMQ 3.10 and 4.x share, and every quorum queue states its delivery limit, because the default differs between
//! them (none, or 20 and then the message is dropped).

use std::fmt;

/// The stages that have a queue of their own; a stage's name is its routing key on the `jobs` exchange.
pub const STAGES: [&str; 3] = ["detection", "planning", "execution"];

/// Messages a stage queue holds before it refuses more. The scheduler keeps queues thousands of times shorter; this
/// bounds the broker's memory when something is badly wrong.
const STAGE_BOUND: i64 = 100_000;
/// Submissions that wait for intake before their senders are refused.
const SUBMIT_BOUND: i64 = 100_000;
/// Dead letters that wait for the scheduler before they stay in their source queue.
const DEAD_BOUND: i64 = 100_000;
/// Deliveries of one message lost without an answer before it is put aside.
const DELIVERY_LIMIT: i64 = 20;
/// A dead queue has nowhere to put a message aside, so in practice it never does.
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000;

/// How an exchange routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By the equal routing key.
    Direct,
    /// By a pattern of words.
    Topic,
}

/// The value of a queue argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
}

/// A durable exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Its full name.
    pub name: String,
    /// How it routes.
    pub kind: Kind,
    /// What it is for.
    pub why: &'static str,
}

/// A durable quorum queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its full name.
    pub name: String,
    /// Its arguments; fixed for the life of the name.
    pub arguments: Vec<(&'static str, Value)>,
    /// What it is for.
    pub why: &'static str,
}

/// A route from an exchange to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// From.
    pub exchange: String,
    /// With this key or pattern.
    pub routing_key: String,
    /// To.
    pub queue: String,
}

/// All that Pitcrew has on a broker under one prefix.
#[derive(Debug, Clone)]
pub struct Topology {
    prefix: String,
    /// Its exchanges.
    pub exchanges: Vec<Exchange>,
    /// Its shared queues. Queues of single gateways and workers are made by [`super::Broker::commands`].
    pub queues: Vec<Queue>,
    /// Its routes.
    pub bindings: Vec<Binding>,
}

impl Default for Topology {
    fn default() -> Self {
        Topology::new("pitcrew")
    }
}

impl Topology {
    /// The topology under `prefix`: `pitcrew` in production, something unique in a test.
    pub fn new(prefix: &str) -> Self {
        let mut topology =
            Topology { prefix: prefix.to_owned(), exchanges: Vec::new(), queues: Vec::new(), bindings: Vec::new() };
        topology.exchanges = vec![
            topology.exchange("jobs", Kind::Direct, "a stage's job, by the stage's name"),
            topology.exchange("submit", Kind::Topic, "where other systems submit; the only exchange they may write to"),
            topology.exchange("events", Kind::Topic, "session.<tenant>.<event>, for anyone to bind"),
            topology.exchange("dead", Kind::Direct, "what a queue put aside, by the queue it came from"),
            topology.exchange("commands", Kind::Direct, "commands and replies to one gateway or worker"),
        ];
        for stage in STAGES {
            topology.working_queue(stage, STAGE_BOUND, "jobs that may run now; taken by that stage's workers");
            topology.bind(topology.jobs(), stage, topology.queue(stage));
        }
        topology.working_queue("submit", SUBMIT_BOUND, "submissions; a full queue refuses, so senders feel it");
        topology.bind(topology.submit(), "tenant.#", topology.queue("submit"));
        for source in STAGES.into_iter().chain(["submit"]) {
            topology.dead_queue(source);
            topology.bind(topology.dead(), source, topology.dead_letters(source));
        }
        topology
    }

    /// The same with another bound of the submit queue, in messages.
    pub fn with_submit_bound(mut self, messages: u32) -> Self {
        let submit = self.queue("submit");
        for queue in self.queues.iter_mut().filter(|queue| queue.name == submit) {
            for (name, value) in &mut queue.arguments {
                if *name == "x-max-length" {
                    *value = Value::Int(messages.into());
                }
            }
        }
        self
    }

    /// The prefix of every name.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The exchange for jobs; the routing key is the stage's name.
    pub fn jobs(&self) -> String {
        format!("{}.jobs", self.prefix)
    }

    /// The exchange for submissions; the routing key is `tenant.<id>`.
    pub fn submit(&self) -> String {
        format!("{}.submit", self.prefix)
    }

    /// The exchange for events; the routing key is `session.<tenant>.<event>`.
    pub fn events(&self) -> String {
        format!("{}.events", self.prefix)
    }

    /// The exchange for dead letters; the routing key is the source's short name.
    pub fn dead(&self) -> String {
        format!("{}.dead", self.prefix)
    }

    /// The exchange for commands; the routing key names the gateway or worker.
    pub fn commands(&self) -> String {
        format!("{}.commands", self.prefix)
    }

    /// The queue of a stage, or of `submit`.
    pub fn queue(&self, name: &str) -> String {
        format!("{}.v1.{name}", self.prefix)
    }

    /// The queue of what the queue of a stage, or of `submit`, put aside.
    pub fn dead_letters(&self, name: &str) -> String {
        format!("{}.v1.dead.{name}", self.prefix)
    }

    /// The private queue of the gateway or worker that listens to `routing_key` on the commands exchange.
    pub fn private(&self, routing_key: &str) -> String {
        format!("{}.commands.{routing_key}", self.prefix)
    }

    fn exchange(&self, name: &str, kind: Kind, why: &'static str) -> Exchange {
        Exchange { name: format!("{}.{name}", self.prefix), kind, why }
    }

    fn working_queue(&mut self, name: &str, bound: i64, why: &'static str) {
        let arguments = vec![
            ("x-queue-type", Value::Text("quorum".into())),
            // Positive always: -1 means "at once" on 3.10 and "never" on 4.x.
            ("x-delivery-limit", Value::Int(DELIVERY_LIMIT)),
            ("x-dead-letter-exchange", Value::Text(self.dead())),
            ("x-dead-letter-routing-key", Value::Text(name.into())),
            // At least once works only together with reject-publish; with drop-head it silently becomes at most once.
            ("x-dead-letter-strategy", Value::Text("at-least-once".into())),
            ("x-overflow", Value::Text("reject-publish".into())),
            ("x-max-length", Value::Int(bound)),
            ("x-queue-leader-locator", Value::Text("balanced".into())),
        ];
        self.queues.push(Queue { name: self.queue(name), arguments, why });
    }

    fn dead_queue(&mut self, source: &str) {
        let arguments = vec![
            ("x-queue-type", Value::Text("quorum".into())),
            ("x-delivery-limit", Value::Int(DEAD_DELIVERY_LIMIT)),
            ("x-overflow", Value::Text("reject-publish".into())),
            ("x-max-length", Value::Int(DEAD_BOUND)),
            ("x-queue-leader-locator", Value::Text("balanced".into())),
        ];
        let why = "dead letters; the scheduler moves them to a table";
        self.queues.push(Queue { name: self.dead_letters(source), arguments, why });
    }

    fn bind(&mut self, exchange: String, routing_key: &str, queue: String) {
        self.bindings.push(Binding { exchange, routing_key: routing_key.into(), queue });
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(number) => number.fmt(f),
            Value::Text(text) => text.fmt(f),
        }
    }
}

/// The table as a person reads it.
impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for exchange in &self.exchanges {
            let kind = match exchange.kind {
                Kind::Direct => "direct",
                Kind::Topic => "topic",
            };
            writeln!(f, "exchange {} ({kind}): {}", exchange.name, exchange.why)?;
        }
        for queue in &self.queues {
            writeln!(f, "queue {}: {}", queue.name, queue.why)?;
            for (name, value) in &queue.arguments {
                writeln!(f, "    {name} = {value}")?;
            }
            for binding in self.bindings.iter().filter(|binding| binding.queue == queue.name) {
                writeln!(f, "    takes {} from {}", binding.routing_key, binding.exchange)?;
            }
        }
        Ok(())
    }
}
