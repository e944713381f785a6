//! The archives that the demo's computers fetch: real `.tar.gz` files, made when the demo starts, each with a version, a
//! small program that prints it, and a SHA-256.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::Error;

/// The archives of a demo.
#[derive(Debug)]
pub(super) struct Archives {
    folder: PathBuf,
    /// The SHA-256 of each, by name.
    pub checksums: BTreeMap<String, String>,
}

impl Archives {
    /// Makes them in `folder`, and then alters some.
    pub(super) fn make(folder: &Path, names: &BTreeSet<String>, altered: &BTreeSet<String>) -> Result<Archives, Error> {
        let sources = folder.join("sources");
        let mut checksums = BTreeMap::new();
        for name in names {
            let whole = name.trim_end_matches(".tar.gz");
            let (product, version) = whole.rsplit_once('-').unwrap_or((whole, "1"));
            let source = sources.join(whole);
            write_product(&source.join(product), product, version)?;
            let archive = folder.join(name);
            tar(&[&"-czf", &archive, &"-C", &source, &product], &format!("make {name}"))?;
            let bytes = std::fs::read(&archive).map_err(Error::io("read", &archive))?;
            let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            checksums.insert(name.clone(), sha256);
            if altered.contains(name) {
                std::fs::write(&archive, [bytes.as_slice(), b"altered"].concat())
                    .map_err(Error::io("write", &archive))?;
            }
        }
        Ok(Archives { folder: folder.to_owned(), checksums })
    }

    /// Unpacks `name` (`notes-2.1.0`) into a folder.
    pub(super) fn unpack(&self, name: &str, into: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(into).map_err(Error::io("make the folder", into))?;
        let archive = self.folder.join(format!("{name}.tar.gz"));
        tar(&[&"-xzf", &archive, &"-C", &into], &format!("unpack {name}"))
    }

    /// The folder in which they lie.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// What is in an archive.
fn write_product(folder: &Path, product: &str, version: &str) -> Result<(), Error> {
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).map_err(Error::io("make the folder", &bin))?;
    let write = |path: PathBuf, text: String, mode: u32| {
        std::fs::write(&path, text)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)))
            .map_err(Error::io("write", &path))
    };
    write(folder.join("VERSION"), format!("{version}\n"), 0o644)?;
    write(bin.join(product), format!("#!/bin/sh\necho {version}\n"), 0o755)
}

fn tar(arguments: &[&dyn AsRef<std::ffi::OsStr>], doing: &str) -> Result<(), Error> {
    let failed = |why: String| Error::Tar { doing: doing.to_owned(), why };
    let output = Command::new("tar")
        .args(arguments.iter().map(|argument| argument.as_ref()))
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
