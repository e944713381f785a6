//! Fetches a file into the cache, under its checksum. What lies there under a checksum has it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Ended;
use crate::error::chain;

/// The largest file that is fetched.
const BYTES_MAX: u64 = 20 * 1024 * 1024 * 1024;
/// How long the server may take to accept the connection.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// How long the server may send nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a file stays in the cache after it was last used.
const UNUSED_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// How much of a cached file is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// Fetches `url`, unless the cache holds a file with this checksum. Answers with its path if there is one now.
pub async fn fetch(cache: &Path, url: &str, sha256: &str) -> (Option<PathBuf>, Ended) {
    let path = cache.join(sha256);
    let temporary = cache.join(format!("{sha256}.part"));
    tidy(cache);
    let fetched = async {
        if is_cached(&path, sha256).await.map_err(|error| io("read", &path, &error))? {
            return Ok("it was in the cache already\n".to_owned());
        }
        let bytes = receive(&temporary, url, sha256).await?;
        tokio::fs::rename(&temporary, &path).await.map_err(|error| io("rename", &temporary, &error))?;
        Ok(format!("fetched {bytes} bytes\n"))
    };
    match fetched.await {
        Ok(output) => (Some(path), Ended::succeeded(output)),
        Err(ended) => {
            let _ = tokio::fs::remove_file(&temporary).await;
            (None, ended)
        }
    }
}

async fn is_cached(path: &Path, sha256: &str) -> std::io::Result<bool> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut hash = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer).await? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    let valid = hexadecimal(&hash.finalize()) == sha256;
    if valid {
        // The time of its last use, by which the cache is tidied; failing to note it costs a download later on.
        let _ = std::fs::File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
    }
    Ok(valid)
}

/// Removes what was fetched half, since only one run fetches at a time, and what nobody has used for long.
fn tidy(cache: &Path) {
    let Ok(entries) = std::fs::read_dir(cache) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let used = entry.metadata().and_then(|metadata| metadata.modified());
        let unused = used.is_ok_and(|used| used.elapsed().is_ok_and(|age| age > UNUSED_MAX));
        if unused || path.extension().is_some_and(|extension| extension == "part") {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Receives the file to a temporary place. Answers with its size if its checksum is right.
async fn receive(temporary: &Path, url: &str, sha256: &str) -> Result<u64, Ended> {
    let from = without_query(url);
    // An address may carry a signature in its query, which belongs in no log.
    let failed = |error: reqwest::Error| {
        Ended::failed("download", format!("cannot fetch {from}: {}", chain(&error.without_url())))
    };
    let client = reqwest::Client::builder().connect_timeout(CONNECT_MAX).read_timeout(SILENCE_MAX).build();
    let response = client.map_err(failed)?.get(url).send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(Ended::failed(
            "download",
            format!("cannot fetch {from}: the server answered {}", response.status()),
        ));
    }
    let mut file = File::create(temporary).await.map_err(|error| io("create", temporary, &error))?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(failed)?;
        bytes += chunk.len() as u64;
        if bytes > BYTES_MAX {
            return Err(Ended::failed("download", format!("{from} is larger than {BYTES_MAX} bytes")));
        }
        hash.update(&chunk);
        file.write_all(&chunk).await.map_err(|error| io("write", temporary, &error))?;
    }
    let found = hexadecimal(&hash.finalize());
    if found != sha256 {
        let message = format!("{from} has the SHA-256 {found}, where {sha256} was expected");
        return Err(Ended::failed("checksum", message));
    }
    file.flush().await.map_err(|error| io("write", temporary, &error))?;
    file.sync_all().await.map_err(|error| io("write", temporary, &error))?;
    Ok(bytes)
}

fn io(doing: &str, path: &Path, error: &std::io::Error) -> Ended {
    Ended::failed("io", format!("cannot {doing} {}: {error}", path.display()))
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
