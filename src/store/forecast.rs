//! The whole fleet, computer by computer, with what was found when each was looked at last.
//!
//! All of it happens in one transaction that is taken back: fleet files are applied in it as they would be, so that what
//! is reckoned with is what would be stored. While that lasts, others who apply fleet files wait.

use std::collections::HashMap;
use std::sync::Arc;

use deadpool_postgres::Transaction;
use jiff::Timestamp;

use super::error::Doing;
use super::fleet::{self, Attachments, NotApplied};
use super::{Error, Store, durations, policy, rows};
use crate::domain::report::Forecast;
use crate::domain::{Computer, Finding, Findings, Item, ItemKind, TenantId};
use crate::planning::forecast::{Forecaster, Known};

const FOUND: &str = include_str!("forecast/found.sql");
const DONE: &str = include_str!("forecast/done.sql");
const DOING: &str = "reading what was found on computers";
/// So many computers are in memory at a time.
const CHUNK: i64 = 250;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Fleet files to reckon with, as name and text; none means the policy as it is.
    pub files: Option<Vec<(String, String)>>,
    /// The files that these name.
    pub attached: Attachments,
    /// Only the computers of this tenant.
    pub tenant: Option<TenantId>,
    /// So many computers are told of one by one at most.
    pub sample: usize,
}

impl Store {
    /// Reckons what full sessions of the whole fleet would do, from what is stored. Nothing is changed, nobody contacted.
    ///
    /// # Errors
    /// Every fault of the files, or the database's trouble.
    pub async fn forecast(&self, question: &Question) -> Result<Forecast, NotApplied> {
        let now = self.ask_time().await?;
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
        let (present, applied) = match &question.files {
            Some(files) => {
                let present = Arc::new(policy::read(&tx).await?);
                (Some(present), Some(fleet::apply_in(&tx, self.keys(), files, &question.attached, true).await?))
            }
            None => (None, None),
        };
        let policy = Arc::new(policy::read(&tx).await?);
        let durations = durations::all(&tx).await?;
        let mut forecaster = Forecaster::new(policy, present, durations, now, question.sample);
        let mut after = 0;
        loop {
            let computers = computers(&tx, after, question.tenant).await?;
            let Some(last) = computers.last() else { break };
            after = last.id.0;
            let ids: Vec<i64> = computers.iter().map(|computer| computer.id.0).collect();
            let mut before = match applied {
                Some(_) => self.computers_as_they_are(&ids).await?,
                None => HashMap::new(),
            };
            let mut found = found(&tx, &ids).await?;
            let known: Vec<Known> = computers
                .into_iter()
                .map(|computer| Known {
                    before: before.remove(&computer.id.0),
                    findings: found.remove(&computer.id.0),
                    computer,
                })
                .collect();
            // Planning is work, not waiting: it is kept off the threads that answer others.
            let reckoned = tokio::task::spawn_blocking(move || {
                known.iter().for_each(|known| forecaster.look(known));
                forecaster
            });
            forecaster = reckoned.await.map_err(|error| Error::Unreadable {
                what: "a computer's findings".to_owned(),
                why: format!("planning from them met a defect: {error}"),
            })?;
        }
        tx.rollback().await.doing("taking a trial back")?;
        let (created, changed) = applied.map(|applied| (applied.created, applied.changed)).unwrap_or_default();
        Ok(Forecast { created, changed, ..forecaster.finish() })
    }

    /// Computers as others see them, outside of the transaction.
    async fn computers_as_they_are(&self, ids: &[i64]) -> Result<HashMap<i64, Computer>, Error> {
        let client = self.client().await?;
        let sql = format!("SELECT {} FROM {} WHERE c.id = ANY($1)", rows::COMPUTER, rows::FROM_COMPUTER);
        let statement = client.prepare_cached(&sql).await.doing(DOING)?;
        let found = client.query(&statement, &[&ids]).await.doing(DOING)?;
        found.iter().map(|row| Ok((row.get("id"), rows::computer(row)?))).collect()
    }
}

async fn computers(tx: &Transaction<'_>, after: i64, tenant: Option<TenantId>) -> Result<Vec<Computer>, Error> {
    let sql = format!(
        "SELECT {} FROM {} WHERE c.id > $1 AND ($2::bigint IS NULL OR c.tenant_id = $2) ORDER BY c.id LIMIT $3",
        rows::COMPUTER,
        rows::FROM_COMPUTER
    );
    let statement = tx.prepare_cached(&sql).await.doing(DOING)?;
    let found = tx.query(&statement, &[&after, &tenant.map(|tenant| tenant.0), &CHUNK]).await.doing(DOING)?;
    found.iter().map(rows::computer).collect()
}

/// What was found on each computer when it was looked at as a whole, brought up to date with what was found and done
/// since; and when that was.
async fn found(tx: &Transaction<'_>, ids: &[i64]) -> Result<HashMap<i64, (Timestamp, Findings)>, Error> {
    let statement = tx.prepare_cached(FOUND).await.doing(DOING)?;
    let looks = tx.query(&statement, &[&ids]).await.doing(DOING)?;
    let statement = tx.prepare_cached(DONE).await.doing(DOING)?;
    let (computers, sessions): (Vec<i64>, Vec<i64>) =
        looks.iter().map(|row| (row.get::<_, i64>("computer_id"), row.get::<_, i64>("session_id"))).unzip();
    let actions = tx.query(&statement, &[&computers, &sessions]).await.doing(DOING)?;

    let mut events: HashMap<i64, Vec<(Timestamp, Event)>> = HashMap::new();
    for row in &looks {
        let findings: Findings = rows::json(row, "body")?;
        let whole: bool = row.get("whole");
        events.entry(row.get("computer_id")).or_default().push((row.get("at"), Event::Looked { findings, whole }));
    }
    for row in &actions {
        let Some((item, finding)) = brought_about(row)? else { continue };
        events.entry(row.get("computer_id")).or_default().push((row.get("ended_at"), Event::Done(item, finding)));
    }
    Ok(events.into_iter().filter_map(|(computer, events)| Some((computer, told(events)?))).collect())
}

/// Something that says what is on a computer.
enum Event {
    Looked { findings: Findings, whole: bool },
    Done(Item, Finding),
}

/// What all of it comes to; the time is that of the last look at everything, or the first look at something.
fn told(mut events: Vec<(Timestamp, Event)>) -> Option<(Timestamp, Findings)> {
    events.sort_by_key(|(at, _)| *at);
    let whole = events.iter().rfind(|(_, event)| matches!(event, Event::Looked { whole: true, .. }));
    let at = whole.or(events.first()).map(|(at, _)| *at)?;
    let mut all = Findings::default();
    for (_, event) in events {
        match event {
            Event::Looked { findings, .. } => {
                all.policy_version = findings.policy_version;
                all.children.retain(|item, _| !findings.items.contains_key(item));
                all.items.extend(findings.items);
                all.children.extend(findings.children);
                all.versions.extend(findings.versions);
            }
            Event::Done(item, finding) => {
                all.children.remove(&item);
                all.items.insert(item, finding);
            }
        }
    }
    Some((at, all))
}

/// What an action that succeeded has left behind; none if that is not known.
fn brought_about(row: &tokio_postgres::Row) -> Result<Option<(Item, Finding)>, Error> {
    let item: Item = rows::word(row, "item")?;
    let (action, observed): (&str, Option<String>) = (row.get("type"), row.get("observed"));
    let finding = match (item.kind, action) {
        (ItemKind::Task, _) => Some(Finding::Satisfied(true)),
        (ItemKind::Software, "uninstall") => Some(Finding::Absent),
        (ItemKind::Software, _) => observed.or_else(|| row.get("desired")).map(Finding::Present),
    };
    Ok(finding.map(|finding| (item, finding)))
}
