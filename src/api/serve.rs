//! A listener, until the drain: then no new connection is taken, and what is being answered is finished.

use std::io;

use axum::Router;
use tokio::net::TcpListener;

use crate::shutdown::Shutdown;

/// Serves `routes` on `listener` until the shutdown begins and the requests under way are answered, or its grace period
/// is over.
///
/// # Errors
/// The listener is broken.
pub async fn serve(listener: TcpListener, routes: Router, shutdown: &Shutdown) -> io::Result<()> {
    let draining = shutdown.draining().clone();
    let over = async {
        shutdown.draining().cancelled().await;
        tokio::time::sleep(shutdown.grace()).await;
    };
    tokio::select! {
        served = axum::serve(listener, routes).with_graceful_shutdown(draining.cancelled_owned()) => served,
        () = over => Ok(()),
    }
}
