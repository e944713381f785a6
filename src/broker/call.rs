//! Every question to the broker has an end: the client library waits for ever on a broker that is stopped, blocked or
//! unreachable, so nothing is awaited here without a limit.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Waker},
    time::Duration,
};

use futures_util::future::{MaybeDone, maybe_done};
use lapin::types::ShortString;

use super::Error;

/// How long the broker may take for one answer: long enough for a quorum queue's election, short enough for a person.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// Waits for one answer, named for the error as in "the broker did not *declare queue x*".
pub(super) async fn ask<T>(
    doing: impl Into<String>,
    call: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(ANSWER, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(source)) => Err(Error::Failed { doing: doing.into(), source }),
        Err(_) => Err(Error::Timeout { doing: doing.into(), within: ANSWER }),
    }
}

/// A name as AMQP carries it. The library's own conversion panics on a long one.
pub(super) fn short(what: &'static str, value: &str) -> Result<ShortString, Error> {
    ShortString::try_new(value).map_err(|_| Error::TooLong { what, bytes: value.len() })
}

/// Calls whose frames are written in the order given, now; their answers are awaited later.
///
/// The library writes a call's frame into the connection's buffer when the call is first polled, so polling each once
/// fixes the order on the wire. From then on the calls happen even if nobody waits for them.
pub(super) struct Started<F: Future>(Vec<Pin<Box<MaybeDone<F>>>>);

impl<F: Future> Started<F> {
    pub(super) fn in_order(calls: impl IntoIterator<Item = F>) -> Self {
        let mut nobody_yet = Context::from_waker(Waker::noop());
        let mut started: Vec<_> = calls.into_iter().map(|call| Box::pin(maybe_done(call))).collect();
        for call in &mut started {
            let _ = call.as_mut().poll(&mut nobody_yet);
        }
        Started(started)
    }

    /// Waits for all answers, in the order of the calls.
    pub(super) async fn finish(mut self) -> Vec<F::Output> {
        for call in &mut self.0 {
            call.as_mut().await;
        }
        self.0.into_iter().filter_map(|mut call| call.as_mut().take_output()).collect()
    }
}
