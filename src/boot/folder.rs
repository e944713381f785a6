//! The one folder in which everything lies that a machine's own Pitcrew has, and the lock that says who runs it.
//!
//! ```text
//! <folder>/up.lock     held as long as `pitcrew up` runs; says which process that is
//! <folder>/env         to be sourced: where the database, the broker and the API are, and a token
//! <folder>/secret-key  the key under which secrets are sealed in the database
//! <folder>/token       the administrator's token that `pitcrew up` has made
//! <folder>/api-port    the API's port, where the usual one was taken
//! <folder>/log/        what each program printed
//! <folder>/postgres/   the private servers: see [`super::services`]
//! <folder>/rabbitmq/
//! <folder>/rabbitmq-demo/
//! <folder>/demo/       what the demo makes, made anew at each start
//! ```

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Error;

/// An open, locked folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The operating system lets go of the lock when this is closed, however its owner ends.
    _lock: File,
}

impl Folder {
    /// Opens the folder, making it if need be.
    ///
    /// # Errors
    /// [`Error::Twice`] if another process has it open.
    pub fn open(path: &Path) -> Result<Folder, Error> {
        std::fs::create_dir_all(path).map_err(Error::io("make the folder", path))?;
        let path = path.canonicalize().map_err(Error::io("find", path))?;
        let lock_path = path.join("up.lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(Error::io("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Without it the message is shorter, and still right.
                let _ = lock.read_to_string(&mut pid);
                let owner = if pid.is_empty() { pid } else { format!(" (process {})", pid.trim()) };
                return Err(Error::Twice { folder: path, owner });
            }
            Err(std::fs::TryLockError::Error(source)) => {
                return Err(Error::Io { doing: "lock", path: lock_path, source });
            }
        }
        let write = |mut lock: &File| {
            lock.set_len(0)?;
            writeln!(lock, "{}", std::process::id())
        };
        write(&lock).map_err(Error::io("write", &lock_path))?;
        Ok(Folder { path, _lock: lock })
    }

    /// Its real path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where each program's log is.
    pub fn logs(&self) -> PathBuf {
        self.join("log")
    }
}

/// Writes a file that none but its owner may read, whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let new = write_beside(path, text)?;
    std::fs::rename(&new, path).map_err(Error::io("move into place", path))
}

/// Makes such a file and leaves it on the disk, whatever happens to the machine next. One that is there is an error.
pub(super) fn create_private(path: &Path, text: &str) -> Result<(), Error> {
    let new = write_beside(path, text)?;
    // A link is refused where a file is; a move would take its place.
    let linked = std::fs::hard_link(&new, path).map_err(Error::io("make", path));
    let _ = std::fs::remove_file(&new);
    linked?;
    let Some(folder) = path.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io("keep on the disk", path))
}

fn write_beside(path: &Path, text: &str) -> Result<PathBuf, Error> {
    let new = path.with_extension("new");
    // One that an interrupted writer has left might have been made readable by others since.
    let _ = std::fs::remove_file(&new);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(Error::io("write", &new))?;
    Ok(new)
}
