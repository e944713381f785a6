//! Asking a running node through `rabbitmqctl`: users and what they may do. Each call starts an Erlang and takes a second.

use super::RabbitMq;
use crate::boot::services::Error;

/// What a user may touch in the default virtual host: regular expressions over the names of queues and exchanges.
/// The default is nothing.
#[derive(Debug, Clone, Copy)]
pub struct Permissions<'a> {
    /// What it may declare and delete.
    pub configure: &'a str,
    /// What it may publish to and bind.
    pub write: &'a str,
    /// What it may consume from and bind to.
    pub read: &'a str,
}

impl Default for Permissions<'_> {
    fn default() -> Self {
        Permissions { configure: "^$", write: "^$", read: "^$" }
    }
}

impl RabbitMq {
    /// Makes a user, who may at first do nothing.
    pub async fn create_user(&self, name: &str, password: &str) -> Result<(), Error> {
        self.control(&["add_user", name, password]).await.map(drop)
    }

    /// Sets what a user may touch.
    pub async fn set_permissions(&self, user: &str, permissions: Permissions<'_>) -> Result<(), Error> {
        let Permissions { configure, write, read } = permissions;
        self.control(&["set_permissions", "--vhost", "/", user, configure, write, read]).await.map(drop)
    }

    /// Sets which routing keys of a topic exchange a user may publish with and bind to.
    pub async fn set_topic_permissions(
        &self,
        user: &str,
        exchange: &str,
        write: &str,
        read: &str,
    ) -> Result<(), Error> {
        self.control(&["set_topic_permissions", "--vhost", "/", user, exchange, write, read]).await.map(drop)
    }

    /// Runs any command of `rabbitmqctl` and returns what it prints.
    pub async fn control(&self, arguments: &[&str]) -> Result<String, Error> {
        let command = self.node.control(arguments);
        let failed_to_run = Error::spawn(&command);
        let output = tokio::process::Command::from(command).output().await.map_err(failed_to_run)?;
        // The verb says which call it was; a password among the other arguments has no place in an error.
        let program = format!("rabbitmqctl {}", arguments.first().unwrap_or(&""));
        Error::unless_success(program, output)
    }
}
