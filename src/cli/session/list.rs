//! `pitcrew session list`

use clap::Args;
use jiff::Timestamp;

use crate::cli::{Client, Failure, Output, render};
use crate::domain::SessionId;
use crate::domain::report::{Page, SessionLine};
use crate::domain::session::{Kind, Status};

/// What it takes.
#[derive(Debug, Args)]
pub struct List {
    /// Only in one of these: pending, running, paused, completed, partially_completed, failed, cancelled, missed.
    #[arg(long, value_delimiter = ',')]
    status: Vec<Status>,
    /// Only of this kind: full, targeted, onboarding, detection, repair, inventory, resolution or download.
    #[arg(long)]
    kind: Option<Kind>,
    /// Only of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Only of this computer.
    #[arg(long)]
    computer: Option<String>,
    /// Only those that this one asked for. Final ones of the last 30 days, unless --since, --computer or --group says which.
    #[arg(long)]
    by: Option<String>,
    /// Only those that this made: api, amqp or rerun. Final ones as with --by.
    #[arg(long)]
    origin: Option<String>,
    /// Only those of the group that bears the id of this session.
    #[arg(long)]
    group: Option<SessionId>,
    /// Only those submitted since then, such as 2030-01-31T22:00:00Z.
    #[arg(long)]
    since: Option<Timestamp>,
    /// Lines at most.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Begin after this id.
    #[arg(long)]
    after: Option<i64>,
}

impl List {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        let words: Vec<&str> = self.status.iter().map(|status| status.as_str()).collect();
        query.extend((!words.is_empty()).then(|| ("status", words.join(","))));
        query.extend(self.kind.map(|kind| ("kind", kind.to_string())));
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        query.extend(self.computer.clone().map(|computer| ("computer", computer)));
        query.extend(self.by.clone().map(|by| ("by", by)));
        query.extend(self.origin.clone().map(|origin| ("origin", origin)));
        query.extend(self.group.map(|group| ("group", group.to_string())));
        query.extend(self.since.map(|since| ("since", since.to_string())));
        query.extend(self.after.map(|after| ("after", after.to_string())));
        let answer = client.get(&["v1", "sessions"], &query).await?;
        output.show(&answer, |page: &Page<SessionLine>| render::sessions(page, output.style))
    }
}
