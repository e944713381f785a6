//! Who gets what, over the API: explanations, previews, and decisions about what is optional.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::house::{House, house};

const FLEET: &str = "
{kind: tenant, name: acme}
---
{kind: tenant, name: below, parent: acme}
---
{kind: computer, name: desk, tenant: acme, os: linux, connection: noop, facts: {memory_gb: 16}}
---
{kind: computer, name: rack, tenant: acme, os: linux, connection: noop, device: server, facts: {memory_gb: 64}}
---
{kind: computer, name: far, tenant: below, os: macos, connection: noop}
---
{kind: group, name: strong, query: memory_gb >= 8}
---
{kind: group, name: named, computers: [acme/desk, below/far]}
---
{kind: task, name: clock, test: 'true'}
---
{kind: task, name: theme, test: 'true'}
---
{kind: deployment, name: for-all, task: clock, mode: audit, target: {tenant: acme, propagate: true}}
---
{kind: deployment, name: for-strong, task: clock, mode: audit, target: {group: strong, tenant: acme}, filter: {device: server}}
---
{kind: deployment, name: offered, task: theme, mode: audit, target: {group: named}, enforcement: optional}
";

async fn applied() -> House {
    let house = house().await;
    let body = json!({ "files": [{ "name": "fleet.yaml", "text": FLEET }] });
    let (status, answer) = house.call(&house.admin, Method::POST, "/v1/apply", Some(body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    house
}

/// `item: winner / losers / left out` of every item.
fn told(explanation: &Value) -> Vec<String> {
    let names = |list: &Value| {
        let contenders = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let told = contenders.iter().map(|one| format!("{} {}", text(&one["deployment"]), text(&one["why"])));
        told.collect::<Vec<_>>().join(", ")
    };
    let items = explanation["items"].as_array().expect("items").iter();
    items
        .map(|item| {
            let winner = text(&item["winner"]["deployment"]);
            format!("{}: {winner} / {} / {}", text(&item["item"]), names(&item["losers"]), names(&item["left_out"]))
        })
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// The names on a page, sorted.
fn names(page: &Value) -> Vec<&str> {
    let mut names: Vec<_> = page["items"].as_array().expect("items").iter().map(|line| text(&line["name"])).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn who_wins_is_explained_for_a_computer_an_item_and_a_tenant() {
    let house = applied().await;
    assert_eq!(told(&house.get("/v1/computers/rack/explain").await), ["task/clock: for-strong / for-all target / "]);
    assert_eq!(
        told(&house.get("/v1/computers/acme%2Fdesk/explain").await),
        ["task/clock: for-all /  / for-strong filter", "task/theme: - /  / offered not_approved"]
    );
    assert_eq!(
        told(&house.get("/v1/computers/desk/explain?deployments=offered&item=task/theme").await),
        ["task/theme: offered /  / "]
    );
    assert_eq!(
        told(&house.get("/v1/computers/rack/explain?item=task/theme").await),
        ["task/theme: - /  / offered other_target"]
    );

    let survey = house.get("/v1/explain?item=task/clock&tenant=acme").await;
    assert_eq!((&survey["computers"], &survey["without"]), (&json!(2), &json!(0)));
    let fates: Vec<_> = survey["deployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| json!([line["deployment"], line["wins"], line["loses"], line["left_out"]]))
        .collect();
    assert_eq!(fates, [json!(["for-all", 1, {"target": 1}, {}]), json!(["for-strong", 1, {}, {"filter": 1}])]);
    let all = house.get("/v1/explain?tenant=below").await;
    assert_eq!((&all["computers"], all["deployments"].as_array().unwrap().len()), (&json!(1), 2));

    for (path, status) in [
        ("/v1/explain", StatusCode::BAD_REQUEST),
        ("/v1/explain?item=task/clok", StatusCode::NOT_FOUND),
        ("/v1/explain?item=clock", StatusCode::BAD_REQUEST),
        ("/v1/computers/rack/explain?item=task/nothing", StatusCode::NOT_FOUND),
        ("/v1/preview", StatusCode::BAD_REQUEST),
        ("/v1/preview?group=strong&deployment=offered", StatusCode::BAD_REQUEST),
        ("/v1/preview?group=strnog", StatusCode::NOT_FOUND),
        ("/v1/preview/count?query=memory_gb", StatusCode::UNPROCESSABLE_ENTITY),
        ("/v1/preview/count?query=%22strnog%22%20in%20groups", StatusCode::NOT_FOUND),
    ] {
        let (answered, problem) = house.call(&house.viewer, Method::GET, path, None).await;
        assert_eq!(answered, status, "{path}: {problem}");
    }
    let (_, problem) = house.call(&house.viewer, Method::GET, "/v1/preview?group=strnog", None).await;
    assert_eq!(problem["detail"], "There is no group \"strnog\". Did you mean \"strong\"?");
}

#[tokio::test]
async fn previews_list_and_count_the_computers_that_sessions_would_have() {
    let house = applied().await;
    assert_eq!(names(&house.get("/v1/preview?group=strong").await), ["desk", "rack"]);
    assert_eq!(names(&house.get("/v1/preview?group=named").await), ["desk", "far"]);
    assert_eq!(names(&house.get("/v1/preview?query=os%20==%20%22macos%22").await), ["far"]);
    assert_eq!(names(&house.get("/v1/preview?item=task/clock").await), ["desk", "far", "rack"]);
    let mut all = house.get("/v1/preview?deployment=for-all&limit=1").await;
    assert_eq!(names(&all).len(), 1);
    let mut rest = house.get(&format!("/v1/preview?deployment=for-all&limit=2&after={}", all["next"])).await;
    assert!(rest.get("next").is_none_or(Value::is_null), "{rest}");
    all["items"].as_array_mut().unwrap().append(rest["items"].as_array_mut().unwrap());
    assert_eq!(names(&all), ["desk", "far", "rack"]);
    let lost = all["items"].as_array().unwrap().iter().find(|line| line["name"] == "rack").unwrap();
    assert_eq!((text(&lost["winner"]), text(&lost["why"])), ("for-strong", "target"));

    let count = house.get("/v1/preview/count?deployment=for-all&warn_above=2").await;
    assert_eq!((&count["members"], &count["wins"]), (&json!(3), &json!(2)));
    assert_eq!(count["otherwise"], json!({"target": 1}));
    assert_eq!(count["warnings"], json!(["These are 3 computers, more than 2."]));
    let unknown = house.get("/v1/preview/count?group=strong").await;
    // Of the house's own computers nothing is known either.
    assert_eq!((&unknown["members"], &unknown["unknown"]), (&json!(2), &json!(7)));
    let own = house.call(&house.contoso, Method::GET, "/v1/preview/count?query=not%20excluded", None).await.1;
    assert_eq!((&own["computers"], &own["members"]), (&json!(4), &json!(3)), "a tenant's token sees its tenant only");
}

#[tokio::test]
async fn what_is_optional_is_decided_about_computer_by_computer() {
    let house = applied().await;
    let decide = async |token: &str, deployment: &str, decision: &str| {
        let body = json!({ "deployment": deployment, "decision": decision, "reason": "asked for" });
        house.call(token, Method::POST, "/v1/computers/desk/approvals", Some(body)).await
    };
    let theme = async || told(&house.get("/v1/computers/desk/explain?item=task/theme").await).remove(0);
    assert_eq!(decide(&house.viewer, "offered", "approve").await.0, StatusCode::FORBIDDEN);
    let (status, answer) = decide(&house.operator, "offered", "approve").await;
    assert_eq!((status, &answer["approval"]["by"]), (StatusCode::OK, &json!("olga")));
    assert_eq!(theme().await, "task/theme: offered /  / ");
    assert_eq!(decide(&house.operator, "offered", "deny").await.0, StatusCode::OK);
    assert_eq!(theme().await, "task/theme: - /  / offered denied");
    assert_eq!(decide(&house.operator, "offered", "withdraw").await.1["approval"], Value::Null);
    assert_eq!(theme().await, "task/theme: - /  / offered not_approved");
    let (status, problem) = decide(&house.operator, "ofered", "approve").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(text(&problem["detail"]).ends_with("Did you mean \"offered\"?"), "{problem}");
    assert_eq!(decide(&house.operator, "for-all", "approve").await.0, StatusCode::CONFLICT);
    assert_eq!(decide(&house.operator, "offered", "maybe").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let audited = "SELECT count(*) FROM audit WHERE action = 'deployment.decide' AND actor = 'olga'";
    assert_eq!(house.count(audited).await, 3);
}
