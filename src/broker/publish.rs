//! Publishing groups of messages: all are written at once, and their confirms are awaited together with one time-out.
//!
//! A group has a channel to itself while it is under way. That is what makes "no queue takes it" tellable: the client
//! library hands a returned message to whichever confirm arrives next, so a return names some message of the channel,
//! and only with one group on the channel is it known to be one of the group's.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lapin::{
    Channel, Confirmation,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, timeout_at},
};

use super::{
    Error, Message, PublishError, State,
    call::{Started, ask},
    link::{Link, Live},
    message::Encoded,
};

/// How long a group may take, from the call to the last confirm.
const CONFIRM: Duration = Duration::from_secs(5);
/// Messages in one group; more are published one group after the other.
const GROUP: usize = 512;
/// Groups under way at a time. With [`GROUP`] it bounds the unconfirmed messages of a process.
const LANES: usize = 16;

/// Publishes over the process's publishing connection. Cheap to clone.
#[derive(Clone)]
pub struct Publisher(Arc<Inner>);

struct Inner {
    link: Link,
    /// The one exchange on which "no queue takes it" is an everyday answer.
    commands: String,
    missing: Arc<Notify>,
    lanes: Semaphore,
    idle: Mutex<Vec<(u64, Channel)>>,
}

type Outcome = Result<(), PublishError>;

impl Publisher {
    pub(super) fn new(link: Link, commands: String, missing: Arc<Notify>) -> Self {
        let (lanes, idle) = (Semaphore::new(LANES), Mutex::default());
        Publisher(Arc::new(Inner { link, commands, missing, lanes, idle }))
    }

    /// Publishes one message and waits for its confirm.
    ///
    /// # Errors
    ///
    /// See [`PublishError`].
    pub async fn publish(&self, message: Message) -> Result<(), PublishError> {
        self.publish_all(vec![message]).await.pop().unwrap_or(Err(PublishError::NotRequested))
    }

    /// Publishes messages in their order and waits for all confirms, at most 5 seconds for each 512 of them. The answers
    /// are in the order of the messages. While there is no connection, or a blocked one, it waits for it in that time.
    pub async fn publish_all(&self, messages: Vec<Message>) -> Vec<Result<(), PublishError>> {
        let mut outcomes = Vec::with_capacity(messages.len());
        let mut messages = messages.into_iter().peekable();
        while messages.peek().is_some() {
            outcomes.extend(self.group(messages.by_ref().take(GROUP)).await);
        }
        outcomes
    }

    /// Publishes one group, and puts the answers back among those of the messages that could not be encoded.
    async fn group(&self, messages: impl Iterator<Item = Message>) -> Vec<Outcome> {
        let mut valid = Vec::new();
        let refused: Vec<Option<PublishError>> =
            messages.map(|message| message.encode().map(|encoded| valid.push(encoded)).err()).collect();
        let mut outcomes = self.send(&valid).await.into_iter();
        refused
            .into_iter()
            .map(|refused| match refused {
                Some(error) => Err(error),
                None => outcomes.next().unwrap_or(Err(PublishError::NotRequested)),
            })
            .collect()
    }

    async fn send(&self, messages: &[Encoded]) -> Vec<Outcome> {
        if messages.is_empty() {
            return Vec::new();
        }
        let deadline = Instant::now() + CONFIRM;
        let all = |error: PublishError| vec![Err(error); messages.len()];
        let Ok(Ok(_lane)) = timeout_at(deadline, self.0.lanes.acquire()).await else { return all(PublishError::Busy) };
        let live = match self.ready(deadline).await {
            Ok(live) => live,
            Err(error) => return all(error),
        };
        let channel = match timeout_at(deadline, self.channel(&live)).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(error)) => return all(PublishError::NotConnected(error.to_string())),
            Err(_) => return all(PublishError::NotConnected("no channel could be opened in time".into())),
        };
        let (outcomes, clean) = confirm_group(&channel, messages, deadline).await;
        if clean {
            self.idle().push((live.generation, channel));
        }
        // Jobs, submissions and dead letters always have a queue: if not, it was deleted and is declared again.
        let lost_queue = |(message, outcome): (&Encoded, &Outcome)| {
            matches!(outcome, Err(PublishError::Unroutable { .. } | PublishError::Lost(_)))
                && message.exchange.as_str() != self.0.commands
        };
        if messages.iter().zip(&outcomes).any(lost_queue) {
            self.0.missing.notify_one();
        }
        outcomes
    }

    /// The connection, once the broker takes messages over it. A message for a blocked one would be kept by the client
    /// library and sent at some later time, when nobody expects it.
    async fn ready(&self, deadline: Instant) -> Result<Arc<Live>, PublishError> {
        let mut state = self.0.link.state();
        let up = timeout_at(deadline, state.wait_for(|state| matches!(state, State::Up))).await;
        let live = self.0.link.now();
        match (up.map(|up| up.is_ok()), live) {
            (Ok(true), Ok(live)) => Ok(live),
            (_, Err(error)) => Err(PublishError::NotConnected(error.to_string())),
            (_, Ok(_)) => match &*self.0.link.state().borrow() {
                State::Blocked(why) => Err(PublishError::Blocked(why.clone())),
                State::Up | State::Down(_) => Err(PublishError::NotConnected("the connection was just lost".into())),
            },
        }
    }

    /// An idle channel of this connection, or a new one.
    async fn channel(&self, live: &Live) -> Result<Channel, Error> {
        let idle = {
            let mut idle = self.idle();
            idle.retain(|(generation, channel)| *generation == live.generation && channel.status().connected());
            idle.pop()
        };
        if let Some((_, channel)) = idle {
            return Ok(channel);
        }
        let channel = ask("open a channel to publish on", live.wire.connection.create_channel()).await?;
        ask("confirm messages", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(channel)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Channel)>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes on a channel that is nobody else's. Also says whether the channel can be used again: not if a confirm is
/// still to come.
async fn confirm_group(channel: &Channel, messages: &[Encoded], deadline: Instant) -> (Vec<Outcome>, bool) {
    let publish = |message: &Encoded| {
        let options = BasicPublishOptions { mandatory: message.mandatory, ..Default::default() };
        let (exchange, key) = (message.exchange.clone(), message.routing_key.clone());
        let (body, properties) = (message.body.clone(), message.properties.clone());
        async move { channel.basic_publish(exchange, key, options, &body, properties).await }
    };
    let unconfirmed = || Err(PublishError::Unconfirmed(CONFIRM));
    let started = Started::in_order(messages.iter().map(publish));
    let Ok(written) = timeout_at(deadline, started.finish()).await else {
        return (messages.iter().map(|_| unconfirmed()).collect(), false);
    };
    let (mut outcomes, mut returned, mut clean) = (Vec::with_capacity(messages.len()), Vec::new(), true);
    for (message, written) in messages.iter().zip(written) {
        let confirmation = match written {
            Ok(confirm) => timeout_at(deadline, confirm).await,
            Err(error) => Ok(Err(error)),
        };
        outcomes.push(match confirmation {
            Ok(Ok(Confirmation::Ack(back))) => {
                returned.extend(back);
                Ok(())
            }
            Ok(Ok(Confirmation::Nack(back))) => {
                returned.extend(back);
                Err(PublishError::Nacked { exchange: message.exchange.to_string(), routing_key: message.key() })
            }
            Ok(Ok(Confirmation::NotRequested)) => Err(PublishError::NotRequested),
            Ok(Err(error)) => Err(PublishError::Lost(error)),
            Err(_) => unconfirmed(),
        });
        clean &= matches!(outcomes.last(), Some(Ok(()) | Err(PublishError::Nacked { .. })));
    }
    for back in returned {
        if let Some(at) = unroutable(&back, messages, &outcomes) {
            let message = &messages[at];
            outcomes[at] =
                Err(PublishError::Unroutable { exchange: message.exchange.to_string(), routing_key: message.key() });
        }
    }
    (outcomes, clean)
}

/// Which message of the group came back: the first of that address and id that is not yet known to have.
fn unroutable(back: &BasicReturnMessage, messages: &[Encoded], outcomes: &[Outcome]) -> Option<usize> {
    messages.iter().zip(outcomes).position(|(message, outcome)| {
        outcome.is_ok()
            && message.mandatory
            && message.exchange == back.exchange
            && message.routing_key == back.routing_key
            && Some(&message.message_id) == back.properties.message_id().as_ref()
    })
}

impl Encoded {
    fn key(&self) -> String {
        self.routing_key.to_string()
    }
}
