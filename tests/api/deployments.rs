//! Deployments: what others recommend, what is wanted of a few computers now, and tenants that stand apart.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use pitcrew::domain::SecretId;

use super::house::{House, house};

const FLEET: &str = "
{kind: tenant, name: acme}
---
{kind: tenant, name: apart, cross_tenant: false}
---
{kind: computer, name: desk, tenant: acme, os: linux, connection: noop}
---
{kind: computer, name: attic, tenant: acme, os: linux, connection: noop, excluded: true}
---
{kind: computer, name: far, tenant: apart, os: linux, connection: noop}
---
{kind: software, name: browser, os: [linux], detect: 'true', install: 'true', uninstall: 'true', versions: ['1', '2']}
---
{kind: software, name: viewer, os: [linux], detect: 'true', install: 'true', versions: ['1', '2']}
---
{kind: deployment, name: browser-for-all, software: browser, target: everyone, recommended: true}
---
{kind: deployment, name: viewer-for-all, software: viewer, target: everyone}
---
{kind: deployment, name: viewer-here, software: viewer, target: {tenant: apart}, version: '1'}
";

async fn applied() -> House {
    let house = house().await;
    apply(&house, FLEET).await;
    house
}

async fn apply(house: &House, text: &str) {
    let body = json!({ "files": [{ "name": "fleet.yaml", "text": text }] });
    let (status, answer) = house.call(&house.admin, Method::POST, "/v1/apply", Some(body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

async fn admin(house: &House, path: &str, body: Value) -> (StatusCode, Value) {
    house.call(&house.admin, Method::POST, path, Some(body)).await
}

/// `winner / why of each other` of an item on a computer.
async fn told(house: &House, computer: &str, item: &str) -> String {
    let told = house.get(&format!("/v1/computers/{computer}/explain?item={item}")).await;
    let item = &told["items"][0];
    let why = |list: &Value| -> Vec<String> {
        let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter()
            .map(|one| format!("{} {}", one["deployment"].as_str().unwrap(), one["why"].as_str().unwrap()))
            .collect()
    };
    let others = [why(&item["losers"]), why(&item["left_out"])].concat().join(", ");
    format!("{} / {others}", item["winner"]["deployment"].as_str().unwrap_or("-"))
}

#[tokio::test]
async fn what_others_recommend_is_adopted_dismissed_and_overridden() {
    let house = applied().await;
    let browser = async || told(&house, "desk", "software/browser").await;
    assert_eq!(browser().await, "- / browser-for-all not_adopted");
    let undecided = house.get("/v1/deployments?undecided=true").await;
    assert_eq!(undecided["items"][0]["name"], "browser-for-all");
    assert_eq!(house.get("/v1/preview/count?deployment=browser-for-all").await["otherwise"]["not_adopted"], json!(6));

    let decide = async |name: &str, verdict: &str| {
        admin(&house, &format!("/v1/deployments/{name}/verdict"), json!({ "verdict": verdict, "reason": "tried" }))
            .await
    };
    let version = async || house.get("/v1/computers/desk/explain").await["policy_version"].as_i64().expect("a number");
    let before = version().await;
    let (status, adopted) = decide("browser-for-all", "adopt").await;
    assert_eq!((status, &adopted["decision"]["by"]), (StatusCode::OK, &json!("root")));
    assert!(version().await > before, "workers learn of it");
    assert_eq!(browser().await, "browser-for-all / ");
    apply(&house, FLEET).await;
    assert_eq!(browser().await, "browser-for-all / ", "what was decided outlives the files");
    assert_eq!(decide("browser-for-all", "dismiss").await.0, StatusCode::OK);
    assert_eq!(browser().await, "- / browser-for-all dismissed");
    assert_eq!(decide("browser-for-all", "withdraw").await.1["decision"], Value::Null);
    assert_eq!(browser().await, "- / browser-for-all not_adopted");
    assert_eq!(decide("viewer-for-all", "adopt").await.0, StatusCode::CONFLICT);
    let (status, near) = decide("browser-for-al", "adopt").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(near["detail"].as_str().unwrap().contains("Did you mean \"browser-for-all\"?"), "{near}");
    let path = "/v1/deployments/browser-for-all/verdict";
    assert_eq!(house.post(path, json!({"verdict": "adopt"})).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.count("SELECT count(*) FROM audit WHERE action = 'deployment.settle'").await, 3);

    // One's own comes first, whether the recommended one takes part or not; nothing is warned of.
    let own = json!({ "name": "our-browser", "with": { "state": "this_version", "version": "1" } });
    let (status, made) = admin(&house, "/v1/deployments/browser-for-all/override", own).await;
    assert_eq!((status, &made["created"]), (StatusCode::OK, &json!(["deployment/our-browser"])));
    assert_eq!(made["warnings"], json!([]));
    decide("browser-for-all", "adopt").await;
    assert_eq!(browser().await, "our-browser / browser-for-all recommended");
    let shown = house.get("/v1/deployments/our-browser").await;
    let expected = "kind: deployment\nname: \"our-browser\"\nsoftware: \"browser\"\ntarget: \"everyone\"\n\
                    state: \"this_version\"\nversion: \"1\"\n";
    assert_eq!(shown["document"], expected);
    let wrong = json!({ "name": "our-browser", "with": { "state": "this_version", "version": "9" } });
    let (status, faults) = admin(&house, "/v1/deployments/browser-for-all/override", wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{faults}");
}

#[tokio::test]
async fn the_audit_says_what_was_set_and_no_value() {
    let house = applied().await;
    let portal = "
{kind: software, name: portal, os: [linux], detect: 'true', install: 'true', versions: ['1'], parameters: {token: {secret: true}}}
---
{kind: deployment, name: portal-for-all, software: portal, target: everyone, recommended: true, parameters: {token: of-the-vendor}}
";
    apply(&house, portal).await;
    let own =
        json!({ "name": "our-portal", "with": { "mode": "audit", "parameters": { "token": "of-our-own-contract" } } });
    let (status, made) = admin(&house, "/v1/deployments/portal-for-all/override", own).await;
    assert_eq!((status, &made["created"]), (StatusCode::OK, &json!(["deployment/our-portal"])), "{made}");
    assert_eq!(house.count("SELECT count(*) FROM audit WHERE audit::text LIKE '%of-our-own-contract%'").await, 0);
    let said = "SELECT count(*) FROM audit WHERE action = 'deployment.override'
                AND scope::jsonb = '{\"deployment\": \"portal-for-all\", \"by\": \"our-portal\", \"with\": [\"mode\", \"parameters.token\"]}'";
    assert_eq!(house.count(said).await, 1);
}

#[tokio::test]
async fn a_tenant_that_stands_apart_is_not_reached_by_what_is_for_all() {
    let house = applied().await;
    assert_eq!(told(&house, "far", "software/viewer").await, "viewer-here / viewer-for-all tenant_apart");
    assert_eq!(told(&house, "desk", "software/viewer").await, "viewer-for-all / viewer-here other_target");
    let named = house.get("/v1/computers/far/explain?deployments=viewer-for-all").await;
    assert_eq!(named["items"][0]["winner"], Value::Null, "not even in sessions that name it: {named}");
    let count = house.get("/v1/preview/count?deployment=viewer-for-all&tenant=apart").await;
    assert_eq!((&count["wins"], &count["otherwise"]), (&Value::Null, &json!({"tenant_apart": 1})));
    apply(&house, "{kind: tenant, name: apart}").await;
    assert_eq!(told(&house, "far", "software/viewer").await, "viewer-here / viewer-for-all target");
}

#[tokio::test]
async fn an_item_is_had_now_by_what_wins_or_by_what_is_made_for_it() {
    let house = applied().await;
    let deploy = async |body: Value| admin(&house, "/v1/deploy", body).await;
    let message = |answer: &Value| answer["violations"][0]["message"].as_str().unwrap_or_default().to_owned();

    let (status, done) = deploy(json!({"item": "software/viewer", "computers": ["desk", "far"]})).await;
    assert_eq!(status, StatusCode::CREATED, "{done}");
    let told: Vec<String> = done["computers"]
        .as_array()
        .expect("computers")
        .iter()
        .map(|it| format!("{} {} wants {}", it["computer"], it["deployment"], it["wants"]).replace('"', ""))
        .collect();
    let expected = ["acme/desk viewer-for-all wants the latest version", "apart/far viewer-here wants version 1"];
    assert_eq!(told, expected);
    let session = house.get(&format!("/v1/sessions/{}", done["computers"][0]["session"])).await;
    assert_eq!((&session["kind"], &session["order"]["deployments"]), (&json!("targeted"), &json!(["viewer-for-all"])));
    let (status, again) = deploy(json!({"item": "software/viewer", "computers": ["desk"], "state": "latest"})).await;
    assert_eq!((status, &again["computers"][0]["already"]), (StatusCode::OK, &json!(true)), "it is under way");

    // Where none wins, or the one that does wants it otherwise, that is said; and made if that is asked for.
    let absent = json!({"item": "software/browser", "computers": ["desk"]});
    let (status, refused) = deploy(absent.clone()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(message(&refused).starts_with("No deployment gives acme/desk the item software/browser."), "{refused}");
    let other = json!({"item": "software/viewer", "computers": ["far"], "state": "latest"});
    let (_, refused) = deploy(other).await;
    assert!(
        message(&refused).contains("viewer-here wins, and it wants software/viewer otherwise: version 1."),
        "{refused}"
    );
    let made = json!({"item": "software/browser", "computers": ["desk"], "version": "1", "create": true,
                      "reboot": "if_needed"});
    let (status, made) = deploy(made).await;
    let name = "quick-browser-desk-f331cd15ebd7faa1";
    assert_eq!((status, &made["created"]), (StatusCode::CREATED, &json!([format!("deployment/{name}")])), "{made}");
    assert_eq!(
        (&made["computers"][0]["deployment"], &made["computers"][0]["wants"]),
        (&json!(name), &json!("version 1"))
    );
    let session = house.get(&format!("/v1/sessions/{}", made["computers"][0]["session"])).await;
    assert_eq!((&session["order"]["reboot"], &session["item"]), (&json!("if_needed"), &json!("software/browser")));
    let made = json!({"item": "software/browser", "computers": ["desk"], "state": "latest", "create": true});
    assert_eq!(deploy(made).await.1["changed"], json!([format!("deployment/{name}")]), "it keeps its name");
    assert_eq!(
        told_of(&house).await,
        "- / browser-for-all not_adopted, quick-browser-desk-f331cd15ebd7faa1 enforcement"
    );

    // What cannot be is said before anything is made.
    for (body, says) in [
        (json!({"item": "software/browser", "computers": ["attic"], "create": true}), "excluded from maintenance"),
        (json!({"item": "software/browser", "computers": ["desk"], "version": "7", "create": true}), "1 fault"),
        (json!({"item": "software/browser", "computers": ["desk"], "state": "lates", "create": true}), "1 fault"),
        (json!({"item": "software/browsr", "computers": ["desk"]}), "Did you mean \"software/browser\"?"),
        (json!({"item": "software/browser", "computers": ["dsk"]}), "Did you mean \"desk\"?"),
        (json!({"item": "software/browser", "computers": []}), "Name 1 to 100 computers"),
    ] {
        let (status, answer) = deploy(body.clone()).await;
        assert!(
            status.is_client_error() && answer.to_string().replace("\\\"", "\"").contains(says),
            "{body}: {answer}"
        );
    }
    let create = json!({"item": "software/browser", "computers": ["desk"], "create": true});
    assert_eq!(house.post("/v1/deploy", create).await.0, StatusCode::FORBIDDEN, "a deployment is an administrator's");
}

#[tokio::test]
async fn what_wins_and_does_not_give_the_item_is_not_deployed() {
    let house = applied().await;
    let fleet = "
{kind: task, name: clock, os: [linux], test: 'echo true', set: 'true', get: 'echo 1'}
---
{kind: deployment, name: no-browser, software: browser, target: {tenant: acme}, state: absent}
---
{kind: deployment, name: viewer-watched, software: viewer, target: {tenant: acme}, mode: audit}
---
{kind: deployment, name: clock-watched, task: clock, target: everyone, mode: monitor}
---
{kind: computer, name: cellar, tenant: acme, os: linux, connection: noop}
";
    apply(&house, fleet).await;
    let deploy = async |item: &str, more: Value| {
        let mut body = json!({"item": item, "computers": ["desk"]});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        admin(&house, "/v1/deploy", body).await
    };
    let make = "Have a deployment made for this computer alone: create, or --create.";
    for (item, says) in [
        (
            "software/browser",
            "On acme/desk the deployment no-browser wins, and it wants software/browser absent. To have it removed, \
             say so: state absent, or --desired absent. Or have a deployment made for this computer alone: create, or \
             --create."
                .to_owned(),
        ),
        (
            "software/viewer",
            format!(
                "On acme/desk the deployment viewer-watched wins, and it only looks at software/viewer: the latest \
                 version, audit. {make}"
            ),
        ),
        (
            "task/clock",
            format!("On acme/desk the deployment clock-watched wins, and it only looks at task/clock: monitor. {make}"),
        ),
    ] {
        let (status, refused) = deploy(item, json!({})).await;
        assert_eq!((status, &refused["violations"][0]["message"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(says)));
    }
    assert_eq!(house.count("SELECT count(*) FROM session").await, 0, "nothing was removed or looked at");
    let (_, removed) = deploy("software/browser", json!({"state": "absent"})).await;
    assert_eq!(removed["computers"][0]["deployment"], "no-browser", "{removed}");
    let (_, made) = deploy("software/viewer", json!({"create": true})).await;
    assert_eq!(made["computers"][0]["wants"], "the latest version", "{made}");
    let (_, made) = deploy("task/clock", json!({"create": true})).await;
    assert_eq!(made["computers"][0]["wants"], "enforce", "{made}");
}

#[tokio::test]
async fn a_computer_that_is_named_twice_is_one_and_faults_are_where_they_were_written() {
    let house = applied().await;
    let browser = json!({"item": "software/browser", "computers": ["desk", "acme/desk", "far"], "create": true});
    let (status, done) = admin(&house, "/v1/deploy", browser).await;
    assert_eq!((status, done["computers"].as_array().map(Vec::len)), (StatusCode::CREATED, Some(2)), "{done}");
    let twice = json!({"item": "software/viewer", "computers": ["desk", "acme/desk"]});
    assert_eq!(admin(&house, "/v1/deploy", twice).await.0, StatusCode::CREATED);

    // What was changed is asked for anew where the session was planned by what it was before.
    let planned = "UPDATE session SET stage = 'planning', started_at = now()";
    house.database.connect().await.batch_execute(planned).await.expect("they were planned");
    let version = json!({"item": "software/browser", "computers": ["desk"], "version": "1", "create": true});
    let (_, changed) = admin(&house, "/v1/deploy", version.clone()).await;
    assert_eq!((&changed["computers"][0]["already"], status), (&json!(false), StatusCode::CREATED), "{changed}");
    let (_, same) = admin(&house, "/v1/deploy", version).await;
    assert_eq!(same["computers"][0]["already"], json!(true), "it is what it was: {same}");

    // One of the computers is excluded at that very moment: the others have what was asked for, and it is told of.
    let hinder = "
        CREATE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN UPDATE computer SET excluded = true WHERE name = 'far'; RETURN NULL; END $$;
        CREATE TRIGGER hinder AFTER INSERT OR UPDATE ON deployment FOR EACH STATEMENT EXECUTE FUNCTION hinder()";
    house.database.connect().await.batch_execute(hinder).await.expect("a trigger");
    let before = house.count("SELECT count(*) FROM session").await;
    let viewer = json!({"item": "software/viewer", "computers": ["desk", "desk", "far", "pc-9"], "version": "2",
                        "create": true});
    let (status, done) = admin(&house, "/v1/deploy", viewer).await;
    assert_eq!(status, StatusCode::CREATED, "{done}");
    let computers: Vec<&Value> =
        done["computers"].as_array().expect("computers").iter().map(|it| &it["computer"]).collect();
    assert_eq!(computers, ["acme/desk", "fabrikam/pc-9"]);
    assert_eq!(done["created"].as_array().map(Vec::len), Some(3), "{done}");
    let refused = done["refused"].as_array().expect("violations");
    assert_eq!((refused.len(), &refused[0]["pointer"]), (1, &json!("/computers/2")), "{done}");
    assert_eq!(house.count("SELECT count(*) FROM session").await, before + 2);
}

#[tokio::test]
async fn an_override_keeps_what_is_not_said_otherwise_and_its_secrets() {
    let house = applied().await;
    let fleet = "
{kind: task, name: enrol, os: [linux], test: 'echo true', set: 'true', parameters: {key: {type: password}, site: {}, door: {}}}
---
{kind: deployment, name: enrol-all, task: enrol, target: everyone, recommended: true, parameters: {key: hunter2-old, site: north, door: '1'}}
";
    apply(&house, fleet).await;
    let path = "/v1/deployments/enrol-all/override";
    let own = json!({"name": "enrol-ours", "with": {"parameters": {"site": "south"}}});
    let (status, made) = admin(&house, path, own).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let shown = house.get("/v1/deployments/enrol-ours").await["document"].as_str().expect("a text").to_owned();
    assert!(shown.contains("parameters: {\"door\":\"1\",\"site\":\"south\"}"), "{shown}");
    let value = async || {
        let sql = house.database.connect().await;
        let which =
            "SELECT id FROM secret WHERE owner = 'deployment/enrol-ours' AND name = 'key' AND replaced_at IS NULL";
        let id = SecretId(sql.query_one(which, &[]).await.expect("a secret").get(0));
        house.store.secrets(&[id].into()).await.expect("it opens")[&id].clone()
    };
    assert_eq!(value().await, "hunter2-old", "one's own, whatever becomes of the other");
    let own = json!({"name": "enrol-ours", "with": {"parameters": {"key": "hunter2-new"}}});
    assert_eq!(admin(&house, path, own).await.0, StatusCode::OK);
    assert_eq!(value().await, "hunter2-new");
    let told = "SELECT count(*) FROM audit WHERE action = 'deployment.override' AND scope::text LIKE '%hunter2%'";
    assert_eq!(house.count(told).await, 0, "no value is audited");
    let own = json!({"name": "enrol-ours", "with": {"parameters": {"door": null}}});
    let (status, faults) = admin(&house, path, own).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{faults}");
    assert!(faults["faults"][0]["message"].as_str().expect("a text").contains("\"door\""), "{faults}");
}

async fn told_of(house: &House) -> String {
    told(house, "desk", "software/browser").await
}
