//! What can go wrong with the broker. Each error says what was being done and what to do about it.

use std::time::Duration;

/// A failure of a connection, a declaration or a question. Publishing has [its own](PublishError).
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The configured address cannot be read.
    #[error(
        "the broker's address is not usable: {why}; write amqp://user:password@host:5672/vhost, hosts may be a list"
    )]
    Address {
        /// What is wrong with it. Never contains the password.
        why: String,
    },
    /// No connection, at this moment.
    #[error("not connected to the broker ({why}); a new connection is tried until one stands")]
    NotConnected {
        /// The last failure.
        why: String,
    },
    /// The broker did not answer in time. It may or may not have done what it was asked.
    #[error("the broker did not {doing} within {within:?}")]
    Timeout {
        /// What it was asked.
        doing: String,
        /// How long it was given.
        within: Duration,
    },
    /// The broker answered no, or the connection or channel broke during the call.
    #[error("the broker did not {doing}")]
    Failed {
        /// What it was asked.
        doing: String,
        /// Its answer.
        #[source]
        source: lapin::Error,
    },
    /// Something of this name exists and is different.
    #[error(
        "{name:?} exists on the broker but not as this version declares it: {difference}; \
         if no other version of Pitcrew uses it, let it run empty and delete it, it is declared anew at once"
    )]
    Mismatch {
        /// The queue or exchange.
        name: String,
        /// The broker's words: which argument, what it is and what it should be.
        difference: String,
    },
    /// A queue was asked about that does not exist.
    #[error("queue {queue:?} does not exist on the broker")]
    NoQueue {
        /// Its name.
        queue: String,
    },
    /// The broker cancelled a consumer or closed its channel, for instance because the queue was deleted.
    #[error("the broker ended the subscription to {queue:?}; it is made anew")]
    Ended {
        /// The queue.
        queue: String,
    },
    /// A name that AMQP cannot carry.
    #[error("{what} is {bytes} bytes long; AMQP allows 255")]
    TooLong {
        /// Which field.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
}

/// Why a message is not known to be safe on the broker.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PublishError {
    /// No queue is bound for it; nothing was stored.
    #[error("no queue takes {routing_key:?} from exchange {exchange:?}")]
    Unroutable {
        /// Where it was published.
        exchange: String,
        /// With which key.
        routing_key: String,
    },
    /// A queue refused it, because it is full or its leader is lost; nothing may be assumed stored.
    #[error("a queue refused {routing_key:?} from exchange {exchange:?}: it is full or has no leader")]
    Nacked {
        /// Where it was published.
        exchange: String,
        /// With which key.
        routing_key: String,
    },
    /// It was sent and no confirm came in time: it may be stored, or may be soon.
    #[error("the broker did not confirm the message within {0:?}; it may be stored nevertheless")]
    Unconfirmed(Duration),
    /// It was not sent: there was no connection in time.
    #[error("not published: not connected to the broker ({0})")]
    NotConnected(String),
    /// It was not sent: the broker takes no messages at present (memory or disk alarm).
    #[error("not published: the broker is refusing messages ({0})")]
    Blocked(String),
    /// It was not sent: too many messages of this process already wait for their confirms.
    #[error("not published: too many messages wait for their confirms")]
    Busy,
    /// It was not sent: AMQP cannot carry it.
    #[error("not published: {what} is {bytes} bytes long; AMQP allows 255")]
    TooLong {
        /// Which field.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The channel was not in confirm mode, so nothing is known.
    #[error("the broker was not asked to confirm")]
    NotRequested,
    /// The channel or connection ended before the confirm: it may be stored.
    #[error("the channel ended before the message was confirmed")]
    Lost(#[source] lapin::Error),
}

impl PublishError {
    /// Whether the message certainly is not stored on the broker.
    pub fn certainly_not_stored(&self) -> bool {
        match self {
            PublishError::Unroutable { .. }
            | PublishError::NotConnected(_)
            | PublishError::Blocked(_)
            | PublishError::Busy
            | PublishError::TooLong { .. } => true,
            PublishError::Nacked { .. }
            | PublishError::Unconfirmed(_)
            | PublishError::NotRequested
            | PublishError::Lost(_) => false,
        }
    }
}
