//! A whole database, made anew: for the demo, which begins from nothing each time.

use super::error::Doing;
use super::{Error, Store};

impl Store {
    /// Drops the database `name` with all that is in it, whoever is connected to it, and makes it again, empty. To be
    /// asked of a connection to another database of the same server.
    pub async fn remake_database(&self, name: &str) -> Result<(), Error> {
        let client = self.client().await?;
        let quoted = name.replace('"', "\"\"");
        client
            .execute(&format!("DROP DATABASE IF EXISTS \"{quoted}\" WITH (FORCE)"), &[])
            .await
            .doing("dropping the database of an earlier run")?;
        client.execute(&format!("CREATE DATABASE \"{quoted}\""), &[]).await.doing("making a database")?;
        Ok(())
    }
}
