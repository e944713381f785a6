//! Compliance, read back: lists paged by key, counts, what recurs, and the history of one item on one computer.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::compliance::State;
use crate::domain::report::{
    ComplianceCount, ComplianceLine, CompliancePage, CountedBy, ItemHistory, Looked, PastAction, PastState, Place,
    Recurring,
};
use crate::domain::{ComputerId, SessionId, TenantId};

/// Which verdicts are meant; what is absent does not narrow.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only of this computer.
    pub computer: Option<ComputerId>,
    /// Only of items that this deployment won.
    pub deployment: Option<String>,
    /// Only of this item.
    pub item: Option<String>,
    /// Only in one of these states.
    pub states: Vec<State>,
}

/// The verdicts of a page, and of a history.
const LINE: &str =
    "SELECT t.name AS tenant, c.computer_id, k.name AS computer, c.item, c.deployment, c.state, c.reason,
                           c.detected, c.desired, c.since, c.session_id
                    FROM compliance c JOIN tenant t ON t.id = c.tenant_id JOIN computer k ON k.id = c.computer_id";
/// As in the indexes, so that the database knows that they will do.
const OUT: &str = "c.state IN ('non_compliant', 'unknown')";
/// What a history shows of each kind at most.
const MOST: i64 = 100;

/// Conditions and their values.
#[derive(Default)]
struct Conditions {
    text: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Conditions {
    fn add(&mut self, text: &str, value: impl ToSql + Sync + Send + 'static) {
        self.values.push(Box::new(value));
        self.text.push(text.replace('?', &format!("${}", self.values.len())));
    }

    fn of(filter: &Filter) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.text.push("true".to_owned());
        if let Some(tenant) = filter.tenant {
            conditions.add("c.tenant_id = ?", tenant.0);
        }
        if let Some(computer) = filter.computer {
            conditions.add("c.computer_id = ?", computer.0);
        }
        if let Some(deployment) = filter.deployment.clone() {
            conditions.add("c.deployment = ?", deployment);
        }
        if let Some(item) = filter.item.clone() {
            conditions.add("c.item = ?", item);
        }
        if !filter.states.is_empty() {
            if filter.states.iter().all(|state| state.is_out()) {
                conditions.text.push(OUT.to_owned());
            }
            let words: Vec<&'static str> = filter.states.iter().map(|state| state.as_str()).collect();
            conditions.add("c.state = ANY(?)", words);
        }
        conditions
    }

    fn sql(&self) -> String {
        self.text.join(" AND ")
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }
}

impl Store {
    /// A page of verdicts by computer and item, those after `after`.
    pub async fn list_compliance(
        &self,
        filter: &Filter,
        after: Option<&Place>,
        limit: usize,
    ) -> Result<CompliancePage, Error> {
        let doing = "listing compliance";
        let mut conditions = Conditions::of(filter);
        if let Some(Place { computer, item }) = after {
            // Said twice, so that an index on either will do.
            conditions.add("c.computer_id >= ?", computer.0);
            let computer = format!("${}", conditions.values.len());
            conditions.add(&format!("(c.computer_id, c.item) > ({computer}, ?)"), item.clone());
        }
        let sql = conditions.sql();
        conditions.add("?", i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1));
        let most = conditions.values.len();
        let sql = format!("{LINE} WHERE {sql} ORDER BY c.computer_id, c.item LIMIT ${most}");
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql).await.doing(doing)?;
        let found = client.query(&statement, &conditions.values()).await.doing(doing)?;
        let mut items = found.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next = last.map(|line| Place { computer: line.computer_id, item: line.item.clone() });
        Ok(CompliancePage { items, next })
    }

    /// How many verdicts of each state there are, the most that are out of order first.
    pub async fn count_compliance(&self, filter: &Filter, by: CountedBy) -> Result<Vec<ComplianceCount>, Error> {
        let doing = "counting compliance";
        let conditions = Conditions::of(filter);
        let column = match by {
            CountedBy::Tenant => "c.tenant_id",
            CountedBy::Deployment => "c.deployment",
            CountedBy::Item => "c.item",
        };
        let name = match by {
            CountedBy::Tenant => "coalesce((SELECT name FROM tenant WHERE id = counted.key), '')",
            CountedBy::Deployment | CountedBy::Item => "counted.key",
        };
        let sql = format!(
            "SELECT {name} AS name, counted.* FROM (
                 SELECT {column} AS key, count(DISTINCT c.computer_id) AS computers,
                        count(*) FILTER (WHERE c.state = 'compliant') AS compliant,
                        count(*) FILTER (WHERE c.state = 'non_compliant') AS non_compliant,
                        count(*) FILTER (WHERE c.state = 'unknown') AS unknown,
                        count(*) FILTER (WHERE c.state = 'not_judged') AS not_judged
                 FROM compliance c WHERE {} GROUP BY 1
             ) counted
             ORDER BY non_compliant + unknown DESC, name",
            conditions.sql()
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql).await.doing(doing)?;
        let found = client.query(&statement, &conditions.values()).await.doing(doing)?;
        Ok(found
            .iter()
            .map(|row| ComplianceCount {
                name: row.get("name"),
                computers: row.get("computers"),
                compliant: row.get("compliant"),
                non_compliant: row.get("non_compliant"),
                unknown: row.get("unknown"),
                not_judged: row.get("not_judged"),
            })
            .collect())
    }

    /// What has fallen out of order or failed in at least `least` sessions since then, the most often first. The states of
    /// the filter do not matter.
    pub async fn recurring(
        &self,
        filter: &Filter,
        since: Timestamp,
        least: i64,
        limit: usize,
    ) -> Result<Vec<Recurring>, Error> {
        let doing = "looking for what recurs";
        let mut conditions = Conditions::of(&Filter { states: Vec::new(), ..filter.clone() });
        let sql = conditions.sql();
        let mut value = |value: Box<dyn ToSql + Sync + Send>| {
            conditions.values.push(value);
            format!("${}", conditions.values.len())
        };
        let since = value(Box::new(since));
        let least = value(Box::new(least));
        let most = value(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
        // Of sessions that went well no action failed, so only the others are looked through.
        let sql = format!(
            "WITH events AS (
                 SELECT c.computer_id, c.item, c.since AS at, c.session_id, c.reason, true AS fell
                 FROM compliance c WHERE {OUT} AND c.since >= {since} AND {sql}
                 UNION ALL
                 SELECT c.computer_id, c.item, c.since, c.session_id, c.reason, true
                 FROM compliance_past c WHERE {OUT} AND c.since >= {since} AND {sql}
                 UNION ALL
                 SELECT c.computer_id, c.item, c.ended_at, c.session_id, c.message, false
                 FROM (
                     SELECT h.computer_id, h.tenant_id, a.item, a.deployment, a.session_id, a.ended_at, a.result AS state,
                            coalesce(nullif(a.message, ''), a.result_reason, '') AS message
                     FROM session_history h JOIN action a ON a.session_id = h.id
                     WHERE h.status <> 'completed' AND h.finished_at >= {since} AND a.attempts > 0
                       AND a.result IN ('failed', 'indeterminate')
                 ) c WHERE {sql}
             ), counted AS (
                 SELECT computer_id, item, count(DISTINCT session_id) AS sessions, count(*) FILTER (WHERE fell) AS falls,
                        count(*) FILTER (WHERE NOT fell) AS failures, max(at) AS last,
                        (array_agg(session_id ORDER BY at DESC))[1] AS session_id,
                        (array_agg(reason ORDER BY at DESC))[1:3] AS reasons
                 FROM events GROUP BY computer_id, item HAVING count(DISTINCT session_id) >= {least}
                 ORDER BY sessions DESC, last DESC LIMIT {most}
             )
             SELECT t.name AS tenant, k.name AS computer, counted.*
             FROM counted JOIN computer k ON k.id = counted.computer_id JOIN tenant t ON t.id = k.tenant_id
             ORDER BY sessions DESC, last DESC"
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql).await.doing(doing)?;
        let found = client.query(&statement, &conditions.values()).await.doing(doing)?;
        Ok(found
            .iter()
            .map(|row| Recurring {
                tenant: row.get("tenant"),
                computer_id: ComputerId(row.get("computer_id")),
                computer: row.get("computer"),
                item: row.get("item"),
                sessions: row.get("sessions"),
                falls: row.get("falls"),
                failures: row.get("failures"),
                last: row.get("last"),
                session: SessionId(row.get("session_id")),
                reasons: row.get("reasons"),
            })
            .collect())
    }

    /// The history of one item on one computer.
    pub async fn item_history(&self, computer: ComputerId, item: &str) -> Result<ItemHistory, Error> {
        let doing = "reading the history of an item";
        let client = self.client().await?;
        let now = format!("{LINE} WHERE c.computer_id = $1 AND c.item = $2");
        let now = client.query_opt(&now, &[&computer.0, &item]).await.doing(doing)?;
        let looked = client
            .query_opt(
                "SELECT r.session_id, r.at
                 FROM (SELECT id FROM session WHERE computer_id = $1
                       UNION ALL SELECT id FROM session_history WHERE computer_id = $1) s
                 JOIN stage_result r ON r.session_id = s.id AND r.stage = 'detection'
                 WHERE r.body -> 'items' -> $2::text IS NOT NULL ORDER BY s.id DESC, r.dispatch DESC LIMIT 1",
                &[&computer.0, &item],
            )
            .await
            .doing(doing)?;
        let past = client
            .query(
                "SELECT state, reason, deployment, detected, desired, since, session_id, until, ended_by
                 FROM compliance_past WHERE computer_id = $1 AND item = $2 ORDER BY since DESC, until DESC LIMIT $3",
                &[&computer.0, &item, &MOST],
            )
            .await
            .doing(doing)?;
        let actions = client
            .query(
                "SELECT a.session_id, a.type, a.reason, a.detected, a.desired, a.result, a.message, a.attempts,
                        a.started_at, a.ended_at
                 FROM (SELECT id FROM session WHERE computer_id = $1
                       UNION ALL SELECT id FROM session_history WHERE computer_id = $1) s
                 JOIN action a ON a.session_id = s.id
                 WHERE a.item = $2 AND (a.attempts > 0 OR a.result IS NOT NULL)
                 ORDER BY a.session_id DESC, a.dispatch DESC, a.seq DESC LIMIT $3",
                &[&computer.0, &item, &MOST],
            )
            .await
            .doing(doing)?;
        Ok(ItemHistory {
            now: now.as_ref().map(line).transpose()?,
            looked: looked.map(|row| Looked { at: row.get("at"), session: SessionId(row.get("session_id")) }),
            past: past.iter().map(past_state).collect::<Result<_, _>>()?,
            actions: actions.iter().map(past_action).collect(),
        })
    }
}

fn line(row: &Row) -> Result<ComplianceLine, Error> {
    Ok(ComplianceLine {
        tenant: row.get("tenant"),
        computer_id: ComputerId(row.get("computer_id")),
        computer: row.get("computer"),
        item: row.get("item"),
        deployment: row.get("deployment"),
        state: rows::word(row, "state")?,
        reason: row.get("reason"),
        detected: row.get("detected"),
        desired: row.get("desired"),
        since: row.get("since"),
        session: SessionId(row.get("session_id")),
    })
}

fn past_state(row: &Row) -> Result<PastState, Error> {
    Ok(PastState {
        state: rows::word(row, "state")?,
        reason: row.get("reason"),
        deployment: row.get("deployment"),
        detected: row.get("detected"),
        desired: row.get("desired"),
        since: row.get("since"),
        session: SessionId(row.get("session_id")),
        until: row.get("until"),
        ended_by: SessionId(row.get("ended_by")),
    })
}

fn past_action(row: &Row) -> PastAction {
    let (started_at, ended_at): (Option<Timestamp>, Option<Timestamp>) = (row.get("started_at"), row.get("ended_at"));
    let took = started_at.zip(ended_at).map(|(from, to)| (to.as_millisecond() - from.as_millisecond()).max(0));
    PastAction {
        session: SessionId(row.get("session_id")),
        action: row.get("type"),
        why: row.get("reason"),
        detected: row.get("detected"),
        desired: row.get("desired"),
        result: row.get("result"),
        message: row.get("message"),
        attempts: row.get("attempts"),
        started_at,
        ended_at,
        took_ms: took,
    }
}
