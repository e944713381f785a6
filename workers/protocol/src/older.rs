//! Servers and agents of the first version and of this one understand each other: `older.jsonl` is what the first one sent.

use serde_json::Value;

use crate::{FromAgent, FromGateway, Work};

const OLDER: &str = include_str!("older.jsonl");

fn frame(kind: &str) -> &'static str {
    let begin = format!("{{\"type\":\"{kind}\"");
    OLDER.lines().find(|line| line.starts_with(&begin)).expect("there is one")
}

#[test]
fn what_the_first_version_sent_is_read_and_sent_alike() {
    let run: FromGateway = serde_json::from_str(frame("run")).expect("it is read");
    assert_eq!(serde_json::to_string(&run).expect("it is JSON"), frame("run"));
    let FromGateway::Run { run, .. } = run else { panic!("a run") };
    assert!(matches!(&run.steps[1].work, Work::Download { size: None, signature: None, .. }));
    let outcome: FromAgent = serde_json::from_str(frame("outcome")).expect("it is read");
    assert_eq!(serde_json::to_string(&outcome).expect("it is JSON"), frame("outcome"));
    let ping: FromGateway = serde_json::from_str(frame("ping")).expect("it is read");
    assert_eq!(ping, FromGateway::Ping { server_time: None, pongs: 0 });
}

#[test]
fn the_first_version_reads_a_ping_by_its_type() {
    let ping = FromGateway::Ping { server_time: Some(jiff::Timestamp::UNIX_EPOCH), pongs: 3 };
    let sent: Value = serde_json::to_value(&ping).expect("it is JSON");
    assert_eq!(sent["type"], "ping");
}
