//! What a session ends as: a truth table over what came of its items.

use super::outcome::ActionResult;
use super::session::Status;

/// How many items ended how.
///
/// | failed or indeterminate | succeeded, or in order before | status |
/// | --- | --- | --- |
/// | none | any, also none | completed |
/// | some | some | partially completed |
/// | some | none | failed |
///
/// Skipped and cancelled actions count for nothing: what they were skipped for counts, and who called them off says
/// what the session ends as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Items that were as they should be without anything being done.
    pub compliant: usize,
    /// Actions that succeeded.
    pub succeeded: usize,
    /// Actions that failed, or of which it is not known.
    pub failed: usize,
    /// Actions that were not tried.
    pub skipped: usize,
}

impl Tally {
    /// Counts results, beside so many items that were in order before.
    pub fn of(compliant: usize, results: impl IntoIterator<Item = ActionResult>) -> Tally {
        let mut tally = Tally { compliant, ..Tally::default() };
        for result in results {
            match result {
                ActionResult::Success => tally.succeeded += 1,
                ActionResult::Failed | ActionResult::Indeterminate => tally.failed += 1,
                ActionResult::Skipped => tally.skipped += 1,
                ActionResult::Cancelled => {}
            }
        }
        tally
    }

    /// The status by the table.
    pub fn status(self) -> Status {
        match (self.failed, self.succeeded + self.compliant) {
            (0, _) => Status::Completed,
            (_, 0) => Status::Failed,
            (_, _) => Status::PartiallyCompleted,
        }
    }

    /// The counts in a sentence.
    pub fn sentence(self) -> String {
        let Tally { compliant, succeeded, failed, skipped } = self;
        format!("{succeeded} succeeded, {failed} failed, {skipped} skipped, {compliant} were as they should be.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ActionResult::{Cancelled, Failed, Indeterminate, Skipped, Success};
    use Status::{Completed, Failed as AllFailed, PartiallyCompleted};

    #[test]
    fn the_status_follows_the_table() {
        let table: &[(usize, &[ActionResult], Status)] = &[
            // Nothing to do is success, and so is nothing but what needs no doing.
            (0, &[], Completed),
            (3, &[], Completed),
            (0, &[Success], Completed),
            (0, &[Success, Success], Completed),
            (0, &[Skipped], Completed),
            (0, &[Success, Skipped], Completed),
            (0, &[Cancelled], Completed),
            (0, &[Failed], AllFailed),
            (0, &[Indeterminate], AllFailed),
            (0, &[Failed, Skipped], AllFailed),
            (0, &[Failed, Cancelled], AllFailed),
            (0, &[Failed, Indeterminate], AllFailed),
            (1, &[Failed], PartiallyCompleted),
            (1, &[Indeterminate, Skipped], PartiallyCompleted),
            (0, &[Success, Failed], PartiallyCompleted),
            (0, &[Success, Indeterminate], PartiallyCompleted),
            (2, &[Success, Failed, Skipped], PartiallyCompleted),
        ];
        for (compliant, results, expected) in table {
            let tally = Tally::of(*compliant, results.iter().copied());
            assert_eq!(tally.status(), *expected, "{compliant} in order, {results:?}");
        }
    }
}
