//! The rows of the ceiling: for each session and hop an update of its row, one result and three actions.

use tokio_postgres::{Client, Statement};

/// Three actions for each session and hop.
const ACTIONS: usize = 3;

/// A result of the size of a small plan.
const BODY: &str = r#"{"policy_version":1,"items":{"software/one":"absent","software/two":"absent","software/three":"absent"},"actions":[{"seq":1,"item":"software/one","action":"install"},{"seq":2,"item":"software/two","action":"install"},{"seq":3,"item":"software/three","action":"install"}]}"#;

/// Tables like those of Pitcrew, with the indexes that the same work needs.
const TABLES: &str = "
    CREATE TABLE session (
        id bigint PRIMARY KEY, tenant_id bigint NOT NULL, computer_id bigint NOT NULL, \"order\" jsonb NOT NULL,
        status text NOT NULL, stage text NOT NULL, dispatch int NOT NULL, owner text, revision int NOT NULL,
        since timestamptz NOT NULL, created_at timestamptz NOT NULL
    ) WITH (fillfactor = 60);
    CREATE TABLE result (
        session_id bigint, stage text, at timestamptz NOT NULL, body jsonb NOT NULL, PRIMARY KEY (session_id, stage)
    );
    CREATE TABLE action (
        session_id bigint, stage text, seq int, item text NOT NULL, deployment text NOT NULL, type text NOT NULL,
        reason text NOT NULL, status text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (session_id, stage, seq)
    ) WITH (fillfactor = 60);";

/// Makes the tables and a row for each session.
pub async fn prepare(client: &Client, sessions: u32) -> anyhow::Result<()> {
    client.batch_execute(TABLES).await?;
    client
        .execute(
            "INSERT INTO session
             SELECT n, 1, n, '{\"deployments\": [], \"inventory\": false, \"reboot\": \"if_needed\", \"by\": \"bench\",
                               \"reason\": \"\", \"origin\": \"bench\"}', 'pending', 'detection', 1, NULL, 0, now(), now()
             FROM generate_series(1, $1::bigint) n",
            &[&i64::from(sessions)],
        )
        .await?;
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(())
}

/// The statements of one connection.
pub struct Writer {
    client: Client,
    update: Statement,
    result: Statement,
    actions: Statement,
}

impl Writer {
    /// Prepares them.
    pub async fn new(client: Client) -> anyhow::Result<Writer> {
        let update = client
            .prepare(
                "UPDATE session s SET status = 'running', stage = $2, dispatch = dispatch + 1, owner = 'bench',
                        revision = revision + 1, since = clock_timestamp()
                 FROM unnest($1::bigint[]) AS u(id) WHERE s.id = u.id",
            )
            .await?;
        let result = client
            .prepare(
                "INSERT INTO result SELECT u.id, $2, clock_timestamp(), $3::text::jsonb FROM unnest($1::bigint[]) AS u(id)",
            )
            .await?;
        let actions = client
            .prepare(
                "INSERT INTO action (session_id, stage, seq, item, deployment, type, reason, status, at)
                 SELECT u.id, $3, u.seq, u.item, 'everyone', 'install', 'missing', 'done', clock_timestamp()
                 FROM unnest($1::bigint[], $2::int[], $4::text[]) AS u(id, seq, item)",
            )
            .await?;
        Ok(Writer { client, update, result, actions })
    }

    /// Writes a group in one transaction, in one round trip.
    pub async fn write(&self, stage: &str, sessions: &[i64]) -> anyhow::Result<()> {
        let mut sorted = sessions.to_vec();
        sorted.sort_unstable();
        let of_actions: Vec<i64> = sorted.iter().flat_map(|id| [*id; ACTIONS]).collect();
        let seqs: Vec<i32> = sorted.iter().flat_map(|_| [1, 2, 3]).collect();
        let items: Vec<&str> = sorted.iter().flat_map(|_| ["software/one", "software/two", "software/three"]).collect();
        let of_update: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&sorted, &stage];
        let of_result: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&sorted, &stage, &BODY];
        let of_action: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [&of_actions, &seqs, &stage, &items];
        let (_, updated, _, _, _) = futures_util::try_join!(
            self.client.batch_execute("BEGIN"),
            self.client.execute(&self.update, &of_update),
            self.client.execute(&self.result, &of_result),
            self.client.execute(&self.actions, &of_action),
            self.client.batch_execute("COMMIT"),
        )?;
        anyhow::ensure!(updated == sessions.len() as u64, "{updated} of {} sessions were there", sessions.len());
        Ok(())
    }
}
