//! Submitting sessions, and what can be asked of them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::house::{house, ids, violations};

#[tokio::test]
async fn everything_that_is_wrong_is_answered_and_nothing_is_made() {
    let house = house().await;
    let (status, refused) = house
        .post(
            "/v1/sessions",
            json!({
                "v": 1, "target": {"computers": ["pc-1", "pc-l", "spare", "shared", 1, 99]},
                "kind": "targeted", "deployments": ["editor", "edtor"], "expires_at": "2020-01-01T00:00:00Z",
            }),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        violations(&refused),
        [
            "/deployments/1 unknown_deployment",
            "/expires_at expired",
            "/target/computers/1 unknown_computer",
            "/target/computers/2 excluded",
            "/target/computers/3 ambiguous_computer",
            "/target/computers/4 duplicate",
            "/target/computers/5 unknown_computer",
        ]
    );
    assert!(refused.to_string().contains("Did you mean \\\"editor\\\"?"), "{refused}");
    assert_eq!(house.count("SELECT count(*) FROM session").await, 0);
    let (status, _) = house.post("/v1/sessions", json!({"v": 1, "target": {"tenant": "contos"}})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_tenants_computers_are_taken_but_for_the_excluded_ones() {
    let house = house().await;
    let order = json!({"v": 1, "target": {"tenant": "contoso"}, "kind": "detection", "inventory": true, "priority": 1});
    let (status, answer) = house.post("/v1/sessions", order).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(answer["answer"], "accepted");
    assert_eq!(answer["left_out"], json!(["spare"]));
    let names: Vec<&Value> = answer["sessions"].as_array().unwrap().iter().map(|made| &made["computer"]).collect();
    assert_eq!(names, ["pc-1", "pc-2", "shared"]);
    let shown = house.get(&format!("/v1/sessions/{}", ids(&answer)[0])).await;
    assert_eq!(
        (&shown["kind"], &shown["priority"], &shown["status"]),
        (&json!("detection"), &json!("high"), &json!("pending"))
    );
    assert_eq!(shown["order"]["inventory"], true);
    assert_eq!(shown["order"]["by"], "olga");
    assert_eq!(shown["stages"][0]["state"], "waiting");
}

#[tokio::test]
async fn a_key_makes_its_sessions_once_even_under_a_crowd() {
    let house = house().await;
    let order = json!({"v": 1, "key": "k-1", "target": {"computers": ["fabrikam/shared", 1]}});
    let (status, refused) = house.post("/v1/sessions", order).await;
    assert_eq!(
        (status, violations(&refused)),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["/target/computers conflict".to_owned()])
    );

    let order = json!({"v": 1, "key": "k-1", "target": {"computers": ["pc-1", "pc-2"]}});
    let answers = futures_util::future::join_all((0..8).map(|_| house.post("/v1/sessions", order.clone()))).await;
    let first = ids(&answers[0].1);
    let made = answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).count();
    assert_eq!(made, 1);
    for (status, answer) in &answers {
        assert_eq!(answer["before"], *status == StatusCode::OK);
        assert_eq!(ids(answer), first);
        assert_eq!(answer["sessions"][1]["computer"], "pc-2");
    }
    assert_eq!(house.count("SELECT count(*) FROM session").await, 2);

    let other = json!({"v": 1, "key": "k-1", "target": {"computers": ["pc-1"]}, "again": true});
    let (status, refused) = house.post("/v1/sessions", other.clone()).await;
    assert_eq!((status, violations(&refused)), (StatusCode::CONFLICT, vec!["/key key_conflict".to_owned()]));
    // Another submitter's key is another key.
    let (status, _) = house.call(&house.contoso, Method::POST, "/v1/sessions", Some(other)).await;
    assert_eq!(status, StatusCode::CREATED);
}

#[tokio::test]
async fn ten_thousand_computers_go_into_one_call() {
    let house = house().await;
    let fleet = "INSERT INTO computer (tenant_id, name, os, arch, connection)
                 SELECT 2, 'many-' || n, 'linux', 'x86_64', '{\"via\": \"noop\"}' FROM generate_series(1, 10000) n";
    house.database.connect().await.batch_execute(fleet).await.unwrap();
    assert_eq!(house.submit(json!({"v": 1, "target": {"tenant": "fabrikam"}})).await.len(), 10_002);
    let names: Vec<String> = (1..=10_000).map(|n| format!("many-{n}")).collect();
    let order = json!({"v": 1, "target": {"computers": names}, "again": true});
    assert_eq!(house.submit(order).await.len(), 10_000);
    assert_eq!(house.count("SELECT count(*) FROM transition").await, 20_002);
}

#[tokio::test]
async fn sessions_are_listed_by_pages_and_narrowed() {
    let house = house().await;
    let mut all = house.submit(json!({"v": 1, "target": {"tenant": "contoso"}})).await;
    all.extend(house.submit(json!({"v": 1, "target": {"computers": ["pc-9"]}, "kind": "detection"})).await);
    let cancelled = all[1];
    house.post(&format!("/v1/sessions/{cancelled}/cancel"), json!({"reason": "r"})).await;
    all.reverse();
    let mut seen = Vec::new();
    let mut path = "/v1/sessions?limit=3".to_owned();
    loop {
        let page = house.get(&path).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|line| line["id"].as_i64().unwrap()));
        match page["next"].as_i64() {
            Some(next) => path = format!("/v1/sessions?limit=3&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all, "live and final ones in one order");
    let listed = async |query: &str| -> Vec<i64> {
        let page = house.get(&format!("/v1/sessions?{query}")).await;
        page["items"].as_array().unwrap().iter().map(|line| line["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(listed("status=cancelled,failed").await, [cancelled]);
    assert_eq!(listed("tenant=fabrikam").await, [all[0]]);
    assert_eq!(listed("kind=detection&status=pending").await, [all[0]]);
    assert_eq!(listed("computer=pc-2").await, [cancelled]);
    assert_eq!(listed("since=2099-01-01T00:00:00Z").await, Vec::<i64>::new());
    assert_eq!(listed(&format!("ids={},{}", all[0], cancelled)).await, [all[0], cancelled]);
}

#[tokio::test]
async fn sessions_are_paused_resumed_cancelled_and_run_again() {
    let house = house().await;
    let id = house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}, "priority": "low"})).await[0];
    let ask = async |verb: &str| house.post(&format!("/v1/sessions/{id}/{verb}"), json!({"reason": "because"})).await;
    assert_eq!(ask("pause").await.1["status"], "paused");
    assert!(
        house.get(&format!("/v1/sessions/{id}/why")).await["answer"]
            .as_str()
            .unwrap()
            .contains("olga paused it (because)")
    );
    assert_eq!(ask("pause").await.0, StatusCode::OK, "asking twice is not an error");
    assert_eq!(ask("resume").await.1["status"], "pending");
    assert_eq!(ask("rerun").await.0, StatusCode::CONFLICT, "it still lives");
    assert_eq!(ask("cancel").await.1["status"], "cancelled");
    assert_eq!(ask("cancel").await.0, StatusCode::CONFLICT, "it is final");
    let (status, none) = house.post(&format!("/v1/sessions/{id}/rerun"), json!({"item": "software/editor"})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{none}");
    assert!(none.to_string().contains("has no action for software/editor"), "{none}");
    let (status, again) = ask("rerun").await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(again["priority"], "low");
    let shown = house.get(&format!("/v1/sessions/{}", again["id"])).await;
    assert_eq!(shown["order"]["rerun_of"], id);
    let shown = house.get(&format!("/v1/sessions/{id}")).await;
    assert_eq!((&shown["reruns"][0]["session"], &shown["standing"]), (&again["id"], &json!(null)));
    let why = house.get(&format!("/v1/sessions/{id}/why")).await;
    assert_eq!(why["answer"], "olga called it off (because).");
}

#[tokio::test]
async fn a_repair_names_what_there_is_and_an_excluded_computer_may_say_what_it_has() {
    let house = house().await;
    let wrong = json!({"v": 1, "target": {"computers": ["spare"]}, "kind": "repair", "item": "software/nothing"});
    let (status, answer) = house.post("/v1/sessions", wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert_eq!(violations(&answer), ["/item unknown_item", "/target/computers/0 excluded"]);
    let inventory = json!({"v": 1, "target": {"computers": ["spare"]}, "kind": "inventory"});
    assert_eq!(house.submit(inventory).await.len(), 1);
}
