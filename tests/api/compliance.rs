//! Compliance over the API and on the command line, from rows as sessions leave them.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::house::{House, house};
use crate::cli::pitcrew;

/// An editor that is in order on two of three computers, a clock that is nowhere, and what came before.
const VERDICTS: &str = "
    INSERT INTO compliance VALUES
        (1, 'software/editor', 1, 'editor', 'compliant', '', '2.0', '>= 2.0', '2030-01-02 00:00Z', 7),
        (1, 'task/clock', 1, 'clock', 'non_compliant', 'not_satisfied', NULL, 'satisfied', '2030-01-03 00:00Z', 8),
        (2, 'software/editor', 1, 'editor', 'unknown', 'detection_failed', NULL, '>= 2.0', '2030-01-02 00:00Z', 5),
        (2, 'task/clock', 1, 'clock-pc-2', 'not_judged', '', NULL, NULL, '2030-01-02 00:00Z', 5),
        (5, 'software/editor', 2, 'editor', 'compliant', '', '2.1', '>= 2.0', '2030-01-02 00:00Z', 6),
        (6, 'task/clock', 2, 'clock', 'non_compliant', 'script_failed', NULL, 'satisfied', now(), 9);
    INSERT INTO compliance_past VALUES
        (6, 'task/clock', 2, 'clock', 'compliant', '', NULL, 'satisfied', now() - interval '2 h', 4, now(), 9),
        (6, 'task/clock', 2, 'clock', 'non_compliant', 'not_satisfied', NULL, 'satisfied', now() - interval '3 h', 3,
         now() - interval '2 h', 4);";

async fn judged() -> House {
    let house = house().await;
    house.database.connect().await.batch_execute(VERDICTS).await.expect("verdicts");
    house
}

/// `computer item state` of every line.
fn lines(answer: &Value) -> Vec<String> {
    let line = |line: &Value| {
        ["computer", "item", "state"].map(|name| line[name].as_str().expect("a word").to_owned()).join(" ")
    };
    answer["items"].as_array().expect("lines").iter().map(line).collect()
}

#[tokio::test]
async fn verdicts_are_listed_by_key_and_narrowed() {
    let house = judged().await;
    let mut path = "/v1/compliance?limit=2".to_owned();
    let mut all = Vec::new();
    loop {
        let page = house.get(&path).await;
        all.extend(lines(&page));
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/compliance?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(all, lines(&house.get("/v1/compliance").await));
    assert_eq!(all.len(), 6);
    let narrowed = async |query: &str| lines(&house.get(&format!("/v1/compliance?{query}")).await);
    assert_eq!(
        narrowed("state=non_compliant,unknown&tenant=contoso").await,
        ["pc-1 task/clock non_compliant", "pc-2 software/editor unknown"]
    );
    assert_eq!(narrowed("item=software/editor&state=compliant").await.len(), 2);
    assert_eq!(narrowed("deployment=clock-pc-2").await, ["pc-2 task/clock not_judged"]);
    assert_eq!(narrowed("computer=fabrikam/pc-9&state=non_compliant").await, ["pc-9 task/clock non_compliant"]);
    let (status, wrong) = house.call(&house.viewer, Method::GET, "/v1/compliance?after=nonsense", None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(wrong["detail"].as_str().unwrap().contains("COMPUTER-ID:ITEM"), "{wrong}");

    // Who sees one tenant sees its verdicts only.
    let (_, own) = house.call(&house.contoso, Method::GET, "/v1/compliance", None).await;
    assert_eq!(lines(&own).len(), 4);
    let (status, _) = house.call(&house.contoso, Method::GET, "/v1/compliance?tenant=fabrikam", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let history = "/v1/compliance/history?computer=pc-9&item=task/clock";
    assert_eq!(house.call(&house.contoso, Method::GET, history, None).await.0, StatusCode::NOT_FOUND);
    let (_, recurring) = house.call(&house.contoso, Method::GET, "/v1/compliance/recurring?least=1", None).await;
    assert!(!recurring.to_string().contains("pc-9"), "{recurring}");
}

#[tokio::test]
async fn verdicts_are_counted_and_what_recurs_is_found() {
    let house = judged().await;
    let counts = async |by: &str| {
        let answer = house.get(&format!("/v1/compliance/counts?by={by}")).await;
        let count = |line: &Value| {
            let numbers = ["compliant", "non_compliant", "unknown", "not_judged", "computers"];
            format!("{} {}", line["name"].as_str().unwrap(), numbers.map(|name| line[name].to_string()).join(" "))
        };
        answer["items"].as_array().unwrap().iter().map(count).collect::<Vec<_>>()
    };
    assert_eq!(counts("tenant").await, ["contoso 1 1 1 1 2", "fabrikam 1 1 0 0 2"]);
    assert_eq!(counts("item").await, ["task/clock 0 2 0 1 3", "software/editor 2 0 1 0 3"]);
    assert_eq!(counts("deployment").await, ["clock 0 2 0 0 2", "editor 2 0 1 0 3", "clock-pc-2 0 0 0 1 1"]);

    let recurring = house.get("/v1/compliance/recurring?days=1").await;
    let [one] = recurring["items"].as_array().unwrap().as_slice() else { panic!("{recurring}") };
    assert_eq!((&one["computer"], &one["sessions"], &one["falls"]), (&"pc-9".into(), &2.into(), &2.into()));
    assert_eq!(one["reasons"], serde_json::json!(["script_failed", "not_satisfied"]));
    let history = house.get("/v1/compliance/history?computer=pc-9&item=task/clock").await;
    assert_eq!(history["now"]["session"], 9);
    let before: Vec<_> = history["past"].as_array().unwrap().iter().map(|past| past["state"].clone()).collect();
    assert_eq!(before, ["compliant", "non_compliant"]);
}

#[tokio::test]
async fn the_command_line_draws_it() {
    let house = judged().await;
    let said = pitcrew(&house, &["compliance", "list", "--out", "--tenant", "contoso"]).await;
    let drawn = "
TENANT   COMPUTER  ITEM             STATE                         DETECTED  WANTED     SINCE                 SESSION  DEPLOYMENT
contoso  pc-1      task/clock       non compliant: not satisfied  -         satisfied  2030-01-03T00:00:00Z  8        clock
contoso  pc-2      software/editor  unknown: detection failed     -         >= 2.0     2030-01-02T00:00:00Z  5        editor
";
    assert_eq!(format!("\n{}", said.out), drawn);
    let said = pitcrew(&house, &["compliance", "counts", "--by", "item"]).await;
    let drawn = "
ITEM             COMPUTERS  COMPLIANT  NOT COMPLIANT  UNKNOWN  NOT JUDGED
task/clock       3          0          2              0        1
software/editor  3          2          0              1        0
";
    assert_eq!(format!("\n{}", said.out), drawn);
    let said = pitcrew(&house, &["compliance", "list", "--limit", "1"]).await;
    assert!(said.out.ends_with("There are more: --after 1:software/editor\n"), "{}", said.out);
    let said = pitcrew(&house, &["compliance", "recurring"]).await;
    assert!(said.out.contains("script_failed; not_satisfied"), "{}", said.out);
    let said = pitcrew(&house, &["compliance", "history", "pc-1", "task/clock"]).await;
    assert_eq!(
        said.out,
        "task/clock on contoso/pc-1 has been non compliant (not satisfied) since 2030-01-03T00:00:00Z, by session 8: \
         nothing detected, satisfied wanted by clock.\n"
    );
    let said = pitcrew(&house, &["compliance", "list", "--state", "bad"]).await;
    assert!(said.code == 2 && said.err.contains("non_compliant"), "{}", said.err);
}
