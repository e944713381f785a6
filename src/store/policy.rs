//! The policy: everything that says how computers should be, read whole and compiled.

use deadpool_postgres::Transaction;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::Row;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::TenantId;
use crate::domain::deployment::Deployment;
use crate::domain::group::Group;
use crate::domain::licence::Licence;
use crate::domain::policy::Policy;
use crate::domain::script::Sha256Hash;
use crate::domain::sequence::Sequence;
use crate::domain::software::Software;
use crate::domain::task::Task;
use crate::domain::tenant::Tenant;

impl Store {
    /// Reads the policy as of one moment.
    pub async fn load_policy(&self) -> Result<Policy, Error> {
        let mut client = self.client().await?;
        let tx = client
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .doing("opening a transaction")?;
        read(&tx).await
    }
}

/// Reads the policy as a transaction sees it.
pub(super) async fn read(tx: &Transaction<'_>) -> Result<Policy, Error> {
    let doing = "reading the policy";
    let installation = "SELECT policy_version, item_order FROM installation";
    let installation = tx.query_one(installation, &[]).await.doing(doing)?;
    let version: i64 = installation.get("policy_version");
    let sequence: Sequence = parse(installation.get("item_order"), || "the order of items".to_owned())?;
    let tenants = tx.query("SELECT id, name, parent_id, tags, cross_tenant FROM tenant", &[]).await.doing(doing)?;
    let software = tx.query("SELECT name, body FROM software", &[]).await.doing(doing)?;
    let tasks = tx.query("SELECT name, body FROM task", &[]).await.doing(doing)?;
    let deployments = tx.query(DEPLOYMENTS, &[]).await.doing(doing)?;
    let groups = tx.query("SELECT name, body FROM computer_group", &[]).await.doing(doing)?;
    let licences = tx.query("SELECT name, body FROM licence", &[]).await.doing(doing)?;
    let scripts = tx.query("SELECT body FROM script", &[]).await.doing(doing)?;
    Ok(Policy::new(
        version,
        tenants.iter().map(|row| Tenant {
            id: TenantId(row.get("id")),
            name: row.get("name"),
            parent: row.get::<_, Option<i64>>("parent_id").map(TenantId),
            tags: row.get::<_, Vec<String>>("tags").into_iter().collect(),
            cross_tenant: row.get("cross_tenant"),
        }),
        bodies::<Software>(&software, "software")?,
        bodies::<Task>(&tasks, "task")?,
        deployments.iter().map(deployment).collect::<Result<Vec<_>, _>>()?,
        scripts.iter().map(|row| {
            let body: String = row.get("body");
            (Sha256Hash::of(body.as_bytes()), body)
        }),
    )
    .with_groups(bodies::<Group>(&groups, "group")?)
    .with_licences(bodies::<Licence>(&licences, "licence")?)
    .in_sequence(sequence))
}

pub(super) fn bodies<T: DeserializeOwned>(rows: &[Row], kind: &str) -> Result<Vec<T>, Error> {
    rows.iter()
        .map(|row| {
            let name: String = row.get("name");
            parse(row.get("body"), || format!("the {kind} '{name}'"))
        })
        .collect()
}

/// Every deployment, as [`deployment`] reads it.
pub(super) const DEPLOYMENTS: &str = "SELECT id, name, item, body, disabled, decision FROM deployment";

/// A deployment's own columns take the place of what its body would say of them.
pub(super) fn deployment(row: &Row) -> Result<Deployment, Error> {
    let name: String = row.get("name");
    let mut body: Value = row.get("body");
    if let Some(fields) = body.as_object_mut() {
        fields.insert("id".to_owned(), Value::from(row.get::<_, i64>("id")));
        fields.insert("name".to_owned(), Value::from(name.as_str()));
        fields.insert("item".to_owned(), Value::from(row.get::<_, String>("item")));
        fields.insert("disabled".to_owned(), Value::from(row.get::<_, bool>("disabled")));
        fields.insert("decision".to_owned(), row.get::<_, Option<Value>>("decision").unwrap_or_default());
    }
    parse(body, || format!("the deployment '{name}'"))
}

fn parse<T: DeserializeOwned>(body: Value, what: impl Fn() -> String) -> Result<T, Error> {
    serde_json::from_value(body).map_err(|error| Error::Unreadable { what: what(), why: error.to_string() })
}
