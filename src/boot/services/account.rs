//! The account a server runs as, where the server refuses root.
//!
//! PostgreSQL does not start as root. A container or a build machine often has no other user at hand, so its server
//! then runs as `postgres` (which its package makes) or as `nobody`.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Error;

/// An account other than our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account PostgreSQL must be run as; none when it can run as whoever we are.
    pub(super) fn for_postgres() -> Result<Option<Account>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        ["postgres", "nobody"].into_iter().find_map(Account::named).map(Some).ok_or(Error::NoAccount)
    }

    /// Asks `id`, which knows accounts wherever the machine keeps them.
    fn named(name: &str) -> Option<Account> {
        let number = |flag| {
            let output = Command::new("id").args([flag, name]).stderr(Stdio::null()).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        let account = Account { uid: number("-u")?, gid: number("-g")? };
        (account.uid != 0).then_some(account)
    }

    /// Makes `command` run as this account, without any of root's groups.
    pub(super) fn apply<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.gid(self.gid).uid(self.uid)
    }

    /// Whether this account can enter `dir`: a clone under a home of mode 0700 is out of its reach.
    pub(super) fn reaches(&self, dir: &Path) -> bool {
        let mut probe = Command::new("/bin/sh");
        probe.args(["-c", "cd -- \"$1\"", "sh"]).arg(dir).current_dir("/").stdin(Stdio::null()).stderr(Stdio::null());
        self.apply(&mut probe).status().is_ok_and(|status| status.success())
    }

    /// Gives `path` and all in it to this account. Links are left alone.
    pub(super) fn give(&self, path: &Path) -> Result<(), Error> {
        let meta = path.symlink_metadata().map_err(Error::io("look at", path))?;
        if meta.is_symlink() {
            return Ok(());
        }
        if (meta.uid(), meta.gid()) != (self.uid, self.gid) {
            chown(path, Some(self.uid), Some(self.gid)).map_err(Error::io("change the owner of", path))?;
        }
        if meta.is_dir() {
            for entry in path.read_dir().map_err(Error::io("read", path))? {
                self.give(&entry.map_err(Error::io("read", path))?.path())?;
            }
        }
        Ok(())
    }
}
