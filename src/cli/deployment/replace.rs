//! `pitcrew deployment override`

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::{Client, Failure, Output, apply, input};

/// What it takes.
#[derive(Debug, Args)]
pub struct Override {
    /// The recommended deployment.
    name: String,
    /// The name of your own.
    #[arg(long = "as", value_name = "NAME")]
    own: String,
    /// How a software should be: any, latest, this_version, newer_or_equal, older_or_equal, update_if_found, absent, ignored.
    #[arg(long)]
    state: Option<String>,
    /// The version for that.
    #[arg(long)]
    version: Option<String>,
    /// What is done about it: enforce, audit, monitor or ignore.
    #[arg(long)]
    mode: Option<String>,
    /// What the scripts are told otherwise, as NAME=VALUE; may be given several times. All else, secrets too, is as there.
    #[arg(long, value_name = "NAME=VALUE")]
    parameter: Vec<String>,
    /// The parameter whose value is read from the standard input, for a secret.
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    reason: String,
}

impl Override {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut with = Map::new();
        if self.state.is_some() || self.version.is_some() {
            with.insert("state".to_owned(), self.state.clone().map_or(Value::Null, Value::from));
            with.insert("version".to_owned(), self.version.clone().map_or(Value::Null, Value::from));
        }
        with.extend(self.mode.clone().map(|mode| ("mode".to_owned(), Value::from(mode))));
        let mut parameters = input::parameters(&self.parameter)?;
        if let Some(name) = &self.secret {
            parameters.insert(name.clone(), Value::from(input::secret()?));
        }
        with.insert("parameters".to_owned(), Value::Object(parameters));
        let body = json!({ "name": self.own, "with": with, "dry_run": self.dry_run, "reason": self.reason });
        let answer = client.post(&["v1", "deployments", &self.name, "override"], &body).await?;
        output.show(&answer, |applied: &apply::Applied| apply::told(applied, self.dry_run))
    }
}
