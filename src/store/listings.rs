//! Lists of sessions, live and final alike, the newest first; paged by key, never by offset.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::error::Doing;
use super::rows::{self, RUNS_OF_ACTION};
use super::{Error, Store};
use crate::domain::report::{Page, SessionLine};
use crate::domain::session::{Kind, Priority, Status};
use crate::domain::{ComputerId, SessionId, TenantId};

/// How far back in history those are looked for that have only in common who asked for them, or what made them.
pub const RECENT_DAYS: i64 = 30;

/// Which sessions are listed; what is absent does not narrow.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Only in one of these.
    pub status: Vec<Status>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only of this computer.
    pub computer: Option<ComputerId>,
    /// Only those that this one asked for.
    pub by: Option<String>,
    /// Only those that this made: `api`, `amqp`, `rerun`.
    pub origin: Option<String>,
    /// Only those of the group that bears the id of this session.
    pub group: Option<SessionId>,
    /// Only those submitted at this time or later. Without it, final sessions that are narrowed by nothing that is quickly
    /// looked up (only by who asked, or by what made them) are those of the last [`RECENT_DAYS`] days.
    pub since: Option<Timestamp>,
    /// Only these.
    pub ids: Option<Vec<SessionId>>,
}

/// What a list shows that both tables have.
const COLUMNS: &str = "s.id, s.tenant_id, s.computer_id, s.kind, s.priority, s.status, s.stage, s.attempt, s.created_at, \
     s.started_at, s.last_error, s.\"order\" ->> 'by' AS by, s.\"order\" ->> 'origin' AS origin, coalesce(s.\"order\" ->> 'reason', '') AS reason, \
     (s.\"order\" -> 'group' -> 'id')::bigint AS group_id, s.\"order\" ->> 'item' AS item, \
     CASE WHEN jsonb_array_length(s.\"order\" -> 'deployments') = 1 THEN s.\"order\" -> 'deployments' ->> 0 END AS only_one";

impl Store {
    /// A page of sessions, those with ids below `after`.
    pub async fn list_sessions(
        &self,
        filter: &Filter,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Page<SessionLine>, Error> {
        let (conditions, mut values) = filter.conditions(after);
        let live = filter.of_live(&conditions);
        let history = filter.of_history(&conditions, &mut values, self.now());
        values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)));
        let most = format!("${}", values.len());
        // A session cannot be in both: it moves from one to the other in one transaction, and this is one snapshot.
        let sql = format!(
            "WITH page AS (
                 (SELECT {COLUMNS}, s.waiting_on, s.run_after, NULL::timestamptz AS finished_at
                  FROM session s WHERE {live} ORDER BY s.id DESC LIMIT {most})
                 UNION ALL
                 (SELECT {COLUMNS}, NULL, NULL, s.finished_at
                  FROM session_history s WHERE {history} ORDER BY s.id DESC LIMIT {most})
             )
             SELECT page.*, coalesce(t.name, '') AS tenant, coalesce(c.name, '') AS computer,
                    coalesce(page.item, d.item) AS about,
                    coalesce(a.done, 0) AS actions_done, coalesce(a.planned, 0) AS actions, a.doing
             FROM (SELECT * FROM page ORDER BY id DESC LIMIT {most}) page
             LEFT JOIN tenant t ON t.id = page.tenant_id
             LEFT JOIN computer c ON c.id = page.computer_id
             LEFT JOIN deployment d ON d.name = page.only_one
             LEFT JOIN LATERAL (
                 SELECT count(*) AS planned, count(*) FILTER (WHERE a.status = 'done') AS done,
                        min(item) FILTER (WHERE a.status = 'started' OR r.run_id IS NOT NULL) AS doing
                 FROM action a {RUNS_OF_ACTION}
                 WHERE a.session_id = page.id
                   AND a.dispatch = (SELECT max(dispatch) FROM action WHERE session_id = page.id)
             ) a ON true
             ORDER BY page.id DESC"
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql).await.doing("listing sessions")?;
        let references: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
        let found = client.query(&statement, &references).await.doing("listing sessions")?;
        let lines = found.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(lines, limit, |line| line.id.0))
    }

    /// One session as it is listed.
    pub async fn session_line(&self, id: SessionId) -> Result<Option<SessionLine>, Error> {
        let filter = Filter { ids: Some(vec![id]), ..Filter::default() };
        Ok(self.list_sessions(&filter, None, 1).await?.items.pop())
    }
}

type Values = Vec<Box<dyn ToSql + Sync + Send>>;

impl Filter {
    /// The conditions on `s`, and the values of their parameters.
    fn conditions(&self, after: Option<i64>) -> (String, Values) {
        let mut values: Values = Vec::new();
        let mut conditions = vec!["true".to_owned()];
        let mut condition = |text: &str, value: Box<dyn ToSql + Sync + Send>| {
            values.push(value);
            conditions.push(text.replace('?', &format!("${}", values.len())));
        };
        if let Some(after) = after {
            condition("s.id < ?", Box::new(after));
        }
        if !self.status.is_empty() {
            let words: Vec<&'static str> = self.status.iter().map(|status| status.as_str()).collect();
            condition("s.status = ANY(?)", Box::new(words));
        }
        if let Some(kind) = self.kind {
            condition("s.kind = ?", Box::new(kind.as_str()));
        }
        if let Some(tenant) = self.tenant {
            condition("s.tenant_id = ?", Box::new(tenant.0));
        }
        if let Some(computer) = self.computer {
            condition("s.computer_id = ?", Box::new(computer.0));
        }
        if let Some(by) = &self.by {
            condition("s.\"order\" ->> 'by' = ?", Box::new(by.clone()));
        }
        if let Some(origin) = &self.origin {
            condition("s.\"order\" ->> 'origin' = ?", Box::new(origin.clone()));
        }
        if let Some(group) = self.group {
            condition("(s.\"order\" -> 'group' -> 'id')::bigint = ?", Box::new(group.0));
            // Its first session says how far it reaches, so that nothing older or younger is looked through.
            condition("s.id >= ?", Box::new(group.0));
            condition(
                "s.id <= (SELECT max((f.\"order\" -> 'group' -> 'last')::bigint)
                          FROM (SELECT id, \"order\" FROM session UNION ALL SELECT id, \"order\" FROM session_history) f
                          WHERE f.id = ?)",
                Box::new(group.0),
            );
        }
        if let Some(since) = self.since {
            condition("s.created_at >= ?", Box::new(since));
        }
        if let Some(ids) = &self.ids {
            condition("s.id = ANY(?)", Box::new(ids.iter().map(|id| id.0).collect::<Vec<_>>()));
        }
        (conditions.join(" AND "), values)
    }

    /// The conditions on live sessions. Where only final ones are asked for, none is looked at.
    fn of_live<'c>(&self, conditions: &'c str) -> &'c str {
        let none = !self.status.is_empty() && self.status.iter().all(|status| status.is_final());
        if none { "false" } else { conditions }
    }

    /// The conditions on final sessions, of which there may be those of years: they are looked at from a time on, if there
    /// is one, and not at all where only live ones are asked for.
    fn of_history(&self, conditions: &str, values: &mut Values, now: Timestamp) -> String {
        if !self.status.is_empty() && !self.status.iter().any(|status| status.is_final()) {
            return "false".to_owned();
        }
        let narrowed = self.computer.is_some() || self.group.is_some() || self.ids.is_some();
        let recent = || {
            let is_wide = !narrowed && (self.by.is_some() || self.origin.is_some());
            is_wide.then(|| now.saturating_sub(SignedDuration::from_hours(24 * RECENT_DAYS)).unwrap_or(now))
        };
        let Some(since) = self.since.or_else(recent) else { return conditions.to_owned() };
        values.push(Box::new(since));
        let place = format!("${}", values.len());
        format!("{conditions} AND s.created_at >= {place} AND {}", SINCE.replace('?', &place))
    }
}

/// The first id from which on all final sessions may have been submitted at the time `?` or later. Ids grow with that time,
/// so it is found in a few steps; those that are submitted at once may be a little out of order. The upper bound excludes
/// nothing: of what lies between two bounds the planner expects little and takes the index, of what has one it reads all.
const SINCE: &str = "s.id >= (
    WITH RECURSIVE narrowing(low, high) AS (
        SELECT 0::bigint, coalesce((SELECT max(id) FROM session_history), 0) + 1
        UNION ALL
        SELECT CASE WHEN early THEN middle + 1 ELSE low END, CASE WHEN early THEN high ELSE middle END
        FROM (SELECT low, high, (low + high) / 2 AS middle, coalesce(
                  (SELECT h.created_at < ?::timestamptz - interval '1 hour' FROM session_history h
                   WHERE h.id >= (low + high) / 2 ORDER BY h.id LIMIT 1), false) AS early
              FROM narrowing WHERE low < high) step
    ) SELECT max(low) FROM narrowing)
    AND s.id <= (SELECT max(id) FROM session_history)";

fn line(row: &Row) -> Result<SessionLine, Error> {
    Ok(SessionLine {
        id: SessionId(row.get("id")),
        tenant_id: TenantId(row.get("tenant_id")),
        tenant: row.get("tenant"),
        computer_id: ComputerId(row.get("computer_id")),
        computer: row.get("computer"),
        kind: rows::word(row, "kind")?,
        priority: Priority::from_rank(row.get("priority")),
        status: rows::word(row, "status")?,
        waiting_on: rows::optional_word(row, "waiting_on")?,
        stage: rows::word(row, "stage")?,
        attempt: row.get("attempt"),
        run_after: row.get("run_after"),
        created_at: row.get("created_at"),
        started_at: row.get("started_at"),
        finished_at: row.get("finished_at"),
        last_error: row.get("last_error"),
        by: row.get::<_, Option<String>>("by").unwrap_or_default(),
        origin: row.get::<_, Option<String>>("origin").unwrap_or_default(),
        item: row.get("about"),
        group: row.get::<_, Option<i64>>("group_id").map(SessionId),
        reason: row.get("reason"),
        actions_done: row.get("actions_done"),
        actions: row.get("actions"),
        doing: row.get("doing"),
    })
}
