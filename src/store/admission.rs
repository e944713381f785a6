//! What is due, and the admission of what the scheduler chooses of it: one transaction under the term's lock.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::error::Doing;
use super::gate::{self, Entry};
use super::terms::{self, Term};
use super::tx::Tx;
use super::{Error, Store, rows};
use crate::domain::job::Job;
use crate::domain::session::{Kind, Priority, Stage};
use crate::domain::{ComputerId, SessionId, TenantId};
use crate::lifecycle::admit::admit;

/// A session that is due and whose computer is free, or already its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The session.
    pub session: SessionId,
    /// Its computer.
    pub computer: ComputerId,
    /// How urgent it is.
    pub priority: Priority,
    /// The stage it is due for.
    pub stage: Stage,
    /// The last stage that it goes through if there is anything to do.
    pub last: Stage,
    /// It has its computer already, and so counts against the caps already.
    pub holds: bool,
}

/// A tenant with due work.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantDue {
    /// The tenant.
    pub tenant: TenantId,
    /// Its share beside the others.
    pub weight: i32,
    /// How many of its sessions may have a computer at a time.
    pub cap: Option<i32>,
    /// How many have one now.
    pub holds: i64,
    /// What is due: first all that has its computer already, then the others, the first in turn first; of these not
    /// all, but enough to fill the room that was asked for.
    pub due: Vec<Candidate>,
}

/// What is due in the fleet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Due {
    /// How many computers are held in the whole fleet.
    pub holds: i64,
    /// The tenants with due work, by id.
    pub tenants: Vec<TenantDue>,
}

/// What came of an attempt to admit.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// These jobs are admitted and have to be published.
    Admitted(Vec<Job>),
    /// Another scheduler leads.
    Deposed,
}

impl Store {
    /// Admits what `choose` picks of what is due. It is shown every session that is due and has its computer already,
    /// and of each tenant at most `look_ahead` others, of the stages in `open`.
    pub async fn admit<F>(
        &self,
        term: Term,
        look_ahead: i64,
        open: &[Stage],
        pickup: Duration,
        choose: F,
    ) -> Result<Admission, Error>
    where
        F: FnOnce(&Due) -> Vec<SessionId>,
    {
        let client = self.client().await?;
        // An admission that a crash of the server takes back leaves a job that no claim accepts: nothing comes of it, and
        // the session is still due.
        let tx = Tx::begin_unsynced(&client);
        let asked = Instant::now();
        let Some((now, due)) = due(&tx, term, look_ahead, open).await? else { return Ok(Admission::Deposed) };
        self.clock().sample(now, asked);
        let chosen = choose(&due);
        if chosen.is_empty() {
            return Ok(Admission::Admitted(Vec::new()));
        }
        let sessions = gate::lock(&tx, &chosen).await?;
        let entries: Vec<Entry> = sessions
            .iter()
            .filter(|session| session.run_after.is_some_and(|due| due <= now))
            .map(|session| Entry::bare(admit(session, now, pickup)))
            .collect();
        let written = gate::write(tx, &entries.iter().collect::<Vec<_>>()).await?;
        // The jobs leave in the order in which they were chosen.
        let mut jobs: HashMap<SessionId, Job> = entries
            .iter()
            .filter(|entry| written.contains(&entry.change.after.id))
            .filter_map(|entry| entry.change.publish.map(|job| (job.session, job)))
            .collect();
        Ok(Admission::Admitted(chosen.iter().filter_map(|id| jobs.remove(id)).collect()))
    }

    /// When the next session becomes due, for a scheduler that would like to sleep.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT min(run_after) AS due FROM session WHERE run_after > $1")
            .await
            .doing("asking what is due next")?;
        let row = client.query_one(&statement, &[&self.now()]).await.doing("asking what is due next")?;
        Ok(row.get("due"))
    }
}

/// What is due now; none if the term is not ours any more. It is asked under the lock on the term.
async fn due(tx: &Tx<'_>, term: Term, look_ahead: i64, open: &[Stage]) -> Result<Option<(Timestamp, Due)>, Error> {
    let term_is_ours = terms::verification(tx).await?;
    let holds = tx
        .prepare_cached(
            "SELECT clock_timestamp() AS now, h.tenant_id, count(h.computer_id) AS holds
             FROM (SELECT 1) one LEFT JOIN computer_hold h ON true GROUP BY h.tenant_id",
        )
        .await
        .doing("counting reserved computers")?;
    // What has its computer already had its turn: it is shown whatever the length of the tenant's queue, also where the
    // tenant or the fleet is stopped and something at the computer has to be seen to.
    let holders = tx
        .prepare_cached(
            "SELECT s.tenant_id, t.weight, t.max_running, s.id, s.computer_id, s.priority, s.stage, s.kind, true AS holds
             FROM computer_hold h
             CROSS JOIN LATERAL (
                 SELECT * FROM session s WHERE s.id = h.session_id AND s.run_after <= statement_timestamp() OFFSET 0
             ) s
             JOIN tenant t ON t.id = s.tenant_id
                  AND (s.run_in_flight IS NOT NULL
                       OR (t.stopped_at IS NULL AND (SELECT i.stop IS NULL FROM installation i)))
             ORDER BY s.tenant_id, s.priority, s.run_after, s.id",
        )
        .await
        .doing("asking what is due and has its computer")?;
    // The recursive part hops from tenant to tenant along the index instead of reading every row that is due; then each
    // priority is read in its order, without what is due later. The computer's reservation is looked up row by row,
    // whatever the planner believes of a table that is often empty.
    let others = tx
        .prepare_cached(
            "WITH RECURSIVE hop AS (
                 (SELECT tenant_id FROM session WHERE run_after IS NOT NULL ORDER BY tenant_id LIMIT 1)
                 UNION ALL
                 SELECT (SELECT s.tenant_id FROM session s WHERE s.run_after IS NOT NULL AND s.tenant_id > hop.tenant_id
                         ORDER BY s.tenant_id LIMIT 1)
                 FROM hop WHERE hop.tenant_id IS NOT NULL
             )
             SELECT hop.tenant_id, t.weight, t.max_running, c.*
             FROM hop JOIN tenant t ON t.id = hop.tenant_id AND t.stopped_at IS NULL
                  AND (SELECT i.stop IS NULL FROM installation i)
             CROSS JOIN LATERAL (
                 SELECT d.*, false AS holds
                 FROM (VALUES (0::smallint), (1), (2), (3)) AS p(priority)
                 CROSS JOIN LATERAL (
                     SELECT s.id, s.computer_id, s.priority, s.stage, s.kind
                     FROM session s
                     WHERE s.tenant_id = hop.tenant_id AND s.priority = p.priority AND s.stage = ANY($2)
                       AND s.run_after <= statement_timestamp()
                       AND (SELECT h.session_id FROM computer_hold h WHERE h.computer_id = s.computer_id) IS NULL
                     ORDER BY s.run_after, s.id OFFSET 0
                 ) d
                 LIMIT $1
             ) c",
        )
        .await
        .doing("asking what is due")?;
    let open: Vec<&str> = open.iter().map(|stage| stage.as_str()).collect();
    let none: [&(dyn ToSql + Sync); 0] = [];
    let bounds: [&(dyn ToSql + Sync); 2] = [&look_ahead, &open];
    let ours: [&(dyn ToSql + Sync); 1] = [&term.0];
    let (verified, held, holders, others) = futures_util::try_join!(
        tx.query(&term_is_ours, &ours),
        tx.query(&holds, &none),
        tx.query(&holders, &none),
        tx.query(&others, &bounds)
    )
    .doing("asking what is due")?;
    if verified.is_empty() {
        return Ok(None);
    }
    let now: Timestamp = held.first().map_or_else(Timestamp::now, |row| row.get("now"));
    let held: HashMap<i64, i64> = held
        .iter()
        .filter_map(|row| row.get::<_, Option<i64>>("tenant_id").map(|tenant| (tenant, row.get("holds"))))
        .collect();
    let mut tenants: BTreeMap<TenantId, TenantDue> = BTreeMap::new();
    for row in holders.iter().chain(&others) {
        let tenant = TenantId(row.get("tenant_id"));
        let candidate = Candidate {
            session: SessionId(row.get("id")),
            computer: ComputerId(row.get("computer_id")),
            priority: Priority::from_rank(row.get("priority")),
            stage: rows::word(row, "stage")?,
            last: rows::word::<Kind>(row, "kind")?.last_stage(),
            holds: row.get("holds"),
        };
        tenants
            .entry(tenant)
            .or_insert_with(|| TenantDue {
                tenant,
                weight: row.get("weight"),
                cap: row.get("max_running"),
                holds: held.get(&tenant.0).copied().unwrap_or(0),
                due: Vec::new(),
            })
            .due
            .push(candidate);
    }
    Ok(Some((now, Due { holds: held.values().sum(), tenants: tenants.into_values().collect() })))
}
