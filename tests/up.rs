//! Everything on one machine: programs that die are started again, and nothing is left of what was started.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pitcrew::boot::{Error, Folder, Leaves, Logs, Program, Show, Supervisor, Terminal};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Database, database, prefix, scratch, services, until};

const SOON: Duration = Duration::from_secs(60);

/// A shell script as a program.
fn script(folder: &Path, name: &str, text: &str) -> Program {
    let path = folder.join(format!("{name}.sh"));
    std::fs::write(&path, text).unwrap();
    Program {
        name: name.to_owned(),
        path: "/bin/sh".into(),
        arguments: vec![path.to_str().unwrap().to_owned()],
        environment: Vec::new(),
        leaves: Leaves::First,
    }
}

async fn supervisor(path: &Path) -> Supervisor {
    let folder = Folder::open(path).unwrap();
    let logs = Logs::new(&folder, Terminal::new(), Show::Notices).unwrap();
    Supervisor::new(folder, logs).await.unwrap()
}

#[tokio::test]
async fn what_dies_is_started_again_and_what_is_told_to_stop_may_finish() {
    let path = scratch();
    let mut supervisor = supervisor(&path).await;
    supervisor.keep(script(&path, "frail", "echo begun; exit 3"));
    supervisor.keep(script(
        &path,
        "steady",
        "trap 'echo finished; exit 0' TERM; echo begun; while :; do sleep 0.1; done",
    ));
    let log = |name: &str| std::fs::read_to_string(path.join(format!("log/{name}.log"))).unwrap_or_default();

    let thrice = || async { (log("frail").matches("begun").count() >= 3).then_some(()) };
    until(SOON, thrice, "the frail one to be started three times").await;
    let begun = || async { log("steady").contains("begun").then_some(()) };
    until(SOON, begun, "the steady one to begin").await;

    supervisor.stop().await;
    assert_eq!(log("steady"), "begun\nfinished\n", "it was started once and ended in order");
    assert!(started_for(&path).is_empty(), "nothing is left");
    drop(supervisor);
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn a_sandbox_that_restarts_is_started_again() {
    let path = scratch();
    let mut supervisor = supervisor(&path).await;
    let text = "cd \"$(dirname \"$0\")\"; [ -e booted ] && { echo again; exec sleep 1000; }; touch booted; exit 86";
    supervisor.keep(script(&path, "sandbox", text));
    let log = path.join("log/sandbox.log");
    let again = || async { std::fs::read_to_string(&log).unwrap_or_default().contains("again").then_some(()) };
    until(SOON, again, "the sandbox to be back").await;
    supervisor.stop().await;
    drop(supervisor);
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let path = scratch();
    let folder = Folder::open(&path).unwrap();
    let refused = Folder::open(&path).unwrap_err();
    assert!(matches!(refused, Error::Twice { .. }), "{refused}");
    assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
    drop(folder);
    Folder::open(&path).unwrap();
    std::fs::remove_dir_all(path).unwrap();
}

/// A `pitcrew up` on the tests' servers.
struct Up {
    folder: PathBuf,
    process: Child,
    database: Database,
}

impl Up {
    async fn start() -> Up {
        let (folder, database) = (scratch(), database().await);
        let process = command(&folder, &database).stdout(Stdio::null()).spawn().unwrap();
        let up = Up { folder, process, database };
        let five = || async { (started_for(&up.folder).len() >= 5).then_some(()) };
        until(SOON, five, "all programs to be started").await;
        up
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.process.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    async fn gone(&self) {
        let gone = || async { started_for(&self.folder).is_empty().then_some(()) };
        until(SOON, gone, "all programs to end").await;
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn command(folder: &Path, database: &Database) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pitcrew"));
    command.args(["up", "--folder"]).arg(folder);
    command.env("PITCREW_DATABASE_URL", &database.url).env("PITCREW_AMQP_URL", &services().amqp_url);
    command.env("PITCREW_AMQP__PREFIX", prefix().trim_end_matches('.')).env("PITCREW_WORKER__DRAIN_GRACE", "1 s");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_everything_and_a_second_owner_is_refused() {
    let mut up = Up::start().await;
    let second = command(&up.folder, &up.database).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let says = String::from_utf8(second.stderr).unwrap();
    assert!(says.contains("another `pitcrew up`"), "{says}");

    let env = std::fs::read_to_string(up.folder.join("env")).unwrap();
    for name in ["PITCREW_DATABASE_URL", "PITCREW_AMQP_URL", "PITCREW_API_URL", "PITCREW_TOKEN"] {
        assert!(env.contains(&format!("export {name}='")), "{env}");
    }
    up.signal(Signal::INT);
    let ended = tokio::task::block_in_place(|| up.process.wait()).unwrap();
    assert_eq!(ended.code(), Some(0));
    assert!(started_for(&up.folder).is_empty(), "nothing is left");
}

#[tokio::test]
async fn nothing_outlives_one_that_was_killed() {
    let up = Up::start().await;
    up.signal(Signal::KILL);
    up.gone().await;
}

/// The processes that were started for a folder.
pub fn started_for(folder: &Path) -> Vec<u32> {
    let Ok(folder) = folder.canonicalize() else { return Vec::new() };
    let mark = format!("PITCREW_UP_IN={}", folder.display());
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let marked = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|part| part == mark.as_bytes())
    };
    pids.filter(marked).collect()
}
