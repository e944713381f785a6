//! Wakes: a word between processes that something may be due. It may be lost; a slow poll covers that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::sync::Notify;
use tokio_postgres::AsyncMessage;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};

use super::pool::Connector;
use super::{Error, Store};

/// The channel on which schedulers listen.
const CHANNEL: &str = "pitcrew_due";
/// Notifications serialise commits, so a process sends at most one in this time.
const AT_MOST_EVERY: Duration = Duration::from_millis(50);
/// How long a listener waits before it connects again.
const RECONNECT: Duration = Duration::from_millis(500);

/// Whether a wake is on its way, and whether another one is wanted after it.
#[derive(Debug, Default)]
pub(super) struct Sending {
    pending: AtomicBool,
    again: AtomicBool,
}

impl Store {
    /// Tells the leading scheduler that something may be due. Returns at once; many calls make one notification.
    pub fn wake_scheduler(&self) {
        if self.sending().pending.swap(true, Ordering::AcqRel) {
            self.sending().again.store(true, Ordering::Release);
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            // Whatever is committed before this is told by this notification; what comes later is told by the next.
            if let Err(error) = store.notify().await {
                debug!(error = &error as &dyn std::error::Error, "A wake was not sent; the slow poll covers it");
            }
            tokio::time::sleep(AT_MOST_EVERY).await;
            store.sending().pending.store(false, Ordering::Release);
            if store.sending().again.swap(false, Ordering::AcqRel) {
                store.wake_scheduler();
            }
        });
    }

    async fn notify(&self) -> Result<(), Error> {
        use super::error::Doing;
        let client = self.client().await?;
        client.batch_execute(&format!("NOTIFY {CHANNEL}")).await.doing("waking the scheduler")
    }
}

/// Receives wakes for as long as it is kept.
pub struct Wakes {
    notify: Arc<Notify>,
    _listening: DropGuard,
}

impl Wakes {
    /// Listens on a connection of its own, and connects again whenever it breaks.
    pub fn listen(store: &Store) -> Wakes {
        let notify = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let (connector, told, stopped) = (store.connector().clone(), notify.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = keep_listening(connector, told) => {}
            }
        });
        Wakes { notify, _listening: stop.drop_guard() }
    }

    /// Waits for the next wake. One that came since the last call counts.
    pub async fn next(&self) {
        self.notify.notified().await;
    }
}

async fn keep_listening(connector: Connector, notify: Arc<Notify>) {
    loop {
        if let Err(error) = listen(&connector, &notify).await {
            warn!(error = &error as &dyn std::error::Error, "Wakes are not received for a while");
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

/// Listens until the connection ends.
async fn listen(connector: &Connector, notify: &Notify) -> Result<(), tokio_postgres::Error> {
    let (client, messages) = connector.connect().await?;
    let mut messages = messages.fuse();
    let listening = client.batch_execute("LISTEN pitcrew_due").fuse();
    futures_util::pin_mut!(listening);
    loop {
        futures_util::select! {
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(_))) => notify.notify_one(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            listens = listening => {
                listens?;
                // Something may have become due while nobody listened.
                notify.notify_one();
            }
        }
    }
}
