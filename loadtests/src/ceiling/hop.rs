//! One hop: take what is waiting, write it in one transaction, publish what follows, acknowledge.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::{join_all, try_join_all};
use futures_util::{FutureExt, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, Consumer};
use tokio::sync::{Semaphore, mpsc};

use super::rows::Writer;

/// Where messages of one stage go.
#[derive(Clone)]
pub struct Outlet {
    /// Publishes with confirms.
    pub channel: Channel,
    /// The exchange.
    pub exchange: String,
    /// The stage, which is the routing key.
    pub stage: &'static str,
}

impl Outlet {
    /// Opens a channel for it.
    pub async fn open(connection: &Connection, exchange: String, stage: &'static str) -> anyhow::Result<Outlet> {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Outlet { channel, exchange, stage })
    }

    /// Publishes a message for each session and waits for all confirms together.
    pub async fn publish(&self, sessions: &[i64]) -> anyhow::Result<()> {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let bodies: Vec<String> = sessions
            .iter()
            .map(|id| format!(r#"{{"v":1,"session":{id},"tenant":1,"stage":"{}","dispatch":1}}"#, self.stage))
            .collect();
        let written = sessions.iter().zip(&bodies).map(|(id, body)| {
            let properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_content_type("application/json".into())
                .with_message_id(format!("{id}/{}/1", self.stage).into());
            let (exchange, key) = (ShortString::from(self.exchange.as_str()), ShortString::from(self.stage));
            self.channel.basic_publish(exchange, key, options, body.as_bytes(), properties)
        });
        let confirms = try_join_all(written).await?;
        for confirmed in join_all(confirms).await {
            anyhow::ensure!(confirmed?.is_ack(), "the broker refused a message");
        }
        Ok(())
    }
}

/// What came of a hop's groups.
#[derive(Debug, Default)]
pub struct Tally {
    /// Sessions written.
    pub sessions: AtomicU64,
    /// Transactions.
    pub groups: AtomicU64,
}

/// One hop.
pub struct Hop {
    /// The stage.
    pub stage: &'static str,
    /// Its channel.
    pub channel: Channel,
    /// Its deliveries.
    pub arrivals: Consumer,
    /// Writes.
    pub writer: Writer,
    /// Where the sessions go then.
    pub next: Option<Outlet>,
    /// Sessions in one transaction at most.
    pub group: usize,
    /// The room before the first hop, given back when it has taken a session.
    pub room: Option<Arc<Semaphore>>,
    /// Counts.
    pub tally: Arc<Tally>,
}

impl Hop {
    /// Subscribes to a queue.
    pub async fn subscribe(
        connection: &Connection,
        queue: String,
        group: usize,
    ) -> anyhow::Result<(Channel, Consumer)> {
        let channel = connection.create_channel().await?;
        channel.basic_qos(u16::try_from(group * 2)?, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let arrivals = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
        Ok((channel, arrivals))
    }

    /// Takes until it has seen `sessions`.
    pub async fn run(mut self, sessions: u64) -> anyhow::Result<()> {
        let (written, mut groups) = mpsc::channel::<(Vec<i64>, u64)>(4);
        let (next, channel, room) = (self.next.take(), self.channel.clone(), self.room.clone());
        // Publishing and acknowledging one group goes on while the next is written, as in Pitcrew.
        let publishing = tokio::spawn(async move {
            while let Some((ids, tag)) = groups.recv().await {
                if let Some(next) = &next {
                    next.publish(&ids).await?;
                }
                channel.basic_ack(tag, BasicAckOptions { multiple: true }).await?;
                if let Some(room) = &room {
                    room.add_permits(ids.len());
                }
            }
            anyhow::Ok(())
        });
        let mut seen = 0;
        while seen < sessions {
            let mut ids = Vec::with_capacity(self.group);
            let mut last = 0;
            let mut next = self.arrivals.next().await;
            while let Some(Ok(delivery)) = next {
                let job: serde_json::Value = serde_json::from_slice(&delivery.data)?;
                ids.extend(job["session"].as_i64());
                last = delivery.delivery_tag;
                next = if ids.len() < self.group { self.arrivals.next().now_or_never().flatten() } else { None };
            }
            anyhow::ensure!(!ids.is_empty(), "the consumer of {} has ended", self.stage);
            self.writer.write(self.stage, &ids).await?;
            seen += ids.len() as u64;
            self.tally.sessions.fetch_add(ids.len() as u64, Ordering::Relaxed);
            self.tally.groups.fetch_add(1, Ordering::Relaxed);
            written.send((ids, last)).await?;
        }
        drop(written);
        publishing.await?
    }
}
