//! Files that computers fetch from the server: who may store, fetch and remove them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pitcrew::domain::Sha256Hash;
use pitcrew::store::files::PIECE;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::house::{House, house};

impl House {
    async fn put_file(&self, token: &str, sha256: &Sha256Hash, content: Vec<u8>) -> (StatusCode, Value) {
        let url = format!("{}/v1/files/{sha256}", self.url);
        let response =
            reqwest::Client::new().put(url).bearer_auth(token).body(content).send().await.expect("an answer");
        (response.status(), response.json().await.expect("JSON"))
    }

    async fn fetch(&self, address: &str) -> (StatusCode, Vec<u8>) {
        let response = reqwest::get(address).await.expect("an answer");
        (response.status(), response.bytes().await.expect("a body").to_vec())
    }
}

#[tokio::test]
async fn a_file_is_stored_once_and_only_as_what_it_is() {
    let house = house().await;
    let content: Vec<u8> = (0..PIECE * 2 + 7).map(|n| (n % 253) as u8).collect();
    let file = Sha256Hash::of(&content);
    assert_eq!(house.put_file(&house.operator, &file, content.clone()).await.0, StatusCode::FORBIDDEN);
    let other = Sha256Hash::of(b"other");
    let (status, problem) = house.put_file(&house.admin, &other, content.clone()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["detail"], format!("What was sent has the SHA-256 {file}, not {other}."));
    assert_eq!(house.put_file(&house.admin, &Sha256Hash::of(b""), Vec::new()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(house.count("SELECT count(*) FROM stored_file").await, 0, "what was refused leaves nothing");
    for _ in 0..2 {
        let (status, line) = house.put_file(&house.admin, &file, content.clone()).await;
        assert_eq!((status, line["size"].as_u64()), (StatusCode::OK, Some(content.len() as u64)), "{line}");
        assert_eq!(house.count("SELECT count(*) FROM stored_file").await, 1);
        assert_eq!(house.count("SELECT count(*) FROM stored_file_piece").await, 3);
    }
    assert_eq!(house.get("/v1/files").await["items"][0]["sha256"], file.to_string());
    let path = format!("/v1/files/{other}");
    assert_eq!(house.call(&house.admin, Method::GET, &path, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.call(&house.contoso, Method::GET, "/v1/files", None).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_computer_fetches_what_its_address_says_and_nothing_else() {
    let house = house().await;
    let content: Vec<u8> = (0..PIECE + 1).map(|n| (n % 251) as u8).collect();
    let (file, other) = (Sha256Hash::of(&content), Sha256Hash::of(b"other"));
    for (file, content) in [(file, content.clone()), (other, b"other".to_vec())] {
        assert_eq!(house.put_file(&house.admin, &file, content).await.0, StatusCode::OK);
    }
    let store = house.store.clone().with_files_at(&house.url);
    let now = store.ask_time().await.expect("the database answers");
    let address = async |start_by: Timestamp| {
        let addresses = store.file_addresses(&BTreeSet::from([file]), start_by).await.expect("an address");
        addresses[&file].clone()
    };
    let good = address(now).await;
    assert_eq!(house.fetch(&good).await, (StatusCode::OK, content));
    let ended = address(now - std::time::Duration::from_secs(25 * 3600)).await;
    for bad in [ended, good.replace(&file.to_string(), &other.to_string()), good.replace("&seal=", "&seal=0")] {
        assert_eq!(house.fetch(&bad).await.0, StatusCode::FORBIDDEN, "{bad}");
    }
    let (path, _) = good.split_once('?').expect("a ticket");
    assert_eq!(house.fetch(path).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_used_is_stored_first_and_not_removed() {
    let house = house().await;
    let file = Sha256Hash::of(b"installer");
    let fleet = "kind: software\nname: tool\ndetect: d\ninstall: i\nversions:\n  - {version: 1, file: tool.bin}\n";
    let apply = |size: u64, dry_run: bool| {
        json!({
            "files": [{ "name": "fleet/one.yaml", "text": fleet }], "dry_run": dry_run,
            "stored": [{ "name": "fleet/tool.bin", "sha256": file, "size": size }],
        })
    };
    let call = async |body: Value| house.call(&house.admin, Method::POST, "/v1/apply", Some(body)).await;
    assert_eq!(call(apply(9, true)).await.0, StatusCode::OK, "a trial needs no file");
    let (status, problem) = call(apply(9, false)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let fault = &problem["faults"][0];
    assert_eq!((fault["file"].as_str(), fault["line"].as_u64()), (Some("fleet/one.yaml"), Some(6)));
    let message = fault["message"].as_str().expect("a sentence");
    assert!(message.starts_with("The file \"fleet/tool.bin\" is not stored: 9 bytes"), "{message}");
    assert_eq!(house.put_file(&house.admin, &file, b"installer".to_vec()).await.0, StatusCode::OK);
    assert_eq!(call(apply(8, false)).await.0, StatusCode::UNPROCESSABLE_ENTITY, "it has another size");
    let (status, applied) = call(apply(9, false)).await;
    assert_eq!(status, StatusCode::OK, "{applied}");
    let path = format!("/v1/files/{file}");
    let (status, problem) = house.call(&house.admin, Method::DELETE, &path, None).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem["detail"].as_str().expect("a sentence").contains("is used by software/tool"), "{problem}");
    house.database.connect().await.batch_execute("DELETE FROM software").await.expect("it goes");
    assert_eq!(house.call(&house.operator, Method::DELETE, &path, None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.call(&house.admin, Method::DELETE, &path, None).await.0, StatusCode::OK);
    assert_eq!(house.call(&house.admin, Method::DELETE, &path, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.count("SELECT count(*) FROM stored_file_piece").await, 0);
}

#[tokio::test]
async fn pieces_go_a_few_at_a_time_and_what_is_left_hinders_nobody() {
    let house = house().await;
    let sql = house.database.connect().await;
    let few = "CREATE FUNCTION few() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                   IF (SELECT count(*) FROM gone) > 100 THEN RAISE EXCEPTION 'too many at once'; END IF; RETURN NULL;
               END $$;
               CREATE TRIGGER few AFTER DELETE ON stored_file_piece REFERENCING OLD TABLE AS gone
                   FOR EACH STATEMENT EXECUTE FUNCTION few()";
    sql.batch_execute(few).await.expect("a trigger");
    let file = Sha256Hash::of(b"large");
    let large = async |begun: &str, sha256: Option<&[u8]>| {
        let stored = "INSERT INTO stored_file (begun_at, sha256, size, stored_at)
                      SELECT now() - $1::text::interval, $2::bytea, CASE WHEN $2 IS NOT NULL THEN 300 END, CASE WHEN $2 IS NOT NULL THEN now() END
                      RETURNING id";
        let id: uuid::Uuid = sql.query_one(stored, &[&begun, &sha256]).await.expect("a file").get(0);
        let pieces = "INSERT INTO stored_file_piece SELECT $1, n, 'x' FROM generate_series(0, 299) AS n";
        sql.execute(pieces, &[&id]).await.expect("pieces");
        id
    };
    large("0 s", Some(file.0.as_slice())).await;
    let path = format!("/v1/files/{file}");
    assert_eq!(house.call(&house.admin, Method::DELETE, &path, None).await.0, StatusCode::OK);
    assert_eq!(house.count("SELECT count(*) FROM stored_file").await, 0);

    // One that was begun days ago and is added to is in work; one that nobody adds to is removed.
    let slow = large("3 days", None).await;
    house.store.add_to_file(slow, 300, b"x").await.expect("a piece");
    let left = large("3 days", None).await;
    house.store.begin_file().await.expect("it begins");
    assert_eq!(house.count("SELECT count(DISTINCT file_id) FROM stored_file_piece").await, 1);
    assert_eq!(house.count("SELECT count(*) FROM stored_file_piece").await, 301);
    for late in [house.store.add_to_file(left, 300, b"x").await, house.store.end_file(left, &file, 300).await] {
        assert!(late.unwrap_err().to_string().contains("Send it again"), "a file without its beginning is none");
    }
    house.store.end_file(slow, &file, 301).await.expect("it is whole");

    large("3 days", None).await;
    let never = "CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;
                 CREATE TRIGGER never BEFORE DELETE ON stored_file_piece EXECUTE FUNCTION never()";
    sql.batch_execute(never).await.expect("a trigger");
    let small = Sha256Hash::of(b"small");
    assert_eq!(house.put_file(&house.admin, &small, b"small".to_vec()).await.0, StatusCode::OK);
}
