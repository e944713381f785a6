//! What must hold in the database, each as the query that finds where it does not.
//!
//! Read only, and slow beside everything else here: whole tables are looked through. Nothing at work calls it.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::error::Doing;
use super::{Error, Store};

/// Something that must hold.
#[derive(Debug, Clone, Copy)]
pub struct Invariant {
    /// Its name, in results.
    pub name: &'static str,
    /// What must hold, in a sentence.
    pub holds: &'static str,
    /// It need hold only once all work is done.
    pub at_rest: bool,
    /// Finds violations as `(subject text, evidence text)`.
    query: &'static str,
}

/// Where an invariant does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which one.
    pub invariant: &'static str,
    /// What it concerns, such as `session 17`.
    pub subject: String,
    /// What was found.
    pub evidence: String,
}

/// What the database knows of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRun {
    /// Its computer.
    pub computer: i64,
    /// Its session.
    pub session: i64,
    /// Its epoch.
    pub epoch: i64,
    /// Its outcome has arrived.
    pub ended: bool,
    /// Its session is final.
    pub session_is_final: bool,
}

/// How lenient and how long a check is.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// All work should be done.
    pub at_rest: bool,
    /// What is late by no more than this is being seen to.
    pub grace: Duration,
    /// How many computers of the fleet may be held; none means no limit.
    pub max_running: Option<i64>,
    /// So many breaches of each invariant are reported at most.
    pub most: i64,
}

impl Store {
    /// Where the database breaks what must hold in it.
    pub async fn breaches(&self, bounds: Bounds) -> Result<Vec<Breach>, Error> {
        let client = self.client().await?;
        // One statement may look through every transition there is.
        client.batch_execute("SET statement_timeout = '10min'").await.doing("preparing a check")?;
        let mut breaches = Vec::new();
        for invariant in INVARIANTS.iter().filter(|invariant| bounds.at_rest || !invariant.at_rest) {
            // Every query sees the three parameters; not all of them use all.
            let sql = format!(
                "WITH bound AS (SELECT make_interval(secs => $1::float8) AS grace, $2::bigint AS fleet), {HELD}
                 SELECT subject::text, evidence::text FROM ({}) AS found(subject, evidence)
                 ORDER BY subject, evidence LIMIT $3",
                invariant.query
            );
            let found = client
                .query(&sql, &[&bounds.grace.as_secs_f64(), &bounds.max_running, &bounds.most])
                .await
                .doing(invariant.name)?;
            breaches.extend(found.iter().map(|row| Breach {
                invariant: invariant.name,
                subject: row.get("subject"),
                evidence: row.get("evidence"),
            }));
        }
        client.batch_execute("RESET statement_timeout").await.doing("ending a check")?;
        Ok(breaches)
    }

    /// What the database knows of these runs; what it does not know is absent.
    pub async fn known_runs(&self, runs: &[Uuid]) -> Result<HashMap<Uuid, KnownRun>, Error> {
        let client = self.client().await?;
        let found = client
            .query(
                "SELECT r.run_id, r.computer_id, r.session_id, r.epoch, r.outcome IS NOT NULL AS ended,
                        NOT EXISTS (SELECT FROM session s WHERE s.id = r.session_id) AS final
                 FROM run r WHERE r.run_id = ANY($1)",
                &[&runs],
            )
            .await
            .doing("looking for the runs of journals")?;
        Ok(found
            .iter()
            .map(|row| {
                let known = KnownRun {
                    computer: row.get("computer_id"),
                    session: row.get("session_id"),
                    epoch: row.get("epoch"),
                    ended: row.get("ended"),
                    session_is_final: row.get("final"),
                };
                (row.get("run_id"), known)
            })
            .collect())
    }
}

/// The stretches in which a session certainly had its computer: admitted or in work, or waiting for something that goes
/// on there. It may have had it longer, so what this proves is proven, and what it does not show may still be. Ends are
/// drawn in by what the clocks of several processes may differ.
const HELD: &str = "
    held AS (
        SELECT session_id, tenant_id, computer_id, begun, at - interval '50 ms' AS ended
        FROM (
            SELECT t.*, CASE WHEN waited_on IN ('computer', 'reboot') OR (admitted_at IS NULL AND taken_at IS NOT NULL)
                             THEN since ELSE admitted_at END AS begun
            FROM transition t
        ) t
        WHERE begun < at - interval '50 ms'
    ),
    everywhere AS (
        SELECT id, tenant_id, computer_id, true AS live FROM session
        UNION ALL SELECT id, tenant_id, computer_id, false FROM session_history
    )";

/// Everything that must hold, in the order in which it is reported.
pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "every_session_is_final",
        holds: "Every session reaches a final status.",
        at_rest: true,
        query: "SELECT 'session ' || id,
                       format('It is %s in %s, waits for %s, may run from %s, and its deadline is %s; last error: %s',
                              status, stage, waiting_on, run_after, deadline, last_error)
                FROM session",
    },
    Invariant {
        name: "final_once",
        holds: "A session is in one place, and becomes final once, as the last thing that happens to it.",
        at_rest: false,
        query: "SELECT 'session ' || id, format('It is in %s places', count(*)) FROM everywhere
                GROUP BY id HAVING count(*) > 1
                UNION ALL
                SELECT 'session ' || e.id,
                       CASE WHEN e.live THEN 'It is live, and its timeline says that it became final'
                            ELSE format('It is final, and its timeline has %s final entries, the last entry being %s',
                                        t.finals, t.last) END
                FROM everywhere e LEFT JOIN LATERAL (
                    SELECT count(*) FILTER (WHERE what = 'finished') AS finals,
                           (array_agg(what ORDER BY seq DESC))[1] AS last
                    FROM transition WHERE session_id = e.id
                ) t ON true
                WHERE CASE WHEN e.live THEN t.finals > 0 ELSE t.finals <> 1 OR t.last <> 'finished' END",
    },
    Invariant {
        name: "timeline_without_gap",
        holds: "Each entry of a timeline begins where the one before it ended, from submission to end.",
        at_rest: false,
        query: "SELECT 'session ' || session_id,
                       format('Entry %s (%s) begins at %s, and what came before it ended at %s', seq, what, since, before)
                FROM (
                    SELECT t.*, coalesce(lag(t.at) OVER w, h.created_at, s.created_at) AS before
                    FROM transition t LEFT JOIN session_history h ON h.id = t.session_id
                         LEFT JOIN session s ON s.id = t.session_id
                    WINDOW w AS (PARTITION BY t.session_id ORDER BY t.seq)
                ) t
                WHERE since <> before
                UNION ALL
                SELECT 'session ' || s.id, format('It has been as it is since %s, and its last entry ended at %s', s.since, t.at)
                FROM session s JOIN LATERAL (
                    SELECT at FROM transition WHERE session_id = s.id ORDER BY seq DESC LIMIT 1
                ) t ON s.since <> t.at",
    },
    Invariant {
        name: "timeline_in_order",
        holds: "Within an entry, waiting comes before admission, admission before work, and work before its end.",
        at_rest: false,
        query: "SELECT 'session ' || session_id,
                       format('Entry %s (%s): since %s, due %s, admitted %s, taken %s, at %s', seq, what, since, due_at,
                              admitted_at, taken_at, at)
                FROM transition
                WHERE NOT (since <= coalesce(due_at, since)
                           AND coalesce(due_at, since) <= coalesce(admitted_at, due_at, since)
                           AND coalesce(admitted_at, since) <= coalesce(taken_at, admitted_at, since)
                           AND coalesce(taken_at, admitted_at, due_at, since) <= at)",
    },
    Invariant {
        name: "waits_and_work_are_the_wall_time",
        holds: "The entries of a final session's timeline add up to the time from its submission to its end.",
        at_rest: false,
        query: "SELECT 'session ' || h.id,
                       format('%s passed, and its timeline accounts for %s', h.finished_at - h.created_at, t.told)
                FROM session_history h JOIN (
                    SELECT session_id, sum(at - since) AS told FROM transition GROUP BY session_id
                ) t ON t.session_id = h.id
                WHERE t.told <> h.finished_at - h.created_at",
    },
    Invariant {
        name: "dispatch_never_falls",
        holds: "The dispatch of a session never falls.",
        at_rest: false,
        query: "SELECT 'session ' || session_id,
                       format('Entry %s (%s) has dispatch %s after %s', seq, what, dispatch, before)
                FROM (SELECT t.*, lag(dispatch) OVER (PARTITION BY session_id ORDER BY seq) AS before FROM transition t) t
                WHERE dispatch < before",
    },
    Invariant {
        name: "one_session_has_a_computer",
        holds: "A computer serves one session at a time.",
        at_rest: false,
        query: "SELECT 'computer ' || computer_id,
                       format('Sessions %s (until %s) and %s (from %s) had it at once', other, other_ended, session_id, begun)
                FROM (
                    SELECT held.*, lag(session_id) OVER w AS other, lag(ended) OVER w AS other_ended
                    FROM held WINDOW w AS (PARTITION BY computer_id ORDER BY begun)
                ) h
                WHERE other <> session_id AND other_ended > begun",
    },
    Invariant {
        name: "tenant_cap",
        holds: "No tenant has more computers in work than its max_running says, as it is now.",
        at_rest: false,
        query: "SELECT 'tenant ' || e.tenant_id,
                       format('%s of its sessions certainly had a computer at %s; %s may', max(many), min(at), t.max_running)
                FROM (
                    SELECT tenant_id, at, sum(one) OVER (PARTITION BY tenant_id ORDER BY at, one) AS many
                    FROM (SELECT tenant_id, begun AS at, 1 AS one FROM held
                          UNION ALL SELECT tenant_id, ended, -1 FROM held) e
                ) e JOIN tenant t ON t.id = e.tenant_id AND e.many > t.max_running
                GROUP BY e.tenant_id, t.max_running",
    },
    Invariant {
        name: "fleet_cap",
        holds: "The fleet has no more computers in work than the scheduler was told to allow.",
        at_rest: false,
        query: "SELECT 'the fleet', format('%s sessions certainly had a computer at %s; %s may', max(many), min(at), fleet)
                FROM (
                    SELECT at, sum(one) OVER (ORDER BY at, one) AS many
                    FROM (SELECT begun AS at, 1 AS one FROM held UNION ALL SELECT ended, -1 FROM held) e
                ) e, bound WHERE many > fleet GROUP BY fleet",
    },
    Invariant {
        name: "holds_belong_to_live_sessions",
        holds: "A computer is reserved by a live session of its own, and an admitted session has its computer reserved.",
        at_rest: false,
        query: "SELECT 'computer ' || h.computer_id,
                       format('It is reserved since %s by session %s, which %s', h.since, h.session_id,
                              CASE WHEN s.id IS NULL THEN 'is not live' ELSE 'is of computer ' || s.computer_id END)
                FROM computer_hold h LEFT JOIN session s ON s.id = h.session_id
                WHERE s.id IS NULL OR s.computer_id <> h.computer_id
                UNION ALL
                SELECT 'session ' || s.id,
                       format('It is admitted since %s, and computer %s is not reserved for it', s.admitted_at, s.computer_id)
                FROM session s LEFT JOIN computer_hold h ON h.session_id = s.id
                WHERE s.admitted_at IS NOT NULL AND h.session_id IS NULL",
    },
    Invariant {
        name: "nothing_is_overdue",
        holds: "Rescue sees to every admitted stage soon after its deadline.",
        at_rest: false,
        query: "SELECT 'session ' || id, format('Its %s was admitted at %s and its deadline was %s', stage, admitted_at, deadline)
                FROM session, bound WHERE deadline < clock_timestamp() - grace",
    },
    Invariant {
        name: "owners_live",
        holds: "The worker that has a session lives.",
        at_rest: false,
        query: "SELECT 'session ' || s.id,
                       format('It is in the hands of %s, which %s', s.owner,
                              coalesce('was last heard at ' || w.heartbeat_at, 'is not there'))
                FROM bound, session s LEFT JOIN worker w ON w.id = s.owner
                WHERE s.owner IS NOT NULL AND s.taken_at < clock_timestamp() - grace
                  AND coalesce(w.heartbeat_at < clock_timestamp() - grace, true)",
    },
    Invariant {
        name: "actions_are_settled",
        holds: "An action has a result exactly when it is done, and a final session has none that is only started.",
        at_rest: false,
        query: "SELECT format('action %s of session %s', seq, session_id),
                       format('%s: it is %s with the result %s, started at %s and ended at %s', item, status, result,
                              started_at, ended_at)
                FROM action a
                WHERE (status = 'done') <> (result IS NOT NULL) OR (status = 'done') <> (ended_at IS NOT NULL)
                   OR ((status = 'started'
                        OR (status = 'planned' AND EXISTS (SELECT FROM run r WHERE r.session_id = a.session_id
                                                           AND r.plan = a.dispatch AND r.action_seq = a.seq)))
                       AND NOT EXISTS (SELECT FROM session s WHERE s.id = a.session_id))",
    },
    Invariant {
        name: "what_was_done_is_judged",
        holds: "There is a verdict, then or now, on every item on which a final session has acted.",
        at_rest: false,
        query: "SELECT 'computer ' || h.computer_id,
                       format('Session %s has acted on %s, which ended as %s, and nobody has judged it', h.id, a.item, a.result)
                FROM session_history h JOIN action a ON a.session_id = h.id
                WHERE h.stage = 'execution' AND a.attempts > 0 AND a.type <> 'download' AND a.parent IS NULL
                  AND a.result IN ('success', 'failed', 'indeterminate')
                  AND a.dispatch = (SELECT max(dispatch) FROM action WHERE session_id = h.id)
                  AND NOT EXISTS (SELECT FROM compliance c WHERE c.computer_id = h.computer_id AND c.item = a.item)
                  AND NOT EXISTS (SELECT FROM compliance_past c WHERE c.computer_id = h.computer_id AND c.item = a.item)",
    },
    Invariant {
        name: "verdicts_follow_each_other",
        holds: "No two states of an item on a computer hold at once.",
        at_rest: false,
        query: "SELECT 'computer ' || computer_id,
                       format('%s has been %s since %s, and what was so before held until %s', item, state, since, before)
                FROM (
                    SELECT v.*, lag(until) OVER (PARTITION BY computer_id, item ORDER BY since, until NULLS LAST) AS before
                    FROM (SELECT computer_id, item, state, since, until FROM compliance_past
                          UNION ALL SELECT computer_id, item, state, since, NULL FROM compliance) v
                ) v
                WHERE until < since OR before > since + interval '50 ms'",
    },
    Invariant {
        name: "runs_belong_to_their_session",
        holds: "A run is of its session's computer, and its outcome is its own.",
        at_rest: false,
        query: "SELECT 'run ' || r.run_id,
                       format('It is of session %s and computer %s; the session is of computer %s, and its outcome names run %s and session %s',
                              r.session_id, r.computer_id, e.computer_id, r.outcome ->> 'run_id', r.outcome ->> 'session')
                FROM run r LEFT JOIN everywhere e ON e.id = r.session_id
                WHERE r.computer_id IS DISTINCT FROM e.computer_id
                   OR (r.outcome IS NOT NULL AND (r.outcome ->> 'run_id' IS DISTINCT FROM r.run_id::text
                                                  OR r.outcome ->> 'session' IS DISTINCT FROM r.session_id::text))",
    },
    Invariant {
        name: "epochs_rise",
        holds: "No run of a computer has a lower epoch than one that was recorded before it.",
        at_rest: false,
        query: "SELECT 'computer ' || computer_id,
                       format('Run %s of session %s has epoch %s; an earlier one had %s', run_id, session_id, epoch, before)
                FROM (
                    SELECT r.*, max(epoch) OVER (PARTITION BY computer_id ORDER BY created_at
                                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                    FROM run r
                ) r
                WHERE epoch < before",
    },
    Invariant {
        name: "locks_belong_to_work",
        holds: "A lock is held by a session in execution that is admitted or has something in flight.",
        at_rest: false,
        query: "SELECT 'lock ' || lock,
                       format('Session %s has held it since %s, and is %s in %s with nothing in flight', id, lock_since,
                              status, stage)
                FROM session
                WHERE lock IS NOT NULL
                  AND NOT (stage = 'execution' AND (admitted_at IS NOT NULL OR run_in_flight IS NOT NULL))",
    },
    Invariant {
        name: "one_at_a_time_under_a_lock",
        holds: "Of what is done under one lock, nothing begins before the outcome of what began before it.",
        at_rest: false,
        query: "SELECT 'lock ' || lock,
                       format('Run %s of session %s began at %s, and one of session %s went on until %s', run_id, session_id,
                              begun, other, other_ended)
                FROM (
                    SELECT x.*, lag(session_id) OVER w AS other, lag(ended) OVER w AS other_ended
                    FROM (
                        SELECT r.run_id, r.session_id, r.created_at AS begun, r.outcome_at AS ended, a ->> 'lock' AS lock
                        FROM run r
                        JOIN LATERAL (
                            SELECT body FROM stage_result p
                            WHERE p.session_id = r.session_id AND p.stage = 'planning' AND p.dispatch < r.dispatch
                            ORDER BY p.dispatch DESC LIMIT 1
                        ) p ON true
                        CROSS JOIN LATERAL jsonb_array_elements(p.body::jsonb -> 'actions') AS a
                        WHERE r.action_seq IS NOT NULL AND (a ->> 'seq')::int = r.action_seq AND a ? 'lock'
                    ) x
                    WINDOW w AS (PARTITION BY lock ORDER BY begun, run_id)
                ) y
                WHERE other <> session_id AND other_ended > begun + interval '50 ms'",
    },
    Invariant {
        name: "nothing_is_held",
        holds: "No computer is reserved when nothing is to be done.",
        at_rest: true,
        query: "SELECT 'computer ' || computer_id, format('It is reserved since %s by session %s', since, session_id)
                FROM computer_hold",
    },
];
