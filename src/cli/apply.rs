//! `pitcrew apply`

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::{Client, Failure, Output, file, forecast, input};

/// What it takes.
#[derive(Debug, Args)]
pub struct Apply {
    /// A file, a folder, or - for the standard input; may be given several times.
    #[arg(short, long = "file", required = true, value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: also say what sessions of the whole fleet would do then, by what was found on each computer last.
    #[arg(long, requires = "dry_run")]
    plan: bool,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    reason: String,
}

/// What was applied, or would be.
#[derive(Deserialize)]
pub(super) struct Applied {
    created: Vec<String>,
    changed: Vec<String>,
    left: Vec<String>,
    #[serde(default)]
    warnings: Vec<Fault>,
}

/// Something in a fleet file, as the API tells of it.
#[derive(Deserialize)]
struct Fault {
    place: Place,
    message: String,
    suggestion: Option<String>,
}

#[derive(Deserialize)]
struct Place {
    file: String,
    line: usize,
    column: usize,
}

impl Apply {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        if self.plan {
            return forecast::Ask::about(self.files.clone()).run(client, output).await;
        }
        let files = input::files(&self.files)?;
        let (attached, stored) = (input::attached(&files), input::stored(&files));
        if !self.dry_run {
            for file in &stored {
                file::store(client, file).await?;
            }
        }
        let body = json!({
            "files": files, "attached": attached, "stored": stored, "dry_run": self.dry_run, "reason": self.reason,
        });
        let answer = client.post(&["v1", "apply"], &body).await?;
        output.show(&answer, |applied: &Applied| told(applied, self.dry_run))
    }
}

/// What was applied, a line for each thing that is new or other than before.
pub(super) fn told(applied: &Applied, dry_run: bool) -> String {
    let tense = if dry_run { "would be " } else { "" };
    let mut text = String::new();
    for Fault { place: Place { file, line, column }, message, suggestion } in &applied.warnings {
        let suggestion = suggestion.as_ref().map(|text| format!(" {text}")).unwrap_or_default();
        text.push_str(&format!("warning: {file}:{line}:{column}: {message}{suggestion}\n"));
    }
    for (word, names) in [("created", &applied.created), ("changed", &applied.changed)] {
        for name in names {
            text.push_str(&format!("{tense}{word} {name}\n"));
        }
    }
    text.push_str(&format!(
        "{} {tense}created, {} {tense}changed, {} left as they are.",
        applied.created.len(),
        applied.changed.len(),
        applied.left.len()
    ));
    text
}
