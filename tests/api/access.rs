//! Who may do what, and how refusals look.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::house::house;

#[tokio::test]
async fn nobody_comes_in_without_a_token() {
    let house = house().await;
    for token in ["", "wrong", &house.viewer.to_uppercase()] {
        let (status, problem) = house.call(token, Method::GET, "/v1/sessions", None).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(problem["type"], "urn:pitcrew:problem:unauthorized");
    }
    house
        .database
        .connect()
        .await
        .execute("UPDATE api_token SET revoked_at = now() WHERE name = 'vera'", &[])
        .await
        .unwrap();
    assert_eq!(house.call(&house.viewer, Method::GET, "/v1/sessions", None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(house.call("", Method::GET, "/healthz", None).await.0, StatusCode::OK);
    assert_eq!(house.call("", Method::GET, "/readyz", None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn roles_bound_what_is_done_and_it_is_all_in_the_audit() {
    let house = house().await;
    let order = json!({"v": 1, "target": {"computers": ["pc-1"]}, "reason": "because"});
    let (status, problem) = house.call(&house.viewer, Method::POST, "/v1/sessions", Some(order.clone())).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
    let session = house.submit(order).await[0];
    let token = "/v1/computers/pc-1/agent-token";
    assert_eq!(house.call(&house.operator, Method::POST, token, None).await.0, StatusCode::FORBIDDEN);
    let (status, minted) = house.call(&house.admin, Method::POST, token, None).await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(minted["token"].as_str().unwrap().starts_with("pca_"));
    assert_eq!(house.get("/v1/computers/pc-1").await["has_token"], true);

    let (status, stopped) = house.post("/v1/tenants/contoso/stop", json!({"reason": "incident"})).await;
    assert!(status.is_success() && stopped["stopped_at"].is_string(), "{stopped}");
    house.post(&format!("/v1/sessions/{session}/cancel"), json!({"reason": "no more"})).await;
    let reason = json!({"reason": "a bad package"});
    for token in [&house.viewer, &house.contoso] {
        let refused = house.call(token, Method::POST, "/v1/fleet/stop", Some(reason.clone())).await;
        assert_eq!(refused.0, StatusCode::FORBIDDEN, "{refused:?}");
    }
    let (status, problem) = house.post("/v1/fleet/stop", json!({"reason": " "})).await;
    assert_eq!((status, &problem["violations"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/reason")));
    let (_, stopped) = house.post("/v1/fleet/stop", reason).await;
    assert_eq!((&stopped["stop"]["by"], &stopped["stop"]["reason"]), (&json!("olga"), &json!("a bad package")));
    let (_, again) = house.post("/v1/fleet/stop", json!({"reason": "me too"})).await;
    assert_eq!(again, stopped, "the first one stands");
    assert_eq!(house.get("/v1/status").await["fleet_stop"], stopped["stop"]);
    house.post("/v1/fleet/resume", json!({"reason": "it was withdrawn"})).await;
    assert_eq!(house.get("/v1/status").await["fleet_stop"], Value::Null);
    let rows = house.database.connect().await;
    let rows = rows.query("SELECT actor || ' ' || action || ' ' || reason FROM audit ORDER BY id", &[]).await.unwrap();
    let told: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        told,
        [
            "olga session.start because",
            "root computer.agent-token ",
            "olga tenant.stop incident",
            "olga session.cancel no more",
            "olga fleet.stop a bad package",
            "olga fleet.stop me too",
            "olga fleet.resume it was withdrawn"
        ]
    );
}

#[tokio::test]
async fn a_tenants_token_sees_its_tenant_only() {
    let house = house().await;
    let others = house.submit(json!({"v": 1, "target": {"tenant": "fabrikam"}})).await[0];
    let get = async |path: &str| house.call(&house.contoso, Method::GET, path, None).await;
    for path in ["", "/report", "/why", "/timeline", "/logs", "/actions", "/plan"] {
        assert_eq!(get(&format!("/v1/sessions/{others}{path}")).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(get("/v1/sessions").await.1["items"], json!([]));
    assert_eq!(get("/v1/sessions?tenant=fabrikam").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/v1/computers/pc-9").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/v1/computers").await.1["items"].as_array().unwrap().len(), 4);
    assert_eq!(get("/v1/status").await.0, StatusCode::FORBIDDEN);
    let cancel = format!("/v1/sessions/{others}/cancel");
    assert_eq!(house.call(&house.contoso, Method::POST, &cancel, None).await.0, StatusCode::NOT_FOUND);
    // Its own "shared" is the only one that it knows of.
    let order = json!({"v": 1, "target": {"computers": ["shared", "pc-9"]}});
    let (status, refused) = house.call(&house.contoso, Method::POST, "/v1/sessions", Some(order)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(super::house::violations(&refused), ["/target/computers/1 unknown_computer"]);
}

#[tokio::test]
async fn what_is_nowhere_or_wrong_is_answered_as_a_problem() {
    let house = house().await;
    let get = async |path: &str| house.call(&house.viewer, Method::GET, path, None).await;
    assert_eq!(get("/nowhere").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/v1/sessions/77").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/v1/sessions/abc").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/v1/sessions/1/cancel").await.0, StatusCode::METHOD_NOT_ALLOWED);
    let (status, problem) = get("/v1/sessions?stauts=failed").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(problem["detail"].as_str().unwrap().contains("Did you mean \"status\"?"), "{problem}");
    assert_eq!(get("/v1/sessions?limit=0").await.0, StatusCode::BAD_REQUEST);
    let (status, problem) = house.post("/v1/sessions", json!({"v": 1, "reason": "x".repeat(5_000_000)})).await;
    assert_eq!((status, &problem["type"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("urn:pitcrew:problem:too_large")));
    let (status, problem) = house.post("/v1/tenants/contoso/stop", json!({"reason": 1})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["violations"][0]["pointer"], "/reason");
}

#[tokio::test]
async fn fleet_files_are_applied_whole_or_every_fault_is_answered_with_its_place() {
    let house = house().await;
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/examples/fleet.yaml")).unwrap();
    let apply = async |token: &str, text: &str, dry_run: bool| {
        let body = json!({"files": [{"name": "fleet.yaml", "text": text}], "dry_run": dry_run});
        house.call(token, Method::POST, "/v1/apply", Some(body)).await
    };
    assert_eq!(apply(&house.operator, &example, false).await.0, StatusCode::FORBIDDEN);
    let (status, faulty) = apply(&house.admin, "kind: nonsense\n", false).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (&faulty["faults"][0]["file"], &faulty["faults"][0]["line"]),
        (&json!("fleet.yaml"), &json!(1)),
        "{faulty}"
    );
    let (status, would) = apply(&house.admin, &example, true).await;
    assert_eq!(status, StatusCode::OK, "{would}");
    let (_, applied) = apply(&house.admin, &example, false).await;
    assert_eq!(applied["created"], would["created"], "a dry run tells what will be done");
    let (_, again) = apply(&house.admin, &example, false).await;
    assert_eq!((&again["created"], &again["changed"]), (&json!([]), &json!([])));
}
