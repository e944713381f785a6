//! The folder in which fetched files lie, each under its checksum: what is there, what goes, and when.
//!
//! Scripts write beside what lies here, so nothing is taken for a file before it was looked at, and none is read that is
//! larger than any that is fetched.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::download::Wanted;

/// The largest file that is fetched.
pub const BYTES_MAX: u64 = 20 * 1024 * 1024 * 1024;
/// How long a file stays in the cache after it was last used.
const UNUSED_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// How large the cache may be with the file that is wanted; what was not used for longest makes room.
pub const CACHE_MAX: u64 = 20 * 1024 * 1024 * 1024;
/// How much of a file is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// Whether the file lies in the cache and is what it must be. What is no file is removed from its place.
pub async fn has(cache: &Path, wanted: &Wanted<'_>) -> std::io::Result<bool> {
    let path = wanted.path(cache);
    let Some(bytes) = length(&path).await else {
        remove(&path);
        return Ok(false);
    };
    if bytes > BYTES_MAX || wanted.size.is_some_and(|size| size != bytes) {
        return Ok(false);
    }
    let valid = sum(&path).await?.is_some_and(|(_, found)| found == wanted.sha256);
    if valid {
        touch(&path);
    }
    Ok(valid)
}

/// The length of a file in bytes; none if there is none, or something else: a link would let what lies in the cache change
/// without it.
pub async fn length(path: &Path) -> Option<u64> {
    let metadata = tokio::fs::symlink_metadata(path).await.ok()?;
    metadata.is_file().then_some(metadata.len())
}

/// The size and the SHA-256 of a file; none if it is not there.
pub async fn sum(path: &Path) -> std::io::Result<Option<(u64, String)>> {
    let file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // It may grow while it is read.
    let mut file = file.take(BYTES_MAX + 1);
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

/// Notes that a file is used now, whatever time its source has given it: by that the cache is tidied. Failing to costs a
/// download later on.
pub fn touch(path: &Path) {
    let _ = std::fs::File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Removes what lies there, a folder with all that is in it.
pub fn remove(path: &Path) {
    let _ = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => return,
    };
}

/// Removes what was fetched half, since only one run fetches at a time, what nobody has used for long, and what is too much
/// beside the file that is wanted. That one stays, and so does what this run has fetched before: its scripts are told of it.
pub fn tidy(cache: &Path, wanted: &Wanted<'_>, fetched: &BTreeMap<String, PathBuf>, most: u64) {
    let Ok(entries) = std::fs::read_dir(cache) else { return };
    let mut kept = Vec::new();
    let mut bytes = wanted.size.unwrap_or(0);
    for entry in entries.flatten() {
        let (path, metadata) = (entry.path(), entry.metadata().ok());
        let used = metadata.as_ref().and_then(|metadata| metadata.modified().ok()).unwrap_or(SystemTime::UNIX_EPOCH);
        let size = metadata.map_or(0, |metadata| metadata.len());
        if path == wanted.path(cache) {
            continue;
        }
        if fetched.values().any(|file| *file == path) {
            bytes = bytes.saturating_add(size);
        } else if path.extension().is_some_and(|extension| extension == "part")
            || used.elapsed().is_ok_and(|age| age > UNUSED_MAX)
        {
            remove(&path);
        } else {
            bytes = bytes.saturating_add(size);
            kept.push((used, size, path));
        }
    }
    kept.sort();
    for (_, size, path) in kept {
        if bytes <= most {
            return;
        }
        remove(&path);
        bytes = bytes.saturating_sub(size);
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let days = |days: u64| SystemTime::now() - Duration::from_secs(days * 24 * 3600);
        let fill = |files: &[(&str, usize, u64)]| {
            for (name, size, age) in files {
                let path = folder.path().join(name);
                std::fs::write(&path, vec![0; *size]).unwrap();
                std::fs::File::open(&path).unwrap().set_modified(days(*age)).unwrap();
            }
        };
        let left = |sha256: &str, size, fetched: &[&str], most| {
            let fetched = fetched.iter().map(|name| ((*name).to_owned(), folder.path().join(name))).collect();
            tidy(folder.path(), &Wanted { sha256, size, signature: None }, &fetched, most);
            let mut left: Vec<_> = folder
                .path()
                .read_dir()
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            left.sort();
            left.concat()
        };
        fill(&[("a", 10, 3), ("b", 10, 1), ("c", 10, 2), ("d", 10, 31), ("e.part", 10, 0), ("f", 90, 5)]);
        assert_eq!(left("f", Some(90), &[], 120), "abcf", "old and half fetched files go, the wanted one stays");
        assert_eq!(left("f", Some(90), &[], 110), "bcf");
        assert_eq!(left("new", None, &[], 110), "bcf");
        assert_eq!(left("new", Some(5), &[], 25), "bc");
        assert_eq!(left("new", Some(15), &[], 25), "b");
        assert_eq!(left("new", Some(100), &[], 25), "");

        fill(&[("g", 10, 40), ("h", 10, 1), ("i", 10, 2)]);
        std::fs::create_dir_all(folder.path().join("j.part").join("inside")).unwrap();
        assert_eq!(
            left("new", Some(10), &["g"], 30),
            "gh",
            "what the run has fetched stays, however old it says it is"
        );
        assert_eq!(left("new", Some(100), &["g"], 30), "g");
    }

    #[tokio::test]
    async fn what_is_no_file_is_not_in_the_cache_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = Wanted { sha256: "00", size: None, signature: None };
        std::fs::create_dir_all(folder.path().join("00").join("inside")).unwrap();
        assert!(!has(folder.path(), &wanted).await.unwrap());
        assert!(!folder.path().join("00").exists());
    }
}
