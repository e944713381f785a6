//! A new version is rolled out under load: every program is stopped in order and started again, one after the other.

use pitcrew::domain::session::{Kind, Status};

use super::installation::Installation;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_costs_no_attempt_and_no_loss() {
    let mut installation = Installation::new().await;
    installation.never_lapse();
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(800).await;
    let names = ["scheduler", "detection", "planning", "execution"];
    installation.start_all();
    for name in names {
        installation.start(&format!("{name}-2"));
    }
    installation.until_counts(6, "SELECT count(*) FROM worker").await;
    let mut sessions = installation.submit(Kind::Full, &computers[..400]).await;
    for (round, name) in names.iter().flat_map(|name| [name.to_string(), format!("{name}-2")]).enumerate() {
        installation.until_counts(40 * (round as i64 + 1), "SELECT count(*) FROM session_history").await;
        let some = installation.submit(Kind::Full, &computers[400 + 50 * round..][..50]).await;
        sessions.extend(some);
        assert!(installation.programs.stop(&name).await.success(), "{name}");
        installation.start(&name);
    }
    for session in installation.finals(&sessions).await {
        assert_eq!((session.status, session.losses, session.attempt), (Status::Completed, 0, 0), "{session:?}");
    }
    let spent = "SELECT count(*) FROM transition WHERE what IN ('lost', 'retried')";
    assert_eq!(installation.count(spent).await, 0);
    installation.at_rest().await;
}
