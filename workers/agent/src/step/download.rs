//! Fetches a file into the cache, under its checksum. What lies there under a checksum has it.
//!
//! A file is received under another name, and only takes its place once its size and its checksum are right: nothing that
//! was not checked is ever found there.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use pitcrew_protocol::{Script, Signature, Step};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Context, Ended, script, signature};
use crate::error::chain;

/// The largest file that is fetched.
const BYTES_MAX: u64 = 20 * 1024 * 1024 * 1024;
/// How long the server may take to accept the connection.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// How long the server may send nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a file stays in the cache after it was last used.
const UNUSED_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// How large the cache may be with the file that is wanted; what was not used for longest makes room.
const CACHE_MAX: u64 = 20 * 1024 * 1024 * 1024;
/// How much of a file is read at a time.
const READ_BYTES: usize = 256 * 1024;

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
    fn path(&self, cache: &Path) -> PathBuf {
        cache.join(self.sha256)
    }

    /// Where it lies until it is checked.
    fn unchecked(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}.part", self.sha256))
    }

    /// Compares what was fetched; why not, if it is not what it must be.
    fn refuses(&self, from: &str, bytes: u64, sha256: &str) -> Option<Ended> {
        let message = match self.size {
            Some(size) if size != bytes => format!("{from} has {bytes} bytes, where {size} were expected"),
            _ if sha256 == self.sha256 => return None,
            _ => format!("{from} has the SHA-256 {sha256}, where {} was expected", self.sha256),
        };
        Some(Ended::failed("checksum", message))
    }
}

/// Fetches `url`, unless the cache holds the file. Answers with its path if there is one now.
pub async fn fetch(cache: &Path, url: &str, wanted: &Wanted<'_>) -> (Option<PathBuf>, Ended) {
    let received = async |temporary: &Path| {
        let (bytes, sha256) = receive(temporary, url, wanted).await?;
        match wanted.refuses(without_query(url), bytes, &sha256) {
            Some(refused) => Err(refused),
            None => Ok(Ended::succeeded(format!("fetched {bytes} bytes\n"))),
        }
    };
    into_cache(cache, wanted, received).await
}

/// Lets a script fetch the file, unless the cache holds it. Answers with its path if there is one now.
pub async fn by_script(
    context: &Context<'_>,
    index: usize,
    step: &Step,
    script: &Script,
    wanted: &Wanted<'_>,
) -> (Option<PathBuf>, Ended) {
    let received = async |temporary: &Path| {
        let told = Context { file: Some(temporary.to_owned()), ..context.clone() };
        let mut ended = script::run(&told, index, step, script).await;
        ended.observed = None;
        if !ended.status.is_success() {
            return Err(ended);
        }
        let failed = |why: Ended| Ended { output: ended.output.clone(), output_omitted: ended.output_omitted, ..why };
        // A link would let what lies in the cache change without it.
        let is_file = tokio::fs::symlink_metadata(temporary).await.is_ok_and(|metadata| metadata.is_file());
        let left = if is_file { sum(temporary).await } else { Ok(None) };
        let left = left.map_err(|error| failed(io("read", temporary, &error)))?;
        let (bytes, sha256) =
            left.ok_or_else(|| failed(Ended::failed("download", "its script has left no file at PITCREW_FILE")))?;
        match wanted.refuses("the file that its script has left", bytes, &sha256) {
            Some(refused) => Err(failed(refused)),
            None => Ok(ended),
        }
    };
    into_cache(&context.cache, wanted, received).await
}

/// Puts the file into the cache if it is not there; `receive` leaves it at a temporary place, and has checked it.
async fn into_cache(
    cache: &Path,
    wanted: &Wanted<'_>,
    receive: impl AsyncFnOnce(&Path) -> Result<Ended, Ended>,
) -> (Option<PathBuf>, Ended) {
    let (path, temporary) = (wanted.path(cache), wanted.unchecked(cache));
    tidy(cache, wanted, CACHE_MAX);
    let fetched = async {
        if is_cached(&path, wanted.sha256).await.map_err(|error| io("read", &path, &error))? {
            // Whoever wanted it before may have asked for no signature.
            signed(&path, wanted).await?;
            return Ok(Ended::succeeded("it was in the cache already\n".to_owned()));
        }
        let ended = receive(&temporary).await?;
        signed(&temporary, wanted).await?;
        tokio::fs::rename(&temporary, &path).await.map_err(|error| io("rename", &temporary, &error))?;
        Ok(ended)
    };
    match fetched.await {
        Ok(ended) => (Some(path), ended),
        Err(ended) => {
            let _ = tokio::fs::remove_file(&temporary).await;
            (None, ended)
        }
    }
}

/// Verifies the signature that a file must have.
async fn signed(path: &Path, wanted: &Wanted<'_>) -> Result<(), Ended> {
    let Some(signature) = wanted.signature.cloned() else { return Ok(()) };
    let path = path.to_owned();
    let verified = tokio::task::spawn_blocking(move || signature::verify(&path, &signature)).await;
    match verified {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(Ended::failed("signature", why)),
        Err(error) => Err(Ended::failed("io", format!("the signature could not be verified: {error}"))),
    }
}

async fn is_cached(path: &Path, sha256: &str) -> std::io::Result<bool> {
    let valid = sum(path).await?.is_some_and(|(_, found)| found == sha256);
    if valid {
        // The time of its last use, by which the cache is tidied; failing to note it costs a download later on.
        let _ = std::fs::File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
    }
    Ok(valid)
}

/// The size and the SHA-256 of a file; none if it is not there.
async fn sum(path: &Path) -> std::io::Result<Option<(u64, String)>> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut hash = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer).await? {
            0 => return Ok(Some((bytes, hexadecimal(&hash.finalize())))),
            read => {
                bytes += read as u64;
                hash.update(&buffer[..read]);
            }
        }
    }
}

/// Removes what was fetched half, since only one run fetches at a time, what nobody has used for long, and what is too much
/// beside the file that is wanted. That one stays.
fn tidy(cache: &Path, wanted: &Wanted<'_>, most: u64) {
    let Ok(entries) = std::fs::read_dir(cache) else { return };
    let mut kept = Vec::new();
    for entry in entries.flatten() {
        let (path, metadata) = (entry.path(), entry.metadata());
        let used =
            metadata.as_ref().ok().and_then(|metadata| metadata.modified().ok()).unwrap_or(SystemTime::UNIX_EPOCH);
        let unused = used.elapsed().is_ok_and(|age| age > UNUSED_MAX);
        if unused || path.extension().is_some_and(|extension| extension == "part") {
            let _ = std::fs::remove_file(path);
        } else if path != wanted.path(cache) {
            kept.push((used, metadata.map_or(0, |metadata| metadata.len()), path));
        }
    }
    kept.sort();
    let mut bytes = kept.iter().map(|(_, bytes, _)| bytes).sum::<u64>().saturating_add(wanted.size.unwrap_or(0));
    for (_, size, path) in kept {
        if bytes <= most {
            return;
        }
        let _ = std::fs::remove_file(path);
        bytes -= size;
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

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let days = |days: u64| SystemTime::now() - Duration::from_secs(days * 24 * 3600);
        for (name, size, age) in
            [("a", 10, 3), ("b", 10, 1), ("c", 10, 2), ("d", 10, 31), ("e.part", 10, 0), ("f", 90, 5)]
        {
            let path = folder.path().join(name);
            std::fs::write(&path, vec![0; size]).unwrap();
            std::fs::File::open(&path).unwrap().set_modified(days(age)).unwrap();
        }
        let left = |sha256: &str, size, most| {
            tidy(folder.path(), &Wanted { sha256, size, signature: None }, most);
            let mut left: Vec<_> = folder
                .path()
                .read_dir()
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            left.sort();
            left.concat()
        };
        assert_eq!(left("f", Some(90), 120), "abcf", "old and half fetched files go, the wanted one stays");
        assert_eq!(left("f", Some(90), 110), "bcf");
        assert_eq!(left("new", None, 110), "bcf");
        assert_eq!(left("new", Some(5), 25), "bc");
        assert_eq!(left("new", Some(15), 25), "b");
        assert_eq!(left("new", Some(100), 25), "");
    }
}
