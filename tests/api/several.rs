//! Sessions that belong together, that are there already, and what is asked of several at once.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::house::{House, house, ids};

/// The ids of a list.
async fn listed(house: &House, query: &str) -> Vec<i64> {
    let page = house.get(&format!("/v1/sessions?{query}")).await;
    page["items"].as_array().expect("items").iter().map(|line| line["id"].as_i64().expect("an id")).collect()
}

/// `id: why` of each that was left as it is.
fn unchanged(answer: &Value) -> Vec<String> {
    let Some(all) = answer["unchanged"].as_array() else { return Vec::new() };
    all.iter().map(|it| format!("{}: {}", it["session"], it["why"].as_str().expect("a text"))).collect()
}

#[tokio::test]
async fn a_computer_that_has_such_a_session_already_gets_no_second_one() {
    let house = house().await;
    let full = json!({"v": 1, "target": {"computers": ["pc-1"]}});
    let first = house.submit(full.clone()).await[0];
    let both = json!({"v": 1, "target": {"computers": ["pc-1", "pc-2"]}});
    let (status, answer) = house.post("/v1/sessions", both.clone()).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!((&answer["already"][0]["id"], &answer["already"][0]["computer"]), (&json!(first), &json!("pc-1")));
    let second = ids(&answer)[0];
    let (status, answer) = house.post("/v1/sessions", both).await;
    assert_eq!((status, ids(&answer)), (StatusCode::OK, vec![]), "nothing is left to be made");
    assert_eq!(answer["already"].as_array().expect("sessions").len(), 2);

    // What is another session, by what it does, how urgent it is or when, is made.
    for other in [
        json!({"kind": "detection"}),
        json!({"kind": "targeted", "deployments": ["editor"]}),
        json!({"reboot": "if_needed"}),
        json!({"inventory": true}),
        json!({"priority": "high"}),
        json!({"not_before": "2099-01-01T00:00:00Z"}),
        json!({"again": true}),
    ] {
        let mut order = full.clone();
        order.as_object_mut().expect("an object").extend(other.as_object().expect("an object").clone());
        assert_eq!(house.submit(order.clone()).await.len(), 1, "{other}");
        let again = other.get("again").is_some();
        let (_, answer) = house.post("/v1/sessions", order).await;
        assert_eq!(ids(&answer).len(), usize::from(again), "{other} a second time");
    }
    // A less urgent one is served by one that is more urgent, and one that is to be called off serves nobody.
    let low = json!({"v": 1, "target": {"computers": ["pc-2"]}, "priority": "low"});
    assert_eq!(house.post("/v1/sessions", low.clone()).await.1["already"][0]["id"], json!(second));
    house.post(&format!("/v1/sessions/{second}/cancel"), json!({})).await;
    assert_eq!(house.submit(low).await.len(), 1);
}

#[tokio::test]
async fn a_session_that_has_looked_already_or_rests_serves_nobody() {
    let house = house().await;
    let more = "INSERT INTO computer (tenant_id, name, os, arch, connection)
                SELECT 1, 'pc-' || number, 'linux', 'x86_64', '{\"via\": \"noop\"}' FROM generate_series(3, 5) number";
    house.database.connect().await.batch_execute(more).await.expect("computers");
    let order = |computer: &str| json!({"v": 1, "target": {"computers": [computer]}});
    let sql = house.database.connect().await;
    for (computer, change) in [
        // What is wanted may have changed since it was planned.
        ("pc-1", "stage = 'planning', started_at = now()"),
        ("pc-2", "stage = 'execution', waiting_on = 'connectivity', started_at = now()"),
        // Its step goes on at the computer.
        ("pc-3", "started_at = now(), waiting_on = 'computer', run_in_flight = gen_random_uuid()"),
        ("pc-4", "status = 'paused', waiting_on = NULL, run_after = NULL"),
    ] {
        let first = house.submit(order(computer)).await[0];
        sql.batch_execute(&format!("UPDATE session SET {change} WHERE id = {first}")).await.expect(change);
        assert_eq!(house.submit(order(computer)).await.len(), 1, "{change}");
    }
    // One that has tried and found its computer offline will look once it is there.
    let first = house.submit(order("pc-5")).await[0];
    let offline = format!("UPDATE session SET started_at = now(), waiting_on = 'connectivity' WHERE id = {first}");
    sql.batch_execute(&offline).await.expect("an offline computer");
    let (_, answer) = house.post("/v1/sessions", order("pc-5")).await;
    assert_eq!(answer["already"][0]["id"], json!(first));
}

#[tokio::test]
async fn a_key_answers_alike_also_where_the_session_was_there_before() {
    let house = house().await;
    let first = house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}})).await[0];
    let keyed = json!({"v": 1, "key": "k", "target": {"computers": ["pc-1"]}});
    let (status, answer) = house.post("/v1/sessions", keyed.clone()).await;
    assert_eq!((status, &answer["already"][0]["id"]), (StatusCode::OK, &json!(first)));
    house.post(&format!("/v1/sessions/{first}/cancel"), json!({})).await;
    let (status, answer) = house.post("/v1/sessions", keyed).await;
    assert_eq!((status, ids(&answer)), (StatusCode::OK, vec![first]), "the key was used: nothing new is made");
}

#[tokio::test]
async fn sessions_of_one_request_are_a_group_and_tell_what_made_them() {
    let house = house().await;
    let alone = house.submit(json!({"v": 1, "target": {"computers": ["pc-9"]}, "kind": "detection"})).await[0];
    let (_, answer) = house.post("/v1/sessions", json!({"v": 1, "target": {"tenant": "contoso"}})).await;
    let together = ids(&answer);
    assert_eq!(answer["group"], json!(together[0]));
    let mut newest_first = together.clone();
    newest_first.reverse();
    assert_eq!(listed(&house, &format!("group={}", together[0])).await, newest_first);
    assert_eq!(listed(&house, &format!("group={alone}")).await, Vec::<i64>::new(), "one alone is no group");
    assert_eq!(house.get(&format!("/v1/sessions/{}", together[1])).await["group"], json!(together[0]));

    let order = json!({"v": 1, "target": {"computers": ["pc-1"]}, "kind": "targeted", "deployments": ["editor"]});
    let (_, answer) = house.call(&house.contoso, Method::POST, "/v1/sessions", Some(order)).await;
    let targeted = ids(&answer)[0];
    let shown = house.get(&format!("/v1/sessions/{targeted}")).await;
    assert_eq!((&shown["item"], &shown["origin"]), (&json!("software/editor"), &json!("api")), "it is about one item");
    assert_eq!(house.get(&format!("/v1/sessions/{alone}")).await["item"], json!(null));
    assert_eq!(listed(&house, "by=carl").await, [targeted]);
    house.post(&format!("/v1/sessions/{alone}/cancel"), json!({})).await;
    let (_, again) = house.post(&format!("/v1/sessions/{alone}/rerun"), json!({})).await;
    assert_eq!(listed(&house, "origin=rerun").await, [again["id"].as_i64().expect("an id")]);
    assert_eq!(listed(&house, "origin=rerun&by=carl").await, Vec::<i64>::new());
}

#[tokio::test]
async fn several_sessions_are_cancelled_paused_and_run_again_in_one_call() {
    let house = house().await;
    let all = house.submit(json!({"v": 1, "target": {"tenant": "contoso"}})).await;
    let (group, last) = (all[0], all[2]);
    let ask = async |verb: &str, body: Value| house.post(&format!("/v1/sessions/{verb}"), body).await;
    let (status, nothing) = ask("cancel", json!({"status": ["pending"]})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{nothing}");

    let (_, paused) = ask("pause", json!({"sessions": [all[0], all[1], 999]})).await;
    assert_eq!(paused["sessions"], json!([all[0], all[1]]));
    assert_eq!(unchanged(&paused), ["999: There is no such session."]);
    let (_, resumed) = ask("resume", json!({"group": group})).await;
    assert_eq!(resumed["sessions"], json!([all[0], all[1]]));
    assert_eq!(unchanged(&resumed), [format!("{last}: It is not paused.")]);

    let (_, would) = ask("cancel", json!({"group": group, "dry_run": true})).await;
    assert_eq!((&would["sessions"], &would["dry_run"]), (&json!(all), &json!(true)));
    assert_eq!(house.count("SELECT count(*) FROM session").await, 3, "it was only asked");
    let (_, one) = ask("cancel", json!({"computer": "pc-1", "reason": "wrong"})).await;
    assert_eq!(one["sessions"], json!([all[0]]));
    let (_, cancelled) = ask("cancel", json!({"sessions": all})).await;
    assert_eq!(cancelled["sessions"], json!([all[1], all[2]]));
    assert_eq!(unchanged(&cancelled), [format!("{}: It is cancelled and never changes again.", all[0])]);
    assert_eq!(house.count("SELECT count(*) FROM audit WHERE action = 'session.cancel'").await, 2, "one a call");

    let counts = house.get("/v1/sessions/counts").await;
    assert_eq!((&counts["sessions"], &counts["running"]), (&json!({"cancelled": 3}), &json!(0)));
    let (status, again) = ask("rerun", json!({"group": group, "status": ["cancelled"]})).await;
    assert_eq!(status, StatusCode::CREATED, "{again}");
    let made: Vec<i64> =
        again["sessions"].as_array().expect("pairs").iter().map(|it| it["rerun"].as_i64().expect("an id")).collect();
    assert_eq!((made.len(), &again["group"]), (3, &json!(made[0])));
    assert_eq!(listed(&house, &format!("group={}", made[0])).await.len(), 3, "the new ones are a group of their own");
    let (status, twice) = ask("rerun", json!({"sessions": [all[0], made[0]]})).await;
    assert_eq!((status, &twice["sessions"][0]["already"]), (StatusCode::OK, &json!(true)), "not doubled: {twice}");
    assert_eq!(unchanged(&twice), [format!("{}: It is pending; only a final one is run again.", made[0])]);
    let (status, _) = house.post(&format!("/v1/sessions/{}/rerun", all[0]), json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let counts = house.get("/v1/sessions/counts?tenant=contoso").await;
    assert_eq!(counts["sessions"], json!({"pending": 3, "cancelled": 3}));

    // Nobody reaches another tenant's.
    let other = house.submit(json!({"v": 1, "target": {"computers": ["pc-9"]}})).await[0];
    let body = json!({"sessions": [other]});
    let (_, refused) = house.call(&house.contoso, Method::POST, "/v1/sessions/cancel", Some(body)).await;
    assert_eq!(unchanged(&refused), [format!("{other}: There is no such session.")]);
    let (status, _) =
        house.call(&house.viewer, Method::POST, "/v1/sessions/cancel", Some(json!({"group": group}))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn history_is_looked_through_from_a_time_on() {
    let house = house().await;
    let sql = house.database.connect().await;
    // A session an hour, back to three months ago, the latest one now.
    let history = r#"INSERT INTO session_history (id, tenant_id, computer_id, kind, priority, "order", status, stage, dispatch,
                         attempt, losses, epoch, revision, created_at, finished_at)
                     SELECT 10000 - 3 * n, c.tenant_id, c.id, 'full', 2,
                            '{"reboot": "never", "by": "olga", "origin": "api", "deployments": []}', 'completed', 'execution', 1, 0,
                            0, 1, 1, now() - n * interval '1 hour', now() - n * interval '1 hour' + interval '1 minute'
                     FROM generate_series(0, 2159) AS n, (SELECT * FROM computer WHERE name = 'pc-1') c"#;
    sql.execute(history, &[]).await.expect("sessions");
    let count = async |query: &str| {
        let (mut found, mut after) = (0, String::new());
        loop {
            let page = house.get(&format!("/v1/sessions?{query}&limit=1000{after}")).await;
            found += page["items"].as_array().expect("items").len();
            match page["next"].as_i64() {
                Some(next) => after = format!("&after={next}"),
                None => return found,
            }
        }
    };
    assert_eq!(count("by=olga").await, 30 * 24, "those of 30 days");
    assert_eq!(count("origin=api&kind=full").await, 30 * 24);
    assert_eq!(count("by=olga&computer=pc-1").await, 2160);
    assert_eq!(count("kind=full").await, 2160);
    assert_eq!(count("by=olga&status=pending,running").await, 0);
    for hours in [1, 2, 500, 1000, 2159, 5000] {
        let since = jiff::Timestamp::now() - std::time::Duration::from_secs(hours * 3600 - 1800);
        assert_eq!(count(&format!("by=olga&since={since}")).await as u64, hours.min(2160), "{hours}");
    }
    let (_, chosen) = house.post("/v1/sessions/rerun", json!({"by": "olga", "dry_run": true})).await;
    assert_eq!(chosen["sessions"].as_array().expect("sessions").len(), 1, "all of them would do the same");
    assert_eq!(unchanged(&chosen).len(), 30 * 24 - 1);
}

#[tokio::test]
async fn what_would_be_done_is_what_is_done() {
    let house = house().await;
    let all = house.submit(json!({"v": 1, "target": {"tenant": "contoso"}})).await;
    // What is asked first and what is done then, of the tenant: the same sessions, and the same of the others.
    let both = async |verb: &str, body: Value| {
        let mut asked = json!({"tenant": "contoso", "dry_run": true});
        asked.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
        let (status, would) = house.post(&format!("/v1/sessions/{verb}"), asked.clone()).await;
        assert_eq!((status, &would["dry_run"]), (StatusCode::OK, &json!(true)), "{would}");
        asked["dry_run"] = json!(false);
        let (_, done) = house.post(&format!("/v1/sessions/{verb}"), asked).await;
        let of = |answer: &Value| -> Vec<i64> {
            let sessions = answer["sessions"].as_array().expect("sessions").iter();
            let new = sessions.filter(|it| it.get("already") != Some(&json!(true)));
            new.map(|it| it.get("session").unwrap_or(it).as_i64().expect("an id")).collect()
        };
        assert_eq!((of(&would), unchanged(&would)), (of(&done), unchanged(&done)), "{verb}");
        (of(&would), unchanged(&would))
    };
    house.post(&format!("/v1/sessions/{}/pause", all[0]), json!({})).await;
    assert_eq!(both("pause", json!({})).await.0, all[1..]);
    house.post(&format!("/v1/sessions/{}/resume", all[1]), json!({})).await;
    let (resumed, others) = both("resume", json!({})).await;
    assert_eq!((resumed, others), (vec![all[0], all[2]], vec![format!("{}: It is not paused.", all[1])]));
    let ask = "UPDATE session SET cancel = '{\"by\": \"olga\", \"reason\": \"\", \"at\": \"2026-01-01T00:00:00Z\"}'";
    let sql = house.database.connect().await;
    sql.execute(&format!("{ask} WHERE id = $1"), &[&all[1]]).await.expect("it is to be called off");
    let (cancelled, others) = both("cancel", json!({})).await;
    assert_eq!(cancelled, [all[0], all[2]]);
    assert_eq!(others, [format!("{}: It is to be called off already, or has just ended.", all[1])]);

    // Neither what has no such action, nor a computer that is left out, nor what another session does already.
    let item = json!({"item": "software/editor", "status": ["cancelled"]});
    let (again, others) = both("rerun", item).await;
    assert_eq!((again.len(), others.len()), (0, 2), "{others:?}");
    assert!(others[0].ends_with("has no action for software/editor; it has none."), "{others:?}");
    sql.execute("UPDATE computer SET excluded = true WHERE name = 'pc-1'", &[]).await.expect("it is excluded");
    let (again, others) = both("rerun", json!({"status": ["cancelled"]})).await;
    assert_eq!(
        (again, others),
        (vec![all[2]], vec![format!("{}: The computer \"pc-1\" is excluded from maintenance.", all[0])])
    );
    let (again, _) = both("rerun", json!({"status": ["cancelled"]})).await;
    assert_eq!(again, Vec::<i64>::new(), "what runs one again is there already");
}

#[tokio::test]
async fn sessions_that_are_named_are_not_narrowed_as_well() {
    let house = house().await;
    let one = house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}})).await[0];
    for (more, names) in [
        (json!({"status": ["failed"]}), "or: status."),
        (json!({"tenant": "fabrikam", "kind": "full"}), "or: tenant, kind."),
    ] {
        let mut body = json!({"sessions": [one]});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let (status, answer) = house.post("/v1/sessions/cancel", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(answer["detail"].as_str().expect("a text").ends_with(names), "{answer}");
    }
    assert_eq!(house.count("SELECT count(*) FROM session").await, 1, "nothing was called off");
}

#[tokio::test]
async fn a_computer_gets_one_session_for_all_that_do_the_same() {
    let house = house().await;
    let cancel = async |id: i64| house.post(&format!("/v1/sessions/{id}/cancel"), json!({})).await;
    let rerun = async |id: i64| house.post(&format!("/v1/sessions/{id}/rerun"), json!({})).await.1["id"].as_i64();
    let full = json!({"v": 1, "target": {"computers": ["pc-1"]}});
    let first = house.submit(full.clone()).await[0];
    cancel(first).await;
    let second = rerun(first).await.expect("it is run again");
    cancel(second).await;
    let looked = house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}, "kind": "detection"})).await[0];
    cancel(looked).await;
    let ended = json!({"computer": "pc-1", "status": ["cancelled"]});
    let (_, again) = house.post("/v1/sessions/rerun", ended.clone()).await;
    let pairs = |answer: &Value| -> Vec<i64> {
        answer["sessions"].as_array().expect("pairs").iter().map(|it| it["session"].as_i64().expect("an id")).collect()
    };
    assert_eq!(pairs(&again), [second, looked]);
    let says = format!("{first}: Session {second} is chosen too and does the same: that is run again.");
    assert_eq!(unchanged(&again), [says]);
    assert_eq!(house.count("SELECT count(*) FROM session").await, 2);

    // A live session that does the same serves as well, whatever made it; another one does not.
    let (_, again) = house.post("/v1/sessions/rerun", ended.clone()).await;
    let third = listed(&house, "computer=pc-1&kind=full&status=pending").await[0];
    assert_eq!((&again["sessions"][0]["rerun"], &again["sessions"][0]["already"]), (&json!(third), &json!(true)));
    cancel(third).await;
    let asked = house.submit(full).await[0];
    let (status, told) = house.post(&format!("/v1/sessions/{third}/rerun"), json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    assert!(told["detail"].as_str().expect("a text").contains(&asked.to_string()), "{told}");
    cancel(asked).await;
    house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}, "reboot": "if_needed"})).await;
    house.submit(json!({"v": 1, "target": {"computers": ["pc-1"]}, "priority": "low"})).await;
    assert!(rerun(third).await.is_some(), "they do something else, or later");
}
