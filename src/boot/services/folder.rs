//! The one folder that holds all a private server has, and the lock that says whose it is.
//!
//! ```text
//! <dir>/lock         held by the owner as long as the server may run
//! <dir>/ports        the ports, so that addresses stay the same
//! <dir>/secret       the password of the server's administrator, readable by the owner alone
//! <dir>/server.log   what the server prints
//! <dir>/home/        what the server itself writes; a link, where the server cannot reach <dir>
//! ```

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::Error;
use super::account::Account;

/// Where `home` goes when a server's account cannot reach the folder.
const ELSEWHERE: &str = "/var/lib/pitcrew";

/// The lines of a log that an error shows.
const TAIL_LINES: usize = 25;

/// An open, locked folder.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    home: PathBuf,
    ephemeral: bool,
    /// The operating system lets go of the lock when this is closed, however its owner ends.
    _lock: File,
}

impl Folder {
    /// Opens `dir`, making it if need be, with its home where `account` can reach it (anywhere, if none is given), or
    /// under `root` if the server lives in a root folder of its own.
    pub(super) fn open(
        dir: &Path,
        account: Option<&Account>,
        root: Option<&Path>,
        ephemeral: bool,
    ) -> Result<Self, Error> {
        std::fs::create_dir_all(dir).map_err(Error::io("make the folder", dir))?;
        let dir = dir.canonicalize().map_err(Error::io("find", dir))?;
        let lock_path = dir.join("lock");
        let lock = File::create(&lock_path).map_err(Error::io("open", &lock_path))?;
        if let Err(refusal) = lock.try_lock() {
            return Err(match refusal {
                std::fs::TryLockError::WouldBlock => Error::InUse { dir },
                std::fs::TryLockError::Error(source) => Error::Io { doing: "lock", path: lock_path, source },
            });
        }
        let home = place(&dir, account, root)?;
        if let Some(account) = account {
            account.give(&home)?;
        }
        Ok(Folder { dir, home, ephemeral, _lock: lock })
    }

    /// The server's own folder, as a real path that it can reach.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// A file of ours in the folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A word that stands for this folder and no other.
    pub(super) fn mark(&self) -> String {
        name_for(&self.dir)
    }

    /// Where the server's output goes.
    pub(super) fn log(&self) -> PathBuf {
        self.file("server.log")
    }

    /// Lets `command` add what it prints to the log.
    pub(super) fn record(&self, command: &mut Command) -> Result<(), Error> {
        let log = self.log();
        let output = OpenOptions::new().create(true).append(true).open(&log).map_err(Error::io("open", &log))?;
        command.stderr(output.try_clone().map_err(Error::io("open", &log))?).stdout(output);
        Ok(())
    }

    /// The end of the server's output, for an error.
    pub(super) fn tail(&self) -> String {
        let text = std::fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// The administrator's password: made once, kept with the data.
    pub(super) fn secret(&self) -> Result<String, Error> {
        let path = self.file("secret");
        if let Ok(secret) = std::fs::read_to_string(&path)
            && !secret.is_empty()
        {
            return Ok(secret);
        }
        let secret = uuid::Uuid::new_v4().simple().to_string();
        write_private(&path, &secret)?;
        Ok(secret)
    }

    /// What to delete when the server is gone: all of it if it was to last no longer, else nothing.
    pub(super) fn remains(&self) -> Vec<PathBuf> {
        if self.ephemeral { vec![self.home.clone(), self.dir.clone()] } else { Vec::new() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for path in self.remains() {
            if let Err(error) = std::fs::remove_dir_all(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!("Could not delete {}: {error}", path.display());
            }
        }
    }
}

/// Writes a file that none but its owner may read.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::io("write", path))
}

/// Decides where `home` is: where it was, else inside `dir`, else elsewhere with a link to it in `dir`.
fn place(dir: &Path, account: Option<&Account>, root: Option<&Path>) -> Result<PathBuf, Error> {
    let link = dir.join("home");
    let elsewhere = match root {
        Some(root) => Some(root.join(ELSEWHERE.trim_start_matches('/'))),
        None => account.filter(|account| !account.reaches(dir)).map(|_| PathBuf::from(ELSEWHERE)),
    };
    let Some(elsewhere) = elsewhere else {
        std::fs::create_dir_all(&link).map_err(Error::io("make the folder", &link))?;
        return link.canonicalize().map_err(Error::io("find", &link));
    };
    let home = elsewhere.join(name_for(dir));
    std::fs::create_dir_all(&home).map_err(Error::io("make the folder", &home))?;
    for path in [elsewhere.as_path(), &home] {
        std::fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(Error::io("open to others", path))?;
    }
    let home = home.canonicalize().map_err(Error::io("find", &home))?;
    if link.read_link().ok().as_deref() != Some(home.as_path()) {
        if link.is_dir() && !link.is_symlink() {
            // Data from a time when the folder was within reach moves to where the server finds it.
            std::fs::remove_dir(&home).map_err(Error::io("replace", &home))?;
            std::fs::rename(&link, &home).map_err(Error::io("move", &link))?;
        } else if link.is_symlink() {
            std::fs::remove_file(&link).map_err(Error::io("replace the link", &link))?;
        }
        symlink(&home, &link).map_err(Error::io("make the link", &link))?;
        tracing::info!("{} is out of the server's reach: its data is in {}", dir.display(), home.display());
    }
    Ok(home)
}

/// A name for `dir`: the same for the same folder, another for every other.
fn name_for(dir: &Path) -> String {
    let digest = Sha256::digest(dir.as_os_str().as_encoded_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
