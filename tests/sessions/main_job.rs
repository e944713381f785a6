//! The main job: sessions go through all three stages and end.

use pitcrew::domain::session::{Kind, Status};

use super::installation::Installation;

#[tokio::test(flavor = "multi_thread")]
async fn sessions_go_through_their_stages_and_leave_nothing_behind() {
    let mut installation = Installation::new().await;
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(40).await;
    installation.start_all();
    let full = installation.submit(Kind::Full, &computers).await;
    let tally = installation.tally(&full).await;
    assert_eq!(tally, [(Status::Completed, 40)].into());
    let rows = installation
        .sql
        .query("SELECT result, count(*) AS n FROM action GROUP BY result", &[])
        .await
        .expect("the database answers");
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].get::<_, &str>("result"), rows[0].get::<_, i64>("n")), ("success", 120));
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detection_session_is_the_preview_and_changes_nothing() {
    let mut installation = Installation::new().await;
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(1).await;
    installation.start_all();
    let looked = installation.submit(Kind::Detection, &computers).await;
    assert_eq!(installation.tally(&looked).await, [(Status::Completed, 1)].into());
    let row = installation
        .sql
        .query_one("SELECT count(*) AS n, count(*) FILTER (WHERE status = 'planned') AS planned FROM action", &[])
        .await
        .expect("the database answers");
    assert_eq!((row.get::<_, i64>("n"), row.get::<_, i64>("planned")), (3, 3));
    installation.at_rest().await;
}
