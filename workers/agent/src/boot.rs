//! Which boot of the computer this is.
//!
//! In a sandbox the boot id is made up, kept in the state folder, and changed only after a restart that a run asked for.

use uuid::Uuid;

use crate::state::StateDir;
use crate::{Error, durable};
use pitcrew_protocol::JournalEvent;

/// The boot id. If it is another one than was last seen, the state folder and its journal are told.
///
/// # Errors
/// [`Error::Io`].
pub fn notice(state: &StateDir, sandbox: bool) -> Result<String, Error> {
    let seen = durable::read(&state.boot_id_file())?.map(|text| text.trim().to_owned());
    let now = if sandbox { None } else { of_system() };
    match (seen, now) {
        (Some(seen), None) => Ok(seen),
        (Some(seen), Some(now)) if seen == now => Ok(now),
        (_, Some(now)) => record(state, now),
        (None, None) => record(state, Uuid::new_v4().to_string()),
    }
}

/// Gives the sandbox a new boot id.
///
/// # Errors
/// [`Error::Io`].
pub fn renew(state: &StateDir) -> Result<String, Error> {
    record(state, Uuid::new_v4().to_string())
}

fn record(state: &StateDir, boot_id: String) -> Result<String, Error> {
    durable::write(&state.boot_id_file(), boot_id.as_bytes())?;
    let event = JournalEvent::Booted { boot_id: boot_id.clone() };
    state.journal().append(state.epoch()?, None, None, event)?;
    Ok(boot_id)
}

#[cfg(target_os = "linux")]
fn of_system() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|id| !id.is_empty())
}

#[cfg(all(unix, not(target_os = "linux")))]
fn of_system() -> Option<String> {
    let output = std::process::Command::new("sysctl").args(["-n", "kern.boottime"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Some(text).filter(|id| output.status.success() && !id.is_empty())
}

#[cfg(not(unix))]
fn of_system() -> Option<String> {
    None
}
