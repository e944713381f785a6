//! Submissions: from the names in them to sessions, all or none.

use std::collections::HashMap;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio_postgres::Client;
use tokio_postgres::types::Json;

use super::audit::Audit;
use super::error::Doing;
use super::sessions::{Accepted, Key};
use super::{Error, Store, gate, overrides};
use crate::domain::session::{Kind, Order};
use crate::domain::submission::{Answer, ComputerRef, MadeSession, SubmissionTarget, SubmissionV1, Violation};
use crate::domain::suggest::did_you_mean;
use crate::domain::{ComputerId, Given, ItemKind, SessionId, TenantId};
use crate::lifecycle::submit::Submission;

/// Sessions that one submission may make.
const MOST_SESSIONS: usize = 50_000;
/// Names that are looked through for a suggestion.
pub(super) const MOST_CANDIDATES: i64 = 10_000;
/// For how long a key is known, in days.
const KEYS_KEPT_DAYS: i32 = 30;

/// Who submits, and for whom it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitter {
    /// Its name, as keys and audit have it.
    pub name: String,
    /// What it came by: `api`, `amqp`.
    pub origin: &'static str,
    /// The tenants it may submit for; none: all.
    pub tenants: Option<Vec<TenantId>>,
    /// The trace that it submits in.
    pub traceparent: Option<String>,
}

/// A computer that a submission may be for.
struct Candidate {
    id: i64,
    tenant: i64,
    name: String,
    excluded: bool,
    /// A session of it that is not final and does what is asked for.
    has: Option<i64>,
}

impl Store {
    /// Accepts a submission or refuses it, whole.
    pub async fn accept(&self, submission: &SubmissionV1, from: &Submitter) -> Result<Answer, Error> {
        let now = self.ask_time().await?;
        let hash = body_hash(submission);
        let client = self.client().await?;
        if let Some(key) = &submission.key
            && let Some(sessions) = made_before(&client, key, &hash, from).await?
        {
            return Ok(before(sessions));
        }
        let mut violations = expired(submission, now);
        let given = overrides::given(&client, submission).await?;
        let such = Such::of(submission, given.as_ref().ok());
        let (chosen, left_out) = computers(&client, submission, from, &such, &mut violations).await?;
        deployments(&client, submission, &mut violations).await?;
        item(&client, submission, &mut violations).await?;
        let given = given.unwrap_or_else(|wrong| {
            violations.extend(wrong);
            Given::new()
        });
        drop(client);
        if let (Some(_), Some(first)) = (&submission.key, chosen.first())
            && chosen.iter().any(|computer| computer.tenant != first.tenant)
        {
            violations.push(Violation::new(
                "/target/computers",
                "conflict",
                "With a key, all computers must be of one tenant: make one submission for each.",
            ));
        }
        if !violations.is_empty() {
            return Ok(Answer::Refused { violations });
        }
        let tenant = chosen.first().map(|computer| TenantId(computer.tenant));
        let (already, chosen): (Vec<Candidate>, Vec<Candidate>) =
            chosen.into_iter().partition(|computer| computer.has.is_some() && !submission.again);
        let already: Vec<MadeSession> = already.iter().filter_map(|it| Some(it.with(SessionId(it.has?)))).collect();
        let key = submission.key.as_ref().zip(tenant).map(|(key, tenant)| Key {
            tenant,
            submitter: from.name.clone(),
            key: key.clone(),
            body_hash: hash.clone(),
            already: already.iter().map(|session| session.id).collect(),
        });
        if chosen.is_empty() && key.is_none() {
            return Ok(Answer::Accepted { sessions: Vec::new(), already, group: None, before: false, left_out });
        }
        let orders = chosen.iter().map(|computer| order(submission, &given, from, computer)).collect();
        let accepted = self.submit_audited(orders, key.as_ref(), Some(&audit(submission, from, chosen.len()))).await?;
        match accepted {
            Accepted::New(made) => {
                let sessions: Vec<_> = made.into_iter().zip(&chosen).map(|(id, computer)| computer.with(id)).collect();
                let group = sessions.first().filter(|_| sessions.len() > 1).map(|first| first.id);
                Ok(Answer::Accepted { sessions, already, group, before: false, left_out })
            }
            // The same submission was accepted between the look and now.
            Accepted::Before(sessions) => {
                let client = self.client().await?;
                Ok(before(named(&client, &sessions).await?))
            }
            Accepted::KeyConflict => Ok(Answer::Refused {
                violations: vec![Violation::new(
                    "/key",
                    "key_conflict",
                    "This key was used for another submission. Use a new one, or send the same document again.",
                )],
            }),
        }
    }

    /// The tenants that a user of the broker may submit for.
    pub async fn tenants_of_broker_user(&self, user: &str) -> Result<Vec<TenantId>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT tenant_id FROM broker_submitter WHERE user_id = $1")
            .await
            .doing("asking what a broker user may")?;
        let rows = client.query(&statement, &[&user]).await.doing("asking what a broker user may")?;
        Ok(rows.iter().map(|row| TenantId(row.get("tenant_id"))).collect())
    }

    /// Lets a user of the broker submit for a tenant.
    pub async fn allow_broker_user(&self, user: &str, tenant: TenantId) -> Result<(), Error> {
        let client = self.client().await?;
        client
            .execute(
                "INSERT INTO broker_submitter (user_id, tenant_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                &[&user, &tenant.0],
            )
            .await
            .doing("allowing a broker user")?;
        Ok(())
    }

    /// Forgets keys that are older than 30 days. Returns how many.
    pub async fn forget_old_keys(&self) -> Result<u64, Error> {
        let client = self.client().await?;
        client
            .execute(
                "DELETE FROM submission WHERE created_at < clock_timestamp() - make_interval(days => $1)",
                &[&KEYS_KEPT_DAYS],
            )
            .await
            .doing("forgetting old keys")
    }
}

impl Candidate {
    /// A session of it.
    fn with(&self, id: SessionId) -> MadeSession {
        MadeSession { id, computer_id: ComputerId(self.id), computer: self.name.clone() }
    }
}

/// What a submission that was accepted before is answered.
fn before(sessions: Vec<MadeSession>) -> Answer {
    Answer::Accepted { sessions, already: Vec::new(), group: None, before: true, left_out: Vec::new() }
}

/// Two submissions are the same if everything but the key is.
fn body_hash(submission: &SubmissionV1) -> Vec<u8> {
    let keyless = SubmissionV1 { key: None, ..submission.clone() };
    Sha256::digest(gate::to_json(&keyless).as_bytes()).to_vec()
}

fn expired(submission: &SubmissionV1, now: Timestamp) -> Vec<Violation> {
    match submission.expires_at.filter(|until| *until <= now) {
        Some(until) => {
            vec![Violation::new("/expires_at", "expired", format!("It expired at {until}; now it is {now:.0}."))]
        }
        None => Vec::new(),
    }
}

fn order(submission: &SubmissionV1, given: &Given, from: &Submitter, computer: &Candidate) -> Submission {
    Submission {
        tenant: TenantId(computer.tenant),
        computer: ComputerId(computer.id),
        kind: submission.kind,
        priority: submission.priority,
        not_before: submission.not_before,
        order: Order {
            deployments: submission.deployments.clone(),
            item: submission.item.clone(),
            parameters: given.clone(),
            inventory: submission.inventory,
            reboot: submission.reboot,
            by: from.name.clone(),
            reason: submission.reason.clone(),
            origin: from.origin.to_owned(),
            group: None,
            rerun_of: None,
            traceparent: from.traceparent.clone(),
        },
    }
}

fn audit(submission: &SubmissionV1, from: &Submitter, sessions: usize) -> Audit {
    let target = match &submission.target {
        SubmissionTarget::Tenant(tenant) => serde_json::json!({ "tenant": tenant }),
        // Thousands of names would make the audit unreadable; the sessions themselves say who started them.
        SubmissionTarget::Computers(computers) => {
            let first: Vec<String> = computers.iter().take(20).map(ToString::to_string).collect();
            serde_json::json!({ "computers": first, "and": computers.len() - first.len() })
        }
    };
    Audit {
        actor: from.name.clone(),
        action: "session.start",
        scope: serde_json::json!({
            "target": target,
            "sessions": sessions,
            "kind": submission.kind,
            "priority": submission.priority,
            "reboot": submission.reboot,
            "deployments": submission.deployments,
            "item": submission.item,
            "parameters": submission.parameters,
        }),
        reason: submission.reason.clone(),
    }
}

/// The sessions that the same submission made under the same key, in whatever tenant.
async fn made_before(
    client: &Client,
    key: &str,
    hash: &[u8],
    from: &Submitter,
) -> Result<Option<Vec<MadeSession>>, Error> {
    let row = client
        .query_opt(
            "SELECT sessions FROM submission WHERE submitter = $1 AND key = $2 AND body_hash = $3 LIMIT 1",
            &[&from.name, &key, &hash],
        )
        .await
        .doing("looking for an idempotency key")?;
    match row {
        Some(row) => {
            let ids: Vec<i64> = row.get("sessions");
            let ids: Vec<SessionId> = ids.into_iter().map(SessionId).collect();
            named(client, &ids).await.map(Some)
        }
        None => Ok(None),
    }
}

/// Sessions with their computers, in the order given.
async fn named(client: &Client, ids: &[SessionId]) -> Result<Vec<MadeSession>, Error> {
    let numbers: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = client
        .query(
            "SELECT u.id, coalesce(s.computer_id, h.computer_id, 0) AS computer_id, coalesce(c.name, '') AS name
             FROM unnest($1::bigint[]) WITH ORDINALITY AS u(id, place)
             LEFT JOIN session s ON s.id = u.id
             LEFT JOIN LATERAL (SELECT computer_id FROM session_history h WHERE h.id = u.id LIMIT 1) h ON true
             LEFT JOIN computer c ON c.id = coalesce(s.computer_id, h.computer_id)
             ORDER BY u.place",
            &[&numbers],
        )
        .await
        .doing("naming sessions")?;
    Ok(rows
        .iter()
        .map(|row| MadeSession {
            id: SessionId(row.get("id")),
            computer_id: ComputerId(row.get("computer_id")),
            computer: row.get("name"),
        })
        .collect())
}

/// The computers that are meant, and the names of those that a tenant has but maintenance leaves out.
async fn computers(
    client: &Client,
    submission: &SubmissionV1,
    from: &Submitter,
    such: &Such,
    violations: &mut Vec<Violation>,
) -> Result<(Vec<Candidate>, Vec<String>), Error> {
    match &submission.target {
        SubmissionTarget::Tenant(name) => of_tenant(client, name, (submission.kind, such), from, violations).await,
        SubmissionTarget::Computers(named) => {
            Ok((by_reference(client, named, (submission.kind, such), from, violations).await?, Vec::new()))
        }
    }
}

/// A session of `computer c` that will do what is asked for, as `has`; the parameters `$1` to `$8` are those of [`Such`].
/// Only one that has yet to look at the computer will: what was planned before was planned by what was wanted then. What is
/// paused may stay so for long, and what is to begin at another time is another session.
const SUCH_A_SESSION: &str = "(
    SELECT min(s.id) FROM session s
    WHERE s.computer_id = c.id AND s.kind = $1 AND s.priority <= $2
      AND s.status = 'pending' AND s.cancel IS NULL AND s.pause IS NULL AND s.run_in_flight IS NULL
      AND (s.stage = 'detection' OR s.started_at IS NULL) AND s.waiting_on <> 'postponed'
      AND coalesce(s.\"order\" -> 'deployments', '[]') @> $3 AND coalesce(s.\"order\" -> 'deployments', '[]') <@ $3
      AND s.\"order\" ->> 'item' IS NOT DISTINCT FROM $4 AND s.\"order\" ->> 'reboot' = $5
      AND coalesce(s.\"order\" -> 'parameters', '{}') = $8
      AND (NOT $6 OR (s.\"order\" -> 'inventory')::boolean)
      AND CASE WHEN $7::timestamptz > clock_timestamp() THEN s.waiting_on = 'schedule' AND s.run_after = $7
               ELSE s.waiting_on IS DISTINCT FROM 'schedule' END) AS has";

/// What makes a session such a one.
struct Such {
    kind: &'static str,
    priority: i16,
    deployments: Json<Vec<String>>,
    item: Option<String>,
    reboot: &'static str,
    inventory: bool,
    from: Option<Timestamp>,
    given: Json<Given>,
}

impl Such {
    fn of(submission: &SubmissionV1, given: Option<&Given>) -> Such {
        Such {
            kind: submission.kind.as_str(),
            priority: submission.priority.rank(),
            deployments: Json(submission.deployments.clone()),
            item: submission.item.as_ref().map(ToString::to_string),
            reboot: submission.reboot.as_str(),
            inventory: submission.inventory,
            from: submission.not_before,
            given: Json(given.cloned().unwrap_or_default()),
        }
    }
}

async fn of_tenant(
    client: &Client,
    name: &str,
    (kind, such): (Kind, &Such),
    from: &Submitter,
    violations: &mut Vec<Violation>,
) -> Result<(Vec<Candidate>, Vec<String>), Error> {
    let nothing = (Vec::new(), Vec::new());
    let allowed = allowed(from);
    let tenants = client
        .query(
            "SELECT id, name FROM tenant WHERE $1::bigint[] IS NULL OR id = ANY($1) ORDER BY id LIMIT $2",
            &[&allowed, &MOST_CANDIDATES],
        )
        .await
        .doing("looking for a tenant")?;
    let Some(tenant) = tenants.iter().find(|row| row.get::<_, &str>("name") == name) else {
        let near = did_you_mean(name, tenants.iter().map(|row| row.get("name")));
        let message = format!("There is no tenant \"{name}\" for which you may submit.{near}");
        violations.push(Violation::new("/target/tenant", "unknown_tenant", message));
        return Ok(nothing);
    };
    let id: i64 = tenant.get("id");
    let rows = client
        .query(
            &format!(
                "SELECT c.id, c.tenant_id, c.name, c.excluded, {} FROM computer c WHERE c.tenant_id = $9 ORDER BY c.id",
                SUCH_A_SESSION
            ),
            &[
                &such.kind,
                &such.priority,
                &such.deployments,
                &such.item,
                &such.reboot,
                &such.inventory,
                &such.from,
                &such.given,
                &id,
            ],
        )
        .await
        .doing("looking for a tenant's computers")?;
    let (excluded, chosen): (Vec<Candidate>, Vec<Candidate>) =
        rows.iter().map(candidate).partition(|computer| computer.excluded && !takes_excluded(kind));
    if chosen.is_empty() {
        let message = format!("The tenant \"{name}\" has no computer that maintenance is for.");
        violations.push(Violation::new("/target/tenant", "no_computers", message));
    }
    if chosen.len() > MOST_SESSIONS {
        let message = format!("That would be {} sessions; one submission makes {MOST_SESSIONS} at most.", chosen.len());
        violations.push(Violation::new("/target/tenant", "too_many", message));
        return Ok(nothing);
    }
    Ok((chosen, excluded.into_iter().map(|computer| computer.name).collect()))
}

async fn by_reference(
    client: &Client,
    named: &[ComputerRef],
    (kind, such): (Kind, &Such),
    from: &Submitter,
    violations: &mut Vec<Violation>,
) -> Result<Vec<Candidate>, Error> {
    let found = find(client, named, such, from).await?;
    let mut by_id: HashMap<i64, &Candidate> = HashMap::new();
    let mut by_name: HashMap<&str, Vec<&Candidate>> = HashMap::new();
    let mut by_path: HashMap<&str, &Candidate> = HashMap::new();
    for (candidate, path) in &found {
        by_id.insert(candidate.id, candidate);
        by_name.entry(&candidate.name).or_default().push(candidate);
        by_path.insert(path, candidate);
    }
    let mut chosen: Vec<Candidate> = Vec::with_capacity(named.len());
    let mut places: HashMap<i64, usize> = HashMap::new();
    let mut unknown = Vec::new();
    for (place, computer) in named.iter().enumerate() {
        let at = format!("/target/computers/{place}");
        let one = match computer {
            ComputerRef::Id(id) => by_id.get(&id.0).copied(),
            ComputerRef::Name(name) => match by_name.get(name.as_str()).map(Vec::as_slice) {
                Some([one]) => Some(*one),
                Some(several) => {
                    let message = format!(
                        "{} tenants have a computer \"{name}\": write tenant/{name}, or its id.",
                        several.len()
                    );
                    violations.push(Violation::new(at, "ambiguous_computer", message));
                    continue;
                }
                None => by_path.get(name.as_str()).copied(),
            },
        };
        let Some(one) = one else {
            unknown.push((at, computer.to_string()));
            continue;
        };
        if one.excluded && !takes_excluded(kind) {
            let message = format!(
                "The computer \"{}\" is excluded from maintenance in the fleet files; only its inventory may be taken.",
                one.name
            );
            violations.push(Violation::new(at, "excluded", message));
        } else if let Some(first) = places.insert(one.id, place) {
            let message = format!("This is the same computer as in place {first}; a session is made once for each.");
            violations.push(Violation::new(at, "duplicate", message));
        } else {
            chosen.push(Candidate { name: one.name.clone(), ..*one });
        }
    }
    if !unknown.is_empty() {
        let known =
            names(client, "SELECT name FROM computer WHERE $1::bigint[] IS NULL OR tenant_id = ANY($1) LIMIT $2", from)
                .await?;
        for (at, name) in unknown {
            let near = did_you_mean(&name, known.iter().map(String::as_str));
            let message = format!("There is no computer \"{name}\" for which you may submit.{near}");
            violations.push(Violation::new(at, "unknown_computer", message));
        }
    }
    Ok(chosen)
}

/// Every computer that one of the references could mean, with its name written `tenant/name`.
async fn find(
    client: &Client,
    named: &[ComputerRef],
    such: &Such,
    from: &Submitter,
) -> Result<Vec<(Candidate, String)>, Error> {
    let mut ids = Vec::new();
    let mut texts = Vec::new();
    let mut paths: (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for computer in named {
        match computer {
            ComputerRef::Id(id) => ids.push(id.0),
            ComputerRef::Name(name) => {
                texts.push(name.as_str());
                if let Some((tenant, name)) = name.split_once('/') {
                    paths.0.push(tenant);
                    paths.1.push(name);
                }
            }
        }
    }
    let rows = client
        .query(
            &format!(
                "SELECT c.id, c.tenant_id, c.name, c.excluded, t.name || '/' || c.name AS path, {SUCH_A_SESSION}
                 FROM computer c JOIN tenant t ON t.id = c.tenant_id
                 WHERE ($9::bigint[] IS NULL OR c.tenant_id = ANY($9))
                   AND (c.id = ANY($10) OR c.name = ANY($11)
                        OR (t.name, c.name) IN (SELECT * FROM unnest($12::text[], $13::text[])))"
            ),
            &[
                &such.kind,
                &such.priority,
                &such.deployments,
                &such.item,
                &such.reboot,
                &such.inventory,
                &such.from,
                &such.given,
                &allowed(from),
                &ids,
                &texts,
                &paths.0,
                &paths.1,
            ],
        )
        .await
        .doing("looking for computers")?;
    Ok(rows.iter().map(|row| (candidate(row), row.get("path"))).collect())
}

async fn deployments(client: &Client, submission: &SubmissionV1, violations: &mut Vec<Violation>) -> Result<(), Error> {
    if submission.deployments.is_empty() {
        return Ok(());
    }
    let rows = client
        .query("SELECT name FROM deployment LIMIT $1", &[&MOST_CANDIDATES])
        .await
        .doing("looking for deployments")?;
    let known: Vec<&str> = rows.iter().map(|row| row.get("name")).collect();
    for (place, name) in submission.deployments.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let near = did_you_mean(name, known.iter().copied());
            let message = format!("There is no deployment \"{name}\".{near}");
            violations.push(Violation::new(format!("/deployments/{place}"), "unknown_deployment", message));
        }
    }
    Ok(())
}

/// A computer that is left out of maintenance may still say what is installed on it.
pub(super) fn takes_excluded(kind: Kind) -> bool {
    kind == Kind::Inventory
}

async fn item(client: &Client, submission: &SubmissionV1, violations: &mut Vec<Violation>) -> Result<(), Error> {
    let Some(item) = &submission.item else { return Ok(()) };
    let known = match item.kind {
        ItemKind::Software => "SELECT name FROM software LIMIT $1",
        ItemKind::Task => "SELECT name FROM task LIMIT $1",
    };
    let rows = client.query(known, &[&MOST_CANDIDATES]).await.doing("looking for an item")?;
    let known: Vec<&str> = rows.iter().map(|row| row.get("name")).collect();
    if !known.contains(&item.name.as_str()) {
        let near = did_you_mean(&item.name, known);
        let message = format!("There is no {} \"{}\".{near}", item.kind, item.name);
        violations.push(Violation::new("/item", "unknown_item", message));
    }
    Ok(())
}

async fn names(client: &Client, sql: &str, from: &Submitter) -> Result<Vec<String>, Error> {
    let rows = client.query(sql, &[&allowed(from), &MOST_CANDIDATES]).await.doing("looking for similar names")?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

fn allowed(from: &Submitter) -> Option<Vec<i64>> {
    from.tenants.as_ref().map(|tenants| tenants.iter().map(|tenant| tenant.0).collect())
}

fn candidate(row: &tokio_postgres::Row) -> Candidate {
    Candidate {
        id: row.get("id"),
        tenant: row.get("tenant_id"),
        name: row.get("name"),
        excluded: row.get("excluded"),
        has: row.get("has"),
    }
}
