//! The demo, end to end, as a newcomer runs it: servers of its own, every program, real sandboxes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::scratch;
use crate::up::started_for;

/// How long it may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(600);

#[test]
fn every_session_of_the_demo_ends_as_expected_and_again_when_it_is_repeated() {
    let folder = scratch();
    for _ in 0..2 {
        let (code, said) = demo(&folder);
        let last = said.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
        assert!(last.starts_with("demo: 13 sessions, 13 as expected, 0 unexpected"), "{said}");
        assert_eq!(code, Some(0), "{said}");
        assert!(started_for(&folder).is_empty(), "nothing is left running");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Runs it to its end. Answers with the exit code and what was printed.
fn demo(folder: &Path) -> (Option<i32>, String) {
    std::fs::create_dir_all(folder).unwrap();
    let printed = folder.join("printed");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pitcrew"));
    command.args(["up", "--demo", "--folder"]).arg(folder);
    // The demo is to stand on its own feet, also where the tests are given servers.
    command.env_remove("PITCREW_DATABASE_URL").env_remove("PITCREW_AMQP_URL");
    command.stdout(std::fs::File::create(&printed).unwrap()).stderr(Stdio::inherit());
    let mut process = command.spawn().unwrap();
    let until = Instant::now() + PATIENCE;
    let code = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status.code();
        }
        if Instant::now() > until {
            process.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    (code, std::fs::read_to_string(printed).unwrap())
}
