//! What becomes of private servers whose owner dies without a word.
//!
//! Each test runs itself a second time, as the owner: there it starts both servers, says which processes they are, and
//! aborts, which runs no destructor.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pitcrew::boot::services::{Postgres, RabbitMq, postgres, rabbitmq};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{scratch, until};

const SOON: Duration = Duration::from_secs(60);

/// In the environment of an owner: the folder it is to use.
const OWNER_IN: &str = "PITCREW_TEST_OWNER_IN";

#[tokio::test]
async fn the_watchdogs_leave_nothing() {
    if let Some(dir) = owner_in() {
        let servers = start(&dir, true).await;
        // A frozen server, too, has to go.
        servers.1.pause();
        std::process::abort();
    }
    let (dir, pids) = own_and_die("owner_dies::the_watchdogs_leave_nothing").await;
    let ended = || async { pids.iter().all(|pid| !runs(*pid)).then_some(()) };
    until(SOON, ended, "the servers to end").await;
    let deleted = || async { (!dir.join("postgres").exists() && !dir.join("rabbitmq").exists()).then_some(()) };
    until(SOON, deleted, "their folders to be deleted").await;
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test]
async fn the_next_owner_ends_what_no_watchdog_could() {
    if let Some(dir) = owner_in() {
        let _servers = start(&dir, false).await;
        for pid in watchdogs_of(std::process::id()) {
            let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        }
        std::process::abort();
    }
    let (dir, pids) = own_and_die("owner_dies::the_next_owner_ends_what_no_watchdog_could").await;
    assert!(pids.iter().all(|pid| runs(*pid)), "they are orphans");
    let servers = start(&dir, true).await;
    assert!(pids.iter().all(|pid| !runs(*pid)), "their ends came before the new beginnings");
    drop(servers);
    std::fs::remove_dir_all(&dir).unwrap();
}

fn owner_in() -> Option<PathBuf> {
    std::env::var_os(OWNER_IN).map(PathBuf::from)
}

/// Starts both servers under `dir` and notes their processes there.
async fn start(dir: &Path, ephemeral: bool) -> (Postgres, RabbitMq) {
    let options = postgres::Options { ephemeral, ..Default::default() };
    let database = Postgres::start(&dir.join("postgres"), options).await.unwrap();
    let options = rabbitmq::Options { ephemeral, ..Default::default() };
    let broker = RabbitMq::start(&dir.join("rabbitmq"), options).await.unwrap();
    let pids = broker.process_ids().into_iter().chain(database.process_id());
    let pids: Vec<_> = pids.map(|pid| pid.to_string()).collect();
    std::fs::write(dir.join("pids"), pids.join(" ")).unwrap();
    (database, broker)
}

/// Runs `test` as an owner that dies, and returns its folder and its servers' processes.
async fn own_and_die(test: &str) -> (PathBuf, Vec<u32>) {
    let dir = scratch();
    std::fs::create_dir(&dir).unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap());
    owner.args(["--exact", test]).env(OWNER_IN, &dir);
    let output = tokio::task::spawn_blocking(move || owner.output()).await.unwrap().unwrap();
    let pids = std::fs::read_to_string(dir.join("pids")).unwrap_or_else(|_| panic!("{output:?}"));
    let pids: Vec<u32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 3, "a broker, its port mapper, a database");
    (dir, pids)
}

fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z")
}

fn watchdogs_of(owner: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_one = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        stat(*pid).is_some_and(|(_, parent)| parent == owner) && line.starts_with(b"/bin/sh\0-c\0")
    };
    pids.filter(is_one).collect()
}

/// A process's state and parent.
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}
