//! What becomes of a software that is removed to make room for its next version, and of what is said of it meanwhile.

use pitcrew::domain::session::{Kind, Status};

use super::installation::Installation;

/// The sweeping after a removal fails as long as something is stuck.
const FLEET: &str = r#"
kind: software
name: tool
detect: cat "$PITCREW_SANDBOX/tool" 2>/dev/null || true
install: printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/tool"
uninstall: rm "$PITCREW_SANDBOX/tool"
post_uninstall: '[ ! -e "$PITCREW_SANDBOX/stuck" ] || exit 3'
upgrade: remove_first
versions: ["1.0", "2.0", "3.0"]
---
{kind: deployment, name: tool, software: tool, target: everyone, version: "WANTED", retries: TRIES}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_removed_first_is_installed_though_the_sweeping_failed_or_is_told_as_gone() {
    let mut installation = Installation::new().await;
    let wanted = |version: &str, retries: &str| FLEET.replace("WANTED", version).replace("TRIES", retries);
    installation.apply(&wanted("1.0", "1")).await;
    let computer = installation.local_computer().await;
    installation.start_all();
    let first = installation.submit(Kind::Full, &[computer.id]).await;
    installation.all_complete(&first).await;
    computer.meddle("stuck", Some(""));

    // The second try finds it missing and has it installed.
    installation.apply(&wanted("2.0", "1")).await;
    let second = installation.submit(Kind::Full, &[computer.id]).await;
    installation.all_complete(&second).await;
    assert_eq!(std::fs::read_to_string(computer.sandbox.join("tool")).expect("it is installed"), "2.0");

    // Without one it is not there, and nobody says that it is.
    installation.apply(&wanted("3.0", "0")).await;
    let third = installation.submit(Kind::Full, &[computer.id]).await;
    assert_eq!(installation.finals(&third).await[0].status, Status::Failed);
    assert!(!computer.sandbox.join("tool").exists());
    let sql = "SELECT state, reason, detected FROM compliance WHERE item = 'software/tool'";
    let row = installation.sql.query_one(sql, &[]).await.expect("the database answers");
    let told: (String, String, Option<String>) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(told, ("non_compliant".to_owned(), "script_failed".to_owned(), None));
    let fourth = installation.submit(Kind::Full, &[computer.id]).await;
    installation.all_complete(&fourth).await;
    assert_eq!(std::fs::read_to_string(computer.sandbox.join("tool")).expect("it is installed"), "3.0");
    installation.at_rest().await;
}
