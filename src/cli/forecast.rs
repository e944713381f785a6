//! `pitcrew forecast`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{Client, Failure, Output, input, render};
use crate::domain::report::Forecast;

/// A fleet of a hundred thousand computers is reckoned in less.
const PATIENCE: Duration = Duration::from_secs(900);

/// What it takes.
#[derive(Debug, Args)]
pub struct Ask {
    /// Reckon with these fleet files as if they had been applied: a file, a folder, or - for the standard input.
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Only the computers of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Tell of so many computers one by one.
    #[arg(long, default_value_t = 20)]
    sample: usize,
}

impl Ask {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let files = if self.files.is_empty() { None } else { Some(input::files(&self.files)?) };
        let attached = files.as_deref().map(input::attached).unwrap_or_default();
        let stored = files.as_deref().map(input::stored).unwrap_or_default();
        let body = json!({
            "files": files, "attached": attached, "stored": stored, "tenant": self.tenant, "sample": self.sample,
        });
        let answer = client.post_within(&["v1", "forecast"], &body, PATIENCE).await?;
        output.show(&answer, |forecast: &Forecast| render::forecast(forecast, output.style))
    }

    /// The same question about files that are not applied.
    pub(super) fn about(files: Vec<PathBuf>) -> Ask {
        Ask { files, tenant: None, sample: 20 }
    }
}
