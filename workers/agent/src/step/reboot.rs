//! Restarts the computer.

use tokio::process::Command;

use super::Ended;

/// Asks the system for a restart, now.
///
/// # Errors
/// How the step has ended, if the system would not.
pub async fn begin() -> Result<(), Ended> {
    let arguments: &[&str] = if cfg!(windows) { &["/r", "/t", "0"] } else { &["-r", "now"] };
    match Command::new("shutdown").args(arguments).output().await {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let message = String::from_utf8_lossy(&output.stderr);
            Err(Ended::failed("io", format!("the system refused to restart: {}", message.trim())))
        }
        Err(error) => Err(Ended::failed("io", format!("cannot run `shutdown`: {error}"))),
    }
}
