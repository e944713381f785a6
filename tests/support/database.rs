//! A database for one test: a copy of a template to which all migrations have been applied once.

use pitcrew::store::{Keyring, Store, migrate};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};
use url::Url;

use super::services;

/// A database of one's own. Dropping it drops the database, whoever is still connected.
pub struct Database {
    /// Its address.
    pub url: String,
    name: String,
}

/// A fresh database with Pitcrew's tables and nothing in them.
pub async fn database() -> Database {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    make(TEMPLATE.get_or_init(template).await).await
}

/// A fresh database without any table.
pub async fn empty_database() -> Database {
    make("template0").await
}

async fn make(template: &str) -> Database {
    let name = format!("pitcrew_test_{}", super::unique());
    let admin = connect(&services().database_url).await;
    admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.expect("a database is made");
    Database { url: address(&name), name }
}

impl Database {
    /// A connection to it.
    pub async fn connect(&self) -> Client {
        connect(&self.url).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&services().database_url, NoTls).await?;
                tokio::spawn(connection);
                client.batch_execute(&statement).await
            })?;
            anyhow::Ok(())
        });
        if !matches!(dropped.join(), Ok(Ok(()))) {
            eprintln!("database {} could not be dropped", self.name);
        }
    }
}

/// The key under which secrets are sealed in tests.
pub const SECRET_KEY: &str = "5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1ed5ea1";

/// A store that knows the key.
pub fn store(url: &str, size: usize) -> Store {
    let store = Store::new(url, size).expect("the database's address");
    store.with_keys(Keyring::read(SECRET_KEY).expect("a key"))
}

/// Makes this run's template and returns its name. What copies it first waits until the store's connection is gone.
async fn template() -> String {
    let name = format!("pitcrew_template_{}", super::unique());
    let admin = connect(&services().database_url).await;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("the template is made");
    let store = Store::new(&address(&name), 1).expect("the template's address");
    migrate(&store).await.expect("the migrations apply");
    name
}

fn address(name: &str) -> String {
    let mut url: Url = services().database_url.parse().expect("the database's address");
    url.set_path(name);
    url.into()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}
