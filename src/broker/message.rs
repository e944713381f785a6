//! A message to publish, and how it looks on the wire.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, ShortString},
};

use super::{Error, PublishError, call::short};

/// Stored on disk, as every message whose loss would matter.
const PERSISTENT: u8 = 2;
const TRANSIENT: u8 = 1;

/// A message to publish. [`Message::new`] gives a persistent, mandatory one, which is right for jobs, submissions and
/// dead letters.
#[derive(Debug, Clone)]
pub struct Message {
    /// Where to.
    pub exchange: String,
    /// With which key.
    pub routing_key: String,
    /// The document, as JSON.
    pub body: Bytes,
    /// What makes a repetition recognisable.
    pub message_id: String,
    /// What it belongs to: a session, or the message it answers.
    pub correlation_id: Option<String>,
    /// What document it is, with its version.
    pub kind: Option<String>,
    /// Trace context and others; values are texts.
    pub headers: BTreeMap<String, String>,
    /// The queue for an answer.
    pub reply_to: Option<String>,
    /// The sender's login. The broker refuses any other than the connection's, and ends the channel.
    pub user_id: Option<String>,
    /// Whether it survives a restart of the broker.
    pub persistent: bool,
    /// Whether it is an error that no queue takes it. Without this such a message is lost and confirmed.
    pub mandatory: bool,
    /// How long it is worth delivering; milliseconds on the wire.
    pub expiration: Option<Duration>,
}

/// The same in the library's types, every name checked.
pub(super) struct Encoded {
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) body: Bytes,
    pub(super) message_id: ShortString,
    pub(super) mandatory: bool,
    pub(super) properties: BasicProperties,
}

impl Message {
    /// A persistent, mandatory message.
    pub fn new(exchange: String, routing_key: &str, message_id: String, body: impl Into<Bytes>) -> Self {
        Message {
            exchange,
            routing_key: routing_key.to_owned(),
            body: body.into(),
            message_id,
            correlation_id: None,
            kind: None,
            headers: BTreeMap::new(),
            reply_to: None,
            user_id: None,
            persistent: true,
            mandatory: true,
            expiration: None,
        }
    }

    pub(super) fn encode(self) -> Result<Encoded, PublishError> {
        self.checked().map_err(|error| match error {
            Error::TooLong { what, bytes } => PublishError::TooLong { what, bytes },
            other => PublishError::NotConnected(other.to_string()),
        })
    }

    fn checked(self) -> Result<Encoded, Error> {
        let message_id = short("the message's id", &self.message_id)?;
        let mut properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(if self.persistent { PERSISTENT } else { TRANSIENT })
            .with_message_id(message_id.clone());
        if let Some(id) = &self.correlation_id {
            properties = properties.with_correlation_id(short("the correlation id", id)?);
        }
        if let Some(kind) = &self.kind {
            properties = properties.with_type(short("the message's kind", kind)?);
        }
        if let Some(queue) = &self.reply_to {
            properties = properties.with_reply_to(short("the queue to reply to", queue)?);
        }
        if let Some(user) = &self.user_id {
            properties = properties.with_user_id(short("the user's name", user)?);
        }
        if let Some(expiration) = self.expiration {
            properties = properties.with_expiration(short("the expiration", &expiration.as_millis().to_string())?);
        }
        if !self.headers.is_empty() {
            let mut table = FieldTable::default();
            for (name, value) in self.headers {
                table.insert(short("a header's name", &name)?, AMQPValue::LongString(value.into()));
            }
            properties = properties.with_headers(table);
        }
        Ok(Encoded {
            exchange: short("the exchange's name", &self.exchange)?,
            routing_key: short("the routing key", &self.routing_key)?,
            body: self.body,
            message_id,
            mandatory: self.mandatory,
            properties,
        })
    }
}
