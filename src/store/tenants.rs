//! Tenants: stopping them, and letting them go on.

use jiff::Timestamp;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::TenantId;

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
}
