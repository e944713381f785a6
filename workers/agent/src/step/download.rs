//! Fetches a file into the cache, under its checksum. What lies there under a checksum has it.
//!
//! A file is received under another name, and only takes its place once its size and its checksum are right: nothing that
//! was not checked is ever found there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use pitcrew_protocol::{Script, Signature, Step};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::cache::{BYTES_MAX, CACHE_MAX, hexadecimal, length, remove, sum, tidy, touch};
use super::limit::Limit;
use super::{Context, Ended, cache, script, signature};
use crate::error::chain;

/// How long the server may take to accept the connection.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// How long the server may send nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// What a file must be like.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: &'a str,
    /// Its size in bytes, if that is known.
    pub size: Option<u64>,
    /// By whom it must be signed, if it must.
    pub signature: Option<&'a Signature>,
}

impl Wanted<'_> {
    /// Where it lies once it is checked.
    pub fn path(&self, cache: &Path) -> PathBuf {
        cache.join(self.sha256)
    }

    /// Where it lies until it is checked.
    fn unchecked(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}.part", self.sha256))
    }

    /// Compares how long a file is; why not, if it is not so long as it must be.
    fn refuses_length(&self, from: &str, bytes: u64) -> Option<Ended> {
        let message = match self.size {
            Some(size) if size != bytes => format!("{from} has {bytes} bytes, where {size} were expected"),
            None if bytes > BYTES_MAX => format!("{from} is larger than {BYTES_MAX} bytes"),
            _ => return None,
        };
        Some(Ended::failed("checksum", message))
    }

    /// Compares what was fetched; why not, if it is not what it must be.
    fn refuses(&self, from: &str, bytes: u64, sha256: &str) -> Option<Ended> {
        let differs = || {
            let message = format!("{from} has the SHA-256 {sha256}, where {} was expected", self.sha256);
            (sha256 != self.sha256).then(|| Ended::failed("checksum", message))
        };
        self.refuses_length(from, bytes).or_else(differs)
    }
}

/// Fetches `url`, unless the cache holds the file. Answers with its path if there is one now.
pub async fn fetch(context: &Context<'_>, step: &Step, url: &str, wanted: &Wanted<'_>) -> (Option<PathBuf>, Ended) {
    let limit = Limit::of(step, &context.stop);
    let received = async |temporary: &Path| {
        let (bytes, sha256) = limit.within(receive(temporary, url, wanted)).await?;
        match wanted.refuses(without_query(url), bytes, &sha256) {
            Some(refused) => Err(refused),
            None => Ok(Ended::succeeded(format!("fetched {bytes} bytes\n"))),
        }
    };
    into_cache(context, wanted, &limit, received).await
}

/// Lets a script fetch the file, unless the cache holds it. Answers with its path if there is one now.
pub async fn by_script(
    context: &Context<'_>,
    index: usize,
    step: &Step,
    script: &Script,
    wanted: &Wanted<'_>,
) -> (Option<PathBuf>, Ended) {
    const FROM: &str = "the file that its script has left";
    let limit = Limit::of(step, &context.stop);
    let received = async |temporary: &Path| {
        let told = Context { file: Some(temporary.to_owned()), ..context.clone() };
        // The script is watched where it runs, so that all that it has started ends with it.
        let rest = Step { timeout_ms: limit.left_ms(), ..step.clone() };
        let mut ended = script::run(&told, index, &rest, script).await;
        ended.observed = None;
        if ended.status.code() == Some("timeout") {
            ended.status = Ended::timed_out(step.timeout_ms).status;
        }
        if !ended.status.is_success() {
            return Err(ended);
        }
        let checked = limit.within(async {
            let none = || Ended::failed("download", "its script has left no file at PITCREW_FILE");
            // A file may be long without a byte in it, and would be read all the same.
            let bytes = length(temporary).await.ok_or_else(none)?;
            if let Some(refused) = wanted.refuses_length(FROM, bytes) {
                return Err(refused);
            }
            let left = sum(temporary).await.map_err(|error| io("read", temporary, &error))?;
            let (bytes, sha256) = left.ok_or_else(none)?;
            wanted.refuses(FROM, bytes, &sha256).map_or(Ok(()), Err)
        });
        match checked.await {
            Ok(()) => Ok(ended),
            Err(why) => Err(Ended { output: ended.output, output_omitted: ended.output_omitted, ..why }),
        }
    };
    into_cache(context, wanted, &limit, received).await
}

/// Puts the file into the cache if it is not there; `receive` leaves it at a temporary place, and has checked it.
async fn into_cache(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    limit: &Limit<'_>,
    receive: impl AsyncFnOnce(&Path) -> Result<Ended, Ended>,
) -> (Option<PathBuf>, Ended) {
    let folder = &context.cache;
    let (path, temporary) = (wanted.path(folder), wanted.unchecked(folder));
    tidy(folder, wanted, &context.fetched, CACHE_MAX);
    let fetched = async {
        let has = async { cache::has(folder, wanted).await.map_err(|error| io("read", &path, &error)) };
        if limit.within(has).await? {
            // Whoever wanted it before may have asked for no signature.
            limit.within(signed(&path, wanted)).await?;
            return Ok(Ended::succeeded("it was in the cache already\n".to_owned()));
        }
        let ended = receive(&temporary).await?;
        limit.within(signed(&temporary, wanted)).await?;
        touch(&temporary);
        tokio::fs::rename(&temporary, &path).await.map_err(|error| io("rename", &temporary, &error))?;
        Ok(ended)
    };
    match fetched.await {
        Ok(ended) => (Some(path), ended),
        Err(ended) => {
            remove(&temporary);
            (None, ended)
        }
    }
}

/// Verifies the signature that a file must have.
async fn signed(path: &Path, wanted: &Wanted<'_>) -> Result<(), Ended> {
    let Some(signature) = wanted.signature.cloned() else { return Ok(()) };
    let path = path.to_owned();
    // If it is given up here, it is given up there.
    let given_up = CancellationToken::new();
    let (told, _guard) = (given_up.clone(), given_up.drop_guard());
    let verified = tokio::task::spawn_blocking(move || signature::verify(&path, &signature, &told)).await;
    match verified {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(Ended::failed("signature", why)),
        Err(error) => Err(Ended::failed("io", format!("the signature could not be verified: {error}"))),
    }
}

/// Receives the file to a temporary place. Answers with its size and its SHA-256.
async fn receive(temporary: &Path, url: &str, wanted: &Wanted<'_>) -> Result<(u64, String), Ended> {
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
    let most = wanted.size.unwrap_or(BYTES_MAX);
    let mut file = File::create(temporary).await.map_err(|error| io("create", temporary, &error))?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(failed)?;
        bytes += chunk.len() as u64;
        if bytes > most {
            return Err(Ended::failed("checksum", format!("{from} is larger than {most} bytes")));
        }
        hash.update(&chunk);
        file.write_all(&chunk).await.map_err(|error| io("write", temporary, &error))?;
    }
    file.flush().await.map_err(|error| io("write", temporary, &error))?;
    file.sync_all().await.map_err(|error| io("write", temporary, &error))?;
    Ok((bytes, hexadecimal(&hash.finalize())))
}

fn io(doing: &str, path: &Path, error: &std::io::Error) -> Ended {
    Ended::failed("io", format!("cannot {doing} {}: {error}", path.display()))
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
