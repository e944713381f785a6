//! Transactions that cost no round trip to open or to close.
//!
//! What is asked is written at once and answered in order, so BEGIN goes out together with the first statement, and the
//! last statements together with COMMIT. Nothing here decides what is written.

use std::pin::pin;
use std::task::{Context, Waker};

use deadpool_postgres::Object;
use futures_util::future::maybe_done;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement, ToStatement};

use super::Error;
use super::error::Doing;

/// An open transaction. Dropping it rolls it back.
pub(super) struct Tx<'a> {
    client: &'a Object,
    open: bool,
}

/// A value for a statement.
pub(super) type Param<'p> = Box<dyn ToSql + Sync + Send + 'p>;

/// Statements that are written together with the COMMIT.
#[derive(Default)]
pub(super) struct Last<'p>(Vec<Planned<'p>>);

struct Planned<'p> {
    doing: &'static str,
    sql: &'p str,
    params: Vec<Param<'p>>,
}

/// The values of one statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$(Box::new($value) as $crate::store::tx::Param<'_>),*] };
}
pub(super) use params;

impl<'a> Tx<'a> {
    /// Opens a transaction on a connection that is in none. A connection that is lost by now says so at the next
    /// statement; there is no other way in which this can fail.
    pub(super) fn begin(client: &'a Object) -> Tx<'a> {
        Self::begin_with(client, "BEGIN")
    }

    /// The same, for what may be forgotten if the server's machine crashes within the second: its COMMIT does not wait for
    /// the disk. All that is committed after it in the common way waits for both.
    pub(super) fn begin_unsynced(client: &'a Object) -> Tx<'a> {
        Self::begin_with(client, "BEGIN; SET LOCAL synchronous_commit TO off")
    }

    fn begin_with(client: &'a Object, words: &str) -> Tx<'a> {
        write(client.batch_execute(words));
        Tx { client, open: true }
    }

    /// The connection, for others who write into this transaction.
    pub(super) fn client(&self) -> &'a Object {
        self.client
    }

    /// As the client's.
    pub(super) async fn prepare_cached(&self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        self.client.prepare_cached(sql).await
    }

    /// As the client's.
    pub(super) async fn query<T: ?Sized + ToStatement>(
        &self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.client.query(statement, params).await
    }

    /// As the client's.
    pub(super) async fn query_opt<T: ?Sized + ToStatement>(
        &self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, tokio_postgres::Error> {
        self.client.query_opt(statement, params).await
    }

    /// As the client's.
    pub(super) async fn query_one<T: ?Sized + ToStatement>(
        &self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, tokio_postgres::Error> {
        self.client.query_one(statement, params).await
    }

    /// As the client's.
    pub(super) async fn execute<T: ?Sized + ToStatement>(
        &self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, tokio_postgres::Error> {
        self.client.execute(statement, params).await
    }

    /// Runs the last statements in their order and commits, in one round trip. Returns the rows of each. When one of them
    /// fails nothing is committed.
    pub(super) async fn commit(mut self, last: Last<'_>) -> Result<Vec<Vec<Row>>, Error> {
        let mut prepared = Vec::with_capacity(last.0.len());
        for planned in &last.0 {
            prepared.push(self.client.prepare_cached(planned.sql).await.doing(planned.doing)?);
        }
        let params: Vec<Vec<&(dyn ToSql + Sync)>> =
            last.0.iter().map(|planned| planned.params.iter().map(|param| &**param as _).collect()).collect();
        // A call is written when it is first polled: so these are written in their order, the COMMIT after them. After a
        // failure the server takes the COMMIT for a ROLLBACK.
        let mut calls: Vec<_> = prepared
            .iter()
            .zip(&params)
            .map(|(statement, params)| Box::pin(maybe_done(self.client.query(statement, params))))
            .collect();
        let mut commit = Box::pin(maybe_done(self.client.batch_execute("COMMIT")));
        calls.iter_mut().for_each(|call| write(call.as_mut()));
        write(commit.as_mut());
        self.open = false;
        for call in &mut calls {
            call.as_mut().await;
        }
        commit.as_mut().await;
        let answers = calls.iter_mut().filter_map(|call| call.as_mut().take_output());
        let rows =
            answers.zip(&last.0).map(|(answer, planned)| answer.doing(planned.doing)).collect::<Result<Vec<_>, _>>()?;
        commit.as_mut().take_output().unwrap_or(Ok(())).doing("committing")?;
        Ok(rows)
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if self.open {
            write(self.client.batch_execute("ROLLBACK"));
        }
    }
}

impl<'p> Last<'p> {
    /// Adds a statement, named for the error as in "*changing sessions* failed". Returns its place among the answers.
    pub(super) fn add(&mut self, doing: &'static str, sql: &'p str, params: Vec<Param<'p>>) -> usize {
        self.0.push(Planned { doing, sql, params });
        self.0.len() - 1
    }
}

/// Writes a call without waiting for its answer.
fn write(call: impl Future) {
    let mut call = pin!(call);
    let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}
