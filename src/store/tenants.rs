//! Stops: of a tenant, and of the whole fleet.

use jiff::Timestamp;
use tokio_postgres::types::Json;

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::TenantId;
use crate::domain::session::Intent;

impl Store {
    /// Every tenant, or this one alone, by name.
    pub async fn tenant_names(&self, only: Option<TenantId>) -> Result<Vec<(TenantId, String)>, Error> {
        let client = self.client().await?;
        let sql = "SELECT id, name FROM tenant WHERE $1::bigint IS NULL OR id = $1 ORDER BY name";
        let rows = client.query(sql, &[&only.map(|tenant| tenant.0)]).await.doing("looking for a tenant")?;
        Ok(rows.iter().map(|row| (TenantId(row.get("id")), row.get("name"))).collect())
    }

    /// Stops a tenant, so that nothing of it is admitted, or lets it go on. Returns since when it is stopped.
    pub async fn set_stopped(&self, tenant: TenantId, stopped: bool) -> Result<Option<Timestamp>, Error> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                "UPDATE tenant SET stopped_at = CASE WHEN $2 THEN coalesce(stopped_at, clock_timestamp()) END
                 WHERE id = $1 RETURNING stopped_at",
                &[&tenant.0, &stopped],
            )
            .await
            .doing("stopping or starting a tenant")?;
        Ok(row.and_then(|row| row.get("stopped_at")))
    }

    /// Stops the whole fleet, so that nothing new is begun at any computer. One stop stands at a time: the first one's
    /// reason is kept. Returns the one that stands.
    pub async fn stop_fleet(&self, by: &str, reason: &str) -> Result<Intent, Error> {
        let intent = Intent { by: by.to_owned(), reason: reason.to_owned(), at: self.ask_time().await? };
        let client = self.client().await?;
        let row = client
            .query_one("UPDATE installation SET stop = coalesce(stop, $1) RETURNING stop", &[&Json(&intent)])
            .await
            .doing("stopping the fleet")?;
        rows::json(&row, "stop")
    }

    /// Lets the whole fleet go on, its stopped tenants aside.
    pub async fn resume_fleet(&self) -> Result<(), Error> {
        let client = self.client().await?;
        client.execute("UPDATE installation SET stop = NULL", &[]).await.doing("letting the fleet go on")?;
        Ok(())
    }
}
