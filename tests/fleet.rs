//! Fleet files against a real database: applied whole or not at all, and once.

use pitcrew::domain::Computer;
use pitcrew::domain::session::{Kind, Order, RebootPolicy};
use pitcrew::resolve::{Scope, resolve};
use pitcrew::store::fleet::NotApplied;
use pitcrew::store::{Store, migrate};

use crate::support::{Database, database};

const EXAMPLE: &str = include_str!("../schemas/examples/fleet.yaml");

/// A computer as its type reads it.
const COMPUTER: &str = "SELECT to_jsonb(c) || jsonb_build_object('tenant', c.tenant_id) AS computer
                        FROM computer c JOIN tenant t ON t.id = c.tenant_id WHERE t.name = $1 AND c.name = $2";

fn files(text: &str) -> Vec<(String, String)> {
    vec![("fleet.yaml".to_owned(), text.to_owned())]
}

async fn count(database: &Database, what: &str) -> i64 {
    database.connect().await.query_one(&format!("SELECT count(*) FROM {what}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn applying_twice_changes_nothing() {
    let database = database().await;
    let store = Store::new(&database.url, 2).unwrap();

    let trial = store.apply_files(&files(EXAMPLE), true).await.unwrap();
    assert_eq!((trial.created.len(), trial.policy_version), (13, 1));
    assert_eq!(count(&database, "tenant").await, 0);

    let first = store.apply_files(&files(EXAMPLE), false).await.unwrap();
    assert_eq!(first, trial);
    let second = store.apply_files(&files(EXAMPLE), false).await.unwrap();
    assert_eq!((second.created.len(), second.changed.len(), second.left.len()), (0, 0, 13));
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
    let store = Store::new(&database.url, 2).unwrap();
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
    let store = Store::new(&database.url, 2).unwrap();
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
    let store = Store::new(&database.url, 2).unwrap();
    store.apply_files(&files(EXAMPLE), false).await.unwrap();
    let policy = store.load_policy().await.unwrap();
    let order = Order {
        deployments: vec![],
        inventory: false,
        reboot: RebootPolicy::Never,
        by: "test".into(),
        reason: String::new(),
        origin: "test".into(),
        rerun_of: None,
        traceparent: None,
    };
    let client = database.connect().await;
    let mut winners = Vec::new();
    for (tenant, name) in [("acme", "reception"), ("acme", "workshop"), ("umbrella", "archive")] {
        let computer = client.query_one(COMPUTER, &[&tenant, &name]).await.unwrap().get("computer");
        let computer: Computer = serde_json::from_value(computer).unwrap();
        let resolution = resolve(&policy, &computer, &Scope::of(Kind::Full, &order));
        let editor = resolution.wanted.iter().find(|wanted| wanted.item.name == "editor").unwrap();
        winners.push(editor.deployment.name.clone());
    }
    assert_eq!(winners, ["editor-at-reception", "no-editor-in-the-lab", "editor-for-all"]);
}

#[tokio::test]
async fn migrating_keeps_the_built_in_scripts() {
    let database = database().await;
    database.connect().await.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    let store = Store::new(&database.url, 2).unwrap();
    assert!(!migrate(&store).await.unwrap().applied.is_empty());
    assert!(migrate(&store).await.unwrap().applied.is_empty());
    assert!(count(&database, "script").await > 0);
}
