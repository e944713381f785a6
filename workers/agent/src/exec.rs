//! One request from standard input, its answers on standard output: how a worker on this computer, or one that comes
//! over ssh, drives it without an agent that stays. The run goes on if the caller goes away.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::Duration;

use pitcrew_protocol::{FromAgent, FromGateway, Refusal, RunState};

use crate::Error;
use crate::clock::Clock;
use crate::computer::Computer;
use crate::connection::request_of;
use crate::settle::InFlight;

/// The largest request.
const REQUEST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How often a restart that was asked for is looked for.
const REBOOT_LOOK: Duration = Duration::from_secs(1);

/// How the call has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The request was answered.
    Answered,
    /// The request cannot be read.
    Misunderstood,
    /// A run in the sandbox has restarted the computer; the next call finds it started again.
    Rebooting,
}

/// Reads one frame, a line of JSON, and answers it with lines of JSON: what became of the request and, if a run is then
/// in flight, its outcome once it has ended.
///
/// # Errors
/// What the state folder could not do, or that nobody reads the answers any more.
pub fn exec(state: &Path, sandbox: Option<&Path>, input: impl Read, mut output: impl Write) -> Result<Exit, Error> {
    let mut line = String::new();
    let read = BufReader::new(input.take(REQUEST_BYTES_MAX)).read_line(&mut line);
    read.map_err(Error::io("read", Path::new("standard input")))?;
    let computer = Computer::open(state, sandbox)?;
    let frame: FromGateway = match serde_json::from_str(&line) {
        Ok(frame) => frame,
        Err(error) => {
            tracing::error!("The request cannot be read: {error}");
            if let Some(request) = request_of(&line) {
                let (epoch, message) = (computer.state().epoch()?, error.to_string());
                say(&mut output, &FromAgent::Refused { request, epoch, refusal: Refusal::Invalid { message } })?;
            }
            return Ok(Exit::Misunderstood);
        }
    };
    let Some(answer) = computer.answer(&frame, &Clock::Local) else { return Ok(Exit::Answered) };
    say(&mut output, &answer)?;
    let FromAgent::State { state: RunState::InFlight { run_id }, .. } = answer else { return Ok(Exit::Answered) };
    loop {
        match computer.wait(run_id)? {
            InFlight::Rebooting(_) if computer.is_sandboxed() => return Ok(Exit::Rebooting),
            in_flight if in_flight.run_id() == Some(run_id) => std::thread::sleep(REBOOT_LOOK),
            _ => break,
        }
    }
    if let Some(outcome) = computer.outcome(run_id)? {
        say(&mut output, &FromAgent::Outcome(outcome))?;
    }
    Ok(Exit::Answered)
}

fn say(output: &mut impl Write, frame: &FromAgent) -> Result<(), Error> {
    let path = Path::new("standard output");
    let mut line = serde_json::to_vec(frame)
        .map_err(|source| Error::Damaged { path: path.to_owned(), source: Box::new(source) })?;
    line.push(b'\n');
    output.write_all(&line).and_then(|()| output.flush()).map_err(Error::io("write to", path))
}
