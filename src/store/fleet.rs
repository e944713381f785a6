//! Fleet files, applied: what they define is created or changed, what they do not mention is left alone.

mod known;
mod touched;

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use serde::Serialize;
use serde_json::{Value, json};

use super::error::Doing;
use super::rows::json_of;
use super::{Error, Keyring, Store, files, secrets};
use crate::domain::{Deployment, Group, ParameterValue, Sha256Hash};
use crate::fleet::{self, Attached, Body, Fault, FleetFile, Known, Place, StoredFile};
use crate::planning;
use known::known;
use touched::{COMPUTERS, DEPLOYMENTS, GROUPS, LICENCES, PERSONS, SOFTWARE, TASKS, Touched};

/// Whoever applies fleet files holds this advisory lock, so that two do not check against a state that neither leaves.
pub(super) const LOCK: i64 = 0x666c_6565_7400;

/// What applying has done, or would do. Things are named as in `software/editor` and `computer/acme/reception`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Applied {
    /// What was not there before.
    pub created: Vec<String>,
    /// What was there and different.
    pub changed: Vec<String>,
    /// What was there and the same.
    pub left: Vec<String>,
    /// What is likely a mistake: deployments that others decide for all their computers.
    pub warnings: Vec<Fault>,
    /// The version of the policy after it.
    pub policy_version: i64,
}

/// What fleet files name, as it was sent with them.
#[derive(Debug, Clone, Default)]
pub struct Attachments {
    /// Texts, as path and text.
    pub texts: Vec<(String, String)>,
    /// Files for computers.
    pub stored: Vec<StoredFile>,
}

/// Why fleet files were not applied; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotApplied {
    /// They are faulty.
    #[error("{} {} in the fleet files", .0.len(), if .0.len() == 1 { "fault" } else { "faults" })]
    Faulty(Vec<Fault>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Store {
    /// Reads, checks and applies fleet files, given as name and text, in one transaction. Applying the same files again
    /// changes nothing. With `dry_run` nothing is kept; the answer is the same.
    ///
    /// # Errors
    /// Every fault of the files, or the database's trouble; in both cases nothing was changed.
    pub async fn apply_files(&self, files: &[(String, String)], dry_run: bool) -> Result<Applied, NotApplied> {
        self.apply_with(files, &Attachments::default(), dry_run).await
    }

    /// The same with the files that the fleet files name. Files for computers must be stored, but for a trial.
    ///
    /// # Errors
    /// The same.
    pub async fn apply_with(
        &self,
        files: &[(String, String)],
        attached: &Attachments,
        dry_run: bool,
    ) -> Result<Applied, NotApplied> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
        let applied = apply_in(&tx, self.keys(), files, attached, dry_run).await?;
        if dry_run {
            tx.rollback().await.doing("taking a trial back")?;
        } else {
            tx.commit().await.doing("applying fleet files")?;
        }
        Ok(applied)
    }
}

/// Reads, checks and applies fleet files, with the files that they name, in a transaction, which the caller ends.
pub(super) async fn apply_in(
    tx: &Transaction<'_>,
    keys: &Keyring,
    files: &[(String, String)],
    attached: &Attachments,
    is_trial: bool,
) -> Result<Applied, NotApplied> {
    let Attachments { texts, stored } = attached;
    let attached = Attached::new(texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))).with_stored(stored);
    let texts = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let (mut fleet, mut faults) = fleet::read_with(texts, &attached);
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.doing("waiting for others to apply")?;
    let known = known(tx, &fleet).await?;
    faults.extend(fleet::check(&fleet, &known));
    if !is_trial {
        faults.extend(not_stored(tx, &fleet).await?);
    }
    faults.sort();
    if !faults.is_empty() {
        return Err(NotApplied::Faulty(faults));
    }
    let warnings = fleet::warnings(&fleet, &known);
    lock_away(tx, keys, &mut fleet, &known).await?;
    Ok(Applied { warnings, ..apply(tx, &fleet).await? })
}

/// The files for computers that are not stored, or are of another size than was said.
async fn not_stored(tx: &Transaction<'_>, fleet: &FleetFile) -> Result<Vec<Fault>, Error> {
    if fleet.stored.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<_> = fleet.stored.keys().copied().collect();
    let sizes = files::sizes(tx, &wanted).await?;
    let absent = fleet.stored.iter().filter(|(sha256, (file, _))| sizes.get(sha256) != Some(&file.size));
    let fault = |(sha256, (file, place)): (&Sha256Hash, &(StoredFile, Place))| Fault {
        place: place.clone(),
        message: format!("The file \"{}\" is not stored: {} bytes with the SHA-256 {sha256}.", file.name, file.size),
        suggestion: Some(
            "pitcrew apply stores it; over the API it is stored first, by PUT /v1/files/SHA256.".to_owned(),
        ),
    };
    Ok(absent.map(fault).collect())
}

/// Puts what is secret where only the sending of a run reads it, and leaves its id.
async fn lock_away(tx: &Transaction<'_>, keys: &Keyring, fleet: &mut FleetFile, known: &Known) -> Result<(), Error> {
    for (place, name) in fleet::secrets(fleet, known) {
        let Some(Body::Deployment(deployment)) = fleet.documents.get_mut(place).map(|document| &mut document.body)
        else {
            continue;
        };
        if let Some(value @ ParameterValue::Plain(_)) = deployment.parameters.get_mut(&name) {
            let owner = format!("deployment/{}", deployment.name);
            let ParameterValue::Plain(text) = &*value else { continue };
            let secret = secrets::keep(tx, keys, &owner, &name, text).await?;
            *value = ParameterValue::Secret { secret };
        }
    }
    let licences = fleet.documents.iter_mut().filter_map(|document| match &mut document.body {
        Body::Licence(licence) => Some(licence),
        _ => None,
    });
    for licence in licences {
        if let ParameterValue::Plain(text) = &licence.text {
            let secret = secrets::keep(tx, keys, &format!("licence/{}", licence.name), "text", text).await?;
            licence.text = ParameterValue::Secret { secret };
        }
    }
    Ok(())
}

/// Stores the scripts that come with Pitcrew, so that a run that uses one can be sent by whoever has the run's id.
pub(super) async fn keep_built_in_scripts(client: &tokio_postgres::Client) -> Result<(), Error> {
    let (hashes, bodies): (Vec<_>, Vec<_>) =
        planning::built_in_scripts().map(|(hash, body)| (hash.0.to_vec(), body)).unzip();
    client.execute(KEEP_SCRIPTS, &[&hashes, &bodies]).await.doing("keeping the scripts that come with Pitcrew")?;
    Ok(())
}

const KEEP_SCRIPTS: &str =
    "INSERT INTO script (hash, body) SELECT * FROM unnest($1::bytea[], $2::text[]) ON CONFLICT DO NOTHING";

async fn apply(tx: &Transaction<'_>, fleet: &FleetFile) -> Result<Applied, Error> {
    let (hashes, bodies): (Vec<_>, Vec<_>) =
        fleet.scripts.iter().map(|(hash, body)| (hash.0.to_vec(), body.as_str())).unzip();
    tx.execute(KEEP_SCRIPTS, &[&hashes, &bodies]).await.doing("keeping scripts")?;

    let mut wanted = Wanted::default();
    for document in &fleet.documents {
        wanted.add(&document.body)?;
    }
    let mut touched = Touched::default();
    touched.tenants(tx, &wanted.tenants).await?;
    touched.upsert(tx, &SOFTWARE, wanted.software).await?;
    touched.upsert(tx, &TASKS, wanted.tasks).await?;
    touched.upsert(tx, &GROUPS, wanted.groups).await?;
    ask_for_software(tx).await?;
    touched.upsert(tx, &DEPLOYMENTS, wanted.deployments).await?;
    touched.upsert(tx, &LICENCES, wanted.licences).await?;
    touched.sequence(tx, wanted.sequence).await?;
    let changes_policy = !touched.created.is_empty() || !touched.changed.is_empty();
    // Persons and computers are not part of what is cached by the policy's version.
    touched.upsert(tx, &PERSONS, wanted.persons).await?;
    touched.upsert(tx, &COMPUTERS, wanted.computers).await?;

    let rise = i64::from(changes_policy);
    let raise = "UPDATE installation SET policy_version = policy_version + $1 RETURNING policy_version";
    let version = tx.query_one(raise, &[&rise]).await.doing("raising the policy's version")?;
    let Touched { created, changed } = touched;
    let labels = fleet.documents.iter().map(|document| document.body.label());
    let left = labels.filter(|label| !created.contains(label) && !changed.contains(label)).collect();
    let in_order = |set: BTreeSet<String>| set.into_iter().collect();
    Ok(Applied {
        created: in_order(created),
        changed: in_order(changed),
        left,
        warnings: Vec::new(),
        policy_version: version.get("policy_version"),
    })
}

/// Writes down which software the queries of groups ask for, so that claims read that and nothing else of inventories, and
/// whether any group has a script, so that nobody reads answers in vain.
async fn ask_for_software(tx: &Transaction<'_>) -> Result<(), Error> {
    let doing = "noting what groups ask for";
    let groups = tx.query("SELECT name, body FROM computer_group", &[]).await.doing(doing)?;
    let mut asked = BTreeSet::new();
    let mut scripts = false;
    for group in super::policy::bodies::<Group>(&groups, "group")? {
        asked.extend(group.software().into_iter().map(str::to_owned));
        scripts |= group.filter().is_some();
    }
    let asked: Vec<String> = asked.into_iter().collect();
    let note = "UPDATE installation SET asked_software = $1, asks_scripts = $2
                WHERE (asked_software, asks_scripts) IS DISTINCT FROM ($1, $2)";
    tx.execute(note, &[&asked, &scripts]).await.doing(doing)?;
    Ok(())
}

/// Rows to be, by kind.
#[derive(Default)]
struct Wanted {
    tenants: Vec<Value>,
    persons: Vec<Value>,
    groups: Vec<Value>,
    computers: Vec<Value>,
    software: Vec<Value>,
    tasks: Vec<Value>,
    deployments: Vec<Value>,
    licences: Vec<Value>,
    sequence: Option<Value>,
}

impl Wanted {
    fn add(&mut self, body: &Body) -> Result<(), Error> {
        match body {
            Body::Tenant(tenant) => self.tenants.push(json!({
                "name": tenant.name, "parent": tenant.parent, "tags": tenant.tags,
                "cross_tenant": tenant.cross_tenant, "max_running": tenant.max_running,
                "weight": tenant.weight, "rate_per_second": tenant.rate_per_second,
            })),
            Body::Person(person) => self.persons.push(json!({
                "tenant": person.tenant, "name": person.name, "email": person.email, "tags": person.tags,
            })),
            Body::Group(group) => self.groups.push(json!({ "name": group.name, "body": json_of(group)? })),
            Body::Computer(computer) => self.computers.push(json!({
                "tenant": computer.tenant, "name": computer.name, "os": computer.os, "arch": computer.arch,
                "tags": computer.tags, "device": computer.device, "person": computer.person, "facts": computer.facts,
                "connection": json_of(&computer.connection)?, "excluded": computer.excluded,
            })),
            Body::Software(software) => {
                self.software.push(json!({ "name": software.name, "body": json_of(software)? }));
            }
            Body::Task(task) => self.tasks.push(json!({ "name": task.name, "body": json_of(task)? })),
            Body::Deployment(deployment) => self.deployments.push(row_of(deployment)?),
            Body::Licence(licence) => self.licences.push(json!({ "name": licence.name, "body": json_of(licence)? })),
            Body::Order(sequence) => self.sequence = Some(json_of(sequence)?),
        }
        Ok(())
    }
}

/// What has a column of its own is not in the body too.
fn row_of(deployment: &Deployment) -> Result<Value, Error> {
    let mut body = json_of(deployment)?;
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !["id", "name", "item", "disabled"].contains(&name.as_str()));
    }
    let (name, item, disabled) = (&deployment.name, &deployment.item, deployment.disabled);
    Ok(json!({ "name": name, "item": item, "body": body, "disabled": disabled }))
}
