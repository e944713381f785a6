//! The command line as people and scripts use it: the real program, against a real server.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::api::house::{House, house};
use crate::support::until;

const SOON: Duration = Duration::from_secs(30);

/// What a program said and how it ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

async fn pitcrew_with(house: &House, token: &str, arguments: &[&str], stdin: &str) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pitcrew"))
        .args(arguments)
        .env("PITCREW_API_URL", &house.url)
        .env("PITCREW_TOKEN", token)
        .env("COLUMNS", "80")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("its input").write_all(stdin.as_bytes()).await.expect("it listens");
    let output = child.wait_with_output().await.expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

pub async fn pitcrew(house: &House, arguments: &[&str]) -> Said {
    pitcrew_with(house, &house.admin, arguments, "").await
}

#[tokio::test]
async fn fleet_files_are_applied_and_faults_are_told_with_their_places() {
    let house = house().await;
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/examples");
    let would = pitcrew(&house, &["apply", "-f", example, "--dry-run"]).await;
    assert_eq!(would.code, 0, "{}", would.err);
    assert!(would.out.contains("would be created software/"), "{}", would.out);
    let done = pitcrew(&house, &["apply", "-f", example]).await;
    assert!(done.out.starts_with("created "), "{}", done.out);
    let faulty = pitcrew_with(&house, &house.admin, &["apply", "-f", "-"], "kind: sofware\nname: x\n").await;
    assert_eq!((faulty.code, faulty.out.as_str()), (2, ""));
    assert!(faulty.err.contains("<stdin>:1:"), "{}", faulty.err);
    assert!(faulty.err.contains("software"), "it suggests what was meant: {}", faulty.err);
    assert_eq!(pitcrew(&house, &["apply", "-f", "/nowhere"]).await.code, 2);
}

#[tokio::test]
async fn who_gets_what_is_told_and_decided() {
    let house = house().await;
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/examples/fleet.yaml");
    assert_eq!(pitcrew(&house, &["apply", "-f", example]).await.code, 0);
    let explained = pitcrew(&house, &["explain", "reception", "software/editor"]).await;
    assert!(explained.out.starts_with("software/editor on acme/reception\n"), "{}", explained.out);
    assert!(explained.out.contains("nobody has approved it"), "{}", explained.out);
    let deployment = "dark-editor-for-important-people";
    let approved = pitcrew(&house, &["computer", "approve", deployment, "reception", "--reason", "she asked"]).await;
    assert_eq!(approved.out, format!("{deployment} is approved for reception.\n"));
    let again = pitcrew(&house, &["explain", "reception", "software/editor"]).await;
    assert!(!again.out.contains("nobody has approved it"), "{}", again.out);
    let json = pitcrew(&house, &["explain", "--item", "software/editor", "--tenant", "acme", "-o", "json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&json.out).expect("JSON")["computers"], 2, "{}", json.err);
    assert_eq!(pitcrew(&house, &["explain", "--item", "software/editor"]).await.code, 0);
    let twice = "{kind: deployment, name: twice, software: editor, target: {tag: lab, tenant: acme}, state: any}";
    let warned = pitcrew_with(&house, &house.admin, &["apply", "-f", "-", "--dry-run"], twice).await;
    assert_eq!(warned.code, 0, "{}", warned.err);
    assert!(warned.out.starts_with("warning: <stdin>:1:59: The deployment \"twice\""), "{}", warned.out);
    let listed = pitcrew(&house, &["preview", "--group", "unattended"]).await;
    assert!(listed.out.contains("workshop") && listed.out.contains("archive"), "{}", listed.out);
    let counted = pitcrew(&house, &["preview", "--query", "os == \"linux\"", "--count", "--warn-above", "2"]).await;
    assert!(counted.out.contains("more than 2"), "{}", counted.out);
    let faulty = pitcrew(&house, &["preview", "--query", "os = \"linux\""]).await;
    assert_eq!((faulty.code, faulty.err.as_str()), (2, "At 1:4: \"=\" has no meaning here. Write == to compare.\n"));
    assert_eq!(pitcrew(&house, &["preview", "--deployment", "none"]).await.code, 3);
    assert_eq!(pitcrew(&house, &["explain"]).await.code, 2);
}

#[tokio::test]
async fn deployments_are_listed_decided_about_and_made() {
    let house = house().await;
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/examples/fleet.yaml");
    assert_eq!(pitcrew(&house, &["apply", "-f", example]).await.code, 0);
    let proposal = "{kind: deployment, name: proposed, software: runtime, target: {tenant: acme}, recommended: true}";
    assert_eq!(pitcrew_with(&house, &house.admin, &["apply", "-f", "-"], proposal).await.code, 0);
    let listed = pitcrew(&house, &["deployment", "list", "--undecided"]).await;
    assert!(listed.out.contains("proposed") && !listed.out.contains("editor-for-all"), "{} {}", listed.out, listed.err);
    let made = pitcrew(&house, &["deployment", "override", "proposed", "--as", "ours", "--state", "any"]).await;
    assert_eq!(made.out, "created deployment/ours\n1 created, 0 changed, 0 left as they are.\n", "{}", made.err);
    let enrol = "{kind: task, name: enrol, test: 'echo true', set: 'true', parameters: {key: {type: password}, site: {}}}\n---\n\
                 {kind: deployment, name: enrol-all, task: enrol, target: everyone, recommended: true, parameters: {key: hunter2-old, site: north}}";
    let applied = pitcrew_with(&house, &house.admin, &["apply", "-f", "-"], enrol).await;
    assert_eq!(applied.code, 0, "{}", applied.err);
    let own =
        ["deployment", "override", "enrol-all", "--as", "enrol-ours", "--parameter", "site=south", "--secret", "key"];
    let made = pitcrew_with(&house, &house.admin, &own, "hunter2-new\n").await;
    assert_eq!(made.out, "created deployment/enrol-ours\n1 created, 0 changed, 0 left as they are.\n", "{}", made.err);
    let shown = pitcrew(&house, &["deployment", "show", "enrol-ours"]).await;
    assert!(shown.out.ends_with("parameters: {\"site\":\"south\"}\n"), "{}", shown.out);
    let adopted = pitcrew(&house, &["deployment", "adopt", "proposed", "--reason", "tried"]).await;
    assert_eq!(adopted.out, "proposed is adopted: it takes part from the next session on.\n");
    let shown = pitcrew(&house, &["deployment", "show", "ours"]).await;
    let again = pitcrew_with(&house, &house.admin, &["apply", "-f", "-"], &shown.out).await;
    assert_eq!(again.out, "0 created, 0 changed, 1 left as they are.\n", "what is shown can be applied: {}", again.err);
    let deployed = pitcrew(&house, &["deploy", "software/runtime", "--to", "workshop"]).await;
    assert_eq!(deployed.out, "acme/workshop: ours (for tenant acme) wins and wants any version: session 1\n");
    let refused = pitcrew(&house, &["deploy", "software/runtime", "--to", "workshop", "--desired", "latest"]).await;
    assert!(refused.code == 2 && refused.err.contains("ours wins, and it wants"), "{} {}", refused.code, refused.err);
    let made = ["deploy", "software/runtime", "--to", "workshop", "--desired", "latest", "--create"];
    let made = pitcrew(&house, &made).await;
    assert!(
        made.out.starts_with("made deployment/quick-runtime-workshop-263b5a9748c2e68d\n"),
        "{} {}",
        made.out,
        made.err
    );
}

#[tokio::test]
async fn sessions_are_started_shown_and_ended() {
    let house = house().await;
    let started = pitcrew(&house, &["session", "start", "--computer", "pc-1,pc-2", "--reason", "why not"]).await;
    let told = "session 1 for pc-1\nsession 2 for pc-2\nTogether they are group 1: pitcrew session list --group 1\n";
    assert_eq!((started.code, started.out.as_str()), (0, told));
    let twice = pitcrew(&house, &["session", "start", "--computer", "pc-1"]).await;
    let told = "pc-1 has such a session already: 1\nNo second one was made for these; --again makes one.\n";
    assert_eq!((twice.code, twice.out.as_str()), (0, told));
    let listed = pitcrew(&house, &["session", "list"]).await;
    assert!(listed.out.starts_with("SESSION"), "{}", listed.out);
    assert!(listed.out.contains("pc-2"), "{}", listed.out);
    assert!(!listed.out.contains('\x1b'), "no colours but on a terminal");
    for verb in [&["session", "show", "1"][..], &["session", "report", "1"], &["session", "logs", "1"], &["why", "1"]] {
        let said = pitcrew(&house, verb).await;
        assert_eq!(said.code, 0, "{verb:?}: {}", said.err);
        assert!(!said.out.is_empty());
    }
    let timeline = pitcrew(&house, &["session", "timeline", "1"]).await;
    assert!(timeline.out.contains("detection waits for turn") && timeline.out.contains('░'), "{}", timeline.out);
    let paused = pitcrew(&house, &["session", "pause", "1"]).await;
    assert_eq!(paused.out, "session 1 for pc-1: paused, detection\n");
    assert_eq!(pitcrew(&house, &["session", "resume", "1"]).await.code, 0);
    assert!(pitcrew(&house, &["session", "cancel", "1"]).await.out.contains("cancelled"));
    let again = pitcrew(&house, &["session", "rerun", "1"]).await;
    assert!(again.out.starts_with("session 3 for pc-1: pending"), "{}", again.out);
    // Several at once: those that are named at once, those that have something in common once that is confirmed.
    let would = pitcrew(&house, &["session", "cancel", "--group", "1"]).await;
    assert_eq!((would.code, would.err.as_str()), (2, "This would cancel 1 session: 2. --yes does it.\n"));
    let done = pitcrew(&house, &["session", "cancel", "--group", "1", "--yes"]).await;
    assert_eq!((done.code, done.out.as_str()), (0, "1 session called off: 2\n"));
    let again = pitcrew(&house, &["session", "rerun", "1", "2"]).await;
    assert_eq!(again.out, "session 1 is run again by 3 already\nsession 2 is run again by 4\n");
    assert_eq!(pitcrew(&house, &["session", "cancel", "--by", "nobody"]).await.code, 3);
    assert_eq!(pitcrew(&house, &["session", "cancel"]).await.code, 2);
    let counts = pitcrew(&house, &["session", "counts"]).await;
    assert!(counts.out.contains("cancelled  2") && counts.out.contains("There are no workers."), "{}", counts.out);
    for verb in [&["computer", "list"][..], &["computer", "show", "pc-1"], &["status"], &["dead-letter", "list"]] {
        let said = pitcrew(&house, verb).await;
        assert_eq!(said.code, 0, "{verb:?}: {}", said.err);
        let said = pitcrew(&house, &[verb, &["--output", "json"]].concat()).await;
        assert!(serde_json::from_str::<Value>(&said.out).is_ok(), "{verb:?}: {}", said.out);
    }
    assert!(pitcrew(&house, &["computer", "token", "pc-1"]).await.out.starts_with("pca_"));
    assert_eq!(pitcrew(&house, &["tenant", "stop", "contoso"]).await.code, 0);
    assert!(pitcrew(&house, &["why", "3"]).await.out.starts_with("The tenant contoso has been stopped"));
    assert_eq!(pitcrew(&house, &["tenant", "start", "contoso"]).await.code, 0);
    assert_eq!(pitcrew(&house, &["stop", "--reason", "a bad package"]).await.code, 2, "all of it has to be said");
    assert_eq!(pitcrew(&house, &["stop", "--fleet", "--reason", "a bad package"]).await.code, 0);
    assert!(pitcrew(&house, &["why", "3"]).await.out.contains(": a bad package"));
    assert!(pitcrew(&house, &["status"]).await.out.contains("The whole fleet has been stopped by"));
    assert_eq!(pitcrew(&house, &["resume", "--fleet"]).await.code, 0);
}

#[tokio::test]
async fn exit_codes_say_what_went_wrong() {
    let house = house().await;
    let code = async |arguments: &[&str]| pitcrew(&house, arguments).await.code;
    assert_eq!(code(&["session", "show", "77"]).await, 3);
    assert_eq!(code(&["session", "shwo", "77"]).await, 2);
    let refused = pitcrew(&house, &["session", "start", "--computer", "shred,spare"]).await;
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("Did you mean \"shared\"?") && refused.err.contains("excluded"), "{}", refused.err);
    assert_eq!(pitcrew_with(&house, "wrong", &["status"], "").await.code, 1);
    assert_eq!(pitcrew_with(&house, &house.viewer, &["session", "start", "--computer", "pc-1"], "").await.code, 1);
    assert_eq!(code(&["status", "--api-url", "http://127.0.0.1:1"]).await, 4);
    assert_eq!(code(&["status", "--api-url", "nonsense"]).await, 2);
    let help = pitcrew(&house, &["session", "start", "--help"]).await;
    assert!(help.out.contains("Exit codes: 0 done") && help.out.contains("Examples:"), "{}", help.out);
}

#[tokio::test]
async fn a_name_that_is_not_there_is_answered_with_one_that_is() {
    let house = house().await;
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/examples/fleet.yaml");
    assert_eq!(pitcrew(&house, &["apply", "-f", example]).await.code, 0);
    let computers = "`pitcrew computer list` lists all.";
    let table: [(&[&str], &str); 14] = [
        (&["explain", "wrkshop"], &format!("computer \"wrkshop\". Did you mean \"workshop\"? {computers}")),
        (
            &["explain", "acme/recption"],
            &format!("computer \"acme/recption\". Did you mean \"acme/reception\"? {computers}"),
        ),
        (&["computer", "show", "wrkshop"], &format!("computer \"wrkshop\". Did you mean \"workshop\"? {computers}")),
        (&["session", "list", "--computer", "wrkshop"], "Did you mean \"workshop\"?"),
        (&["compliance", "list", "--computer", "wrkshop"], "Did you mean \"workshop\"?"),
        (&["explain", "workshop", "software/editr"], "There is no software/editr. Did you mean \"software/editor\"?"),
        (&["explain", "workshop", "--deployment", "editor-for-al"], "Did you mean \"editor-for-all\"?"),
        (&["explain", "--tenant", "acne"], "There is no tenant \"acne\". Did you mean \"acme\"?"),
        (&["preview", "--group", "nope"], "There is no group \"nope\". Known are: "),
        (&["preview", "--group", "unatended"], "There is no group \"unatended\". Did you mean \"unattended\"?"),
        (&["preview", "--deployment", "editor-for-al"], "Did you mean \"editor-for-all\"?"),
        (&["compliance", "list", "--item", "software/editr"], "Did you mean \"software/editor\"?"),
        (&["durations", "--item", "software/editr"], "Did you mean \"software/editor\"?"),
        (&["session", "show", "77"], "There is no session 77. `pitcrew session list` lists those there are."),
    ];
    for (arguments, expected) in table {
        let said = pitcrew(&house, arguments).await;
        assert_eq!(said.code, 3, "{arguments:?}: {} {}", said.out, said.err);
        assert!(said.err.contains(expected), "{arguments:?}: {}", said.err);
    }
    // Who sees one tenant only is not told of others.
    let said = pitcrew_with(&house, &house.contoso, &["explain", "wrkshop"], "").await;
    assert!(said.code == 3 && !said.err.contains("workshop\""), "{}", said.err);
}

#[tokio::test]
async fn waiting_ends_with_the_session_and_says_how_it_ended() {
    let house = house().await;
    let ending = async {
        let pending = || async { (house.count("SELECT count(*) FROM session").await == 1).then_some(()) };
        until(SOON, pending, "the session to be there").await;
        house.post("/v1/sessions/1/cancel", json!({})).await
    };
    let arguments = ["session", "start", "--computer", "pc-1", "--wait"];
    let (waited, _) = tokio::join!(pitcrew(&house, &arguments), ending);
    assert_eq!(waited.code, 5, "{}", waited.err);
    assert!(waited.out.contains("session 1 for pc-1: cancelled"), "{}", waited.out);
    assert_eq!(waited.err, "session 1 for pc-1 is cancelled\n");
    let watched = pitcrew(&house, &["session", "watch", "1", "--output", "json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&watched.out).unwrap()["items"][0]["status"], "cancelled");
}

#[tokio::test]
async fn a_forecast_needs_no_computer() {
    let house = house().await;
    house.database.connect().await.batch_execute("DELETE FROM deployment").await.expect("no deployments");
    let said = pitcrew(&house, &["forecast"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("6 computers, 1 excluded, 5 never looked at (contoso/pc-1, "), "{}", said.out);
    // What was never looked at is not called in order: it is said how to look.
    assert!(said.out.contains("\nWhat full sessions would do cannot be told yet of 5 computers.\n"), "{}", said.out);
    let named = "contoso/pc-1,contoso/pc-2,contoso/shared,fabrikam/shared,fabrikam/pc-9";
    let command = format!("\n  pitcrew session start --computer {named} --kind detection --wait");
    assert!(said.out.contains(&command) && !said.out.contains("would do:"), "{}", said.out);
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/examples/fleet.yaml");
    let said = pitcrew(&house, &["apply", "-f", example, "--dry-run", "--plan"]).await;
    assert!(said.out.contains("would be created software/editor"), "{} {}", said.out, said.err);
    assert!(said.out.contains("cannot be told yet of 8 computers"), "{}", said.out);
    assert!(said.out.contains("\n  pitcrew session start --tenant acme --kind detection --wait\n"), "{}", said.out);
    assert_eq!(house.count("SELECT count(*) FROM software").await, 0);
    let refused = pitcrew_with(&house, &house.viewer, &["forecast", "-f", example], "").await;
    assert_eq!(refused.code, 1);
    let own = pitcrew_with(&house, &house.contoso, &["forecast", "--output", "json"], "").await;
    assert_eq!(serde_json::from_str::<Value>(&own.out).unwrap()["computers"]["total"], 4);
    let faulty = pitcrew_with(&house, &house.admin, &["forecast", "-f", "-"], "kind: sofware\n").await;
    assert!(faulty.code == 2 && faulty.err.contains("<stdin>:1:"), "{}", faulty.err);
}
