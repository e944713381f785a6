//! What is shown of sessions, computers and the installation, from rows as workers leave them.

use pitcrew::domain::session::Stage;
use pitcrew::store::workers::Heartbeat;
use reqwest::StatusCode;
use serde_json::json;

use super::house::house;

/// A session that has detected, planned, done one action and failed another.
const WORKED: &str = r#"
    WITH gone AS (DELETE FROM session WHERE id = 1 RETURNING *)
    INSERT INTO session_history (id, tenant_id, computer_id, kind, priority, "order", status, stage, dispatch, attempt,
                                 losses, epoch, revision, created_at, started_at, finished_at)
    SELECT id, tenant_id, computer_id, kind, priority, "order", 'partially_completed', 'execution', 3, 0, 0, 1, 3,
           created_at, created_at + interval '1 s', created_at + interval '10 s' FROM gone;
    INSERT INTO transition (session_id, seq, tenant_id, computer_id, what, at, since, stage, dispatch, waited_on, due_at,
                            admitted_at, taken_at, status, by)
    SELECT 1, n + 1, 1, 1, what, created_at + at * interval '1 s', created_at + since * interval '1 s', t.stage, n,
           CASE n WHEN 1 THEN 'turn' END, CASE n WHEN 1 THEN created_at END,
           created_at + (since + CASE n WHEN 1 THEN 1 ELSE 0 END) * interval '1 s', created_at + taken * interval '1 s',
           t.status, 'worker-1'
    FROM session_history, (VALUES (1, 'advanced', 0, 2, 3, 'detection', 'pending'),
                                  (2, 'advanced', 3, 4, 5, 'planning', 'pending'),
                                  (3, 'finished', 5, 5, 10, 'execution', 'partially_completed'))
         AS t(n, what, since, taken, at, stage, status);
    INSERT INTO stage_result (session_id, stage, dispatch, at, body) VALUES
        (1, 'detection', 1, now(), '{"policy_version": 1, "items":
            {"software/editor": "absent", "software/viewer": {"present": "1"}, "task/clock": {"satisfied": true}}}'),
        (1, 'planning', 2, now(), '{"policy_version": 1, "compliant": 1, "settled": [{"seq": 3, "item": "task/clock",
            "deployment": "clock", "action": "audit", "result": "success", "reason": "already_as_desired",
            "message": "It is."}]}');
    INSERT INTO action (session_id, dispatch, seq, item, deployment, type, reason, detected, desired, status, result,
                        result_reason, message, attempts, run_id, started_at, ended_at) VALUES
        (1, 2, 1, 'software/editor', 'editor', 'install', 'missing', NULL, '2.0', 'done', 'success', 'done', 'Installed.',
         1, '00000000-0000-0000-0000-000000000001', now(), now() + interval '2 s'),
        (1, 2, 2, 'software/viewer', 'viewer', 'update', 'update_available', '1', '2', 'done', 'failed', 'script_failed',
         'The script ended with 7.', 2, NULL, now(), now());
    INSERT INTO run (run_id, session_id, computer_id, dispatch, epoch, action_seq, purpose, start_by, body, outcome) VALUES
        ('00000000-0000-0000-0000-000000000001', 1, 1, 3, 1, 1, 'act', now(), '{}', '{
            "run_id": "00000000-0000-0000-0000-000000000001", "session": 1, "epoch": 1, "boot_id": "b",
            "started_at": "2030-01-01T00:00:00Z", "ended_at": "2030-01-01T00:00:01Z", "ending": {"how": "completed"},
            "steps": [
                {"kind": "act", "item": "software/editor", "status": {"is": "succeeded"}, "exit_code": 0,
                 "output": "installing\n", "started_at": "2030-01-01T00:00:00Z", "duration_ms": 900},
                {"kind": "verify", "item": "software/editor", "status": {"is": "succeeded"}, "observed": "2.0",
                 "output": "2.0\n", "started_at": "2030-01-01T00:00:00Z", "duration_ms": 10}]}');
"#;

#[tokio::test]
async fn a_session_is_reported_with_what_was_found_done_verified_why_and_how_long() {
    let house = house().await;
    let id = house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}})).await[0];
    assert_eq!(id, 1);
    house.database.connect().await.batch_execute(WORKED).await.unwrap();

    let report = house.get("/v1/sessions/1/report").await;
    assert_eq!(report["session"]["status"], "partially_completed");
    assert_eq!((&report["session"]["actions_done"], &report["session"]["actions"]), (&json!(2), &json!(2)));
    assert_eq!(report["found"], json!({"items": 3, "compliant": 1, "unknown": 0}));
    assert_eq!(report["plan"].as_str().unwrap().len(), 64);
    let told: Vec<_> = report["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| json!([action["item"], action["action"], action["why"], action["result"], action["verified"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["software/editor", "install", "missing", "success", "2.0"]),
            json!(["software/viewer", "update", "update_available", "failed", null]),
            json!(["task/clock", "audit", "already_as_desired", "success", null]),
        ]
    );
    assert_eq!(report["why"]["because"], json!(["software/viewer: The script ended with 7."]));
    let took = &report["took"];
    assert_eq!(took["total_ms"], 10_000);
    assert_eq!(
        (&took["waited_ms"], &took["queued_ms"], &took["worked_ms"]),
        (&json!(1000), &json!(2000), &json!(7000))
    );

    let logs = house.get("/v1/sessions/1/logs").await;
    assert_eq!(logs["items"][0]["output"], "installing\n");
    assert_eq!(logs["items"][1]["stage"], "execution");
    assert_eq!(house.get("/v1/sessions/1/logs?action=2").await["items"], json!([]));
    let shown = house.get("/v1/sessions/1").await;
    assert_eq!(
        shown["stages"].as_array().unwrap().iter().map(|s| &s["state"]).collect::<Vec<_>>(),
        ["done", "done", "done"]
    );
    let timeline = house.get("/v1/sessions/1/timeline").await;
    let parts: Vec<_> =
        timeline["parts"].as_array().unwrap().iter().map(|part| part["doing"].as_str().unwrap()).collect();
    assert_eq!(parts, ["wait", "queue", "work", "queue", "work", "work"]);
    assert_eq!(house.get("/v1/sessions/1/plan").await["plan"]["compliant"], 1);
    assert_eq!(house.get("/v1/computers/pc-1").await["last"]["status"], "partially_completed");
}

#[tokio::test]
async fn why_names_what_is_in_the_way_one_after_the_other() {
    let house = house().await;
    let ids = house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}})).await;
    let id = house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}, "again": true})).await[0];
    let rows = house.database.connect().await;
    let why = async || {
        let why = house.get(&format!("/v1/sessions/{id}/why")).await;
        (why["answer"].as_str().unwrap().to_owned(), why)
    };
    let (answer, whole) = why().await;
    assert_eq!(answer, "No scheduler leads, so nothing is admitted.");
    assert_eq!(whole["because"], json!([format!("Session {} of the same computer is pending.", ids[0])]));
    rows.execute("UPDATE scheduler_term SET until = now() + interval '1 h', term = 1", &[]).await.unwrap();
    assert_eq!(why().await.0, "There is no detection worker.");
    let beat = Heartbeat { id: "w", stage: Stage::Detection, capacity: 8, in_flight: 8 };
    house.store.heartbeat(beat).await.unwrap();
    let (answer, whole) = why().await;
    assert_eq!(answer, "It waits for its turn.");
    assert!(whole["because"].to_string().contains("1 sessions of the tenant contoso come before it."), "{whole}");
    assert!(whole["because"].to_string().contains("1 detection workers have 8 of 8 places in use."), "{whole}");
    assert!(whole["age_ms"].as_i64().unwrap() >= 0);
    rows.execute(&format!("INSERT INTO computer_hold VALUES (1, {}, 1, now())", ids[0]), &[]).await.unwrap();
    assert!(why().await.0.contains("in work by session"));
    house.post("/v1/tenants/contoso/stop", json!({})).await;
    assert!(why().await.0.starts_with("The tenant contoso has been stopped since"));
    house.post("/v1/tenants/contoso/start", json!({})).await;
    let offline = "UPDATE session SET waiting_on = 'connectivity', run_after = now() + interval '1 min' WHERE id = ";
    rows.batch_execute(&format!("{offline}{id}")).await.unwrap();
    assert_eq!(why().await.0, "The computer pc-1 is not connected.");
}

#[tokio::test]
async fn the_installation_at_a_glance() {
    let house = house().await;
    house.submit(json!({"v": 1, "target": {"tenant": "contoso"}})).await;
    let gone = house.submit(json!({"v": 1, "target": {"computers": ["pc-9"]}})).await[0];
    house.post(&format!("/v1/sessions/{gone}/cancel"), json!({})).await;
    house.post("/v1/tenants/contoso/stop", json!({})).await;
    let overview = house.get("/v1/status").await;
    assert_eq!(
        overview["live"],
        json!([{"status": "pending", "stage": "detection", "waiting_on": "turn", "count": 3}])
    );
    assert_eq!(overview["last_hour"], json!([{"status": "cancelled", "count": 1}]));
    assert_eq!(overview["stopped"], json!(["contoso"]));
    assert_eq!(overview["scheduler"]["leads"], false);
}

#[tokio::test]
async fn dead_letters_are_shown_dropped_and_worked_on_again() {
    let house = house().await;
    let session = house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}})).await[0];
    let rows = house.database.connect().await;
    rows.batch_execute(&format!(
        "INSERT INTO dead_letter (queue, at, reason, message_id, session_id, headers, body, state) VALUES
            ('p.v1.detection', now(), 'delivery_limit', 'm1', {session}, '{{}}', 'job', 'open'),
            ('p.v1.submit', now(), 'delivery_limit', 'm2', NULL, '{{\"user_id\": \"u\"}}', 'submission', 'open'),
            ('p.v1.submit', now(), 'delivery_limit', 'm3', NULL, '{{}}', 'x', 'open')"
    ))
    .await
    .unwrap();
    assert_eq!(house.get("/v1/dead-letters?limit=2").await["next"], 2);
    assert_eq!(house.get("/v1/dead-letters/2").await["body"], "submission");
    assert_eq!(house.post("/v1/dead-letters/1/redrive", json!({})).await.0, StatusCode::CONFLICT, "its session lives");
    house.post(&format!("/v1/sessions/{session}/cancel"), json!({})).await;
    let (status, letter) = house.post("/v1/dead-letters/1/redrive", json!({})).await;
    assert!(status.is_success(), "{letter}");
    assert_eq!(letter["state"], "redriven");
    assert!(letter["note"].as_str().unwrap().contains("runs session"), "{letter}");
    let (_, letter) = house.post("/v1/dead-letters/2/redrive", json!({"reason": "fixed"})).await;
    assert_eq!((&letter["state"], &letter["redrive_wanted_by"]), (&json!("open"), &json!("olga")));
    let (_, letter) = house.post("/v1/dead-letters/3/drop", json!({"reason": "rubbish"})).await;
    assert_eq!((&letter["state"], &letter["note"]), (&json!("dropped"), &json!("rubbish")));
    assert_eq!(house.post("/v1/dead-letters/3/drop", json!({})).await.0, StatusCode::CONFLICT);
    assert_eq!(house.get("/v1/dead-letters?state=open").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(house.count("SELECT count(*) FROM audit WHERE action LIKE 'dead-letter.%'").await, 4);
}
