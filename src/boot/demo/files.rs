//! The file server from which the demo's computers fetch archives: on 127.0.0.1, on a free port, the archives alone.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as Named, State};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::Error;
use super::archives::Archives;

/// A running file server. Dropping it ends it.
#[derive(Debug)]
pub(super) struct FileServer {
    address: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shelf {
    folder: PathBuf,
    names: BTreeSet<String>,
}

impl FileServer {
    /// Serves these archives.
    pub(super) async fn start(archives: &Archives) -> Result<FileServer, Error> {
        let failed = || Error::io("listen on", Path::new("127.0.0.1"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let names = archives.checksums.keys().cloned().collect();
        let shelf = Arc::new(Shelf { folder: archives.folder().to_owned(), names });
        let router = Router::new().route("/{name}", get(fetch)).with_state(shelf);
        let serve = async move {
            // It ends only with its task; a connection that fails is its client's to report.
            let _ = axum::serve(listener, router).await;
        };
        Ok(FileServer { address, _task: AbortOnDropHandle::new(tokio::spawn(serve)) })
    }

    /// Its address, without a slash at the end.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn fetch(State(shelf): State<Arc<Shelf>>, Named(name): Named<String>) -> Result<Vec<u8>, StatusCode> {
    if !shelf.names.contains(&name) {
        return Err(StatusCode::NOT_FOUND);
    }
    tokio::fs::read(shelf.folder.join(name)).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
