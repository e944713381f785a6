//! Files that are whole or not there at all, also after a power cut.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// Writes a file that only this user can read: to a temporary name, to the disk, then renamed into its place.
///
/// # Errors
/// [`Error::Io`]; the file is then as it was before.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let temporary = path.with_extension("tmp");
    let mut file = private(OpenOptions::new().write(true).create(true).truncate(true), 0o600)
        .open(&temporary)
        .map_err(Error::io("write", &temporary))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(Error::io("write", &temporary))?;
    rename(&temporary, path)
}

/// As [`write()`], of a value as JSON.
///
/// # Errors
/// [`Error::Io`], or [`Error::Damaged`] if the value has no JSON form.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let json = serde_json::to_vec(value)
        .map_err(|source| Error::Damaged { path: path.to_owned(), source: Box::new(source) })?;
    write(path, &json)
}

/// Renames a file and waits until its folder is on the disk.
///
/// # Errors
/// [`Error::Io`].
pub fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).map_err(Error::io("rename", from))?;
    sync_folder(to)
}

/// Reads a file of JSON; `None` if there is none.
///
/// # Errors
/// [`Error::Io`], or [`Error::Damaged`] if it is not what it should be.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let Some(text) = read(path)? else { return Ok(None) };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|source| Error::Damaged { path: path.to_owned(), source: Box::new(source) })
}

/// Reads a file of text; `None` if there is none.
///
/// # Errors
/// [`Error::Io`].
pub fn read(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// Removes a file if it is there.
///
/// # Errors
/// [`Error::Io`].
pub fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Lets only this user read what is created with these options; `mode` counts on Unix.
pub fn private(options: &mut OpenOptions, mode: u32) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options
}

#[cfg(unix)]
fn sync_folder(of: &Path) -> Result<(), Error> {
    let Some(folder) = of.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io("write", folder))
}

#[cfg(not(unix))]
fn sync_folder(_of: &Path) -> Result<(), Error> {
    Ok(())
}
