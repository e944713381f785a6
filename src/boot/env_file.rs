//! `.pitcrew/env`: what a shell has to know to use the installation of this folder.

use super::Error;
use super::folder::{Folder, write_private};

/// The file's name in the folder.
pub(super) const NAME: &str = "env";

/// Writes it: readable by its owner alone, since a token and passwords are in it.
pub(super) fn write(folder: &Folder, variables: &[(String, String)]) -> Result<(), Error> {
    let mut text = String::from("# Where this folder's Pitcrew is. Made by `pitcrew up`; to be sourced by a shell.\n");
    for (name, value) in variables {
        text.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    write_private(&folder.join(NAME), &text)
}

/// True if the file has this value: it was taken from here, and says nothing that we do not know.
pub(super) fn has(folder: &Folder, name: &str, value: &str) -> bool {
    let text = std::fs::read_to_string(folder.join(NAME)).unwrap_or_default();
    let line = format!("export {name}={}", quoted(value));
    text.lines().any(|other| other == line)
}

/// As a POSIX shell reads it back.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_written_and_nobody_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let value = "amqp://a:it's $HOME\"@h/%2f";
        write(&folder, &[("PITCREW_AMQP_URL".into(), value.into())]).unwrap();
        let file = folder.join(NAME);
        let script = format!(". '{}'; printf %s \"$PITCREW_AMQP_URL\"", file.display());
        let read = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(read.stdout).unwrap(), value);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(has(&folder, "PITCREW_AMQP_URL", value));
        assert!(!has(&folder, "PITCREW_AMQP_URL", "amqp://b"));
    }
}
