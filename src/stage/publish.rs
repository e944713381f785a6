//! Publishes stage jobs, each with its span.

use tracing::warn;

use crate::broker::{Broker, Message, PublishError};
use crate::domain::job::Job;
use crate::telemetry::Sessions;

/// Publishes jobs; cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    broker: Broker,
    sessions: Sessions,
}

impl Jobs {
    /// Publishes on this broker, and tells of it there.
    pub fn new(broker: Broker, sessions: Sessions) -> Jobs {
        Jobs { broker, sessions }
    }

    /// Publishes jobs together and waits for their confirms. What is not confirmed is logged and left to rescue: the
    /// rows are admitted.
    pub async fn publish(&self, jobs: &[Job]) {
        if jobs.is_empty() {
            return;
        }
        let spans: Vec<_> = jobs.iter().map(|job| self.sessions.publish(job)).collect();
        let messages = jobs.iter().zip(&spans).map(|(job, span)| self.message(job, span.traceparent())).collect();
        let results = self.broker.publisher().publish_all(messages).await;
        let mut failures = 0;
        let mut first = None;
        for (span, result) in spans.into_iter().zip(results) {
            span.end(result.as_ref().err().map(kind));
            if let Err(error) = result {
                failures += 1;
                first.get_or_insert(error);
            }
        }
        if let Some(first) = first {
            warn!("{failures} of {} jobs were not confirmed and are left to rescue: {first}", jobs.len());
        }
    }

    fn message(&self, job: &Job, traceparent: Option<String>) -> Message {
        // A job is made of numbers and words; it always serialises.
        let body = serde_json::to_vec(job).unwrap_or_default();
        let mut message = Message::new(self.broker.topology().jobs(), job.stage.as_str(), job.message_id(), body);
        message.correlation_id = Some(job.session.to_string());
        message.kind = Some("pitcrew.job.v1".to_owned());
        message.headers.extend(traceparent.map(|traceparent| ("traceparent".to_owned(), traceparent)));
        message
    }
}

/// A failure's kind, of a few.
fn kind(error: &PublishError) -> &'static str {
    if error.certainly_not_stored() { "not_stored" } else { "unconfirmed" }
}
