//! Who gets what, seen from the sessions of a computer: by what its inventory found, and by what people decided.

use pitcrew::domain::session::{Kind, Status};
use pitcrew::store::approvals::{Decided, Decision};

use super::installation::Installation;
use super::work::order;

/// A task for whatever has a kernel: nobody knows that of a computer before its inventory was taken.
const FLEET: &str = r#"
kind: group
name: seen
query: kernel matches "*" and not software("no such software")
---
kind: task
name: marker
test: '[ -e "$PITCREW_SANDBOX/marker" ] && echo true || echo false'
set: echo marker >> "$PITCREW_SANDBOX/acts"; touch "$PITCREW_SANDBOX/marker"
---
{kind: deployment, name: marker, task: marker, target: {group: seen}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_a_computer_once_its_inventory_says_so() {
    let mut installation = Installation::new().await;
    installation.apply(FLEET).await;
    let computer = installation.local_computer().await;
    installation.start_all();
    for (kind, acts) in [(Kind::Full, ""), (Kind::Inventory, ""), (Kind::Full, "marker")] {
        let session = installation.submit_order(installation.tenant, kind, order(), &[computer.id]).await[0];
        let ended = installation.finals(&[session]).await.remove(0);
        assert_eq!((ended.status, computer.acts().join(" ").as_str()), (Status::Completed, acts), "{kind}");
    }
    let known = installation.store.computer(computer.id).await.expect("the database answers").expect("the computer");
    let kernel = known.facts["kernel"].as_str().expect("a text");
    assert!(kernel.starts_with(|first: char| first.is_ascii_digit()), "{kernel}");
    assert_eq!(known.software, Some(Default::default()), "nothing else is read of its inventory");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_optional_is_done_where_it_was_approved() {
    let mut installation = Installation::new().await;
    installation.apply(&FLEET.replace("target: {group: seen}", "target: everyone, enforcement: optional")).await;
    let computer = installation.local_computer().await;
    installation.start_all();
    let full = async || {
        let session = installation.submit_order(installation.tenant, Kind::Full, order(), &[computer.id]).await[0];
        assert_eq!(installation.finals(&[session]).await.remove(0).status, Status::Completed);
        computer.acts().join(" ")
    };
    let decide = async |decision| {
        let decided = installation.store.decide_optional(computer.id, "marker", decision, "ann", "she asked").await;
        assert!(matches!(decided, Ok(Decided::Done(_))), "{decided:?}");
    };
    assert_eq!(full().await, "");
    decide(Decision::Deny).await;
    assert_eq!(full().await, "");
    decide(Decision::Approve).await;
    assert_eq!(full().await, "marker");
}
