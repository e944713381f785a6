//! Brings the broker to the declared topology. Declaring what exists already changes nothing, so every process does it
//! at each connection, whoever else does it at the same time, and again whenever something turns out to be missing.
//!
//! All of it runs on a channel that is thrown away: a refused declaration closes its channel, and nobody else's work may
//! be on it.

use lapin::{
    Connection, ErrorKind, ExchangeKind,
    options::{
        ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};

use super::{
    Error,
    call::{ask, short},
    topology::{Kind, Queue, Topology, Value},
};

/// `PRECONDITION_FAILED`: something of that name exists and differs.
const PRECONDITION_FAILED: u16 = 406;

/// Declares every exchange, queue and binding. The first difference found ends it, as [`Error::Mismatch`].
pub(super) async fn declare(connection: &Connection, topology: &Topology) -> Result<(), Error> {
    let channel = ask("open a channel to declare on", connection.create_channel()).await?;
    for exchange in &topology.exchanges {
        let name = short("an exchange's name", &exchange.name)?;
        let kind = match exchange.kind {
            Kind::Direct => ExchangeKind::Direct,
            Kind::Topic => ExchangeKind::Topic,
        };
        let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let call = channel.exchange_declare(name, kind, options, FieldTable::default());
        ask(format!("declare exchange {}", exchange.name), call)
            .await
            .map_err(|error| explain(error, &exchange.name))?;
    }
    for queue in &topology.queues {
        let name = short("a queue's name", &queue.name)?;
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        let call = channel.queue_declare(name, options, arguments(queue));
        ask(format!("declare queue {}", queue.name), call).await.map_err(|error| explain(error, &queue.name))?;
    }
    for binding in &topology.bindings {
        let call = channel.queue_bind(
            short("a queue's name", &binding.queue)?,
            short("an exchange's name", &binding.exchange)?,
            short("a routing key", &binding.routing_key)?,
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        ask(format!("bind queue {} to {}", binding.queue, binding.exchange), call).await?;
    }
    ask("close the channel of the declarations", channel.close(200, "declared".into())).await
}

/// Deletes every queue and exchange with all that is in them.
pub(super) async fn delete(connection: &Connection, topology: &Topology) -> Result<(), Error> {
    let channel = ask("open a channel to delete on", connection.create_channel()).await?;
    for queue in &topology.queues {
        let call = channel.queue_delete(short("a queue's name", &queue.name)?, QueueDeleteOptions::default());
        ask(format!("delete queue {}", queue.name), call).await?;
    }
    for exchange in &topology.exchanges {
        let call =
            channel.exchange_delete(short("an exchange's name", &exchange.name)?, ExchangeDeleteOptions::default());
        ask(format!("delete exchange {}", exchange.name), call).await?;
    }
    ask("close the channel of the deletions", channel.close(200, "deleted".into())).await
}

fn arguments(queue: &Queue) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in &queue.arguments {
        let value = match value {
            Value::Int(number) => AMQPValue::LongLongInt(*number),
            Value::Text(text) => AMQPValue::LongString(text.as_str().into()),
        };
        table.insert((*name).into(), value);
    }
    table
}

/// Turns the broker's refusal of a different declaration into an error that says what differs.
fn explain(error: Error, name: &str) -> Error {
    if let Error::Failed { source, .. } = &error
        && let ErrorKind::ProtocolError(reply) = source.kind()
        && reply.get_id() == PRECONDITION_FAILED
    {
        return Error::Mismatch { name: name.to_owned(), difference: difference(reply.get_message().as_str()) };
    }
    error
}

/// Reads `… inequivalent arg 'x' for queue 'q' in vhost '/': received '1' but current is '2'`, whose values some versions
/// write as `the value '1' of type 'long'`. What is worded otherwise is passed on as it is.
fn difference(reply: &str) -> String {
    let quoted = |text: &str| text.split('\'').nth(1).map(str::to_owned);
    let parse = || {
        let (_, argument) = reply.split_once("inequivalent arg ")?;
        let (_, received) = reply.split_once(": received ")?;
        let (received, current) = received.split_once(" but current is ")?;
        let value = |text: &str| quoted(text).unwrap_or_else(|| text.to_owned());
        Some(format!("{} is {}, this version declares {}", quoted(argument)?, value(current), value(received)))
    };
    parse().unwrap_or_else(|| reply.trim_start_matches("PRECONDITION_FAILED - ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_brokers_words_become_a_difference() {
        let old = "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': \
                   received '3' but current is '100000'";
        assert_eq!(difference(old), "x-max-length is 100000, this version declares 3");
        let typed = "PRECONDITION_FAILED - inequivalent arg 'x-overflow' for queue 'q' in vhost '/': received the value \
                     'drop-head' of type 'longstr' but current is the value 'reject-publish' of type 'longstr'";
        assert_eq!(difference(typed), "x-overflow is reject-publish, this version declares drop-head");
        let none = "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'q' in vhost '/': \
                    received none but current is the value '9' of type 'long'";
        assert_eq!(difference(none), "x-expires is 9, this version declares none");
        assert_eq!(difference("PRECONDITION_FAILED - something new"), "something new");
    }
}
