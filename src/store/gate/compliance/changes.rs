//! What is stored of verdicts, compared and written.

use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::DOING;
use crate::store::Error;
use crate::store::error::Doing;
use crate::store::tx::Tx;

/// A verdict as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub computer: i64,
    pub item: String,
    pub tenant: i64,
    pub deployment: String,
    pub state: String,
    pub reason: String,
    pub detected: Option<String>,
    pub desired: Option<String>,
    pub since: Timestamp,
    pub session: i64,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// New or different.
    pub put: Vec<Stored>,
    /// States that have come to an end, when, and by which session; the verdict goes on with another state.
    pub past: Vec<(Stored, Timestamp, i64)>,
    /// Verdicts that have come to an end.
    pub gone: Vec<(Stored, Timestamp, i64)>,
}

impl Changes {
    /// How many verdicts change or end.
    pub fn len(&self) -> usize {
        self.put.len() + self.gone.len()
    }

    /// Notes what a new verdict changes.
    pub fn compare(&mut self, old: Option<Stored>, mut new: Stored) {
        match old {
            Some(old) if old.state == new.state => {
                // The state goes on, so it is still the session's that found it first.
                (new.since, new.session) = (old.since, old.session);
                if old != new {
                    self.put.push(new);
                }
            }
            Some(old) => {
                self.past.push((old, new.since, new.session));
                self.put.push(new);
            }
            None => self.put.push(new),
        }
    }

    /// Writes it; what is empty costs nothing. Rows are touched in the order of their keys.
    pub async fn write(mut self, tx: &Tx<'_>) -> Result<(), Error> {
        self.put.sort_by(|one, other| (one.computer, &one.item).cmp(&(other.computer, &other.item)));
        self.delete(tx).await?;
        self.put(tx).await?;
        self.past.append(&mut self.gone);
        self.bury(tx).await
    }

    async fn put(&self, tx: &Tx<'_>) -> Result<(), Error> {
        if self.put.is_empty() {
            return Ok(());
        }
        let statement = tx
            .prepare_cached(
                "INSERT INTO compliance (computer_id, item, tenant_id, deployment, state, reason, detected, desired, since,
                                         session_id)
                 SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                                      $7::text[], $8::text[], $9::timestamptz[], $10::bigint[])
                 ON CONFLICT (computer_id, item) DO UPDATE
                 SET tenant_id = excluded.tenant_id, deployment = excluded.deployment, state = excluded.state,
                     reason = excluded.reason, detected = excluded.detected, desired = excluded.desired,
                     since = excluded.since, session_id = excluded.session_id",
            )
            .await
            .doing(DOING)?;
        let columns = Columns::of(self.put.iter());
        tx.execute(&statement, &columns.values()).await.doing(DOING)?;
        Ok(())
    }

    async fn delete(&self, tx: &Tx<'_>) -> Result<(), Error> {
        if self.gone.is_empty() {
            return Ok(());
        }
        let statement = tx
            .prepare_cached(
                "DELETE FROM compliance c USING unnest($1::bigint[], $2::text[]) AS u(computer_id, item)
                 WHERE c.computer_id = u.computer_id AND c.item = u.item",
            )
            .await
            .doing(DOING)?;
        let computers: Vec<i64> = self.gone.iter().map(|(old, ..)| old.computer).collect();
        let items: Vec<&str> = self.gone.iter().map(|(old, ..)| old.item.as_str()).collect();
        tx.execute(&statement, &[&computers, &items]).await.doing(DOING)?;
        Ok(())
    }

    async fn bury(&self, tx: &Tx<'_>) -> Result<(), Error> {
        if self.past.is_empty() {
            return Ok(());
        }
        let statement = tx
            .prepare_cached(
                "INSERT INTO compliance_past (computer_id, item, tenant_id, deployment, state, reason, detected, desired,
                                              since, session_id, until, ended_by)
                 SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                                      $7::text[], $8::text[], $9::timestamptz[], $10::bigint[], $11::timestamptz[],
                                      $12::bigint[])",
            )
            .await
            .doing(DOING)?;
        let columns = Columns::of(self.past.iter().map(|(old, ..)| old));
        let until: Vec<Timestamp> = self.past.iter().map(|(old, until, _)| (*until).max(old.since)).collect();
        let ended_by: Vec<i64> = self.past.iter().map(|(.., session)| *session).collect();
        let mut values = columns.values().to_vec();
        values.extend([&until as &(dyn ToSql + Sync), &ended_by]);
        tx.execute(&statement, &values).await.doing(DOING)?;
        Ok(())
    }
}

/// Verdicts column by column, as a statement takes them.
#[derive(Default)]
struct Columns<'a> {
    computer: Vec<i64>,
    item: Vec<&'a str>,
    tenant: Vec<i64>,
    deployment: Vec<&'a str>,
    state: Vec<&'a str>,
    reason: Vec<&'a str>,
    detected: Vec<Option<&'a str>>,
    desired: Vec<Option<&'a str>>,
    since: Vec<Timestamp>,
    session: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(verdicts: impl Iterator<Item = &'a Stored>) -> Columns<'a> {
        let mut columns = Columns::default();
        for verdict in verdicts {
            columns.computer.push(verdict.computer);
            columns.item.push(&verdict.item);
            columns.tenant.push(verdict.tenant);
            columns.deployment.push(&verdict.deployment);
            columns.state.push(&verdict.state);
            columns.reason.push(&verdict.reason);
            columns.detected.push(verdict.detected.as_deref());
            columns.desired.push(verdict.desired.as_deref());
            columns.since.push(verdict.since);
            columns.session.push(verdict.session);
        }
        columns
    }

    fn values(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.computer,
            &self.item,
            &self.tenant,
            &self.deployment,
            &self.state,
            &self.reason,
            &self.detected,
            &self.desired,
            &self.since,
            &self.session,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::compliance::State;

    fn verdict(state: State, reason: &str, at: i64) -> Stored {
        Stored {
            computer: 1,
            item: "software/a".into(),
            tenant: 1,
            deployment: "all".into(),
            state: state.to_string(),
            reason: reason.into(),
            detected: None,
            desired: None,
            since: Timestamp::from_second(at).unwrap(),
            session: at,
        }
    }

    #[test]
    fn a_state_that_goes_on_stays_with_the_session_that_found_it() {
        let mut changes = Changes::default();
        changes.compare(Some(verdict(State::NonCompliant, "missing", 1)), verdict(State::NonCompliant, "missing", 2));
        assert!(changes.put.is_empty() && changes.past.is_empty());
        let old = verdict(State::NonCompliant, "missing", 1);
        changes.compare(Some(old.clone()), verdict(State::NonCompliant, "test_failed", 3));
        assert_eq!(changes.put, [Stored { reason: "test_failed".into(), ..old }]);
        assert!(changes.past.is_empty());
    }

    #[test]
    fn a_state_that_ends_is_kept_with_its_end() {
        let mut changes = Changes::default();
        let old = verdict(State::Compliant, "", 1);
        let new = verdict(State::NonCompliant, "missing", 2);
        changes.compare(Some(old.clone()), new.clone());
        assert_eq!(changes.past, [(old, Timestamp::from_second(2).unwrap(), 2)]);
        assert_eq!(changes.put, [new]);
    }
}
