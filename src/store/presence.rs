//! The agents' connections: which gateway has which computer. No row means offline.
//!
//! A row belongs to one connection, named by its id: what a connection that was replaced has left to say changes
//! nothing.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use uuid::Uuid;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::ComputerId;

/// A connection that a gateway has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Whose it is.
    pub computer: ComputerId,
    /// Names the connection.
    pub connection: Uuid,
    /// The agent's version.
    pub agent_version: String,
    /// The boot of the computer.
    pub boot_id: String,
    /// The highest epoch the computer had seen when it connected.
    pub epoch: i64,
}

impl Store {
    /// The computer whose agent has a token with this SHA-256, and the stored SHA-256, for a comparison in constant time.
    pub async fn computer_of_token(&self, sha256: &[u8]) -> Result<Option<(ComputerId, Vec<u8>)>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT id, agent_token_hash FROM computer WHERE agent_token_hash = $1")
            .await
            .doing("looking for an agent's token")?;
        let row = client.query_opt(&statement, &[&sha256]).await.doing("looking for an agent's token")?;
        Ok(row.map(|row| (ComputerId(row.get("id")), row.get("agent_token_hash"))))
    }

    /// Notes new connections of `gateway`. Each replaces the connection that its computer had before. Of several of one
    /// computer the last one counts.
    pub async fn connected(&self, gateway: &str, connections: &[Presence]) -> Result<(), Error> {
        let replacing = "DO UPDATE SET gateway = excluded.gateway, connection = excluded.connection,
                         agent_version = excluded.agent_version, boot_id = excluded.boot_id, epoch = excluded.epoch,
                         connected_at = excluded.connected_at, seen_at = excluded.seen_at";
        self.insert_connections(gateway, connections, replacing).await
    }

    /// Notes connections of `gateway` that were forgotten although they stand. A computer that has another connection by
    /// now keeps that.
    pub async fn still_connected(&self, gateway: &str, connections: &[Presence]) -> Result<(), Error> {
        self.insert_connections(gateway, connections, "DO NOTHING").await
    }

    async fn insert_connections(&self, gateway: &str, them: &[Presence], on_conflict: &str) -> Result<(), Error> {
        let newest: HashMap<ComputerId, &Presence> = them.iter().map(|new| (new.computer, new)).collect();
        let mut newest: Vec<&Presence> = newest.into_values().collect();
        newest.sort_unstable_by_key(|new| new.computer);
        let client = self.client().await?;
        let statement = client
            .prepare_cached(&format!(
                "INSERT INTO agent_presence (computer_id, gateway, connection, agent_version, boot_id, epoch,
                                             connected_at, seen_at)
                 SELECT u.computer_id, $1, u.connection, u.agent_version, u.boot_id, u.epoch,
                        clock_timestamp(), clock_timestamp()
                 FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::bigint[])
                      AS u(computer_id, connection, agent_version, boot_id, epoch)
                 ON CONFLICT (computer_id) {on_conflict}"
            ))
            .await
            .doing("noting that agents have connected")?;
        client
            .execute(
                &statement,
                &[
                    &gateway,
                    &newest.iter().map(|new| new.computer.0).collect::<Vec<_>>(),
                    &newest.iter().map(|new| new.connection).collect::<Vec<_>>(),
                    &newest.iter().map(|new| new.agent_version.as_str()).collect::<Vec<_>>(),
                    &newest.iter().map(|new| new.boot_id.as_str()).collect::<Vec<_>>(),
                    &newest.iter().map(|new| new.epoch).collect::<Vec<_>>(),
                ],
            )
            .await
            .doing("noting that agents have connected")?;
        Ok(())
    }

    /// Notes that these connections stand, and returns those whose row is not theirs: another connection has replaced
    /// it, or it is missing.
    pub async fn seen(&self, connections: &[Presence]) -> Result<Vec<Presence>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "UPDATE agent_presence p SET seen_at = clock_timestamp()
                 FROM unnest($1::bigint[], $2::uuid[]) AS u(computer_id, connection)
                 WHERE p.computer_id = u.computer_id AND p.connection = u.connection
                 RETURNING p.connection",
            )
            .await
            .doing("noting that agents are connected")?;
        let (computers, ids) = columns(connections);
        let rows = client.query(&statement, &[&computers, &ids]).await.doing("noting that agents are connected")?;
        let theirs: HashSet<Uuid> = rows.iter().map(|row| row.get("connection")).collect();
        Ok(connections.iter().filter(|one| !theirs.contains(&one.connection)).cloned().collect())
    }

    /// Which of these computers have a connection at all.
    pub async fn present_among(&self, computers: &[ComputerId]) -> Result<HashSet<ComputerId>, Error> {
        let client = self.client().await?;
        let computers: Vec<i64> = computers.iter().map(|computer| computer.0).collect();
        let rows = client
            .query("SELECT computer_id FROM agent_presence WHERE computer_id = ANY($1)", &[&computers])
            .await
            .doing("asking which agents are connected")?;
        Ok(rows.iter().map(|row| ComputerId(row.get("computer_id"))).collect())
    }

    /// Notes that connections have ended. A computer that has another connection by now keeps that.
    pub async fn disconnected(&self, connections: &[Presence]) -> Result<(), Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "DELETE FROM agent_presence p USING unnest($1::bigint[], $2::uuid[]) AS u(computer_id, connection)
                 WHERE p.computer_id = u.computer_id AND p.connection = u.connection",
            )
            .await
            .doing("noting that agents have gone")?;
        let (computers, ids) = columns(connections);
        client.execute(&statement, &[&computers, &ids]).await.doing("noting that agents have gone")?;
        Ok(())
    }

    /// The gateway that has the connection of a computer's agent.
    pub async fn gateway_of(&self, computer: ComputerId) -> Result<Option<String>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT gateway FROM agent_presence WHERE computer_id = $1")
            .await
            .doing("asking where an agent is connected")?;
        let row = client.query_opt(&statement, &[&computer.0]).await.doing("asking where an agent is connected")?;
        Ok(row.map(|row| row.get("gateway")))
    }

    /// Forgets the connections of a gateway that has stopped.
    pub async fn gateway_gone(&self, gateway: &str) -> Result<u64, Error> {
        let client = self.client().await?;
        let forgotten = client.execute("DELETE FROM agent_presence WHERE gateway = $1", &[&gateway]).await;
        forgotten.doing("forgetting the connections of a gateway")
    }

    /// Forgets connections that no gateway has spoken of for `silence`: theirs was lost. Returns how many.
    pub async fn forget_silent_agents(&self, silence: Duration) -> Result<u64, Error> {
        let client = self.client().await?;
        client
            .execute(
                "DELETE FROM agent_presence WHERE seen_at < clock_timestamp() - make_interval(secs => $1)",
                &[&silence.as_secs_f64()],
            )
            .await
            .doing("forgetting lost connections")
    }

    /// Keeps for the auditors that a computer sent the outcome of a run that was never its own.
    pub async fn outcome_refused(&self, computer: ComputerId, run_id: Uuid) -> Result<(), Error> {
        let client = self.client().await?;
        client
            .execute(
                "INSERT INTO audit (actor, action, scope, reason)
                 VALUES ($1, 'outcome_refused', jsonb_build_object('computer', $2::bigint, 'run', $3::uuid), $4)",
                &[
                    &format!("computer {computer}"),
                    &computer.0,
                    &run_id,
                    &"It sent the outcome of a run that was never started on it. Nothing was changed.",
                ],
            )
            .await
            .doing("recording a refused outcome")?;
        Ok(())
    }
}

fn columns(connections: &[Presence]) -> (Vec<i64>, Vec<Uuid>) {
    connections.iter().map(|one| (one.computer.0, one.connection)).unzip()
}
