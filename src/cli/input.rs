//! What the command line names: fleet files, from files, folders or the standard input; parameters, and secrets.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Failure;
use crate::domain::Sha256Hash;
use crate::fleet::StoredFile;

/// Files that are taken from folders at most.
const MOST_FILES: usize = 10_000;

/// How much of a file is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// A fleet file.
#[derive(Debug, Serialize)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
}

/// Reads files; of folders, every `.yaml` and `.yml` in and below them, in the order of their names; `-` is the standard
/// input.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<File>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| cannot(path, &error))?;
            found.push(File { name: "<stdin>".to_owned(), text });
        } else if path.is_dir() {
            let before = found.len();
            folder(path, &mut found)?;
            if found.len() == before {
                let path = path.display();
                return Err(Failure::BadInput(format!("there is no .yaml or .yml file in or below {path}")));
            }
        } else {
            found.push(file(path)?);
        }
    }
    Ok(found)
}

/// Parameters, each written NAME=VALUE.
pub(super) fn parameters(written: &[String]) -> Result<Map<String, Value>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), Value::from(value))),
        // What has no name may be a secret.
        _ => Err(Failure::BadInput("A parameter is written NAME=VALUE.".to_owned())),
    };
    written.iter().map(pair).collect()
}

/// A secret from the standard input, where no list of processes shows it.
pub(super) fn secret() -> Result<String, Failure> {
    let mut value = String::new();
    let read = std::io::stdin().read_to_string(&mut value);
    read.map_err(|error| Failure::BadInput(format!("the standard input cannot be read: {error}")))?;
    // Whoever writes a line means what is in it.
    let line = value.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(line.map(str::to_owned).unwrap_or(value))
}

/// The files that fleet files name, as far as they can be read; of the others the answer says where they are named.
pub(super) fn attached(files: &[File]) -> Vec<File> {
    let (named, _) = named(files);
    named.into_iter().filter_map(|path| file(Path::new(&path)).ok()).collect()
}

/// What the files for computers are that fleet files name, as far as they can be read. They are read once, and not kept.
pub(super) fn stored(files: &[File]) -> Vec<StoredFile> {
    let (_, named) = named(files);
    named.into_iter().filter_map(summed).collect()
}

fn named(files: &[File]) -> (BTreeSet<String>, BTreeSet<String>) {
    crate::fleet::files_named(files.iter().map(|file| (file.name.as_str(), file.text.as_str())))
}

fn summed(name: String) -> Option<StoredFile> {
    let mut file = std::fs::File::open(&name).ok()?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut size = 0;
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(StoredFile { name, sha256: Sha256Hash(sum.finalize().into()), size }),
            read => {
                sum.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
}

fn folder(path: &Path, found: &mut Vec<File>) -> Result<(), Failure> {
    let entries = path.read_dir().map_err(|error| cannot(path, &error))?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>().map_err(|error| cannot(path, &error))?;
    paths.sort();
    for path in paths {
        let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if path.is_dir() && !path.is_symlink() {
            folder(&path, found)?;
        } else if yaml {
            found.push(file(&path)?);
        }
        if found.len() > MOST_FILES {
            return Err(Failure::BadInput(format!("there are more than {MOST_FILES} files")));
        }
    }
    Ok(())
}

fn file(path: &Path) -> Result<File, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| cannot(path, &error))?;
    Ok(File { name: path.display().to_string(), text })
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::BadInput(format!("{} cannot be read: {error}", path.display()))
}
