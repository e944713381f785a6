//! The trace context in a message's headers: W3C `traceparent` and `tracestate`, as texts.
//!
//! Headers come from outside too, so nothing long is read, and what is not valid is as if it were not there.

use std::collections::{BTreeMap, HashMap};

use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The header with trace, span and flags.
pub const TRACEPARENT: &str = "traceparent";
/// The header with vendors' additions.
pub const TRACESTATE: &str = "tracestate";
/// Bytes of a header beyond which it is not looked at.
const LONGEST: usize = 512;

/// Writes the context of the span that publishes. An invalid one writes nothing.
pub fn inject(span: &SpanContext, headers: &mut BTreeMap<String, String>) {
    let mut carrier = HashMap::new();
    let context = Context::new().with_remote_span_context(span.clone());
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    headers.extend(carrier.into_iter().filter(|(_, value)| !value.is_empty() && value.len() <= LONGEST));
}

/// Reads a context, given the headers by name.
pub fn extract<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<SpanContext> {
    let carrier: HashMap<String, String> = [TRACEPARENT, TRACESTATE]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), header(name).filter(|value| value.len() <= LONGEST)?.to_owned())))
        .collect();
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    let span = context.span().span_context().clone();
    span.is_valid().then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(parent: &str, state: &str) -> Option<SpanContext> {
        extract(|name| match name {
            TRACEPARENT => Some(parent),
            TRACESTATE => Some(state),
            _ => None,
        })
    }

    #[test]
    fn a_context_survives_the_way() {
        let span = read(PARENT, "crew=7").unwrap();
        let mut headers = BTreeMap::new();
        inject(&span, &mut headers);
        assert_eq!(headers.get(TRACEPARENT).map(String::as_str), Some(PARENT));
        assert_eq!(headers.get(TRACESTATE).map(String::as_str), Some("crew=7"));
    }

    #[test]
    fn what_is_long_or_wrong_is_as_if_absent() {
        assert_eq!(read("", ""), None);
        assert_eq!(read("00-00000000000000000000000000000000-b7ad6b7169203331-01", ""), None);
        assert_eq!(read(&format!("{PARENT}{}", "-x".repeat(300)), ""), None);
        assert_eq!(read(PARENT, &"a=b,".repeat(200)).unwrap().trace_state().header(), "");
    }
}
