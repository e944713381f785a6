//! `pitcrew session start`

use clap::Args;
use jiff::Timestamp;

use super::given::{Assignment, assignment, secret, together};
use super::{wait, watch};
use crate::cli::{Client, Failure, Format, Output, output::read};
use crate::domain::Item;
use crate::domain::session::{Kind, Priority, RebootPolicy};
use crate::domain::submission::{Answer, ComputerRef, MadeSession, ReplyV1, SubmissionTarget, SubmissionV1};

/// Sessions that are named one by one at most.
const MOST: usize = 20;

/// What it takes.
#[derive(Debug, Args)]
pub struct Start {
    /// A computer: a name, tenant/name, or an id; may be given several times.
    #[arg(long, required_unless_present = "tenant", conflicts_with = "tenant", value_delimiter = ',')]
    computer: Vec<String>,
    /// All computers of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// What for: full, targeted, onboarding, detection, repair, inventory, resolution or download.
    #[arg(long, default_value = "full")]
    kind: Kind,
    /// A deployment that the session is about, and then about nothing else; may be given several times.
    #[arg(long, value_delimiter = ',')]
    deployment: Vec<String>,
    /// What a repair is of, such as software/7zip or task/time-server.
    #[arg(long)]
    item: Option<Item>,
    /// Give a parameter a value in these sessions, such as task/time-server.server=ntp.example.com; may be given several
    /// times.
    #[arg(long, value_name = "ITEM.PARAMETER=VALUE", value_parser = assignment)]
    set: Vec<Assignment>,
    /// Give a parameter a secret that was stored with pitcrew secret store, by its id; may be given several times.
    #[arg(long, value_name = "ITEM.PARAMETER=ID", value_parser = secret)]
    set_secret: Vec<Assignment>,
    /// Take the inventory too.
    #[arg(long)]
    inventory: bool,
    /// emergency, high, normal or low.
    #[arg(long, default_value = "normal")]
    priority: Priority,
    /// never or if_needed.
    #[arg(long, default_value = "never")]
    reboot: RebootPolicy,
    /// Make sessions also for computers that have such a session already.
    #[arg(long)]
    again: bool,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    reason: String,
    /// Start no earlier than then, such as 2030-01-31T22:00:00Z.
    #[arg(long)]
    not_before: Option<Timestamp>,
    /// Makes the sessions once, however often this is repeated.
    #[arg(long)]
    key: Option<String>,
    /// Wait until they are final.
    #[arg(long)]
    wait: bool,
}

impl Start {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let answer = client.post(&["v1", "sessions"], &self.order()?).await?;
        let reply: ReplyV1 = read(&answer)?;
        let ids = wait::made(&reply);
        if !self.wait || output.format == Format::Table {
            output.show(&answer, told)?;
        }
        if self.wait { watch::follow(&ids, client, output).await } else { Ok(()) }
    }

    fn order(&self) -> Result<SubmissionV1, Failure> {
        let target = match &self.tenant {
            Some(tenant) => SubmissionTarget::Tenant(tenant.clone()),
            None => SubmissionTarget::Computers(self.computer.iter().map(|word| reference(word)).collect()),
        };
        Ok(SubmissionV1 {
            key: self.key.clone(),
            kind: self.kind,
            deployments: self.deployment.clone(),
            item: self.item.clone(),
            parameters: together(self.set.iter().chain(&self.set_secret))?,
            inventory: self.inventory,
            priority: self.priority,
            reboot: self.reboot,
            again: self.again,
            reason: self.reason.clone(),
            not_before: self.not_before,
            ..SubmissionV1::new(target)
        })
    }
}

/// A number is an id.
fn reference(word: &str) -> ComputerRef {
    word.parse().map_or_else(|_| ComputerRef::Name(word.to_owned()), ComputerRef::Id)
}

fn told(reply: &ReplyV1) -> String {
    match &reply.answer {
        Answer::Accepted { sessions, already, group, before, left_out } => {
            let mut lines: Vec<String> =
                sessions.iter().take(MOST).map(|made| format!("session {} for {}", made.id, made.computer)).collect();
            if sessions.len() > MOST {
                lines.push(format!("… and {} more", sessions.len() - MOST));
            }
            if let Some(group) = group {
                lines.push(format!("Together they are group {group}: pitcrew session list --group {group}"));
            }
            let has = |had: &MadeSession| format!("{} has such a session already: {}", had.computer, had.id);
            lines.extend(already.iter().take(MOST).map(has));
            if already.len() > MOST {
                lines.push(format!("… and {} more have", already.len() - MOST));
            }
            if !already.is_empty() {
                lines.push("No second one was made for these; --again makes one.".to_owned());
            }
            if *before {
                lines.push("They were made before, under the same key.".to_owned());
            }
            if !left_out.is_empty() {
                lines.push(match left_out.as_slice() {
                    [one] => format!("{one} is excluded from maintenance and was left out."),
                    more => format!("{} computers are excluded from maintenance and were left out.", more.len()),
                });
            }
            lines.join("\n")
        }
        Answer::Refused { violations } => {
            violations.iter().map(|violation| violation.message.clone()).collect::<Vec<_>>().join("\n")
        }
    }
}
