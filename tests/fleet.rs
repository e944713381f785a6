//! Fleet files against a real database: applied whole or not at all, and once.

use pitcrew::domain::Computer;
use pitcrew::domain::session::{Kind, Order, RebootPolicy};
use pitcrew::resolve::{Scope, resolve};
use pitcrew::store::fleet::NotApplied;
use pitcrew::store::forecast::Question;
use pitcrew::store::{Store, migrate};

use crate::support::{Database, database, store};

const EXAMPLE: &str = include_str!("../schemas/examples/fleet.yaml");

fn files(text: &str) -> Vec<(String, String)> {
    vec![("fleet.yaml".to_owned(), text.to_owned())]
}

async fn computer(store: &Store, name: &str) -> Computer {
    let found = store.computers_named(name, None).await.unwrap();
    store.computer(found[0].id).await.unwrap().expect("it is there")
}

async fn count(database: &Database, what: &str) -> i64 {
    database.connect().await.query_one(&format!("SELECT count(*) FROM {what}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn applying_twice_changes_nothing() {
    let database = database().await;
    let store = store(&database.url, 2);

    let trial = store.apply_files(&files(EXAMPLE), true).await.unwrap();
    assert_eq!((trial.created.len(), trial.policy_version), (16, 1));
    assert_eq!(count(&database, "tenant").await, 0);

    let first = store.apply_files(&files(EXAMPLE), false).await.unwrap();
    assert_eq!(first, trial);
    let second = store.apply_files(&files(EXAMPLE), false).await.unwrap();
    assert_eq!((second.created.len(), second.changed.len(), second.left.len()), (0, 0, 16));
    assert_eq!(second.policy_version, 1);

    // A computer alone is not part of the policy; a script is.
    let retagged = EXAMPLE.replace("tags: [lab]", "tags: [lab, pilot]");
    let third = store.apply_files(&files(&retagged), false).await.unwrap();
    assert_eq!((third.changed.as_slice(), third.policy_version), (&["computer/acme/workshop".to_owned()][..], 1));
    let rewritten = retagged.replace("theme=$PARAM_THEME\" >", "colours=$PARAM_THEME\" >");
    let fourth = store.apply_files(&files(&rewritten), false).await.unwrap();
    assert_eq!((fourth.changed.as_slice(), fourth.policy_version), (&["task/editor-settings".to_owned()][..], 2));
}

#[tokio::test]
async fn what_is_faulty_leaves_nothing_behind() {
    let database = database().await;
    let store = store(&database.url, 2);
    let faulty = format!("{EXAMPLE}\n---\n{{kind: deployment, name: d, software: editr, target: everyone}}\n");
    let Err(NotApplied::Faulty(faults)) = store.apply_files(&files(&faulty), false).await else {
        panic!("it was applied");
    };
    assert_eq!(faults.len(), 1);
    assert!(faults[0].to_string().contains("Did you mean \"editor\"?"), "{}", faults[0]);
    for table in ["tenant", "computer", "software", "task", "deployment"] {
        assert_eq!(count(&database, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn later_files_may_refer_to_what_is_stored() {
    let database = database().await;
    let store = store(&database.url, 2);
    store.apply_files(&files(EXAMPLE), false).await.unwrap();
    let more = "{kind: deployment, name: more, task: disk-space, target: {computer: archive, tenant: umbrella}}";
    let Err(NotApplied::Faulty(faults)) = store.apply_files(&files(more), false).await else {
        panic!("a task without set was taken to be enforced");
    };
    assert_eq!(faults.len(), 1, "{faults:?}");
    let audited = more.replace("task: disk-space", "task: disk-space, mode: audit");
    let applied = store.apply_files(&files(&audited), false).await.unwrap();
    assert_eq!(applied.created, ["deployment/more"]);
}

#[tokio::test]
async fn what_was_applied_is_what_is_resolved() {
    let database = database().await;
    let store = store(&database.url, 2);
    store.apply_files(&files(EXAMPLE), false).await.unwrap();
    let policy = store.load_policy().await.unwrap();
    let order = Order {
        deployments: vec![],
        item: None,
        parameters: Default::default(),
        inventory: false,
        reboot: RebootPolicy::Never,
        by: "test".into(),
        reason: String::new(),
        origin: "test".into(),
        group: None,
        rerun_of: None,
        traceparent: None,
    };
    let mut winners = Vec::new();
    for name in ["acme/reception", "acme/workshop", "umbrella/archive"] {
        let computer = computer(&store, name).await;
        let resolution = resolve(&policy, &computer, &Scope::of(Kind::Full, &order));
        let editor = resolution.wanted.iter().find(|wanted| wanted.item.name == "editor").unwrap();
        winners.push(editor.deployment.name.clone());
    }
    assert_eq!(winners, ["editor-at-reception", "no-editor-in-the-lab", "editor-for-all"]);
}

/// Each deployment of one task, by a target of its own kind; each computer must win the one meant for it.
const KINDS_OF_TARGET: &str = "
{kind: tenant, name: top, tags: [gold]}
---
{kind: tenant, name: below, parent: top}
---
{kind: person, name: ann, tenant: below, email: ann@example.com, tags: [vip]}
---
{kind: computer, name: anns, tenant: below, os: linux, connection: noop, person: ann, device: portable}
---
{kind: computer, name: desk, tenant: below, os: linux, connection: noop, facts: {device: workstation, site: berlin}}
---
{kind: computer, name: kiosk, tenant: below, os: linux, connection: noop, tags: [kiosk]}
---
{kind: computer, name: rack, tenant: top, os: linux, connection: noop, device: domain_controller}
---
{kind: computer, name: spare, tenant: top, os: linux, connection: noop}
---
{kind: computer, name: outside, tenant: other, os: linux, connection: noop}
---
{kind: tenant, name: other}
---
{kind: group, name: inner, computers: below/desk}
---
{kind: group, name: outer, groups: inner}
---
{kind: task, name: clock, test: 'true'}
---
{kind: deployment, name: at-person, task: clock, mode: audit, target: {person: ann, tenant: below}}
---
{kind: deployment, name: at-group, task: clock, mode: audit, target: {group: outer, tenant: below}}
---
{kind: deployment, name: at-tenant, task: clock, mode: audit, target: {tenant: top, propagate: true}}
---
{kind: deployment, name: at-gold, task: clock, mode: audit, target: {tag: gold}, exclude: {computer: spare, tenant: top}}
---
{kind: deployment, name: at-servers, task: clock, mode: audit, target: {tenant: top}, filter: {device: server}}
---
{kind: deployment, name: at-all, task: clock, mode: audit, target: everyone}
";

#[tokio::test]
async fn every_kind_of_target_reaches_its_computers_as_they_are_stored() {
    let database = database().await;
    let store = store(&database.url, 2);
    let applied = store.apply_files(&files(KINDS_OF_TARGET), false).await.unwrap();
    let again = store.apply_files(&files(KINDS_OF_TARGET), false).await.unwrap();
    assert_eq!((again.left.len(), again.policy_version), (applied.created.len(), applied.policy_version));
    let policy = store.load_policy().await.unwrap();
    let mut won = Vec::new();
    for name in ["anns", "desk", "kiosk", "rack", "spare", "outside"] {
        let resolution = resolve(&policy, &computer(&store, name).await, &Scope::Full);
        won.push(format!("{name}: {}", resolution.wanted[0].deployment.name));
    }
    assert_eq!(
        won,
        [
            "anns: at-person",
            "desk: at-group",
            "kiosk: at-tenant",
            "rack: at-servers",
            "spare: at-tenant",
            "outside: at-all"
        ]
    );
    let desk = computer(&store, "desk").await;
    assert_eq!((desk.device().unwrap().as_str(), desk.facts["site"].as_str()), ("workstation", Some("berlin")));
    // A person and a computer are no part of the policy; a group and a tenant's tags are.
    let moved = KINDS_OF_TARGET.replace("tags: [vip]", "tags: []").replace("device: portable", "device: server");
    assert_eq!(store.apply_files(&files(&moved), false).await.unwrap().policy_version, applied.policy_version);
    let regrouped = moved.replace("computers: below/desk", "computers: [below/desk, below/kiosk]");
    assert_eq!(store.apply_files(&files(&regrouped), false).await.unwrap().changed, ["group/inner"]);
    let version = store.apply_files(&files(&moved.replace("[gold]", "[silver]")), false).await.unwrap().policy_version;
    assert_eq!(version, applied.policy_version + 2);
    // What is stored counts for what is applied later.
    let later = "{kind: group, name: inner, groups: outer}\n---\n\
                 {kind: deployment, name: more, task: clock, mode: audit, target: {person: ann, tenant: below}, exclude: {group: oter}}";
    let Err(NotApplied::Faulty(faults)) = store.apply_files(&files(later), false).await else {
        panic!("it was applied");
    };
    let told: Vec<String> = faults.iter().map(|fault| fault.message.clone()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("inner refers to outer refers to inner"), "{told:?}");
    assert!(told[1].contains("no group \"oter\""), "{told:?}");
}

/// A group by what is declared, one by what an inventory must have found, and one by the other two.
const GROUPS: &str = "
{kind: tenant, name: acme}
---
{kind: computer, name: desk, tenant: acme, os: linux, connection: noop, facts: {os.family: debian, memory_gb: 16}}
---
{kind: computer, name: small, tenant: acme, os: linux, connection: noop, facts: {os.family: debian, memory_gb: 4}}
---
{kind: group, name: strong, query: os.family == \"debian\" and memory_gb >= 8}
---
{kind: group, name: old-zip, query: software(\"7-Zip\") < \"23.0\"}
---
{kind: group, name: both, query: '\"strong\" in groups and \"old-zip\" in groups'}
---
{kind: task, name: clock, test: 'true'}
---
{kind: task, name: zip, test: 'true'}
---
{kind: deployment, name: at-strong, task: clock, mode: audit, target: {group: strong}}
---
{kind: deployment, name: at-both, task: zip, mode: audit, target: {group: both, tenant: acme}}
";

#[tokio::test]
async fn a_query_is_answered_by_what_is_declared_and_what_was_last_found() {
    let database = database().await;
    let store = store(&database.url, 2);
    store.apply_files(&files(GROUPS), false).await.unwrap();
    assert_eq!(store.apply_files(&files(GROUPS), false).await.unwrap().changed, Vec::<String>::new());
    let policy = store.load_policy().await.unwrap();
    let wanted = async |name: &str| -> String {
        let resolution = resolve(&policy, &computer(&store, name).await, &Scope::Full);
        let won = resolution.wanted.iter().map(|wanted| wanted.deployment.name.clone());
        let out = resolution.left_out.iter().map(|out| format!("{} {}", out.deployment, out.why));
        won.chain(out).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(wanted("desk").await, "at-strong, at-both group_unknown");
    assert_eq!(wanted("small").await, "");
    let inventory = "INSERT INTO computer_inventory (computer_id, session_id, taken_at, facts, software)
                     SELECT id, 1, now(), '{\"memory_gb\": \"2\", \"cpus\": \"4\"}',
                            '{\"7-zip\": [\"22.01\"], \"other\": [\"1\"]}' FROM computer";
    database.connect().await.execute(inventory, &[]).await.unwrap();
    assert_eq!(wanted("desk").await, "at-strong, at-both");
    assert_eq!(wanted("small").await, "");
    // What is declared counts before what was found, and only what is asked for is read of what is installed.
    let desk = computer(&store, "desk").await;
    assert_eq!((desk.facts["memory_gb"].as_str(), desk.facts["cpus"].as_str()), (Some("16"), Some("4")));
    assert_eq!(desk.software.unwrap().into_keys().collect::<Vec<_>>(), ["7-zip"]);
    let unasked = GROUPS.replace("software(\"7-Zip\") < \"23.0\"", "cpus > 2");
    store.apply_files(&files(&unasked), false).await.unwrap();
    assert_eq!(computer(&store, "desk").await.software, None);
}

#[tokio::test]
async fn migrating_keeps_the_built_in_scripts() {
    let database = database().await;
    database.connect().await.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    let store = store(&database.url, 2);
    assert!(!migrate(&store).await.unwrap().applied.is_empty());
    assert!(migrate(&store).await.unwrap().applied.is_empty());
    assert!(count(&database, "script").await > 0);
}

/// What the manual shows is taken, and sessions can be reckoned from it.
#[tokio::test]
async fn the_manual_can_be_applied() {
    let page = include_str!("../schemas/manual/policy.md");
    let blocks = page.split("\n```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("yaml\n"));
    let text = blocks.collect::<Vec<_>>().join("\n---\n");
    let database = database().await;
    let store = store(&database.url, 2);
    let applied = store.apply_files(&files(&text), false).await.unwrap_or_else(|fault| panic!("{fault:?}"));
    assert!(applied.created.contains(&"deployment/no-editor-at-reception".to_owned()), "{applied:?}");
    let forecast = store.forecast(&Question::default()).await.unwrap();
    assert_eq!((forecast.computers.total, forecast.computers.without_findings), (1, 1));
}

#[tokio::test]
async fn the_order_and_licences_are_kept_and_what_a_licence_says_is_a_secret() {
    let database = database().await;
    let store = store(&database.url, 2);
    let text = "{kind: software, name: cad, licence: required, detect: x}\n---\n{kind: order, end: cad}\n---\n\
                {kind: licence, name: cad-2, software: cad, major: 2, key: ABCD-EFGH}";
    let applied = store.apply_files(&files(text), false).await.unwrap();
    assert_eq!(
        (applied.created, applied.changed),
        (vec!["licence/cad-2".into(), "software/cad".into()], vec!["order".into()])
    );
    let again = store.apply_files(&files(text), false).await.unwrap();
    assert_eq!((again.created.len(), again.changed.len(), again.left.len()), (0, 0, 3));
    assert_eq!(again.policy_version, applied.policy_version);

    let policy = store.load_policy().await.unwrap();
    assert_eq!(policy.sequence().end, [pitcrew::domain::Item::software("cad")]);
    let licence = policy.licences("cad").next().unwrap();
    assert!(!serde_json::to_string(licence).unwrap().contains("ABCD"), "{licence:?}");
    let client = database.connect().await;
    let row = client.query_one("SELECT id, value, s::text AS row FROM secret s", &[]).await.unwrap();
    assert!(!row.get::<_, String>("row").contains("41424344"), "what is stored is sealed");
    assert_eq!(row.get::<_, Option<String>>("value"), None);
    let id = pitcrew::domain::SecretId(row.get("id"));
    assert_eq!(store.secrets(&[id].into()).await.unwrap()[&id], "ABCD-EFGH");
}
