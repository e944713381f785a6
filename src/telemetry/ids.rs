//! Ids that follow from what they name, so that whoever tells of the same thing, however often, gives it the same id.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::SessionId;

/// The trace of one session of one installation, and the ids of its spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: TraceId,
    /// Its root span.
    pub root: SpanId,
}

/// Something of a session that has a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The session itself.
    Root,
    /// Its acceptance.
    Accepted,
    /// What it waited for in the stretch that ended with the transition of this number.
    Wait(i32),
    /// Its turn, in that stretch.
    Turn(i32),
    /// The queue, in that stretch.
    Queue(i32),
    /// A worker's work for this dispatch, up to its end.
    Stage(i32),
    /// A worker's work up to the transition of this number, which did not end it.
    StageUntil(i32),
    /// The publication of this dispatch's job.
    Publish(i32),
    /// An attempt at an action: the dispatch that planned it, its number in the plan, the attempt.
    Action(i32, i32, i32),
}

impl Trace {
    /// The trace id is the first 16 bytes of SHA-256 over the text `pitcrew session`, the installation's 16 bytes and the
    /// session's id as 8 bytes, most significant first.
    pub fn of(installation: Uuid, session: SessionId) -> Trace {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(b"pitcrew session")
            .chain_update(installation.as_bytes())
            .chain_update(session.0.to_be_bytes())
            .finalize()
            .into();
        let id = TraceId::from_bytes(head(&digest));
        Trace { id, root: span(id, Part::Root) }
    }

    /// The id of a span of this trace.
    pub fn span(&self, part: Part) -> SpanId {
        span(self.id, part)
    }

    /// What a child or a link refers to such a span by.
    pub fn context(&self, part: Part) -> SpanContext {
        SpanContext::new(self.id, self.span(part), TraceFlags::SAMPLED, true, TraceState::NONE)
    }

    /// The same as the W3C header `traceparent`.
    pub fn traceparent(&self, part: Part) -> String {
        traceparent(&self.context(part))
    }
}

/// A span id is the first 8 bytes of SHA-256 over the trace id, the part's word and its numbers as 4 bytes each.
fn span(trace: TraceId, part: Part) -> SpanId {
    let (word, numbers): (&str, [i32; 3]) = match part {
        Part::Root => ("session", [0; 3]),
        Part::Accepted => ("accepted", [0; 3]),
        Part::Wait(seq) => ("wait", [seq, 0, 0]),
        Part::Turn(seq) => ("turn", [seq, 0, 0]),
        Part::Queue(seq) => ("queue", [seq, 0, 0]),
        Part::Stage(dispatch) => ("stage", [dispatch, 0, 0]),
        Part::StageUntil(seq) => ("stage until", [seq, 0, 0]),
        Part::Publish(dispatch) => ("publish", [dispatch, 0, 0]),
        Part::Action(dispatch, seq, attempt) => ("action", [dispatch, seq, attempt]),
    };
    let mut hash = Sha256::new().chain_update(trace.to_bytes()).chain_update(word.as_bytes());
    for number in numbers {
        hash.update(number.to_be_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    SpanId::from_bytes(head(&digest))
}

fn head<const N: usize>(digest: &[u8; 32]) -> [u8; N] {
    std::array::from_fn(|index| digest[index])
}

/// A span's context as the W3C header `traceparent`.
pub fn traceparent(context: &SpanContext) -> String {
    format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8())
}

/// Reads a `traceparent`; none if it is not one.
pub fn read_traceparent(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !hex(version, 2) || version == "ff" || !hex(trace, 32) || !hex(span, 16) || !hex(flags, 2) {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_always_the_same() {
        let trace = Trace::of(Uuid::from_u128(7), SessionId(42));
        // Other installations' dashboards link here: these never change.
        assert_eq!(trace.id.to_string(), "c091d1f71c8090361b4f243d513d65aa");
        assert_eq!(trace.root.to_string(), "7c4bba74f190e5b1");
        assert_ne!(trace.id, Trace::of(Uuid::from_u128(8), SessionId(42)).id);
        assert_ne!(trace.id, Trace::of(Uuid::from_u128(7), SessionId(43)).id);
    }

    #[test]
    fn parts_differ() {
        let trace = Trace::of(Uuid::from_u128(7), SessionId(42));
        let mut parts = vec![Part::Root, Part::Accepted];
        for n in 1..5 {
            parts.extend([Part::Wait(n), Part::Turn(n), Part::Queue(n), Part::Stage(n), Part::StageUntil(n)]);
            parts.extend([
                Part::Publish(n),
                Part::Action(n, 1, 1),
                Part::Action(1, 1 + n, 1),
                Part::Action(1, 1, 1 + n),
            ]);
        }
        let unique: HashSet<_> = parts.iter().collect();
        let ids: HashSet<_> = parts.iter().map(|part| trace.span(*part)).collect();
        assert_eq!(ids.len(), unique.len());
    }

    #[test]
    fn a_traceparent_is_read_as_written_and_nothing_else_is() {
        let trace = Trace::of(Uuid::from_u128(7), SessionId(42));
        let text = trace.traceparent(Part::Publish(3));
        assert_eq!(read_traceparent(&text), Some(trace.context(Part::Publish(3))));
        for wrong in ["", "00", "00-x-y-01", "00-00000000000000000000000000000000-0000000000000001-01", "00-+1-+1-01"] {
            assert_eq!(read_traceparent(wrong), None, "{wrong}");
        }
    }
}
