//! A place on disk for an agent, and its program, run there.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use pitcrew_protocol::{FromAgent, FromGateway, JournalEvent, JournalLine};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use super::DEADLINE;

/// A state folder and a sandbox. What still runs there ends with it.
pub struct Place {
    folder: TempDir,
}

/// A program of the agent's. It is killed, not stopped, when it is dropped.
pub struct Program {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sandbox")).unwrap();
        Place { folder }
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A file in the sandbox.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("sandbox").join(name)
    }

    /// What a script has written to a file in the sandbox; none while it has no whole line.
    pub fn note(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.file(name)).ok()?;
        text.ends_with('\n').then(|| text.trim().to_owned())
    }

    /// Starts the agent that stays.
    pub fn agent(&self, url: &Url) -> Program {
        self.agent_with(url, &["--grace", "0"])
    }

    pub fn agent_with(&self, url: &Url, arguments: &[&str]) -> Program {
        let mut command = self.command("run");
        command.arg("--url").arg(url.as_str()).args(arguments);
        command.env("PITCREW_AGENT_TOKEN", "secret-token").stdin(Stdio::null());
        Program { child: command.spawn().unwrap(), lines: None }
    }

    /// Makes one call.
    pub fn exec(&self, frame: &FromGateway) -> Program {
        self.exec_text(&serde_json::to_string(frame).unwrap())
    }

    pub fn exec_text(&self, text: &str) -> Program {
        let mut child = self.command("exec").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{text}\n").as_bytes()).unwrap();
        let lines = child.stdout.take().map(BufReader::new);
        Program { child, lines }
    }

    /// Makes a call as one who is killed before anything is answered: nobody reads what it says or logs.
    pub fn exec_and_die(&self, frame: &FromGateway) {
        let (stdin, stdout, stderr) = (Stdio::piped(), Stdio::piped(), Stdio::piped());
        let mut child = self.command("exec").stdin(stdin).stdout(stdout).stderr(stderr).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        let line = format!("{}\n", serde_json::to_string(frame).unwrap());
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        child.wait().unwrap();
    }

    pub fn journal(&self) -> Vec<JournalLine> {
        let text = std::fs::read_to_string(self.state().join("journal.jsonl")).unwrap_or_default();
        JournalLine::read_all(&text).unwrap()
    }

    /// How often something was written about a run.
    pub fn count(&self, run_id: Uuid, matches: impl Fn(&JournalEvent) -> bool) -> usize {
        self.journal().iter().filter(|line| line.run_id == Some(run_id) && matches(&line.event)).count()
    }

    /// The process id of a run's supervisor.
    pub fn supervisor(&self, run_id: Uuid) -> u32 {
        let path = self.state().join("runs").join(run_id.to_string()).join("supervisor");
        std::fs::read_to_string(path).unwrap().parse().unwrap()
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pitcrew-agent"));
        command.arg(verb).arg("--state").arg(self.state());
        command.arg("--sandbox").arg(self.folder.path().join("sandbox"));
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Ok(runs) = std::fs::read_dir(self.state().join("runs")) else { return };
        for run in runs.flatten() {
            for (file, group) in [("supervisor", ""), ("group", "-")] {
                if let Ok(process) = std::fs::read_to_string(run.path().join(file)) {
                    let _ = Command::new("kill").args(["-9", "--", &format!("{group}{process}")]).output();
                }
            }
        }
    }
}

impl Program {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: &str) {
        signal_process(self.id(), signal);
    }

    /// Kills it, as a crash would.
    pub fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub async fn exit(&mut self) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < DEADLINE, "the program has not ended");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The next answer of a call; none when it has ended.
    pub fn answer(&mut self) -> Option<FromAgent> {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal_process(process: u32, signal: &str) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap().success());
}

/// Waits until there is something.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < DEADLINE, "it never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// True if there is such a process and it is not merely waiting to be buried.
pub fn is_alive(process: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", process]).output().unwrap();
    let state = String::from_utf8_lossy(&output.stdout);
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}
