//! The table of every span, metric and attribute that the program sends, with its type and meaning. What is sent and is
//! not listed here is an error, which the tests look for. Dashboards and alerts are checked against it.
//!
//! Names that are not `pitcrew.*` follow OpenTelemetry's conventions for messaging, HTTP and errors.

/// What kind of name an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A span, made from rows or told live; `{…}` stands for what varies.
    Span,
    /// A metric that counts.
    Counter,
    /// A metric of a distribution, in seconds.
    Histogram,
    /// An attribute whose value is a text.
    Text,
    /// An attribute whose value is a whole number.
    Int,
}

/// One name.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The name as it is sent.
    pub name: &'static str,
    /// What kind of name it is.
    pub sort: Sort,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! table {
    ($($sort:ident $constant:ident = $name:literal, $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $constant: &str = $name;)*

        /// All names.
        pub const TABLE: &[Entry] = &[$(Entry { name: $name, sort: Sort::$sort, meaning: $meaning }),*];
    };
}

table! {
    Span SESSION = "session {kind}", "SERVER. A session from submission to its final status: the root. Sent when final.";
    Span ACCEPTED = "session.accepted", "INTERNAL, without length. The session was submitted; makes its trace visible.";
    Span WAIT = "wait.{reason}", "INTERNAL. A session waited: turn, window, schedule, approval, connectivity, postponed, reboot, retry, computer, lock, paused, queue.";
    Span PROCESS = "process {destination}", "CONSUMER, linked to the publish. A worker had a session for a stage.";
    Span PUBLISH = "publish {destination}", "PRODUCER. A stage's job was sent and the broker has confirmed it, or not.";
    Span ACTION = "action {type}", "INTERNAL, child of a process span. One attempt at one maintenance item.";
    Span HTTP_REQUEST = "{method} {route}", "SERVER, a trace of its own or the caller's. A request to the API.";

    Int SESSION_ID = "pitcrew.session.id", "The session.";
    Text SESSION_KIND = "pitcrew.session.kind", "What it is for: full, targeted, onboarding, detection.";
    Text SESSION_STATUS = "pitcrew.session.status", "Its final status.";
    Text SESSION_PRIORITY = "pitcrew.session.priority", "How urgent it is.";
    Int TENANT_ID = "pitcrew.tenant.id", "The tenant. On spans only.";
    Int COMPUTER_ID = "pitcrew.computer.id", "The computer. On spans only.";
    Text STAGE = "pitcrew.stage", "The stage: detection, planning, execution.";
    Int DISPATCH = "pitcrew.dispatch", "Which sending of the stage's job.";
    Int SEQ = "pitcrew.seq", "The number of the timeline's row that ended it.";
    Text OUTCOME = "pitcrew.outcome", "What ended it: the transition's word, as in advanced, retried, lost, finished.";
    Text BY = "pitcrew.by", "Who ended it: a worker, a person, the scheduler. On spans only.";
    Text NOTE = "pitcrew.note", "The reason or the failure, in a sentence. On spans only.";
    Text WAIT_REASON = "pitcrew.wait.reason", "What was waited for.";
    Text ACTION_ITEM = "pitcrew.action.item", "The maintenance item. On spans only.";
    Text ACTION_TYPE = "pitcrew.action.type", "What was done to it: install, update, uninstall, run …";
    Text ACTION_RESULT = "pitcrew.action.result", "success, failed, skipped, cancelled, indeterminate.";
    Int ACTION_SEQ = "pitcrew.action.seq", "Its number in the plan. On spans only.";
    Int ACTION_ATTEMPT = "pitcrew.action.attempt", "Which attempt, from 1. On spans only.";
    Text LIMIT = "pitcrew.limit", "The rate that was waited for: tenant, source.";
    Text ERROR_TYPE = "error.type", "The kind of failure, of a few; absent if there was none.";
    Text MESSAGING_SYSTEM = "messaging.system", "rabbitmq.";
    Text MESSAGING_OPERATION_NAME = "messaging.operation.name", "publish or process.";
    Text MESSAGING_OPERATION_TYPE = "messaging.operation.type", "send or process.";
    Text MESSAGING_DESTINATION = "messaging.destination.name", "exchange:routing key when sent, exchange:routing key:queue when processed.";
    Text MESSAGING_ROUTING_KEY = "messaging.rabbitmq.destination.routing_key", "The routing key.";
    Text MESSAGING_MESSAGE_ID = "messaging.message.id", "session/stage/dispatch.";
    Text MESSAGING_CONVERSATION = "messaging.message.conversation_id", "The session.";
    Text HTTP_METHOD = "http.request.method", "The request's method.";
    Text HTTP_ROUTE = "http.route", "The route's pattern, never the path itself.";
    Int HTTP_STATUS = "http.response.status_code", "The answer's status.";

    Histogram PROCESS_DURATION = "messaging.process.duration", "How long workers had sessions, by stage and outcome: rate, errors and duration of each stage.";
    Histogram PUBLISH_DURATION = "messaging.client.operation.duration", "How long jobs took to be sent and confirmed, by stage and error.";
    Histogram QUEUE_WAIT = "pitcrew.queue.wait", "How long jobs lay in the broker's queue before a worker took them, by stage.";
    Histogram ADMISSION_LAG = "pitcrew.admission.lag", "How long sessions that were due waited for their turn, by stage.";
    Histogram WAIT_DURATION = "pitcrew.wait", "How long sessions waited for anything else, by reason.";
    Histogram SESSION_DURATION = "pitcrew.session.duration", "Sessions from submission to final, by kind and status; its count is the sessions that ended.";
    Histogram ACTION_DURATION = "pitcrew.action.duration", "Actions, by type and result; its count is the actions.";
    Histogram LIMITER_WAIT = "pitcrew.limiter.wait", "How long work waited for a rate limit, by limit.";
    Counter RETRIES = "pitcrew.retries", "Transient failures of stages that will be tried again, by stage.";
    Counter LOSSES = "pitcrew.losses", "Stages whose worker or job was lost, by stage.";
    Counter SPANS_LOST = "pitcrew.telemetry.spans_lost", "Spans that nobody will see: queue_full or not_delivered, by error.";
    Counter DEAD_LETTERS = "pitcrew.dead_letters", "Messages that the broker put aside, by stage or `submit`.";
}

/// The entry of an attribute or a metric.
pub fn entry(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.sort != Sort::Span && entry.name == name)
}

/// The entry of a span, given its name as sent.
pub fn span_entry(name: &str) -> Option<&'static Entry> {
    TABLE.iter().filter(|entry| entry.sort == Sort::Span).find(|entry| match entry.name.split_once('{') {
        Some(("", _)) => name.split_once(' ').is_some_and(|(method, _)| method.bytes().all(|b| b.is_ascii_uppercase())),
        Some((fixed, _)) => name.len() > fixed.len() && name.starts_with(fixed),
        None => name == entry.name,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_there_once_and_every_span_is_found_by_its_name() {
        let names: HashSet<_> = TABLE.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for (sent, constant) in [
            ("session full", SESSION),
            ("session.accepted", ACCEPTED),
            ("wait.turn", WAIT),
            ("process pitcrew.jobs:detection:pitcrew.v1.detection", PROCESS),
            ("publish pitcrew.jobs:detection", PUBLISH),
            ("action install", ACTION),
            ("GET /v1/sessions/{id}", HTTP_REQUEST),
        ] {
            assert_eq!(span_entry(sent).map(|entry| entry.name), Some(constant));
        }
        assert!(span_entry("anything else").is_none());
    }
}
