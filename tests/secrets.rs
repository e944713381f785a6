//! Secrets at rest: sealed under a key that is not with them, and under another one when keys take turns.

use std::collections::BTreeSet;

use pitcrew::domain::SecretId;
use pitcrew::store::{Keyring, Store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::house;
use crate::support::{SECRET_KEY, database};

const NEW_KEY: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

#[tokio::test]
async fn keys_take_turns() {
    let database = database().await;
    let with = |keys: &str| {
        let store = Store::new(&database.url, 2).unwrap();
        store.with_keys(Keyring::read(keys).unwrap())
    };
    let (old, both, new) = (with(SECRET_KEY), with(&format!("{NEW_KEY}\n{SECRET_KEY}")), with(NEW_KEY));
    let mut ids = Vec::new();
    for number in 0..450 {
        ids.push(old.store_secret(&format!("secret-{number}"), &format!("value-{number}"), "me").await.unwrap());
    }
    let sql = database.connect().await;
    let before = "INSERT INTO secret (owner, name, value) VALUES ('deployment/d', 'p', 'from-before') RETURNING id";
    ids.push(SecretId(sql.query_one(before, &[]).await.unwrap().get("id")));
    let all: BTreeSet<SecretId> = ids.iter().copied().collect();

    let why = new.secrets(&all).await.unwrap_err().to_string();
    assert!(why.contains("which is none of those in secrets.key"), "{why}");
    let why = with("").store_secret("one", "value", "me").await.unwrap_err().to_string();
    assert!(why.contains("openssl rand -hex 32"), "{why}");

    // What is stored meanwhile is sealed under the new key, and the same value keeps its id.
    assert_eq!(both.store_secret("secret-0", "value-0", "me").await.unwrap(), ids[0]);
    let other = both.store_secret("secret-1", "another", "me").await.unwrap();
    assert_ne!(other, ids[1]);
    let rotated = both.rotate_secrets("me").await.unwrap();
    assert_eq!((rotated.resealed, rotated.unreadable), (451, vec![]), "the replaced one too, and the one from before");
    assert_eq!(both.rotate_secrets("me").await.unwrap().resealed, 0);
    let values = new.secrets(&all).await.unwrap();
    assert_eq!((values.len(), values[&ids[7]].as_str(), values[&ids[450]].as_str()), (451, "value-7", "from-before"));
    let left = old.rotate_secrets("me").await.unwrap();
    assert_eq!((left.resealed, left.unreadable.len()), (0, 452), "what no key opens is named and left as it is");
    assert_eq!(new.secrets(&[other].into()).await.unwrap()[&other], "another");
    let sealed: i64 = sql.query_one("SELECT count(*) FROM secret WHERE value IS NULL", &[]).await.unwrap().get(0);
    assert_eq!(sealed, 452);
}

#[tokio::test]
async fn a_secret_goes_in_and_never_out() {
    let house = house::house().await;
    let call =
        async |token: &str, method: Method, path: &str, body: Value| house.call(token, method, path, Some(body)).await;
    let sent = json!({ "name": "enrolment-key", "value": "hunter2-hunter2" });
    let (status, _) = call(&house.operator, Method::POST, "/v1/secrets", sent.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, kept) = call(&house.admin, Method::POST, "/v1/secrets", sent.clone()).await;
    assert_eq!(status, StatusCode::OK);
    let (_, again) = call(&house.admin, Method::POST, "/v1/secrets", sent).await;
    assert_eq!(kept, again, "the same value has the same id");
    let list = house.get("/v1/secrets").await;
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["name"]), (&kept["id"], &kept["name"]));
    assert!(!list.to_string().contains("hunter2") && list["items"][0]["key"].is_string(), "{list}");
    for value in [json!(1234567), json!("abc"), json!("with\u{0}nul"), json!(null)] {
        let (status, problem) =
            call(&house.admin, Method::POST, "/v1/secrets", json!({ "name": "", "value": value })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let pointers: Vec<_> =
            problem["violations"].as_array().unwrap().iter().map(|it| it["pointer"].clone()).collect();
        assert_eq!(pointers, ["/name", "/value"]);
        assert!(!problem.to_string().contains("1234567"), "{problem}");
    }
    let (status, rotated) = call(&house.admin, Method::POST, "/v1/secrets/rotate", json!({})).await;
    assert_eq!((status, rotated["resealed"].as_u64()), (StatusCode::OK, Some(0)));
    let audit = house.database.connect().await.query("SELECT scope::text FROM audit", &[]).await.unwrap();
    assert!(audit.len() >= 3 && !audit.iter().any(|row| row.get::<_, String>(0).contains("hunter2")));
}
