//! What can go wrong between a worker and a computer.

use std::time::Duration;

use pitcrew_protocol::Refusal;

use crate::domain::ComputerId;

/// Why a computer did not do as it was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// It cannot be reached at present, and has certainly not seen the command.
    #[error("computer {computer} is offline: {why}")]
    Offline {
        /// The computer.
        computer: ComputerId,
        /// How that is known.
        why: String,
    },
    /// It answered no.
    #[error("computer {computer} refused, having seen epoch {epoch}: {}", sentence(refusal))]
    Refused {
        /// The computer.
        computer: ComputerId,
        /// Its reason.
        refusal: Refusal,
        /// The highest epoch it has seen.
        epoch: i64,
    },
    /// No answer came in time. The command may have arrived or may arrive yet: only a takeover tells.
    #[error("computer {computer} did not answer within {after:?}; whether the command arrived is unknown")]
    Lost {
        /// The computer.
        computer: ComputerId,
        /// How long it was waited for.
        after: Duration,
    },
    /// The way to it does not work, and waiting for the computer does not help. The command has not reached it.
    #[error("computer {computer} cannot be commanded: {what}")]
    Broken {
        /// The computer.
        computer: ComputerId,
        /// What is wrong and what to do.
        what: String,
    },
}

fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::StaleEpoch => "a newer owner has commanded it".to_owned(),
        Refusal::TooLate => "the time by which to start has passed".to_owned(),
        Refusal::Busy { run_id } => format!("run {run_id} is in flight; adopt it or kill it first"),
        // So begins what is said of a word that was not there yet when the agent was built.
        Refusal::Invalid { message } if message.starts_with("unknown ") => {
            format!("its agent is too old for what the run asks of it: update the agent ({message})")
        }
        Refusal::Invalid { message } => format!("the command is not valid: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_does_not_know_what_is_asked_of_it_is_to_be_updated() {
        let said = |message: &str| sentence(&Refusal::Invalid { message: message.to_owned() });
        let unknown = "unknown variant `signed_download`, expected one of `script`, `download`, `fetch`, `reboot`";
        assert!(said(unknown).starts_with("its agent is too old for what the run asks of it: update the agent"));
        assert_eq!(said("sha256 is wrong"), "the command is not valid: sha256 is wrong");
    }
}
