//! Where files come from: beside the fleet file, by a script, from an address; fetched once, checked, and used.

use std::path::Path;

use pitcrew::domain::Role;
use pitcrew::domain::session::{Kind, Status};
use tokio::process::Command;

use super::installation::{Installation, SOON};
use crate::support::{program, until};

const TOKEN: &str = "of-the-vendors-portal";

/// The tool comes from beside this file; the scanner from a portal that a folder plays, by a script with a token.
const FLEET: &str = r#"
kind: software
name: tool
detect: cat "$PITCREW_SANDBOX/tool" 2>/dev/null || true
install: cp "$PITCREW_FILE" "$PITCREW_SANDBOX/tool.bin"; printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/tool"
uninstall: rm "$PITCREW_SANDBOX/tool"
post_install: echo "settled $PITCREW_VERSION" >> "$PITCREW_SANDBOX/after"
post_uninstall: echo "swept $PITCREW_DETECTED" >> "$PITCREW_SANDBOX/after"
upgrade: remove_first
versions:
  - {version: "1.0", file: installers/tool-1.0.bin}
  - {version: "2.0", file: installers/tool-2.0.bin, post_install: 'echo "settled as 2" >> "$PITCREW_SANDBOX/after"'}
---
kind: software
name: scanner
detect: cat "$PITCREW_SANDBOX/scanner" 2>/dev/null || true
download: |
  echo "asking with $PARAM_TOKEN"
  [ "$PARAM_TOKEN" = of-the-vendors-portal ] || exit 1
  echo fetched >> "$PITCREW_SANDBOX/fetched"
  cp "$PITCREW_URL" "$PITCREW_FILE" 2>/dev/null || cp "${PITCREW_URL#http://portal}" "$PITCREW_FILE"
install: cp "$PITCREW_FILE" "$PITCREW_SANDBOX/scanner"
parameters: {token: {secret: true}}
versions: [{version: "7.2", url: "http://portalPORTAL", sha256: SUM, size: 4}]
---
{kind: deployment, name: tool, software: tool, target: everyone, version: "1.0"}
---
{kind: deployment, name: scanner, software: scanner, target: everyone, parameters: {token: of-the-vendors-portal}}
"#;

impl Installation {
    /// Applies the fleet file at a path as people do, which stores the files that it names.
    async fn apply_file(&self, path: &Path) -> std::process::Output {
        self.pitcrew(&["apply", "-f", path.to_str().expect("a text")]).await
    }

    /// What the command line does with these arguments, as an administrator.
    pub async fn pitcrew(&self, arguments: &[&str]) -> std::process::Output {
        let token = self.store.mint_token(&format!("root-{}", uuid::Uuid::new_v4()), Role::Admin, None).await;
        let mut command = Command::new(program("pitcrew"));
        command.args(arguments).env("PITCREW_API_URL", &self.env["PITCREW_API_URL"]);
        command.env("PITCREW_TOKEN", token.expect("a token")).output().await.expect("the program runs")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_beside_the_fleet_file_and_from_scripts_reach_computers_and_are_fetched_once() {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_API_URL", format!("http://127.0.0.1:{}", installation.port));
    let folder = installation.folder.join("fleet");
    std::fs::create_dir_all(folder.join("installers")).expect("a folder");
    // More than two pieces, and not a whole number of them.
    let content: Vec<u8> = (0..2_500_000u32).flat_map(|n| [(n % 251) as u8]).collect();
    std::fs::write(folder.join("installers/tool-1.0.bin"), &content).expect("a file");
    std::fs::write(folder.join("installers/tool-2.0.bin"), "two").expect("a file");
    let portal = folder.join("scanner.bin");
    std::fs::write(&portal, "7.2\n").expect("a file");
    let sum = pitcrew::domain::Sha256Hash::of(b"7.2\n").to_string();
    let text = FLEET.replace("PORTAL", &portal.display().to_string()).replace("SUM", &sum);
    let fleet = folder.join("fleet.yaml");
    std::fs::write(&fleet, &text).expect("a file");

    let (near, far) = (installation.local_computer().await, installation.agent_computer().await);
    installation.start_all();
    installation.start("server");
    installation.start_agent("agent", &far, None);
    installation.until_connected(1).await;
    let applied = until(
        SOON,
        async || Some(installation.apply_file(&fleet).await).filter(|output| output.status.success()),
        "the API to answer",
    )
    .await;
    assert!(String::from_utf8_lossy(&applied.stdout).contains("created software/tool"));
    assert_eq!(installation.count("SELECT count(*) FROM stored_file WHERE sha256 IS NOT NULL").await, 2);
    assert_eq!(installation.count("SELECT count(*) FROM stored_file_piece").await, 4);
    // The same again stores nothing.
    assert!(installation.apply_file(&fleet).await.status.success());
    assert_eq!(installation.count("SELECT count(*) FROM audit WHERE action = 'file.store'").await, 2);

    let planned = installation.pitcrew(&["plan", &near.token]).await;
    let told = String::from_utf8_lossy(&planned.stdout).into_owned();
    let line = |item: &str| told.lines().rfind(|line| line.contains(item)).unwrap_or_default().to_owned();
    assert_eq!(
        line("software/tool").split_whitespace().skip(1).collect::<Vec<_>>().join(" "),
        "software/tool 2.5 MB if asked for yes uninstall it",
        "{told}"
    );
    assert!(line("software/scanner").contains("4 bytes"), "{told}");
    let forecast = installation.pitcrew(&["forecast"]).await;
    let told = String::from_utf8_lossy(&forecast.stdout).into_owned();
    assert!(told.contains("2 downloads of at most 2.5 MB"), "{told}");

    let sessions = installation.submit(Kind::Full, &[near.id, far.id]).await;
    assert_eq!(installation.tally(&sessions).await, [(Status::Completed, 2)].into());
    for (computer, session) in [(&near, sessions[0]), (&far, sessions[1])] {
        assert_eq!(std::fs::read(computer.sandbox.join("tool.bin")).expect("it was installed"), content);
        assert_eq!(std::fs::read_to_string(computer.sandbox.join("after")).expect("it was settled"), "settled 1.0\n");
        assert_eq!(std::fs::read_to_string(computer.sandbox.join("scanner")).expect("it was installed"), "7.2\n");
        let logs = installation.store.logs(session, None).await.expect("the database answers");
        let output: String = logs.iter().map(|entry| entry.output.as_str()).collect();
        assert!(output.contains("asking with [secret]") && !output.contains(TOKEN), "{output}");
        // What is taken away comes back, and nothing is fetched for it.
        std::fs::remove_file(computer.sandbox.join("tool")).expect("it was installed");
        std::fs::remove_file(computer.sandbox.join("scanner")).expect("it was installed");
    }
    let again = installation.submit(Kind::Full, &[near.id, far.id]).await;
    assert_eq!(installation.tally(&again).await, [(Status::Completed, 2)].into());
    for (computer, session) in [(&near, again[0]), (&far, again[1])] {
        let logs = installation.store.logs(session, None).await.expect("the database answers");
        let cached = logs.iter().filter(|entry| entry.output == "it was in the cache already\n").count();
        assert_eq!(cached, 2, "neither was fetched again");
        assert_eq!(std::fs::read_to_string(computer.sandbox.join("fetched")).expect("once"), "fetched\n");
    }

    // The next version takes the place of the first one, which is swept up before.
    std::fs::write(
        &fleet,
        text.replace(
            "version: \"1.0\"}\n---\n{kind: deployment, name: sc",
            "state: latest}\n---\n{kind: deployment, name: sc",
        ),
    )
    .expect("a file");
    assert!(installation.apply_file(&fleet).await.status.success());
    let latest = installation.submit(Kind::Full, &[near.id, far.id]).await;
    assert_eq!(installation.tally(&latest).await, [(Status::Completed, 2)].into());
    for computer in [&near, &far] {
        let after = std::fs::read_to_string(computer.sandbox.join("after")).expect("it was settled");
        assert_eq!(after, "settled 1.0\nsettled 1.0\nswept 1.0\nsettled as 2\n");
    }
    installation.at_rest().await;
}

const ASKING: &str = r#"
kind: software
name: feed
detect: cat "$PITCREW_SANDBOX/feed" 2>/dev/null || true
versions_from: cat "$PITCREW_SANDBOX/releases.json"
download: cp "${PITCREW_URL#http://portal}" "$PITCREW_FILE"
install: cp "$PITCREW_FILE" "$PITCREW_SANDBOX/feed"
---
{kind: deployment, name: feed, software: feed, target: everyone, state: latest}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_script_says_which_versions_there_are_and_the_plan_keeps_to_it() {
    let mut installation = Installation::new().await;
    installation.apply(ASKING).await;
    let computer = installation.local_computer().await;
    let release = |version: &str| {
        let file = computer.sandbox.join(format!("feed-{version}"));
        std::fs::write(&file, version).expect("a file");
        let sum = pitcrew::domain::Sha256Hash::of(version.as_bytes());
        format!("{{\"version\":\"{version}\",\"url\":\"http://portal{}\",\"sha256\":\"{sum}\"}}\n", file.display())
    };
    let feed = computer.sandbox.join("releases.json");
    std::fs::write(&feed, release("1.0") + &release("1.1")).expect("a file");
    installation.start_all();
    let first = installation.submit(Kind::Full, &[computer.id]).await;
    assert_eq!(installation.tally(&first).await, [(Status::Completed, 1)].into());
    assert_eq!(std::fs::read_to_string(computer.sandbox.join("feed")).expect("it was installed"), "1.1");
    let findings = installation.store.findings(first[0]).await.expect("the database answers").expect("findings");
    assert_eq!(findings.versions["feed"].len(), 2);

    std::fs::write(&feed, release("1.0") + &release("1.2")).expect("a file");
    let second = installation.submit(Kind::Full, &[computer.id]).await;
    assert_eq!(installation.tally(&second).await, [(Status::Completed, 1)].into());
    assert_eq!(std::fs::read_to_string(computer.sandbox.join("feed")).expect("it was updated"), "1.2");

    std::fs::write(&feed, "\n<html>").expect("a file");
    let third = installation.submit(Kind::Full, &[computer.id]).await;
    assert_eq!(installation.tally(&third).await, [(Status::Failed, 1)].into());
    let actions = installation.store.actions(third[0]).await.expect("the database answers");
    let message = actions[0].message.as_deref().expect("a sentence");
    assert!(message.contains("line 2 of what its script \"versions_from\" printed"), "{message}");
    installation.at_rest().await;
}
