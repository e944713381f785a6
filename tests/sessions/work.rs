//! Sessions as tests see them: submitted, waited for, counted.

use std::collections::BTreeMap;

use pitcrew::domain::session::{Kind, Order, Priority, RebootPolicy, Session, Stage, Status};
use pitcrew::domain::{ComputerId, SessionId, TenantId};
use pitcrew::lifecycle::submit::Submission;
use pitcrew::store::sessions::Accepted;

use super::installation::{Installation, SOON};
use crate::support::until;

/// An ordinary order.
pub fn order() -> Order {
    Order {
        deployments: Vec::new(),
        item: None,
        parameters: Default::default(),
        inventory: false,
        reboot: RebootPolicy::IfNeeded,
        by: "test".to_owned(),
        reason: String::new(),
        origin: "test".to_owned(),
        group: None,
        rerun_of: None,
        traceparent: None,
    }
}

impl Installation {
    /// Submits a session of this kind for each of these computers.
    pub async fn submit(&self, kind: Kind, computers: &[ComputerId]) -> Vec<SessionId> {
        self.submit_for(self.tenant, kind, computers).await
    }

    /// The same for the computers of another tenant.
    pub async fn submit_for(&self, tenant: TenantId, kind: Kind, computers: &[ComputerId]) -> Vec<SessionId> {
        self.submit_order(tenant, kind, order(), computers).await
    }

    /// The same with this order.
    pub async fn submit_order(
        &self,
        tenant: TenantId,
        kind: Kind,
        order: Order,
        computers: &[ComputerId],
    ) -> Vec<SessionId> {
        let submissions = computers.iter().map(|computer| Submission {
            tenant,
            computer: *computer,
            kind,
            priority: Priority::Normal,
            order: order.clone(),
            not_before: None,
        });
        let accepted = self.store.submit(submissions.collect(), None).await.expect("the database answers");
        self.store.wake_scheduler();
        match accepted {
            Accepted::New(ids) => ids,
            other => panic!("{other:?}"),
        }
    }

    /// A full session for one computer.
    pub async fn session_for(&self, computer: ComputerId) -> SessionId {
        self.submit(Kind::Full, &[computer]).await[0]
    }

    /// A session as it is now.
    pub async fn session(&self, id: SessionId) -> Session {
        self.store.session(id).await.expect("the database answers").expect("the session is there")
    }

    /// Waits until a worker has a session in this stage, and returns it.
    pub async fn until_running(&self, id: SessionId, stage: Stage) -> Session {
        let running = async || {
            let session = self.store.session(id).await.ok()??;
            assert!(!session.status.is_final(), "it is {}: {:?}", session.status, session.last_error);
            (session.status == Status::Running && session.stage == stage).then_some(session)
        };
        until(SOON, running, "the session to be running").await
    }

    /// Waits until the worker that has a session knows what is wanted of it: until two more of its heartbeats.
    pub async fn until_heard(&self, id: SessionId) {
        let owner = self.session(id).await.owner.expect("a worker has it");
        let beats = "SELECT heartbeat_at::text AS at FROM worker WHERE id = $1";
        for _ in 0..2 {
            let before: String = self.sql.query_one(beats, &[&owner]).await.expect("the worker").get("at");
            let again = async || {
                let now: String = self.sql.query_one(beats, &[&owner]).await.ok()?.get("at");
                (now != before).then_some(())
            };
            until(SOON, again, "a heartbeat").await;
        }
    }

    /// Waits until a session is so.
    pub async fn until_session(&self, id: SessionId, what: &str, so: impl Fn(&Session) -> bool) -> Session {
        let is_so = async || self.store.session(id).await.ok()?.filter(&so);
        until(SOON, is_so, what).await
    }

    /// Waits until these sessions are final.
    pub async fn finals(&self, ids: &[SessionId]) -> Vec<Session> {
        let numbers: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let query = "SELECT count(*) FROM session_history WHERE id = ANY($1)";
        let ended = async || {
            let row = self.sql.query_one(query, &[&numbers]).await.ok()?;
            (row.get::<_, i64>(0) == ids.len() as i64).then_some(())
        };
        until(SOON, ended, "all sessions to be final").await;
        let mut sessions = Vec::new();
        for id in ids {
            sessions.push(self.session(*id).await);
        }
        sessions
    }

    /// Waits until these sessions are final, and says how many ended as what.
    pub async fn tally(&self, ids: &[SessionId]) -> BTreeMap<Status, usize> {
        let mut tally = BTreeMap::new();
        for session in self.finals(ids).await {
            if let Some(error) = &session.last_error {
                println!("session {} is {}: {error}", session.id, session.status);
            }
            *tally.entry(session.status).or_default() += 1;
        }
        tally
    }

    /// Waits until these sessions are final: all have completed.
    pub async fn all_complete(&self, ids: &[SessionId]) {
        assert_eq!(self.tally(ids).await, [(Status::Completed, ids.len())].into());
    }
}
