//! Which sessions a verb is for: those that are named, or those that have something in common.

use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cli::{Client, Failure, output::read};
use crate::domain::SessionId;
use crate::domain::counted::counted;
use crate::domain::report::Unchanged;
use crate::domain::session::{Kind, Status};

/// Sessions that are told of one by one at most.
const MOST: usize = 20;

/// Which sessions.
#[derive(Debug, Args)]
pub struct Chosen {
    /// The sessions.
    #[arg(required_unless_present_any = ["group", "tenant", "computer", "kind", "by", "origin", "since"])]
    ids: Vec<SessionId>,
    /// Instead of ids: those of this group, which bears the id of its first session.
    #[arg(long, conflicts_with = "ids")]
    group: Option<SessionId>,
    /// Instead of ids: those of this tenant.
    #[arg(long, conflicts_with = "ids")]
    tenant: Option<String>,
    /// Instead of ids: those of this computer.
    #[arg(long, conflicts_with = "ids")]
    computer: Option<String>,
    /// Instead of ids: those of this kind.
    #[arg(long, conflicts_with = "ids")]
    kind: Option<Kind>,
    /// Of these, only those in one of these states.
    #[arg(long, value_delimiter = ',', conflicts_with = "ids")]
    status: Vec<Status>,
    /// Instead of ids: those that this one asked for. Final ones of the last 30 days, unless --since, --computer or --group says which.
    #[arg(long, conflicts_with = "ids")]
    by: Option<String>,
    /// Instead of ids: those that this made: api, amqp or rerun. Final ones as with --by.
    #[arg(long, conflicts_with = "ids")]
    origin: Option<String>,
    /// Instead of ids: those submitted since then, such as 2030-01-31T22:00:00Z.
    #[arg(long, conflicts_with = "ids")]
    since: Option<Timestamp>,
    /// Do it to all that are chosen by what they have in common; without it, it is only said which these are.
    #[arg(long, short)]
    yes: bool,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    pub(super) reason: String,
}

impl Chosen {
    /// The session, if one alone is named.
    pub(super) fn one(&self) -> Option<SessionId> {
        match self.ids.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// Asks for all of them what `verb` is the path of, such as `cancel`. Unless they are named or it was said to go on, it
    /// is only asked which they are, and that is how it fails.
    pub(super) async fn ask(&self, verb: &str, more: Value, client: &Client) -> Result<Value, Failure> {
        let path = ["v1", "sessions", verb];
        let dry_run = self.ids.is_empty() && !self.yes;
        let answer = client.post(&path, &self.body(more, dry_run)).await?;
        if !dry_run {
            return Ok(answer);
        }
        let mut sessions: Vec<Value> = read(answer.get("sessions").unwrap_or(&Value::Null))?;
        // What another session does already is not among what would be done.
        sessions.retain(|it| it.get("already") != Some(&Value::Bool(true)));
        let id = |it: &Value| it.get("session").unwrap_or(it).to_string();
        let ids: Vec<String> = sessions.iter().take(MOST).map(id).collect();
        let dots = if sessions.len() > MOST { ", …" } else { "" };
        let all = counted(sessions.len() as u64, "session");
        Err(match sessions.len() {
            0 => Failure::NotFound(format!("No session to {verb} is among these.")),
            _ => Failure::BadInput(format!("This would {verb} {all}: {}{dots}. --yes does it.", ids.join(", "))),
        })
    }

    fn body(&self, more: Value, dry_run: bool) -> Value {
        let mut body = json!({ "dry_run": dry_run, "reason": self.reason, "status": self.status });
        let chosen = json!({
            "sessions": (!self.ids.is_empty()).then_some(&self.ids), "group": self.group, "tenant": self.tenant,
            "computer": self.computer, "kind": self.kind, "by": self.by, "origin": self.origin, "since": self.since,
        });
        if let Some(fields) = body.as_object_mut() {
            let more =
                [chosen, more].into_iter().filter_map(|it| if let Value::Object(it) = it { Some(it) } else { None });
            more.for_each(|it: Map<String, Value>| fields.extend(it));
        }
        body
    }
}

/// What was not changed, a line each.
pub(super) fn unchanged(lines: &mut Vec<String>, unchanged: &[Unchanged]) {
    lines.extend(unchanged.iter().take(MOST).map(|it| format!("session {}: {}", it.session, it.why)));
    if unchanged.len() > MOST {
        lines.push(format!("… and {} more were left as they are", unchanged.len() - MOST));
    }
}

/// The first of them, a few words and the rest in a number.
pub(super) fn listed(ids: &[SessionId]) -> String {
    let some: Vec<String> = ids.iter().take(MOST).map(ToString::to_string).collect();
    let dots = if ids.len() > MOST { ", …" } else { "" };
    format!("{}{dots}", some.join(", "))
}
