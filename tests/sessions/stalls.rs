//! Holds up a transaction of a program's at a chosen point, from inside the database: so a program can be killed exactly
//! there, and nothing in it knows of it.

use super::installation::{Installation, SOON};
use crate::support::until;

/// The transactions that are held up now: they wait for a lock that the test has.
const STALLED: &str = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";

impl Installation {
    /// Holds up from now on whoever writes such a row, as in `INSERT ON transition`.
    pub async fn stall(&self, write: &str, so: &str) {
        let trigger = format!(
            "SELECT pg_advisory_lock(4711);
             CREATE OR REPLACE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW; END $$;
             CREATE TRIGGER stall BEFORE {write} FOR EACH ROW WHEN ({so}) EXECUTE FUNCTION stall()"
        );
        self.sql.batch_execute(&trigger).await.expect("a trigger");
    }

    /// Waits until somebody is held up.
    pub async fn until_stalled(&self) {
        self.until_counts(1, &format!("SELECT count(*) FROM ({STALLED}) held_up")).await;
    }

    /// Ends the transactions that are held up, as their connections would once the database notices that nobody is there.
    pub async fn end_stalled(&self) {
        let end = format!("SELECT count(pg_terminate_backend(pid)) FROM ({STALLED}) held_up");
        self.count(&end).await;
        let gone = format!("SELECT (count(*) = 0)::int::bigint FROM ({STALLED}) held_up");
        until(SOON, async || (self.count(&gone).await == 1).then_some(()), "the transactions to be gone").await;
    }

    /// Holds up nobody any more: what is held up goes on.
    pub async fn go_on(&self) {
        self.sql.batch_execute("SELECT pg_advisory_unlock(4711)").await.expect("the lock is let go");
        let table: String = self
            .sql
            .query_one("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'stall'", &[])
            .await
            .expect("a trigger")
            .get(0);
        self.sql.batch_execute(&format!("DROP TRIGGER stall ON {table}")).await.expect("it is gone");
    }
}
