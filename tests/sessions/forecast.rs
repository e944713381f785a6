//! What a whole fleet's sessions would do, reckoned without contacting anyone: it is what they do.

use pitcrew::domain::report::Forecast;
use pitcrew::domain::session::Kind;
use pitcrew::store::forecast::Question;

use super::installation::Installation;

/// Two pieces of software for everyone, of which the first has an older and a newer version.
const FLEET: &str = r#"
kind: software
name: one
detect: cat "$PITCREW_SANDBOX/one" 2>/dev/null || true
install: printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/one"
uninstall: rm "$PITCREW_SANDBOX/one"
versions: ["1.0", "2.0"]
---
kind: software
name: two
detect: cat "$PITCREW_SANDBOX/two" 2>/dev/null || true
install: printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/two"
versions: ["1.0"]
reboot: if_asked
---
{kind: deployment, name: one-for-all, software: one, target: everyone, version: "1.0"}
---
{kind: deployment, name: two-for-all, software: two, target: everyone, state: any}
"#;

/// One goes to its newer version, and a third piece comes along.
const CHANGE: &str = r#"
{kind: deployment, name: one-for-all, software: one, target: everyone, state: latest}
---
kind: software
name: three
detect: cat "$PITCREW_SANDBOX/three" 2>/dev/null || true
install: printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/three"
versions: ["1.0"]
---
{kind: deployment, name: three-for-all, software: three, target: {tenant: acme}}
"#;

async fn forecast(installation: &Installation, files: Option<&str>) -> Forecast {
    let files = files.map(|text| vec![("change.yaml".to_owned(), text.to_owned())]);
    let question = Question { files, attached: Default::default(), tenant: None, sample: 10 };
    installation.store.forecast(&question).await.expect("the database answers")
}

/// `action item version` of each.
fn told(forecast: &Forecast) -> Vec<String> {
    let actions = forecast.sample.iter().flat_map(|computer| &computer.actions);
    actions.map(|it| format!("{} {} {}", it.action, it.item, it.version.as_deref().unwrap_or("-"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_says_what_sessions_then_do_and_changes_nothing() {
    let mut installation = Installation::new().await;
    let files = [("fleet.yaml".to_owned(), FLEET.to_owned())];
    installation.store.apply_files(&files, false).await.expect("they are applied");
    let computers = [installation.local_computer().await, installation.local_computer().await];
    let ids = computers.each_ref().map(|computer| computer.id);
    installation.noop_computers(1).await;
    let nobody = forecast(&installation, None).await;
    assert_eq!((nobody.computers.total, nobody.computers.without_findings, nobody.plan.computers), (3, 3, 0));

    // One that was looked at for some deployments alone is known by these.
    installation.start_all();
    let order =
        || pitcrew::domain::session::Order { deployments: vec!["two-for-all".to_owned()], ..super::work::order() };
    let looked = installation.submit_order(installation.tenant, Kind::Detection, order(), &ids[..1]).await;
    installation.all_complete(&looked).await;
    assert_eq!(told(&forecast(&installation, None).await), ["install software/two 1.0"]);

    // What sessions have done since they looked counts as well.
    let all = installation.submit(Kind::Full, &ids).await;
    installation.all_complete(&all).await;
    let settled = forecast(&installation, None).await;
    assert_eq!(settled.computers.some_without_findings, ["acme/pc-1"]);
    assert_eq!((settled.plan.all_actions(), settled.findings.day), (0, 2));

    // How long it took is learned once, and told of what is planned from then on.
    assert_eq!(installation.store.learn_durations().await.expect("the database answers"), 2);
    assert_eq!(installation.store.learn_durations().await.expect("the database answers"), 0);
    let learned = installation.store.durations(Some("software/one"), 10).await.expect("the database answers");
    assert_eq!((learned.len(), learned[0].samples, learned[0].version.as_deref()), (1, 2, Some("1.0")));

    // What was found by a session about some deployments alone counts as well, and only for these.
    computers[0].meddle("one", None);
    computers[0].meddle("two", None);
    let looked = installation.submit_order(installation.tenant, Kind::Detection, order(), &ids[..1]).await;
    installation.all_complete(&looked).await;
    assert_eq!(told(&forecast(&installation, None).await), ["install software/two 1.0"]);
    let looked = installation.submit(Kind::Detection, &ids[..1]).await;
    installation.all_complete(&looked).await;
    let planned = installation.store.actions(looked[0]).await.expect("the database answers");
    assert_eq!(planned.len(), 2);
    assert!(planned.iter().all(|action| action.expected_ms.is_some()), "{planned:?}");
    let now = forecast(&installation, None).await;
    assert_eq!(now.plan.of_unknown_duration, 0);
    assert_eq!(told(&now), ["install software/one 1.0", "install software/two 1.0"]);
    assert_eq!((now.plan.computers, now.tenants["acme"].all_actions()), (1, 2));
    assert_eq!(now.deployments["one-for-all"].actions, [("install".to_owned(), 1)].into());

    // A change is compared with how things are, and leaves no trace.
    let changed = forecast(&installation, Some(CHANGE)).await;
    assert_eq!((changed.created.len(), changed.changed.len()), (2, 1));
    let difference = changed.difference.as_ref().expect("a difference");
    assert_eq!(difference.computers, 2);
    assert_eq!(difference.more.actions, [("install".to_owned(), 1), ("update".to_owned(), 1)].into());
    assert_eq!(difference.less.actions, [("install".to_owned(), 1)].into());
    assert_eq!(difference.more.not_looked_at, 2);
    assert_eq!((difference.more.of_unknown_duration, difference.less.of_unknown_duration), (2, 0));
    assert_eq!(told(&changed), ["install software/one 2.0", "update software/one 2.0"]);
    assert_eq!(installation.count("SELECT count(*) FROM software").await, 2);
    assert_eq!(told(&forecast(&installation, None).await), told(&now));

    // And it is what sessions then do.
    let files = [("change.yaml".to_owned(), CHANGE.to_owned())];
    installation.store.apply_files(&files, false).await.expect("they are applied");
    let done = installation.submit(Kind::Full, &ids).await;
    installation.all_complete(&done).await;
    let query = "SELECT concat_ws(' ', type, item, desired) AS line FROM action
                 WHERE session_id = ANY($1) AND item <> 'software/three' ORDER BY line";
    let numbers: Vec<i64> = done.iter().map(|id| id.0).collect();
    let rows = installation.sql.query(query, &[&numbers]).await.expect("the database answers");
    let lines: Vec<String> = rows.iter().map(|row| row.get("line")).collect();
    assert_eq!(lines, ["install software/one 2.0", "install software/two 1.0", "update software/one 2.0"]);
    assert_eq!(forecast(&installation, None).await.plan.all_actions(), 0);
    installation.at_rest().await;
}
