//! The submit queue: other systems ask for sessions here, with the same document as over HTTP.
//!
//! Who asks is the broker's word (`user_id`), for which tenants is ours; the routing key decides nothing. A delivery is
//! acknowledged after its sessions, or its refusal, are committed. Answers are sent as well as can be, and only to where
//! they can do no harm.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::outage;
use crate::broker::{Broker, Consumer, Delivery, Message, settle, trace};
use crate::domain::submission::{Answer, LARGEST_KEY, ReplyV1, SubmissionV1, Violation, read_bytes};
use crate::store::submissions::Submitter;
use crate::store::{Error, Store};

/// The longest submission, in bytes.
const LONGEST: usize = 256 * 1024;
/// Deliveries on the way to this process.
const PREFETCH: u16 = 64;
/// Submissions that are worked on at a time.
const AT_A_TIME: usize = 8;
/// How often keys past their time are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// Queues of answers to a request over RabbitMQ's own direct reply-to.
const DIRECT: &str = "amq.rabbitmq.reply-to.";

/// Makes sessions of what is submitted.
#[derive(Clone)]
pub struct Intake {
    /// The database.
    pub store: Store,
    /// The broker.
    pub broker: Broker,
}

/// A submission as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// The sender's login, checked by the broker.
    pub user: Option<String>,
    /// The message's id, which stands in for an absent key.
    pub message_id: Option<String>,
    /// What the answer belongs to.
    pub correlation_id: Option<String>,
    /// Where the answer is wanted.
    pub reply_to: Option<String>,
    /// The trace that it was sent in.
    pub traceparent: Option<String>,
    /// The document.
    pub body: Bytes,
}

impl Sent {
    fn of(delivery: &Delivery) -> Sent {
        Sent {
            user: delivery.user_id.clone(),
            message_id: delivery.message_id.clone(),
            correlation_id: delivery.correlation_id.clone(),
            reply_to: delivery.reply_to.clone(),
            traceparent: delivery.span_context().and(delivery.header(trace::TRACEPARENT)).map(str::to_owned),
            body: delivery.body.clone(),
        }
    }

    /// A submission that was kept as a dead letter, from its properties.
    pub fn kept(properties: &Value, body: Vec<u8>) -> Sent {
        let text = |name: &str| properties.get(name).and_then(Value::as_str).map(str::to_owned);
        Sent {
            user: text("user_id"),
            message_id: text("message_id"),
            correlation_id: text("correlation_id"),
            reply_to: text("reply_to"),
            traceparent: None,
            body: body.into(),
        }
    }

    /// Where an answer may be sent: to a direct reply-to, or to a queue of the sender's own. Everything else could be a
    /// queue of ours, or of somebody else.
    fn answerable(&self) -> Option<&str> {
        let queue = self.reply_to.as_deref()?;
        let own = self.user.as_deref().filter(|user| !user.is_empty()).map(|user| format!("reply.{user}."));
        let allowed = queue.strip_prefix(DIRECT).is_some_and(|rest| !rest.is_empty())
            || own.is_some_and(|own| queue.strip_prefix(&own).is_some_and(|rest| !rest.is_empty()));
        allowed.then_some(queue)
    }
}

impl Intake {
    /// Takes in until told to stop; then gives back what is not done.
    pub async fn run(&self, stop: CancellationToken) {
        let consumer = self.broker.consume(&self.broker.topology().queue("submit"), PREFETCH);
        let mut forget = tokio::time::interval(FORGET_EVERY);
        loop {
            let group = tokio::select! {
                () = stop.cancelled() => break,
                _ = forget.tick() => {
                    if let Err(error) = self.store.forget_old_keys().await {
                        warn!(error = &error as &dyn std::error::Error, "Old keys were not forgotten; it is tried again");
                    }
                    continue;
                }
                group = consumer.next_group(usize::from(PREFETCH)) => group,
            };
            if group.is_empty() || !self.group(group, &consumer, &stop).await {
                break;
            }
        }
        consumer.drain().await;
    }

    /// Works on a group until everything in it is settled. False if told to stop before that.
    async fn group(&self, mut group: Vec<Delivery>, consumer: &Consumer, stop: &CancellationToken) -> bool {
        loop {
            let judged: Vec<(Delivery, Result<ReplyV1, Error>)> = stream::iter(group)
                .map(|delivery| async {
                    let reply = self.take(&Sent::of(&delivery)).await;
                    (delivery, reply)
                })
                .buffer_unordered(AT_A_TIME)
                .collect()
                .await;
            let mut held = Vec::new();
            let mut done = Vec::new();
            let mut replies = Vec::new();
            for (delivery, reply) in judged {
                match reply {
                    Ok(reply) => {
                        replies.extend(self.reply(&Sent::of(&delivery), &reply));
                        done.push(delivery.receipt);
                    }
                    Err(error) if error.is_transient() => held.push(delivery),
                    Err(error) => {
                        error!(error = &error as &dyn std::error::Error, "A submission goes to the dead letters");
                        delivery.receipt.reject(false).await;
                    }
                }
            }
            self.send(replies).await;
            settle::ack_group(done).await;
            if held.is_empty() {
                return true;
            }
            consumer.pause().await;
            if !outage::until_over(&self.store, "Intake", stop).await {
                return false;
            }
            consumer.resume();
            group = held;
        }
    }

    /// Accepts or refuses one submission; what is refused is kept for inspection.
    ///
    /// # Errors
    /// The database failed; nothing was decided.
    pub async fn take(&self, sent: &Sent) -> Result<ReplyV1, Error> {
        let user = sent.user.clone().unwrap_or_default();
        let (key, answer) = match self.read(sent).await? {
            Ok((submission, submitter)) => {
                let answer = self.store.accept(&submission, &submitter).await?;
                (submission.key, answer)
            }
            Err(violations) => (sent.message_id.clone(), Answer::Refused { violations }),
        };
        match &answer {
            Answer::Refused { violations } => self.store.keep_rejected(&user, &sent.body, violations).await?,
            Answer::Accepted { .. } => self.store.wake_scheduler(),
        }
        Ok(ReplyV1::new(key, answer))
    }

    /// What can be said of a submission before its names are looked up.
    async fn read(&self, sent: &Sent) -> Result<Result<(SubmissionV1, Submitter), Vec<Violation>>, Error> {
        let mut violations = Vec::new();
        let user = sent.user.as_deref().filter(|user| !user.is_empty());
        if user.is_none() {
            let message = "The message property user_id is missing: set it to the name you log in to the broker with.";
            violations.push(Violation::new("", "no_user", message));
        }
        if sent.reply_to.is_some() && sent.answerable().is_none() {
            let message = "Answers are sent to amq.rabbitmq.reply-to.* and reply.<user>.* only; this was sent nowhere.";
            violations.push(Violation::new("", "reply_to", message));
        }
        if sent.body.len() > LONGEST {
            let message = format!("The document has {} bytes; at most {LONGEST} are taken.", sent.body.len());
            violations.push(Violation::new("", "too_large", message));
            return Ok(Err(violations));
        }
        let tenants = match user {
            Some(user) => self.store.tenants_of_broker_user(user).await?,
            None => Vec::new(),
        };
        if let (Some(user), true) = (user, tenants.is_empty()) {
            let message = format!("The broker's user \"{user}\" may submit for no tenant; an administrator allows it.");
            violations.push(Violation::new("", "not_allowed", message));
        }
        let read = read_bytes(&sent.body).map(|mut submission| {
            submission.key = submission.key.or_else(|| sent.message_id.clone().filter(|id| !id.is_empty()));
            submission
        });
        match read {
            Ok(submission) => {
                match submission.key.as_deref().map(|key| key.chars().count()) {
                    None => violations.push(Violation::new(
                        "/key",
                        "missing",
                        "Over the broker a key, or a message id, is required: without it a repetition cannot be recognised.",
                    )),
                    Some(length) if length > LARGEST_KEY => {
                        let message = format!("The message id has {length} characters; as a key at most {LARGEST_KEY}.");
                        violations.push(Violation::new("/key", "too_long", message));
                    }
                    Some(_) => {}
                }
                if !violations.is_empty() {
                    return Ok(Err(violations));
                }
                let submitter = Submitter {
                    name: format!("amqp:{}", user.unwrap_or_default()),
                    origin: "amqp",
                    tenants: Some(tenants),
                    traceparent: sent.traceparent.clone(),
                };
                Ok(Ok((submission, submitter)))
            }
            Err(wrong) => {
                violations.extend(wrong);
                Ok(Err(violations))
            }
        }
    }

    /// The answer as a message, if it may be sent.
    pub fn reply(&self, sent: &Sent, reply: &ReplyV1) -> Option<Message> {
        let queue = sent.answerable()?;
        // A reply is made of texts and numbers; it always serialises.
        let body = serde_json::to_vec(reply).unwrap_or_default();
        let id = format!("reply/{}", sent.message_id.as_deref().unwrap_or_default());
        let mut message = Message::new(String::new(), queue, id.chars().take(255).collect(), body);
        message.correlation_id = sent.correlation_id.clone().or_else(|| sent.message_id.clone());
        message.kind = Some("pitcrew.reply.v1".to_owned());
        // The asker may be gone, and its queue with it; it learns the answer by asking again under the same key.
        message.mandatory = false;
        message.persistent = false;
        Some(message)
    }

    /// Sends answers, as well as can be.
    pub async fn send(&self, replies: Vec<Message>) {
        if replies.is_empty() {
            return;
        }
        let lost = self.broker.publisher().publish_all(replies).await.into_iter().filter_map(Result::err).last();
        if let Some(error) = lost {
            warn!("An answer to a submission was not sent; its sender can ask again under the same key: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_only_where_they_do_no_harm() {
        let sent = |queue: &str, user: &str| Sent {
            reply_to: Some(queue.to_owned()),
            user: (!user.is_empty()).then(|| user.to_owned()),
            ..Sent::default()
        };
        assert!(sent("amq.rabbitmq.reply-to.g1h2.x", "").answerable().is_some());
        assert!(sent("reply.erp.1", "erp").answerable().is_some());
        for (queue, user) in [
            ("pitcrew.v1.execution", "erp"),
            ("reply.other.1", "erp"),
            ("reply.erp", "erp"),
            ("reply.erp.", "erp"),
            ("reply..1", ""),
            ("amq.rabbitmq.reply-to", "erp"),
            ("", "erp"),
        ] {
            assert_eq!(sent(queue, user).answerable(), None, "{queue} of {user}");
        }
    }
}
