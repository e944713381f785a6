//! What the broker gave up on: kept in a table for people to act on, and done again when somebody wants it.
//!
//! That the broker gave up on a job decides nothing about its session: rescue is only made to look at it.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::intake::{Intake, Sent};
use super::outage;
use crate::broker::topology::STAGES;
use crate::broker::{Broker, Delivery, settle};
use crate::domain::job::Job;
use crate::domain::report::LetterState;
use crate::domain::submission::Answer;
use crate::store::dead_letters::{NewLetter, WantedLetter};
use crate::store::{Error, Store};

/// Deliveries on the way to this process, of one queue.
const PREFETCH: u16 = 64;
/// How often is looked for what is to be done again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many are done again in one look.
const AT_A_TIME: i64 = 100;

/// Keeps dead letters, and does again what people want done again.
#[derive(Clone)]
pub struct DeadLetters {
    /// The database.
    pub store: Store,
    /// The broker.
    pub broker: Broker,
    /// Submits again.
    pub intake: Intake,
}

impl DeadLetters {
    /// Drains the dead queues until told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        let queues = STAGES.into_iter().chain(["submit"]);
        let draining = queues.map(|source| self.drain(source, &stop));
        tokio::join!(futures_util::future::join_all(draining), self.redrive(&stop));
    }

    async fn drain(&self, source: &str, stop: &CancellationToken) {
        let consumer = self.broker.consume(&self.broker.topology().dead_letters(source), PREFETCH);
        loop {
            let group = tokio::select! {
                () = stop.cancelled() => break,
                group = consumer.next_group(usize::from(PREFETCH)) => group,
            };
            if group.is_empty() {
                break;
            }
            let mut kept = self.keep(source, &group).await;
            while let Err(error) = &kept {
                if !error.is_transient() {
                    break;
                }
                consumer.pause().await;
                if !outage::until_over(&self.store, "The keeper of dead letters", stop).await {
                    consumer.drain().await;
                    return;
                }
                consumer.resume();
                kept = self.keep(source, &group).await;
            }
            match kept {
                Ok(()) => settle::ack_group(group.into_iter().map(|delivery| delivery.receipt)).await,
                Err(error) => {
                    // They go back to their queue, which keeps them; another look may follow an update of the program.
                    error!(error = &error as &dyn std::error::Error, "Dead letters cannot be kept");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
        consumer.drain().await;
    }

    /// Keeps a group of dead letters, and has the sessions of jobs looked at.
    async fn keep(&self, source: &str, group: &[Delivery]) -> Result<(), Error> {
        let jobs: Vec<Option<Job>> = group.iter().map(|delivery| job(source, delivery)).collect();
        let letters: Vec<NewLetter> = group
            .iter()
            .zip(&jobs)
            .map(|(delivery, job)| letter(&self.broker.topology().queue(source), delivery, job.as_ref()))
            .collect();
        self.store.keep_dead_letters(&letters).await?;
        for letter in &letters {
            warn!(message.id = letter.message_id, "A dead letter from {}: {}", letter.queue, letter.reason);
        }
        let mut looked = false;
        for job in jobs.iter().flatten() {
            looked |= self.store.look_at(job).await?;
        }
        if looked {
            self.store.wake_scheduler();
        }
        Ok(())
    }

    async fn redrive(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.round().await {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "Dead letters were not worked on again; it is tried again"
                );
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Submits again what somebody wants submitted again. Returns how many.
    ///
    /// A submission is not published anew: the broker lets nobody publish in the name of its sender. It is taken in
    /// again with the name that the broker had checked.
    pub async fn round(&self) -> Result<usize, Error> {
        let wanted = self.store.wanted_dead_letters(AT_A_TIME).await?;
        for letter in &wanted {
            self.submit_again(letter).await?;
        }
        Ok(wanted.len())
    }

    async fn submit_again(&self, letter: &WantedLetter) -> Result<(), Error> {
        let sent = Sent::kept(&letter.headers, letter.body.clone());
        let reply = self.intake.take(&sent).await?;
        let note = match &reply.answer {
            Answer::Accepted { sessions, already, before: false, .. } => match already.len() {
                0 => format!("It made {} sessions.", sessions.len()),
                had => format!("It made {} sessions; {had} computers had one already.", sessions.len()),
            },
            Answer::Accepted { sessions, before: true, .. } => {
                format!("Its {} sessions had been made before.", sessions.len())
            }
            Answer::Refused { violations } => {
                let why: Vec<&str> = violations.iter().map(|violation| violation.message.as_str()).collect();
                format!("It was refused: {}", why.join(" "))
            }
        };
        info!("Dead letter {} was submitted again: {note}", letter.id);
        self.store.settle_dead_letter(letter.id, LetterState::Redriven, &letter.wanted.by, &note).await?;
        self.intake.send(self.intake.reply(&sent, &reply).into_iter().collect()).await;
        Ok(())
    }
}

/// The job in a dead letter of a stage's queue; none if it cannot be read.
fn job(source: &str, delivery: &Delivery) -> Option<Job> {
    (source != "submit").then(|| serde_json::from_slice(&delivery.body).ok()).flatten()
}

fn letter(queue: &str, delivery: &Delivery, job: Option<&Job>) -> NewLetter {
    let headers = delivery.headers();
    let reason = delivery
        .header("x-first-death-reason")
        .or_else(|| headers["x-death"][0]["reason"].as_str())
        .unwrap_or("unknown")
        .to_owned();
    NewLetter {
        queue: queue.to_owned(),
        reason,
        message_id: delivery.message_id.clone().unwrap_or_default(),
        session: job.map(|job| job.session),
        headers: json!({
            "message_id": delivery.message_id,
            "user_id": delivery.user_id,
            "reply_to": delivery.reply_to,
            "correlation_id": delivery.correlation_id,
            "type": delivery.kind,
            "headers": headers,
        }),
        body: delivery.body.to_vec(),
        redelivered: delivery.redelivered,
    }
}
